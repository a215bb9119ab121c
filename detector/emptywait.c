/*
 * emptywait.c - the Wait that did not wait.
 *
 * Add inside the goroutine is a race on the WaitGroup, and is told as one when Add comes first.
 * When Wait comes first it finds zero and goes on, as it must, and the group has no part in what is
 * reported: a race between the goroutine's work and the use of its result, in which the missing
 * edge is a call that is there, in the source, for all to see. So a Wait that found zero is noted;
 * then a goroutine that had been started by then, and takes the group from zero, was meant to be
 * waited for.
 *
 * Not meant, and not noted: one that is started later (the next round), the waiter itself, a second
 * Add of a round (a goroutine that adds for a child of its own).
 *
 * What was done before such a Wait and what after it is told by the epoch, which it begins anew.
 * The notes are a few, and overwritten in turn: a hint that is lost is no loss.
 */
#include "emptywait.h"
#include "record.h"

#define WAITS 16 /* a power of two */
#define ADDERS 8

static struct empty_wait {
    u32 lock;
    u32 id, epoch; /* of the waiter, from the Wait on */
    uintptr_t wg, pc;
    u64 goid, newest[2]; /* the waiter; numbers given out by then */
    bool thread;
    u32 n; /* adders told; the next overwrites the oldest */
    struct {
        u64 goid;
        bool thread;
    } adder[ADDERS];
} waits[WAITS];
static u32 next;

static bool is_thread(const struct life *l)
{
    return l->flags & PART_THREAD;
}

void emptywait_note(struct race_g *g, uintptr_t wg, uintptr_t pc)
{
    g_advance(g);
    struct empty_wait *w = &waits[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % WAITS];
    det_lock(&w->lock);
    __atomic_store_n(&w->wg, wg, __ATOMIC_RELAXED);
    w->id = g->id;
    w->epoch = g->epoch;
    w->pc = pc;
    w->goid = g->goid;
    w->thread = g->thread;
    w->newest[0] = history_newest(false);
    w->newest[1] = history_newest(true);
    w->n = 0;
    det_unlock(&w->lock);
}

void emptywait_added(const struct race_g *g, uintptr_t wg)
{
    u32 n = __atomic_load_n(&next, __ATOMIC_RELAXED);
    for (u32 i = 0; i < WAITS && i < n; i++) {
        struct empty_wait *w = &waits[i];
        if (__atomic_load_n(&w->wg, __ATOMIC_RELAXED) != wg)
            continue;
        det_lock(&w->lock);
        bool waiter = w->goid == g->goid && w->thread == g->thread;
        if (w->wg == wg && !waiter && g->goid <= w->newest[g->thread]) {
            w->adder[w->n % ADDERS].goid = g->goid;
            w->adder[w->n++ % ADDERS].thread = g->thread;
        }
        det_unlock(&w->lock);
    }
}

bool emptywait_find(const struct life *waiter, u32 id, u32 epoch, const struct life *adder,
                    uintptr_t *wg, uintptr_t *pc)
{
    bool found = false;
    for (u32 i = 0; i < WAITS && !found; i++) {
        struct empty_wait *w = &waits[i];
        if (!w->wg || w->goid != waiter->goid || w->thread != is_thread(waiter))
            continue;
        det_lock(&w->lock);
        bool after = w->goid == waiter->goid && w->id == id && epoch >= w->epoch;
        for (u32 k = 0; after && k < w->n && k < ADDERS; k++)
            found |= w->adder[k].goid == adder->goid && w->adder[k].thread == is_thread(adder);
        *wg = w->wg;
        *pc = w->pc;
        det_unlock(&w->lock);
    }
    return found;
}
