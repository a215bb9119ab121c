/* heap.h - what the interceptors tell heap.c. heap_find, which reports ask, is in det.h. */
#ifndef HEAP_H
#define HEAP_H

#include "det.h"

void heap_init(void);
/* The program was given [p, p+n), of which the allocator lets it use `usable` bytes. */
void heap_alloc(void *p, size_t n, size_t usable, uintptr_t pc);
/* It is about to give p back. seen: the caller's accesses are looked at. */
void heap_free(void *p, size_t usable, uintptr_t pc, bool seen);
/* It was not given back after all (realloc failed). */
void heap_unfree(void *p);
/* [lo, lo+n) is other memory from now on: nothing freed there is remembered. */
void heap_drop(uintptr_t lo, size_t n);

/* The live block that holds a. Takes no lock: for the search in a copy of the process (leak.c). */
bool heap_block_at(uintptr_t a, uintptr_t *base, size_t *size);
/* Whether it is worth asking that. */
extern uintptr_t heap_not_lo, heap_not_hi;
static inline bool heap_may_hold(uintptr_t a)
{
    return a >= ~heap_not_lo && a < ~heap_not_hi && det_app(a);
}
/* Blocks of so many bytes or more are in a list; this asks that alone. */
#define HEAP_BIG (256u << 10)
bool heap_big_at(uintptr_t a, uintptr_t *base, size_t *size);
/* Fetches what heap_block_at will read of the block at base, in two steps. */
static inline void heap_prefetch(uintptr_t base)
{
    __builtin_prefetch(heap_meta_of(base));
}
void heap_prefetch_record(uintptr_t base);
void heap_each_live(void (*fn)(uintptr_t base, size_t size)); /* the same */
/* The live block after number *at (0: the first). For who reads a running program's memory: it may be
   gone by then. */
bool heap_next_live(u32 *at, struct heap_block *out);

#endif
