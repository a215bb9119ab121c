/*
 * cycles.c - which of the stuck wait for one another.
 *
 * Whoever is stuck could wake others if he went on: those who wait for a lock he holds, and those who wait
 * on an object that only he still has, on his stack or in the blocks that hang on it. That is an edge from
 * the one who waits to him. A cycle of edges is a deadlock, and so is what leads into one; the rest are
 * leaks. Above CLASSIFY_MAX of them nobody reads on, and all are called leaks.
 */
#include "heap.h"
#include "reach_impl.h"
#include "sys.h"

#define CLASSIFY_MAX 512
#define BLOCKS_MAX 100000

/* Who of the stuck could, if he went on, wake somebody who waits elsewhere? An edge from the waiter to him. */
static uint8_t edge_of[CLASSIFY_MAX][CLASSIFY_MAX / 8];
static u32 stuck_of[CLASSIFY_MAX], stuck_n;

static bool same_object(const struct person *a, const struct person *b)
{
    if (a->w->lock || b->w->lock)
        return a->w->lock == b->w->lock;
    return a->w->first == b->w->first && a->w->n == 1 && b->w->n == 1;
}

static void edge_add(u32 from_, u32 to)
{
    edge_of[from_][to / 8] |= (uint8_t)(1u << to % 8);
}
static bool edge_has(u32 from_, u32 to)
{
    return edge_of[from_][to / 8] >> to % 8 & 1;
}

/* Everything that stuck person y has in hand: its stack and what hangs on it, as far as nobody alive
   has it too. */
static void edges_to(u32 y)
{
    static struct table seen;
    struct person *p = &reach.people[stuck_of[y]];
    u32 blocks = 0;
    seen.n = 0;
    reach.work.n = 0;
    reach_push(p->sp, p->hi);
    while (reach.work.n) {
        uintptr_t lo = reach.work.v[reach.work.n - 1].key, hi = reach.ends[reach.work.n - 1];
        reach.work.n--;
        for (size_t k = table_find(&reach.objects, lo); k < reach.objects.n && reach.objects.v[k].key < hi; k++)
            reach.people[reach.objects.v[k].value].mark = y + 1;
        for (; lo + 8 <= hi; lo += 8) {
            uintptr_t w = *(const uintptr_t *)lo, base;
            size_t size;
            if (heap_block_at(w, &base, &size) && reach_mark(base) && blocks++ < BLOCKS_MAX) {
                table_add(&seen, base, 0);
                reach_push(base, base + size);
                continue;
            }
            /* An object on somebody's stack. */
            for (size_t k = table_find(&reach.objects, w); k < reach.objects.n && reach.objects.v[k].key == w; k++)
                reach.people[reach.objects.v[k].value].mark = y + 1;
        }
    }
    for (size_t k = 0; k < seen.n; k++)
        reach_unmark(seen.v[k].key);
    for (u32 x = 0; x < stuck_n; x++) {
        struct person *q = &reach.people[stuck_of[x]];
        if (x != y && q->mark == y + 1 && !same_object(p, q) && !reach_lock_awaited(q))
            edge_add(x, y);
    }
}

void cycles_find(struct leak_answer *a)
{
    stuck_n = a->n < CLASSIFY_MAX ? a->n : 0;
    det_zero(edge_of, sizeof edge_of);
    if (stuck_n == 0)
        return;
    for (u32 k = 0; k < stuck_n; k++)
        stuck_of[k] = (u32)(reach_person(a->stuck[k].g) - reach.people);
    for (u32 y = 0; y < stuck_n; y++)
        edges_to(y);
    for (u32 x = 0; x < stuck_n; x++) {
        u32 lock = reach_lock_awaited(&reach.people[stuck_of[x]]);
        for (struct held_lock *e = lock ? lock_at(lock)->holders : NULL; e; e = e->next)
            for (u32 y = 0; y < stuck_n; y++)
                if (a->stuck[y].g == e->g)
                    edge_add(x, y);
    }
    /* Reachability among them (Warshall): a cycle, and whoever leads to one. */
    for (u32 k = 0; k < stuck_n; k++)
        for (u32 x = 0; x < stuck_n; x++)
            if (edge_has(x, k))
                for (u32 b = 0; b < (stuck_n + 7) / 8; b++)
                    edge_of[x][b] |= edge_of[k][b];
    for (u32 k = 0; k < stuck_n; k++) {
        if (!edge_has(k, k) || a->stuck[k].group)
            continue;
        u32 group = ++a->groups;
        for (u32 x = 0; x < stuck_n; x++)
            if (a->stuck[x].group == 0 && edge_has(x, k))
                a->stuck[x].group = group;
    }
}
