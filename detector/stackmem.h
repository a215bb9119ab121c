/* stackmem.h - what has been touched of goroutine stacks, by anyone. stackmem.c has the essay. */
#ifndef DET_STACKMEM_H
#define DET_STACKMEM_H

#include "det.h"

#define STACKMEM_BASE 0x3c0000000000ull /* a byte for each 4 KiB, a bit of it for each 512 bytes \
                                         */
#define STACKMEM_SHIFT 9

extern uintptr_t stackmem_lo, stackmem_size; /* all stacks lie in here */

static inline uint8_t *stackmem_of(uintptr_t a)
{
    return (uint8_t *)(STACKMEM_BASE + ((a & DET_ADDR_MASK) >> 12));
}

void stackmem_mark(uintptr_t a, size_t n);

/* The shadow, or the synchronisation, of these bytes is about to say something. */
static inline void stackmem_touch(uintptr_t a, size_t n)
{
    if (a - stackmem_lo < stackmem_size)
        stackmem_mark(a, n);
}

/* Is there nothing to be marked for these few bytes? */
static inline bool stackmem_marked(uintptr_t a, size_t n)
{
    if (a - stackmem_lo >= stackmem_size)
        return true;
    return ((a ^ (a + n - 1)) >> STACKMEM_SHIFT) == 0 &&
           (__atomic_load_n(stackmem_of(a), __ATOMIC_RELAXED) >> (a >> STACKMEM_SHIFT & 7) & 1);
}

void stackmem_arena(uintptr_t lo, uintptr_t hi);
/* The stack [lo, hi) begins a new life. */
void stackmem_fresh(uintptr_t lo, uintptr_t hi);

#endif
