/*
 * errgroup.c - goroutines that work on parts of one task.
 *
 * A waitgroup, the first failure, and a context that the failure ends. What a group's function
 * returns is kept only if it is the first that is not 0; a compare-and-swap decides, and the winner
 * cancels the context before its goroutine counts as done. So a wait that returns a failure finds
 * the context ended.
 *
 * The slots of a limit are a semaphore: first come, first served among the callers of go.
 *
 * The context is given back by goc_errgroup_free. Many groups are only waited for, in Go there is nothing
 * to free, and C has no destructors: so the wait gives it back, if nobody has seen it (goc_ctx_use).
 *
 * A function that ends its goroutine (goc_goexit) leaves the group like one that returned 0; the
 * bookkeeping is in a defer.
 */
#include "waiter.h"
#include <goc/context.h>
#include <goc/go.h>

enum { CTX_SEEN = 1, CTX_GONE = 2 };

static void leave(void *arg)
{
    goc_errgroup *g = arg;
    if (g->goc_limited)
        sem_release_at(&g->goc_slots, 1, CALLER_PC());
    waitgroup_add_at(&g->goc_wg, -1, CALLER_PC());
}

static void run(goc_errgroup *g, int (*fn)(void *arg), void *arg)
{
    goc_defer(leave, g);
    int result = fn(arg);
    uint32_t none = 0;
    if (result && __atomic_compare_exchange_n(&g->goc_failed, &none, 1, false, __ATOMIC_RELAXED,
                                              __ATOMIC_RELAXED)) {
        g->goc_result = result;
        if (g->goc_ctx)
            goc_cancel(g->goc_ctx);
    }
}

static void start(goc_errgroup *g, int (*fn)(void *arg), void *arg, uintptr_t pc)
{
    waitgroup_add_at(&g->goc_wg, 1, pc);
    g_spawn((void *)run, (const uintptr_t[]){(uintptr_t)g, (uintptr_t)fn, (uintptr_t)arg}, 3, 0,
            pc);
}

GOC_EXPORT int goc_errgroup_init(goc_errgroup *g, goc_context *ctx)
{
    NEED(g);
    *g = (goc_errgroup){.goc_ctx = goc_with_cancel(ctx ? ctx : goc_background())};
    return g->goc_ctx ? 0 : -1;
}

GOC_EXPORT void goc_errgroup_set_limit(goc_errgroup *g, int n)
{
    NEED(g);
    int32_t active = (int32_t)(load_relaxed(&g->goc_wg.goc_state) >> 32);
    if (active)
        goc_panic_at(CALLER_PC(),
                     "errgroup: modify limit while %d goroutines in the group are still active",
                     active);
    g->goc_limited = n >= 0;
    g->goc_slots = (goc_sem)GOC_SEM_INIT(n >= 0 ? n : 0);
}

GOC_EXPORT void goc_errgroup_go(goc_errgroup *g, int (*fn)(void *arg), void *arg)
{
    NEED(g);
    NEED(fn);
    if (g->goc_limited)
        sem_acquire_at(&g->goc_slots, 1, NULL, CALLER_PC());
    start(g, fn, arg, CALLER_PC());
}

GOC_EXPORT bool goc_errgroup_try_go(goc_errgroup *g, int (*fn)(void *arg), void *arg)
{
    NEED(g);
    NEED(fn);
    if (g->goc_limited && !goc_sem_try_acquire(&g->goc_slots, 1))
        return false;
    start(g, fn, arg, CALLER_PC());
    return true;
}

GOC_EXPORT int goc_errgroup_wait(goc_errgroup *g)
{
    NEED(g);
    waitgroup_wait_at(&g->goc_wg, CALLER_PC());
    if (load_acquire(&g->goc_ctx_use) & CTX_SEEN) {
        goc_cancel(g->goc_ctx);
        return g->goc_result;
    }
    goc_context *ctx = __atomic_exchange_n(&g->goc_ctx, NULL, __ATOMIC_ACQ_REL);
    if (ctx) {
        __atomic_fetch_or(&g->goc_ctx_use, CTX_GONE, __ATOMIC_RELAXED);
        goc_context_free(ctx);
    }
    return g->goc_result;
}

GOC_EXPORT goc_context *goc_errgroup_context(goc_errgroup *g)
{
    NEED(g);
    uint32_t use = load_relaxed(&g->goc_ctx_use);
    if (use & CTX_GONE && !g->goc_ctx) { /* asked for after the wait: one that has ended */
        g->goc_ctx = goc_with_cancel(goc_background());
        if (g->goc_ctx)
            goc_cancel(g->goc_ctx);
    }
    if (g->goc_ctx && !(use & CTX_SEEN))
        __atomic_fetch_or(&g->goc_ctx_use, CTX_SEEN, __ATOMIC_RELEASE);
    return g->goc_ctx;
}

GOC_EXPORT void goc_errgroup_free(goc_errgroup *g)
{
    NEED(g);
    if (g->goc_ctx)
        goc_context_free(g->goc_ctx);
    *g = (goc_errgroup){0};
}
