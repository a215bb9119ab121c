/* roots.h - memory that is nobody's block and nobody's stack. roots.c has the essay. */
#ifndef ROOTS_H
#define ROOTS_H

#include "det.h"

/* [p, p+n) was mapped by this library for itself, and: it is about to be unmapped. Take no lock. */
void roots_own(const void *p, size_t n);
void roots_disown(const void *p);
/* The program moves the end of the data segment itself. */
void roots_break_moved(void);

/* For the search in a copy of the process. First, what is looked at by other rules: */
void roots_begin(void);
void roots_except(uintptr_t lo, uintptr_t hi);
/* What a live heap block of the program's says of the allocator's regions: to be told of all of them. */
void roots_except_block(uintptr_t base, size_t size);
/* ... from the beginning of the mapping that sp is in. */
void roots_except_below(uintptr_t sp, size_t at_most);
/* Then fn is called with all other memory of the program's: once without a copy for [lo, hi), then
   with copies of those parts of it that have ever been written. False: not all could be looked at.
 */
bool roots_each(void (*fn)(uintptr_t lo, uintptr_t hi, const uintptr_t *copy));

#endif
