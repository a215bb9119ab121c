/* held.h - the map from addresses to locks, shared by held.c and order.c. held.c has the essay. */
#ifndef HELD_H
#define HELD_H

#include "facts.h"

#define FACT_META_BASE 0x400000000000ull  /* u32 for each 8 bytes: 8 TiB */
#define FACT_PAGES_BASE 0x480000000000ull /* u16 for each 4 KiB: how many of its words are in use */

/* A word of the map: a lock's index, or with this bit an object of order.c's. */
#define FACT_ORDER 0x80000000u

static inline u32 *fact_meta(uintptr_t a)
{
    return (u32 *)(FACT_META_BASE + (((a & DET_ADDR_MASK) >> 3) << 2));
}
static inline uint16_t *fact_page(uintptr_t a)
{
    return (uint16_t *)(FACT_PAGES_BASE + (((a & DET_ADDR_MASK) >> 12) << 1));
}

/* Reserves the map at first use. */
void facts_init_slow(void);
extern bool facts_ready;
static inline void facts_init(void)
{
    if (unlikely(!__atomic_load_n(&facts_ready, __ATOMIC_ACQUIRE)))
        facts_init_slow();
}

/* order.c: gives back the object i. */
void order_obj_drop(u32 i);

#endif
