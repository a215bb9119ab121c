/*
 * sem.c - weighted semaphores.
 *
 * Strictly first come, first served: a request that does not fit waits, and all later ones behind
 * it, even if they would fit. Letting small ones pass uses the units better and starves large ones
 * for ever; x/sync/semaphore chose fairness, and so do we. A request for more than the semaphore
 * will ever have does not enter the queue (it would block everyone behind it): it waits for its
 * context, or for ever.
 *
 * A goroutine that waits under a context stands in two queues, the semaphore's and that of the
 * context's done channel, with one struct pick (waiter.h): whoever wins it wakes it. Both locks are
 * held until it sleeps, in the order of their ranks.
 *
 * Invariant, whenever the lock is free: the first live waiter does not fit.
 *
 * Detector: release publishes, each acquisition learns what all releases before it published. A
 * semaphore of weight 1 is a lock as well.
 */
#include "waiter.h"
#include <goc/chan.h>
#include <goc/context.h>

_Static_assert(sizeof(goc_sem) == 32, "small");

static struct lock *sem_lock(goc_sem *s)
{
    return (struct lock *)&s->goc_lock;
}

static void took(goc_sem *s, int mode, uintptr_t pc)
{
    if (s->goc_size == 1)
        hook_locked(HOOK_OBJ_SEM, s, mode, pc);
}

static void check_weight(int64_t n, uintptr_t pc)
{
    if (unlikely(n < 0)) {
        hook_misuse(HOOK_MISUSE_OTHER, HOOK_OBJ_SEM, NULL, "semaphore: negative weight", pc);
        goc_panic_at(pc, "semaphore: negative weight");
    }
}

/* Under the lock. */
static bool take_now(goc_sem *s, int64_t n)
{
    if (s->goc_queue || n > s->goc_size - s->goc_held)
        return false;
    s->goc_held += n;
    hook_acquire(NULL, s);
    return true;
}

/* Under the lock: serve the waiters that fit, in order. Returns them, linked. */
static struct waiter *serve(goc_sem *s)
{
    struct waiter *w, *first = NULL, **link = &first;
    while ((w = ring_first(&s->goc_queue)) && w->n <= s->goc_size - s->goc_held) {
        ring_pop(&s->goc_queue);
        if (!waiter_claim(w))
            continue;
        s->goc_held += w->n;
        w->ok = true;
        hook_acquire(g_race(w->g), s);
        *link = w;
        link = &w->next;
    }
    *link = NULL;
    return first;
}

static void wake(struct waiter *first)
{
    while (first) {
        struct waiter *next = first->next;
        if (next)
            g_ready_tail(first->g);
        else
            g_ready(first->g);
        first = next;
    }
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct sem_wait {
    goc_sem *s; /* NULL: not in its queue */
    struct chan *done;
};

static bool commit_wait(struct g *g, void *arg)
{
    struct sem_wait wait = *(struct sem_wait *)arg;
    if (wait.done)
        chan_watch_unlock(wait.done);
    if (wait.s)
        lock_release(sem_lock(wait.s));
    return true;
}

/* With the lock held if `fits`, which it gives back. 0, or -1: the context ended first. */
static int sem_wait(goc_sem *s, int64_t n, bool fits, goc_context *ctx, uintptr_t pc)
{
    struct chan *done = ctx ? (struct chan *)goc_context_done(ctx) : NULL;
    struct pick pick = {0};
    struct waiter unit = {.g = g_current(), .pick = &pick, .n = n};
    struct waiter end = {.g = unit.g, .pick = &pick};
    struct sem_wait wait = {fits ? s : NULL, done};
    const void *obj[2] = {s, done};

    if (fits)
        lock_acquire(sem_lock(s), RANK_SYNC);
    if (fits && take_now(s, n)) {
        lock_release(sem_lock(s));
        return 0;
    }
    if (done && !chan_watch_lock(done, &end)) {
        if (fits)
            lock_release(sem_lock(s));
        return -1;
    }
    if (fits)
        ring_push(&s->goc_queue, &unit);
    g_park(commit_wait, &wait, HOOK_WAIT_SEM, obj, done ? 2 : 1, pc);

    if (unit.ok) {
        if (done)
            chan_unwatch(done, &end);
        return 0;
    }
    if (fits) { /* we leave; those behind us may fit */
        lock_acquire(sem_lock(s), RANK_SYNC);
        ring_remove(&s->goc_queue, &unit);
        struct waiter *first = serve(s);
        lock_release(sem_lock(s));
        wake(first);
    }
    return -1;
}

int sem_acquire_at(goc_sem *s, int64_t n, goc_context *ctx, uintptr_t pc)
{
    check_weight(n, pc);
    int err = ctx ? goc_context_err(ctx) : 0;
    if (unlikely(err)) {
        *rt_errno() = err;
        return -1;
    }
    lock_acquire(sem_lock(s), RANK_SYNC);
    bool done = take_now(s, n);
    bool fits = n <= s->goc_size;
    lock_release(sem_lock(s));
    if (!done) {
        if (s->goc_size == 1)
            hook_lock_wait(HOOK_OBJ_SEM, s, HOOK_WRITE, pc);
        if (sem_wait(s, n, fits, ctx, pc) < 0) {
            *rt_errno() = goc_context_err(ctx);
            return -1;
        }
    }
    took(s, HOOK_WRITE, pc);
    return 0;
}

/* --- the public functions --------------------------------------------------------------------- */

GOC_EXPORT void goc_sem_init(goc_sem *s, int64_t n)
{
    NEED(s);
    check_weight(n, CALLER_PC());
    *s = (goc_sem)GOC_SEM_INIT(n);
}

GOC_EXPORT int goc_sem_acquire(goc_sem *s, int64_t n)
{
    NEED(s);
    return sem_acquire_at(s, n, NULL, CALLER_PC());
}

GOC_EXPORT int goc_sem_acquire_ctx(goc_context *ctx, goc_sem *s, int64_t n)
{
    NEED(s);
    NEED(ctx);
    return sem_acquire_at(s, n, ctx, CALLER_PC());
}

GOC_EXPORT bool goc_sem_try_acquire(goc_sem *s, int64_t n)
{
    NEED(s);
    uintptr_t pc = CALLER_PC();
    check_weight(n, pc);
    lock_acquire(sem_lock(s), RANK_SYNC);
    bool done = take_now(s, n);
    lock_release(sem_lock(s));
    if (done)
        took(s, HOOK_WRITE | HOOK_TRY, pc);
    return done;
}

void sem_release_at(goc_sem *s, int64_t n, uintptr_t pc)
{
    check_weight(n, pc);
    lock_acquire(sem_lock(s), RANK_SYNC);
    if (unlikely(n > s->goc_held)) {
        lock_release(sem_lock(s));
        hook_misuse(HOOK_MISUSE_SEM_RELEASE, HOOK_OBJ_SEM, s, "semaphore: released more than held",
                    pc);
        goc_panic_at(pc, "semaphore: released more than held");
    }
    if (s->goc_size == 1)
        hook_unlock(HOOK_OBJ_SEM, s, HOOK_WRITE, pc);
    hook_release_merge(NULL, s);
    s->goc_held -= n;
    struct waiter *first = serve(s);
    lock_release(sem_lock(s));
    wake(first);
}

GOC_EXPORT void goc_sem_release(goc_sem *s, int64_t n)
{
    NEED(s);
    sem_release_at(s, n, CALLER_PC());
}
