/* reach_impl.h - what the search of reach.c and the naming of what it found (cycles.c) share. */
#ifndef REACH_IMPL_H
#define REACH_IMPL_H

#include "det.h"
#include "leak.h"

/* A key and what it leads to, in tables sorted by key. */
struct pair {
    uintptr_t key;
    u32 value;
};
struct table {
    struct pair *v;
    size_t n, cap;
};
void table_add(struct table *t, uintptr_t key, u32 value);
void table_sort(struct table *t);

/* The first entry whose key is not below. */
static inline size_t table_find(const struct table *t, uintptr_t key)
{
    size_t lo = 0, hi = t->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->v[mid].key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

struct person {
    struct race_g *g;
    struct waiting *w;
    uintptr_t sp, hi; /* of the stack that counts */
    uint8_t state;
    bool blocked; /* not alive from the start */
    bool alive;
    bool stack_done; /* its stack is reached */
    bool exact;      /* sp is where the stack ends now */
    u32 mark;        /* of the walk of cycles.c */
    int tid;
};

/* In the copy of the process, where there is one thread. */
extern struct reach {
    struct person *people;
    u32 people_n, people_cap;
    struct table objects; /* by address: who waits on it */
    struct table work;    /* memory still to be looked at: its lowest address */
    uintptr_t *ends;      /* and its end */
    size_t ends_cap;
    uint8_t *marks; /* on granules where a reached heap block begins */
} reach;

void reach_push(uintptr_t lo, uintptr_t hi);
struct person *reach_person(struct race_g *g);
/* The lock that p waits for, if it has an owner; 0. */
u32 reach_lock_awaited(const struct person *p);

/* The block that begins at base counts as reached from now on; false: it did before. */
static inline bool reach_mark(uintptr_t base)
{
    uint8_t *m = &reach.marks[(base & DET_ADDR_MASK) >> 7], bit = (uint8_t)(1u << (base >> 4 & 7));
    if (*m & bit)
        return false;
    *m |= bit;
    return true;
}
static inline void reach_unmark(uintptr_t base)
{
    reach.marks[(base & DET_ADDR_MASK) >> 7] &= (uint8_t)~(1u << (base >> 4 & 7));
}

/* Sorts the stuck into those who wait for one another and the rest. */
void cycles_find(struct leak_answer *a);

#endif
