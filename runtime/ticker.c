/*
 * ticker.c - the public timers: After, Timer, AfterFunc, Ticker, on top of timer.c.
 *
 * Each is a struct timer beside a channel of capacity 1 (or a function). When it fires, on the
 * scheduler's stack, the time is sent if there is room; it never blocks. Stop and reset take back a
 * time that was sent and not received, as Go has done since 1.23, so that `if stop() … else drain`
 * is not needed (draining with goc_try_recv still works).
 *
 * Firing against stopping. timer_del says whether the timer was still in a heap. If it was not, its
 * fire may be running on another thread this very moment; `lock` is held by fire, so whoever takes
 * it afterwards finds a timer at rest, and `generation` lets a fire that comes too late see that
 * its timer has been stopped or set anew.
 *
 * Happens-before. Starting a timer is ordered before what it does. A goroutine that a function
 * timer starts is therefore created, for the detector, when the timer is started; and a channel
 * timer sends with a record of its own that was created then. The scheduler itself has no record,
 * so nothing else is ordered by a timer.
 */
#include "chan_impl.h"
#include "sched_impl.h"

#include <goc/go.h>
#include <goc/time.h>
#include <stdlib.h>

struct goc_timer {
    struct timer t;
    struct lock lock; /* the fields below, and the channel's being sent to */
    uint32_t armed;
    void *ch;
    void (*fn)(void *);
    void *arg;
    struct race_g *race;
    uintptr_t pc;
    uint64_t id, creator;
};

/* What a timer is in the detector's eyes: something that knows what its starter knew. */
static void timer_race(struct goc_timer *t)
{
#ifdef GOC_RACE
    if (t->race)
        hook_end(t->race);
    t->id = t->fn ? __atomic_fetch_add(&sched.next_goid, 1, __ATOMIC_RELAXED) : 0;
    t->race = hook_go(t->id, t->fn ? (void *)t->fn : (void *)timer_race, t->pc);
#endif
    t->creator = g_current()->id;
}

static void fire_chan(struct timer *base, int64_t now)
{
    struct goc_timer *t = container_of(base, struct goc_timer, t);
    lock_acquire(&t->lock, RANK_SYNC);
    if (t->armed) {
        if (!base->period)
            t->armed = 0;
        hook_run(t->race);
        goc_chan_try_send(t->ch, &now);
        hook_run(NULL);
    }
    lock_release(&t->lock);
}

static void fire_func(struct timer *base, int64_t now)
{
    struct goc_timer *t = container_of(base, struct goc_timer, t);
    lock_acquire(&t->lock, RANK_SYNC);
    if (t->armed) {
        t->armed = 0;
        struct race_g *race = t->race;
        t->race = NULL;
        g_spawn_timer(t->fn, t->arg, race, t->id, t->creator, t->pc);
    }
    lock_release(&t->lock);
}

static struct goc_timer *timer_make(const char *call, uintptr_t pc)
{
    struct goc_timer *t = calloc(1, sizeof *t);
    if (!t)
        goc_panic_at(pc, "%s: out of memory", call);
    t->pc = pc;
    return t;
}

static int64_t deadline(goc_duration d)
{
    int64_t now = rt_now();
    return d <= 0 ? now : d > INT64_MAX - now ? INT64_MAX : now + d;
}

static void timer_arm(struct goc_timer *t, goc_duration d)
{
    timer_race(t);
    t->armed = 1;
    timer_add(&t->t, deadline(d));
}

static struct goc_timer *chan_timer(const char *call, uintptr_t pc)
{
    struct goc_timer *t = timer_make(call, pc);
    t->ch = goc_chan_new(sizeof(goc_time), 1);
    t->t.fire = fire_chan;
    return t;
}

/* True if it was running. Afterwards it is in no heap, and no fire of it will do anything. */
static bool timer_halt(struct goc_timer *t)
{
    bool was;
    lock_acquire(&t->lock, RANK_SYNC);
    was = t->armed;
    t->armed = 0;
    lock_release(&t->lock);
    timer_del(&t->t);
    if (t->ch) {
        goc_time sent;
        if (goc_chan_len(t->ch) && goc_chan_try_recv(t->ch, &sent))
            was = true;
    }
    return was;
}

static void timer_drop(struct goc_timer *t)
{
    timer_halt(t);
    /* A fire that found the timer in the heap before we took it out may still hold the lock. */
    timer_quiet(&t->t);
    if (t->race) {
        hook_pass(t->race, NULL); /* it has been waited for: what it did is over */
        hook_end(t->race);
    }
    if (t->ch)
        goc_chan_delete(t->ch);
    free(t);
}

GOC_EXPORT goc_timer *goc_timer_new(goc_duration d)
{
    struct goc_timer *t = chan_timer("goc_timer_new", CALLER_PC());
    timer_arm(t, d);
    return t;
}

GOC_EXPORT goc_recv_chan(goc_time) goc_timer_chan(goc_timer *t)
{
    NEED(t);
    return t->ch;
}

GOC_EXPORT goc_timer *goc_after_func(goc_duration d, void (*fn)(void *), void *arg)
{
    if (!fn)
        goc_panic_at(CALLER_PC(), "goc_after_func: fn is NULL");
    struct goc_timer *t = timer_make("goc_after_func", CALLER_PC());
    t->fn = fn;
    t->arg = arg;
    t->t.fire = fire_func;
    timer_arm(t, d);
    return t;
}

GOC_EXPORT bool goc_timer_stop(goc_timer *t)
{
    if (!t)
        goc_panic_at(CALLER_PC(), "goc_timer_stop: the timer is NULL");
    return timer_halt(t);
}

GOC_EXPORT bool goc_timer_reset(goc_timer *t, goc_duration d)
{
    if (!t)
        goc_panic_at(CALLER_PC(), "goc_timer_reset: the timer is NULL");
    bool was = timer_halt(t);
    timer_quiet(&t->t);
    t->pc = CALLER_PC();
    timer_arm(t, d);
    return was;
}

GOC_EXPORT void goc_timer_free(goc_timer *t)
{
    if (t)
        timer_drop(t);
}

GOC_EXPORT goc_recv_chan(goc_time) goc_after(goc_duration d)
{
    struct goc_timer *t = chan_timer("goc_after", CALLER_PC());
    struct chan *ch = t->ch;
    ch->use = (uintptr_t)t;
    timer_arm(t, d);
    return (void *)ch;
}

void after_received(uint64_t use)
{
    struct goc_timer *t = (struct goc_timer *)(uintptr_t)use;
    ((struct chan *)t->ch)->use = 0;
    timer_drop(t);
}

/* --- tickers ------------------------------------------------------------------------------------
 */

GOC_EXPORT goc_ticker *goc_ticker_new(goc_duration d)
{
    if (d <= 0)
        goc_panic_at(CALLER_PC(), "non-positive interval for goc_ticker_new");
    struct goc_timer *t = chan_timer("goc_ticker_new", CALLER_PC());
    t->t.period = d;
    timer_arm(t, d);
    return (goc_ticker *)t;
}

GOC_EXPORT goc_recv_chan(goc_time) goc_ticker_chan(goc_ticker *t)
{
    NEED(t);
    return ((struct goc_timer *)t)->ch;
}

GOC_EXPORT void goc_ticker_stop(goc_ticker *t)
{
    if (t)
        timer_drop((struct goc_timer *)t);
}
