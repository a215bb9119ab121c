/*
 * select.c - the first of several channel operations.
 *
 * The semantics to keep: exactly one case goes ahead; if several could, each with equal chance; a
 * default only if at one instant none could. Go locks every channel, in address order, looks, and
 * if nothing is ready queues up on all of them before it unlocks any. Two shortcuts, because most
 * selects find something ready or have one channel:
 *
 *  1. Look without locks. If cases seem ready, choose one of them at random, lock its channel
 * alone, and try. It is right whenever it succeeds: the operation happens at that instant, and any
 * case might have been chosen. If somebody was faster, go on with 2.
 *  2. Lock all, look again, and, if nothing is ready, enter a waiter into each queue. The locks are
 *     held until the goroutine has left its stack, so nobody finds a waiter whose goroutine still
 * runs.
 *
 * Rejected: entering queues one by one with a claim protocol between selects (as in Concurrent ML).
 * It saves holding several locks, but two selects that meet must then claim each other, with
 * retries; and without an instant at which all were looked at, default would be wrong.
 *
 * A goroutine that blocks again and again in one select keeps its waiters in the queues in between:
 * select_keep.c.
 *
 * A timeout is a timer in this frame, started by the commit, before the first unlock. Waker, closer
 * and timer compete for the pick (waiter.h); the winner makes the goroutine ready.
 *
 * Why the commit may read this frame while it unlocks: once woken, the goroutine locks every
 * channel but the winner's to take its waiters out, and the winner had the lock of its own; so it
 * cannot get past this point before the commit's last unlock. A commit without channels does not
 * touch the frame after starting the timer.
 */
#include "chan_impl.h"
#include "sched_impl.h"
#include <goc/go.h>
#include <goc/select.h>

#include <stdlib.h>

enum { ON_STACK = 16, CASES_MAX = 65536 };

struct sel {
    goc_case *cases;
    size_t n;
    uintptr_t pc;
    int on_default; /* index or -1 */
    int on_timeout; /* the shortest */
    int64_t timeout;
    size_t channels; /* cases with a channel */
    struct chan *
        *order;   /* the channels, each once, by address; a NULL behind them if a timer runs */
    size_t locks; /* how many */
    struct waiter *waiter; /* one for each case with a channel */
    struct pick pick;
    struct timer timer;
    struct g *g;
    int after;    /* the case that receives from a goc_after, or -1 */
    uint64_t use; /* of its channel */
};

static inline struct chan *case_chan(const goc_case *c)
{
    return c->goc_op == GOC_CASE_RECV || c->goc_op == GOC_CASE_SEND ? c->goc_ch : NULL;
}

static inline bool case_seems_ready(const goc_case *c)
{
    switch (c->goc_op) {
    case GOC_CASE_RECV:
        return c->goc_ch && chan_can_recv(c->goc_ch);
    case GOC_CASE_SEND:
        return c->goc_ch && chan_can_send(c->goc_ch);
    default:
        return false;
    }
}

/* One of the cases that seem ready, each with equal chance; -1 if there is none. */
static int choose(const goc_case *cases, size_t n)
{
    int chosen = -1;
    uint32_t ready = 0;
    for (size_t i = 0; i < n; i++) {
        if (!case_seems_ready(&cases[i]))
            continue;
        if (++ready == 1 || (uint32_t)(((uint64_t)rand_fast() * ready) >> 32) == 0)
            chosen = (int)i;
    }
    return chosen;
}

/* The size of what is received, for the detector, noted while the channel is surely there: once it
   is closed, it may be freed before this goroutine runs again. */
static inline void case_note_size(goc_case *c)
{
#ifdef GOC_RACE
    if (c->goc_op == GOC_CASE_RECV)
        c->goc_size = ((struct chan *)c->goc_ch)->elem;
#endif
}

static inline enum chan_result case_try_locked(goc_case *c, struct g **wake)
{
    case_note_size(c);
    if (c->goc_op == GOC_CASE_RECV)
        return chan_recv_locked(c->goc_ch, c->goc_place, wake);
    return chan_send_locked(c->goc_ch, case_value(c), wake);
}

/* A send reads the channel as an object and a close writes it, so that a close that nothing orders
   is a race; a free races with either. It counts for every case, also one that does not go ahead,
   since the select would have panicked or worse if it had found the channel closed or gone; and it
   comes before anything is published, or a receiver that then closes would seem to race. */
static inline void cases_objects(const goc_case *cases, size_t n, uintptr_t pc)
{
#ifdef GOC_RACE
    for (size_t i = 0; i < n; i++) {
        struct chan *ch = case_chan(&cases[i]);
        if (ch)
            hook_obj_read(pc, HOOK_OBJ_CHAN,
                          cases[i].goc_op == GOC_CASE_SEND ? (void *)ch : (void *)&ch->use);
    }
#endif
}

