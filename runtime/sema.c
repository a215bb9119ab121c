/*
 * sema.c - the counting semaphore beneath rwmutex and waitgroup.
 *
 * Go keeps the waiters of all semaphores in one address-keyed table, so that a semaphore is a bare
 * word. Here the queue is in the object: 16 bytes instead of 4, but no table to contend for, no
 * hash to collide, and a dump or the detector can see who waits on what. First come, first served;
 * a unit given while somebody waits is handed over and never up for grabs.
 *
 * Invariant, whenever the lock is free: count > 0 only if nobody waits.
 *
 * The object may be freed by a goroutine woken here, as soon as the last waiter has been: hence all
 * waiters of one release are taken out first, then the lock is given back, then they are readied.
 */
#include "waiter.h"

static bool commit_unlock(struct g *g, void *arg)
{
    lock_release(arg);
    return true;
}

static struct lock *sema_lock(struct goc_sema *s)
{
    return (struct lock *)&s->goc_lock;
}
_Static_assert(sizeof(struct lock) == sizeof(uint32_t), "a lock fits the public structs' words");
_Static_assert(sizeof(struct goc_sema) == 16, "small, and two words of 8");

void sema_acquire(struct goc_sema *s, enum hook_wait why, const void *obj, uintptr_t pc)
{
    lock_acquire(sema_lock(s), RANK_SYNC);
    if (s->goc_count) {
        s->goc_count--;
        lock_release(sema_lock(s));
        return;
    }
    struct waiter w = {.g = g_current()};
    ring_push(&s->goc_queue, &w);
    g_park(commit_unlock, sema_lock(s), why, &obj, 1, pc);
}

void sema_release(struct goc_sema *s, uint32_t n)
{
    struct waiter *w, *first = NULL, **link = &first;
    lock_acquire(sema_lock(s), RANK_SYNC);
    for (; n && (w = ring_pop(&s->goc_queue)); n--) {
        *link = w;
        link = &w->next;
    }
    *link = NULL;
    s->goc_count += n;
    lock_release(sema_lock(s));

    if (first && !first->next)
        return g_ready(first->g);
    while (first) {
        struct waiter *next = first->next;
        g_ready_tail(first->g);
        first = next;
    }
}

_Noreturn noinline void null_argument(const char *call, uintptr_t pc)
{
    goc_panic_at(pc, "%s: invalid memory address or nil pointer dereference", call);
}
