/*
 * context.c - trees of contexts.
 *
 * Go's contexts each have a mutex and a map of children, and cancelling recurses from parent to
 * child with the parent locked. On a stack of 64 KiB a thousand levels of that do not fit, so here
 * the tree is walked by its own links, without recursion; and since nobody may change the tree
 * meanwhile, one lock serves all contexts below one child of the root (such a context is the `top`
 * of its tree).
 *
 * Ending a context: under the lock, mark it and all that is below it and take the whole out of the
 * tree; then, without the lock, close the done channels and stop the timers. A context that ends is
 * complete in that sense before goc_cancel returns.
 *
 * Life: `refs` counts the program's own reference (until goc_context_free), each child (which needs
 * its ancestors for values and `top` for the lock), the timer that will call us, and a walk that
 * has it on its list. Freeing goes up the chain of parents in a loop.
 *
 *   err == 0   in the tree: linked from the parent, unless that is the root
 *   err != 0   out of the tree, for good; set once, under the lock
 *
 * The done channel is made when first asked for; most contexts in a deep tree never are. Whoever
 * makes it for a context that has ended closes it before anyone else can see it.
 *
 * Detector: what happened before the end is published at the context and learnt by whoever sees the
 * end through goc_context_err; through the done channel the close does it.
 */
#include "waiter.h"
#include "timer.h"
#include <errno.h>
#include <goc/context.h>
#include <goc/go.h>
#include <goc/time.h>
#include <stdlib.h>

struct goc_context {
    uint64_t clock;   /* its address is the sync object of err */
    struct lock lock; /* the top's: of the whole tree */
    uint32_t refs;
    int32_t err;
    bool has_deadline;
    int64_t deadline;
    goc_context *parent, *top;
    goc_context *child, *next, *prev; /* first child; siblings */
    goc_context *list;                /* while it is being ended */
    void *done;
    void *closing; /* the done channel to close, while it is being ended */
    struct timer timer;
    uintptr_t pc; /* of the call that made it */
    bool timed;   /* the timer was started */
    const void *key;
    void *value;
};

static goc_context background;

static goc_context *get(goc_context *ctx)
{
    __atomic_fetch_add(&ctx->refs, 1, __ATOMIC_RELAXED);
    return ctx;
}

