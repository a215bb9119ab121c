/* slept.h - who has slept, and what had happened by then. slept.c has the essay. */
#ifndef DET_SLEPT_H
#define DET_SLEPT_H

#include "det.h"

/* g has slept, in a call that returns to pc. */
void slept_note(const struct race_g *g, uintptr_t pc);
/* Was what goroutine (goid, thread) did as its clock id stood at `epoch` before the end of g's latest
   sleep? Then *pc is where that was. False also if it cannot be told. */
bool slept_since(const struct race_g *g, u32 id, u32 epoch, u64 goid, bool thread, uintptr_t *pc);

#endif
