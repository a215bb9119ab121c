/*
 * shadow.h - the words of the shadow.
 *
 *   63      40 39          10   9       8      7   0
 *   [  id 24  ][  epoch 30  ][atomic][spec][ bytes ]
 *
 * word[0] of a granule is its last write, word[1] its last read; `bytes` says which of the eight. Zero
 * is nothing. With `spec` set the upper 54 bits are something else: in word[0] the granule is split
 * (its bytes have different histories) and they name the side record; in word[1] they name a read set.
 */
#ifndef DET_SHADOW_H
#define DET_SHADOW_H

#include "det.h"

#define WORD_BYTES 0xffull
/* The ninth bit is `spec`: the mask of an access that goes beyond its granule has it set, and then no
   plain word is taken for a record of that access (tsan_abi.c). */
#define WORD_SPECIAL (1ull << 8)
#define WORD_ATOMIC (1ull << 9)
#define EPOCH_SHIFT 10
#define EPOCH_BITS 30
#define EPOCH_MASK ((1u << EPOCH_BITS) - 1)
#define EPOCH_MAX ((1u << EPOCH_BITS) - 2)
#define ID_SHIFT 40
#define ID_MAX ((1u << 24) - 1)
_Static_assert(EPOCH_SHIFT + EPOCH_BITS == ID_SHIFT && ID_SHIFT + 24 == 64, "shadow word");
_Static_assert(SHADOW_BASE == INLINE_SHADOW && INLINE_GRANULE == (DET_ADDR_MASK & ~7ull) &&
                   DET_ADDR_BITS == 44,
               "compiled programs know the map");

static inline u64 word_of(u32 id, u32 epoch)
{
    return (u64)id << ID_SHIFT | (u64)epoch << EPOCH_SHIFT;
}
static inline u32 word_id(u64 w)
{
    return (u32)(w >> ID_SHIFT);
}
static inline u32 word_epoch(u64 w)
{
    return (u32)(w >> EPOCH_SHIFT) & EPOCH_MASK;
}
/* Same goroutine, same epoch, and alike in being atomic: may be one word with both masks. */
static inline bool word_same(u64 a, u64 b)
{
    return ((a ^ b) & ~WORD_BYTES) == 0;
}

/* The address whose granule s is (s: its word[0]), in the low 44 bits' canonical place. */
static inline uintptr_t granule_addr(const u64 *s)
{
    uintptr_t a = ((uintptr_t)s - SHADOW_BASE) >> 1;
    if (a >= 0x0e0000000000ull)
        return a | 0x700000000000ull;
    return a >= 0x050000000000ull ? a | 0x500000000000ull : a;
}

static inline u64 shadow_load(const u64 *p)
{
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}
static inline void shadow_store(u64 *p, u64 w)
{
    __atomic_store_n(p, w, __ATOMIC_RELAXED);
}

#endif