static void put(goc_context *ctx)
{
    while (ctx != &background && __atomic_sub_fetch(&ctx->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        goc_context *parent = ctx->parent;
        if (ctx->timed)
            timer_quiet(&ctx->timer);
        if (ctx->done)
            chan_drop(ctx->done);
        hook_forget(ctx, sizeof *ctx);
        hook_run(NULL); /* who happens to be the last is not the program's doing: nobody frees it */
        free(ctx);
        hook_run(g_race(g_current()));
        ctx = parent;
    }
}

/* --- the tree, under its lock ----------------------------------------------------------------- */

static void link_child(goc_context *ctx)
{
    goc_context *parent = ctx->parent;
    if (parent == &background)
        return;
    ctx->next = parent->child;
    if (ctx->next)
        ctx->next->prev = ctx;
    parent->child = ctx;
}

static void unlink_child(goc_context *ctx)
{
    goc_context *parent = ctx->parent;
    if (parent == &background)
        return;
    if (ctx->prev)
        ctx->prev->next = ctx->next;
    else
        parent->child = ctx->next;
    if (ctx->next)
        ctx->next->prev = ctx->prev;
    ctx->next = ctx->prev = NULL;
}

/* Marks ctx and all below it; returns them as a list, each with a reference. */
static goc_context *mark_ended(goc_context *ctx, int err)
{
    goc_context *first = ctx, *last = ctx;
    unlink_child(ctx);
    ctx->list = NULL;
    for (goc_context *c = ctx; c; c = c->list) {
        get(c);
        hook_release(NULL, &c->clock);
        c->closing = c->done;
        store_release(&c->err, err);
        for (goc_context *child = c->child, *next; child; child = next) {
            next = child->next;
            child->next = child->prev = NULL;
            child->list = NULL;
            last->list = child;
            last = child;
        }
        c->child = NULL;
    }
    return first;
}

/* --- ending ----------------------------------------------------------------------------------- */

static void stop_timer(goc_context *ctx)
{
    if (load_acquire(&ctx->timed) && timer_del(&ctx->timer))
        put(ctx); /* the reference of the call that will not come */
}

static void end(goc_context *ctx, int err)
{
    if (load_acquire(&ctx->err))
        return;
    goc_context *top = ctx->top;
    lock_acquire(&top->lock, RANK_CONTEXT);
    goc_context *c = ctx->err ? NULL : mark_ended(ctx, err);
    lock_release(&top->lock);
    fence_full(); /* see with_deadline */
    while (c) {
        goc_context *next = c->list;
        if (c->closing)
            chan_close(c->closing);
        stop_timer(c);
        put(c);
        c = next;
    }
}

static void timed_out(goc_context *ctx)
{
    hook_acquire(NULL, &ctx->timer);
    end(ctx, ETIMEDOUT);
    put(ctx);
}

/* On a scheduler's stack: the rest is for a goroutine. */
static void timer_fired(struct timer *t, int64_t now)
{
    goc_context *ctx = container_of(t, goc_context, timer);
    g_spawn((void *)timed_out, (const uintptr_t[]){(uintptr_t)ctx}, 1, 0, ctx->pc);
}

/* --- making ----------------------------------------------------------------------------------- */

static goc_context *child_of(goc_context *parent, uintptr_t pc)
{
    if (!parent)
        goc_panic_at(pc, "cannot create context from nil parent");
    goc_context *ctx = malloc(sizeof *ctx);
    if (!ctx) {
        *rt_errno() = ENOMEM;
        return NULL;
    }
    rt_zero(ctx, sizeof *ctx);
    ctx->refs = 1;
    ctx->parent = parent;
    ctx->top = ctx;
    if (parent == &background)
        return ctx;
    get(parent);
    ctx->top = parent->top;
    ctx->has_deadline = parent->has_deadline;
    ctx->deadline = parent->deadline;
    lock_acquire(&ctx->top->lock, RANK_CONTEXT);
    ctx->err = parent->err;
    if (!ctx->err)
        link_child(ctx);
    lock_release(&ctx->top->lock);
    if (ctx->err) {
        hook_acquire(NULL, &parent->clock);
        hook_release(NULL, &ctx->clock);
    }
    return ctx;
}

static goc_context *with_deadline(goc_context *parent, int64_t now, int64_t t, uintptr_t pc)
{
    goc_context *ctx = child_of(parent, pc);
    if (!ctx || ctx->err || (ctx->has_deadline && ctx->deadline <= t))
        return ctx; /* the parent's end comes first */
    ctx->has_deadline = true;
    ctx->deadline = t;
    if (t <= now) {
        end(ctx, ETIMEDOUT);
        return ctx;
    }
    get(ctx);
    ctx->pc = pc;
    ctx->timer.fire = timer_fired;
    hook_release(NULL, &ctx->timer);
    timer_add(&ctx->timer, t);
    store_release(&ctx->timed, true);
    fence_full(); /* either end sees `timed`, or we see `err` */
    if (load_acquire(&ctx->err))
        stop_timer(ctx); /* who ended it meanwhile did not see the timer */
    return ctx;
}

GOC_EXPORT goc_context *goc_background(void)
{
    return &background;
}

GOC_EXPORT goc_context *goc_with_cancel(goc_context *parent)
{
    return child_of(parent, CALLER_PC());
}

GOC_EXPORT goc_context *goc_with_deadline(goc_context *parent, int64_t t)
{
    return with_deadline(parent, goc_now(), t, CALLER_PC());
}

GOC_EXPORT goc_context *goc_with_timeout(goc_context *parent, int64_t d)
{
    int64_t now = goc_now();
    return with_deadline(parent, now, d > INT64_MAX - now ? INT64_MAX : now + d, CALLER_PC());
}

GOC_EXPORT goc_context *goc_with_value(goc_context *parent, const void *key, void *value)
{
    goc_context *ctx = child_of(parent, CALLER_PC());
    if (ctx) {
        ctx->key = key;
        ctx->value = value;
    }
    return ctx;
}

/* --- using ------------------------------------------------------------------------------------ */

GOC_EXPORT void goc_cancel(goc_context *ctx)
{
    NEED(ctx);
    if (ctx != &background)
        end(ctx, ECANCELED);
}

GOC_EXPORT int goc_context_err(goc_context *ctx)
{
    NEED(ctx);
    int err = load_acquire(&ctx->err);
    if (err)
        hook_acquire(NULL, &ctx->clock);
    return err;
}

GOC_EXPORT goc_recv_chan(goc_unit) goc_context_done(goc_context *ctx)
{
    NEED(ctx);
    if (ctx == &background)
        return NULL;
    void *done = load_acquire(&ctx->done);
    if (done)
        return done;
    void *made = goc_chan_new(sizeof(goc_unit), 0);
    goc_context *top = ctx->top;
    for (bool closed = false;; closed = true) {
        lock_acquire(&top->lock, RANK_CONTEXT);
        done = ctx->done;
        bool publish = !done && (closed || !ctx->err);
        if (publish)
            store_release(&ctx->done, made);
        lock_release(&top->lock);
        if (publish)
            return made;
        if (done)
            break;
        /* It has ended, and nobody will close what nobody has seen. We do it for who ended it: what we
           know is no part of that. */
        chan_close(made);
        hook_hand_on(&ctx->clock, made);
    }
    chan_drop(made); /* another goroutine was faster */
    return done;
}

GOC_EXPORT bool goc_context_deadline(goc_context *ctx, int64_t *t)
{
    NEED(ctx);
    if (ctx->has_deadline && t)
        *t = ctx->deadline;
    return ctx->has_deadline;
}

GOC_EXPORT void *goc_context_value(goc_context *ctx, const void *key)
{
    NEED(ctx);
    for (; ctx; ctx = ctx->parent)
        if (ctx->key == key && ctx->key)
            return ctx->value;
    return NULL;
}

GOC_EXPORT void goc_context_free(goc_context *ctx)
{
    if (!ctx || ctx == &background)
        return;
    end(ctx, ECANCELED);
    put(ctx);
}
