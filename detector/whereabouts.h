/* whereabouts.h - where the objects of a finding are kept. whereabouts.c has the essay. */
#ifndef DET_WHEREABOUTS_H
#define DET_WHEREABOUTS_H

#include "det.h"

/* All three under the output lock: a finding begins, it names an object, it is complete and its places
   are added to it. */
void where_begin(void);
void where_note(uintptr_t object);
void where_tell(void);

#endif