/* The case went ahead: what the program sees of it. */
static void case_finish(const goc_case *c, bool ok, uintptr_t pc)
{
    if (c->goc_op == GOC_CASE_SEND) {
        if (unlikely(!ok))
            chan_send_closed(c->goc_ch, pc);
        return;
    }
    if (c->goc_place)
        hook_write(pc, c->goc_place, c->goc_size);
    if (c->goc_ok) {
        hook_write(pc, c->goc_ok, 1);
        *c->goc_ok = ok;
    }
}

/* --- 2: all locks ----------------------------------------------------------------------------- */

static void sift(struct chan **a, size_t n, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n)
            return;
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[i] >= a[child])
            return;
        struct chan *t = a[i];
        a[i] = a[child];
        a[child] = t;
        i = child;
    }
}

static void sort(struct chan **a, size_t n)
{
    if (n <= ON_STACK) {
        for (size_t i = 1; i < n; i++) {
            struct chan *c = a[i];
            size_t j = i;
            for (; j && a[j - 1] > c; j--)
                a[j] = a[j - 1];
            a[j] = c;
        }
        return;
    }
    for (size_t i = n / 2; i--;)
        sift(a, n, i);
    for (size_t end = n; end-- > 1;) {
        struct chan *t = a[0];
        a[0] = a[end];
        a[end] = t;
        sift(a, end, 0);
    }
}

static void order_channels(struct sel *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (case_chan(&s->cases[i]))
            s->order[n++] = s->cases[i].goc_ch;
    sort(s->order, n);
    s->locks = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || s->order[i] != s->order[i - 1])
            s->order[s->locks++] = s->order[i];
}

static void lock_all(struct sel *s)
{
    for (size_t i = 0; i < s->locks; i++)
        chan_lock(s->order[i]);
}

static void unlock_all(struct sel *s)
{
    for (size_t i = 0; i < s->locks; i++)
        chan_unlock(s->order[i]);
}

static void timer_fired(struct timer *t, int64_t now)
{
    struct sel *s = container_of(t, struct sel, timer);
    struct g *g = s->g;
    if (!__atomic_exchange_n(&s->pick.fired, 1, __ATOMIC_ACQ_REL))
        g_ready_tail(g);
}

static bool commit_wait(struct g *g, void *arg)
{
    struct sel *s = arg;
    size_t n = s->locks;
    if (s->on_timeout >= 0)
        timer_add(&s->timer, s->timeout);
    for (size_t i = 0; i < n; i++)
        chan_unlock(s->order[i]);
    return true;
}

/* With all locks held, which it releases. Returns the case that went ahead. */
static int wait(struct sel *s)
{
    s->g = g_current();
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++) {
        goc_case *c = &s->cases[i];
        struct chan *ch = case_chan(c);
        if (!ch)
            continue;
        struct waiter *w = &s->waiter[n++];
        bool send = c->goc_op == GOC_CASE_SEND;
        case_note_size(c);
        waiter_init(w, s->g, &s->pick, send ? (void *)(uintptr_t)case_value(c) : c->goc_place);
        w->ch = ch;
        w->index = (uint32_t)i;
        queue_push(send ? &ch->sendq : &ch->recvq, w);
    }
    size_t objs = s->locks;
    if (s->on_timeout >= 0) {
        int64_t now = rt_now();
        s->timeout = s->timeout > INT64_MAX - now ? INT64_MAX : now + s->timeout;
        s->timer = (struct timer){.fire = timer_fired};
        s->order[objs++] = NULL; /* a timer will end the wait */
    }
    g_park(commit_wait, s, s->n ? HOOK_WAIT_SELECT : HOOK_WAIT_SELECT_NONE,
           (const void *const *)s->order, objs, s->pc);

    struct waiter *winner = s->pick.winner;
    for (size_t i = 0; i < n; i++) {
        struct waiter *w = &s->waiter[i];
        if (w == winner)
            continue;
        chan_lock(w->ch);
        queue_remove(s->cases[w->index].goc_op == GOC_CASE_SEND ? &w->ch->sendq : &w->ch->recvq, w);
        chan_unlock(w->ch);
    }
    if (s->on_timeout >= 0 && !timer_del(&s->timer))
        timer_quiet(&s->timer); /* it has just gone off, and may still read this frame */
    if (!winner)
        return s->on_timeout;
#ifndef GOC_RACE
    select_keep(s->g, s->cases, s->n, s->pc);
#endif
    return (int)winner->index;
}

