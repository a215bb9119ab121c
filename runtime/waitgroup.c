/*
 * waitgroup.c - wait until a counter is zero.
 *
 * Counter and number of waiters are one 64-bit word, so that the addition that makes the counter
 * zero also tells, atomically, how many to wake; separate words would need a lock around every
 * done. The one that reaches zero with waiters sets the word to 0 for them: from then on the group
 * may be used again, also before the woken have run. That nobody adds or waits in between is the
 * user's duty; what breaks it is noticed where it can be, with Go's words.
 *
 * When no one waits, done's addition is its last access to the group, so whoever sees the zero may
 * free it; with waiters, sema_release keeps the same promise.
 *
 * Detector: done publishes, wait learns. The first add of a round is a read of the group as an
 * object and the first wait a write: unless the program orders the two, that is the race of an add
 * that may come after the wait it was meant for. A wait that finds zero, as it may, is told for a hint.
 */
#include "waiter.h"
#include <goc/go.h>

#include <stdlib.h>

_Static_assert(sizeof(goc_waitgroup) == 24, "small");

static _Noreturn noinline void misuse(goc_waitgroup *wg, enum hook_misuse what, const char *text,
                                      uintptr_t pc)
{
    hook_misuse(what, HOOK_OBJ_WAITGROUP, wg, text, pc);
    goc_panic_at(pc, "%s", text);
}

static inline int32_t counter(uint64_t state)
{
    return (int32_t)(state >> 32);
}

void waitgroup_add_at(goc_waitgroup *wg, int n, uintptr_t pc)
{
    if (n < 0)
        hook_release_merge(NULL, wg);
    uint64_t s = __atomic_add_fetch(&wg->goc_state, (uint64_t)(int64_t)n << 32, __ATOMIC_ACQ_REL);
    int32_t count = counter(s);
    uint32_t waiters = (uint32_t)s;
    if (n > 0 && count == n) {
        hook_obj_read(pc, HOOK_OBJ_WAITGROUP, wg);
        hook_add_first(wg);
    }
    if (unlikely(count < 0))
        misuse(wg, HOOK_MISUSE_NEGATIVE_WAITGROUP, "sync: negative WaitGroup counter", pc);
    if (likely(count > 0 || !waiters)) {
        if (unlikely(waiters && n > 0 && count == n))
            misuse(wg, HOOK_MISUSE_WAITGROUP_REUSED,
                   "sync: WaitGroup misuse: Add called concurrently with Wait", pc);
        return;
    }
    /* The counter is zero and somebody waits: the word must not change any more before they go. */
    if (!__atomic_compare_exchange_n(&wg->goc_state, &s, 0, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        misuse(wg, HOOK_MISUSE_WAITGROUP_REUSED,
               "sync: WaitGroup misuse: Add called concurrently with Wait", pc);
    sema_release(&wg->goc_sema, waiters);
}

GOC_EXPORT void goc_waitgroup_add(goc_waitgroup *wg, int n)
{
    NEED(wg);
    waitgroup_add_at(wg, n, CALLER_PC());
}

GOC_EXPORT void goc_waitgroup_done(goc_waitgroup *wg)
{
    NEED(wg);
    waitgroup_add_at(wg, -1, CALLER_PC());
}

void waitgroup_wait_at(goc_waitgroup *wg, uintptr_t pc)
{
    uint64_t s = load_acquire(&wg->goc_state);
    for (;;) {
        if (!counter(s)) {
            hook_wait_empty(pc, wg);
            break;
        }
        if (!__atomic_compare_exchange_n(&wg->goc_state, &s, s + 1, true, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE))
            continue;
        if (!(uint32_t)s)
            hook_obj_write(pc, HOOK_OBJ_WAITGROUP, wg);
        sema_acquire(&wg->goc_sema, HOOK_WAIT_WAITGROUP, wg, pc);
        if (unlikely(load_relaxed(&wg->goc_state)))
            misuse(wg, HOOK_MISUSE_WAITGROUP_REUSED,
                   "sync: WaitGroup is reused before previous Wait has returned", pc);
        break;
    }
    hook_acquire(NULL, wg);
}

GOC_EXPORT void goc_waitgroup_wait(goc_waitgroup *wg)
{
    NEED(wg);
    waitgroup_wait_at(wg, CALLER_PC());
}

/* --- goc_waitgroup_go ------------------------------------------------------------------------- */

struct task {
    goc_waitgroup *wg;
    uintptr_t pc;
    void (*fn)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);
    uintptr_t arg[6];
};

static void task_done(void *arg)
{
    struct task *t = arg;
    waitgroup_add_at(t->wg, -1, t->pc);
    free(t);
}

static void task_run(struct task *t)
{
    goc_defer(task_done, t);
    t->fn(t->arg[0], t->arg[1], t->arg[2], t->arg[3], t->arg[4], t->arg[5]);
}

GOC_EXPORT void goc_waitgroup_go_call(goc_waitgroup *wg, void *fn, int n, const uintptr_t *arg)
{
    NEED(wg);
    uintptr_t pc = CALLER_PC();
    if (unlikely(!fn))
        goc_fatal("go of nil func value (goc_waitgroup_go)");
    struct task *t = malloc(sizeof *t);
    if (!t)
        goc_fatal("goc_waitgroup_go: out of memory");
    *t = (struct task){.wg = wg, .pc = pc, .fn = (__typeof__(t->fn))fn};
    for (int i = 0; i < n; i++)
        t->arg[i] = arg[i];
    waitgroup_add_at(wg, 1, pc);
    g_spawn((void *)task_run, (const uintptr_t[]){(uintptr_t)t}, 1, 0, pc);
}
