/*
 * cond.c - condition variables.
 *
 * The two classic faults are a signal lost between "unlock the mutex" and "go to sleep", and a
 * signal stolen by somebody who began to wait after it was given. A semaphore under the hood
 * suffers from the second; Go answers with tickets. Here a waiter enters the queue before it
 * unlocks the mutex: signal takes the longest waiting one out, whether or not it sleeps already, so
 * it can be neither lost nor stolen, and the order is that of the calls.
 *
 * Whether the waiter sleeps is settled between the two sides alone, in its own record, so that the
 * cond's memory is not touched by a woken goroutine and may be freed by the last of them:
 *
 *   ENTERED   in the queue, still on its way to sleep
 *   ASLEEP    parked: whoever changes this to SIGNALLED must ready it
 *   SIGNALLED taken out; if it has not parked it will not
 *
 * Detector: signal and broadcast happen before the return of each wait that they end. The waiter's
 * record names that edge. It cannot be passed to the waiter itself, which may still be running, on its
 * way to sleep.
 */
#include "waiter.h"

enum { ENTERED, ASLEEP, SIGNALLED };

_Static_assert(sizeof(goc_cond) == 32, "small");

static struct lock *cond_lock(goc_cond *c)
{
    return (struct lock *)&c->goc_lock;
}

static void check_copy(goc_cond *c, uintptr_t pc)
{
    uintptr_t self = load_relaxed(&c->goc_self);
    if (likely(self == (uintptr_t)c))
        return;
    if (!self && (__atomic_compare_exchange_n(&c->goc_self, &self, (uintptr_t)c, false,
                                              __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
                  self == (uintptr_t)c))
        return;
    hook_misuse(HOOK_MISUSE_OTHER, HOOK_OBJ_COND, c, "sync.Cond is copied", pc);
    goc_panic_at(pc, "sync.Cond is copied");
}

static bool commit_sleep(struct g *g, void *arg)
{
    struct waiter *w = arg;
    uint32_t entered = ENTERED;
    return __atomic_compare_exchange_n(&w->state, &entered, ASLEEP, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

GOC_EXPORT void goc_cond_init(goc_cond *c, goc_mutex *mu)
{
    NEED(c);
    *c = (goc_cond)GOC_COND_INIT(mu);
}

GOC_EXPORT void goc_cond_wait(goc_cond *c)
{
    NEED(c);
    NEED(c->goc_mu);
    uintptr_t pc = CALLER_PC();
    goc_mutex *mu = c->goc_mu;
    check_copy(c, pc);
    if (unlikely(!mutex_is_locked(mu))) {
        hook_misuse(HOOK_MISUSE_COND_UNLOCKED, HOOK_OBJ_COND, c,
                    "goc_cond_wait: its mutex is not locked", pc);
        goc_fatal("sync: unlock of unlocked mutex");
    }
    struct waiter w = {.g = g_current(), .state = ENTERED};
    lock_acquire(cond_lock(c), RANK_COND);
    ring_push(&c->goc_queue, &w);
    lock_release(cond_lock(c));

    mutex_unlock_at(mu, pc);
    const void *obj = c;
    g_park(commit_sleep, &w, HOOK_WAIT_COND, &obj, 1, pc);
    hook_acquire(NULL, &w);
    hook_forget(&w, sizeof w);
    mutex_lock_at(mu, pc);
}

/* Under the lock: w has been taken out of the queue. Is it for the caller to ready its goroutine?
 */
static bool give_signal(struct waiter *w)
{
    hook_release(NULL, w);
    return __atomic_exchange_n(&w->state, SIGNALLED, __ATOMIC_ACQ_REL) == ASLEEP;
}

GOC_EXPORT void goc_cond_signal(goc_cond *c)
{
    NEED(c);
    check_copy(c, CALLER_PC());
    if (!load_acquire(&c->goc_queue))
        return;
    struct g *ready = NULL;
    lock_acquire(cond_lock(c), RANK_COND);
    struct waiter *w = ring_pop(&c->goc_queue);
    if (w) {
        struct g *g = w->g;
        if (give_signal(w))
            ready = g;
    }
    lock_release(cond_lock(c));
    if (ready)
        g_ready(ready);
}

GOC_EXPORT void goc_cond_broadcast(goc_cond *c)
{
    NEED(c);
    check_copy(c, CALLER_PC());
    if (!load_acquire(&c->goc_queue))
        return;
    struct waiter *w, *first = NULL, **link = &first;
    lock_acquire(cond_lock(c), RANK_COND);
    while ((w = ring_pop(&c->goc_queue))) {
        if (give_signal(w)) {
            *link = w;
            link = &w->next;
        }
    }
    *link = NULL;
    lock_release(cond_lock(c));
    while (first) {
        struct waiter *next = first->next;
        g_ready_tail(first->g);
        first = next;
    }
}
