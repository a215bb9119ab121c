/*
 * once.c - do something once, and let everyone who comes meanwhile wait until it is done.
 *
 * A flag set by compare-and-swap would be shorter and wrong: the loser would go on before the
 * winner's function has returned. So the flag is set after the function, under a mutex on which the
 * others wait; the usual call costs one load.
 *
 * The flag is also set when the function panics or ends its goroutine (Go's rule: once is once),
 * which is why it is set in a defer.
 *
 * Detector: the end of the function is published at the once, and everyone who finds it done learns
 * it. To the wait-for model the function's goroutine owns the once.
 */
#include "waiter.h"
#include <goc/go.h>

_Static_assert(sizeof(goc_once) == 24, "small");

struct run {
    goc_once *once;
    uintptr_t pc;
};

static void finish(void *arg)
{
    struct run *run = arg;
    goc_once *once = run->once;
    hook_unlock(HOOK_OBJ_ONCE, once, HOOK_WRITE, run->pc);
    hook_release(NULL, once);
    store_release(&once->goc_done, 1);
    mutex_unlock_quiet(&once->goc_mu);
}

static noinline void do_slow(goc_once *once, void (*fn)(void), uintptr_t pc)
{
    if (!mutex_trylock_quiet(&once->goc_mu)) {
        hook_lock_wait(HOOK_OBJ_ONCE, once, HOOK_WRITE, pc);
        mutex_lock_as(&once->goc_mu, HOOK_WAIT_ONCE, once, pc);
    }
    hook_locked(HOOK_OBJ_ONCE, once, HOOK_WRITE, pc);
    if (load_relaxed(&once->goc_done)) {
        hook_unlock(HOOK_OBJ_ONCE, once, HOOK_WRITE, pc);
        mutex_unlock_quiet(&once->goc_mu);
        hook_acquire(NULL, once);
        return;
    }
    struct run run = {once, pc};
    goc_defer(finish, &run);
    fn();
}

GOC_EXPORT void goc_once_do(goc_once *once, void (*fn)(void))
{
    NEED(once);
    NEED(fn);
    if (unlikely(!load_acquire(&once->goc_done)))
        return do_slow(once, fn, CALLER_PC());
    hook_acquire(NULL, once);
}