static noinline int select_locked(struct sel *s)
{
    struct g *wake = NULL;
    int chosen;
    order_channels(s);
    lock_all(s);
    while ((chosen = choose(s->cases, s->n)) >= 0) {
        enum chan_result r = case_try_locked(&s->cases[chosen], &wake);
        if (r == CHAN_BLOCKS)
            continue; /* only waiters that have gone elsewhere, and these are cleared away now */
        unlock_all(s);
        if (wake)
            g_ready(wake);
        case_finish(&s->cases[chosen], r == CHAN_DONE, s->pc);
        return chosen;
    }
    if (s->on_default >= 0 || (s->on_timeout >= 0 && s->timeout <= 0)) {
        unlock_all(s);
        return s->on_default >= 0 ? s->on_default : s->on_timeout;
    }
    chosen = wait(s);
    const goc_case *c = &s->cases[chosen];
    if (c->goc_op != GOC_CASE_TIMEOUT)
        case_finish(c, s->pick.winner->ok, s->pc);
    return chosen;
}

static noinline int select_small(struct sel *s)
{
    struct waiter waiter[s->channels + 1];
    struct chan *order[s->channels + 1];
    s->waiter = waiter;
    s->order = order;
    return select_locked(s);
}

/* The memory must go also when a send panics; the goroutine's defers see to that. */
static noinline int select_large(struct sel *s)
{
    char *block =
        malloc(s->channels * sizeof(struct waiter) + (s->channels + 1) * sizeof(struct chan *));
    if (!block)
        goc_fatal("goc_select_n: out of memory for %zu cases", s->n);
    goc_defer(free, block);
    s->waiter = (struct waiter *)block;
    s->order = (struct chan **)(block + s->channels * sizeof(struct waiter));
    return select_locked(s);
}

/* --- 1: without locks ------------------------------------------------------------------------- */

static void scan(struct sel *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const goc_case *c = &s->cases[i];
        switch (c->goc_op) {
        case GOC_CASE_RECV:
            if (c->goc_ch && unlikely(((struct chan *)c->goc_ch)->use)) {
                s->after = (int)i;
                s->use = ((struct chan *)c->goc_ch)->use;
            }
            s->channels += c->goc_ch != NULL;
            break;
        case GOC_CASE_SEND:
            s->channels += c->goc_ch != NULL;
            break;
        case GOC_CASE_DEFAULT:
            s->on_default = (int)i;
            break;
        case GOC_CASE_TIMEOUT:
            if (s->on_timeout < 0 || c->goc_timeout < s->timeout) {
                s->on_timeout = (int)i;
                s->timeout = c->goc_timeout;
            }
            break;
        default:
            goc_panic_at(s->pc, "goc_select_n: case %zu is not one", i);
        }
    }
}

GOC_EXPORT int goc_select_n(goc_case *cases, size_t n)
{
    uintptr_t pc = CALLER_PC();
    if (unlikely(n > CASES_MAX))
        goc_panic_at(pc, "goc_select_n: too many cases (%zu, at most %d)", n, CASES_MAX);
    if (unlikely(!cases && n))
        null_argument("goc_select_n", pc);
    sched_point();
    cases_objects(cases, n, pc);
    int chosen;
#ifndef GOC_RACE
    struct g *g = g_current();
    if (g->flags & GF_KEPT) {
        const struct waiter *w = select_kept(g, cases, n, pc);
        if (likely(w != NULL)) {
            chosen = (int)w->index;
            case_finish(&cases[chosen], w->ok, pc);
            return chosen;
        }
    }
#endif
    chosen = choose(cases, n);
    if (chosen >= 0) {
        goc_case *c = &cases[chosen];
        struct chan *ch = c->goc_ch;
        struct g *wake;
        uint64_t use = ch->use;
        chan_lock(ch);
        enum chan_result r = case_try_locked(c, &wake);
        chan_unlock(ch);
        if (wake)
            g_ready(wake);
        if (likely(r != CHAN_BLOCKS)) {
            case_finish(c, r == CHAN_DONE, pc);
            if (unlikely(use) && r == CHAN_DONE && c->goc_op == GOC_CASE_RECV)
                after_received(use);
            return chosen;
        }
    }
    struct sel s; /* the timer is set when it is needed */
    s.cases = cases;
    s.n = n;
    s.pc = pc;
    s.on_default = s.on_timeout = s.after = -1;
    s.channels = 0;
    s.pick = (struct pick){0};
    scan(&s);
    if (chosen < 0 && s.on_default >= 0 && s.channels <= 1)
        return s.on_default;
    chosen = s.channels <= ON_STACK ? select_small(&s) : select_large(&s);
    if (unlikely(chosen == s.after) && chosen >= 0)
        after_received(s.use);
    return chosen;
}
