/*
 * chan.c - channels.
 *
 * A channel is a lock, a ring of slots, and two queues of waiting goroutines. The design is the
 * simplest that gives Go's semantics on any number of threads; what was weighed:
 *
 *  - A lock-free ring (Vyukov's bounded queue) makes an uncontended buffered send one CAS cheaper,
 * but a receiver that finds the ring empty must then announce itself and look again, which takes a
 *    full fence on every send; close, select and len need a lock anyway. Rejected: one short spin
 * lock costs the same as that fence.
 *  - Passing values always through the buffer, waking receivers to come and look: the woken
 * goroutine may find the value gone, and values and waiters may exist at once. Rejected for direct
 * hand-off: the side that comes second completes the operation for both, copying straight between
 * the two places, and the one that waited only has to run.
 *
 * Invariants, whenever the lock is free
 *   - receivers wait only if the buffer is empty and no sender waits; senders only if it is full
 *     (waiters of a select that has gone elsewhere may lie about; they do not count);
 *   - count <= cap; slots recvx .. recvx+count-1 (mod cap) hold the values in order;
 *   - once closed: closed for good, and nobody waits.
 *
 * Fairness is first come, first served in each queue. With hand-off that makes the order of
 * receives the order of sends.
 *
 * What the detector is told (hooks.h), under the lock: the k-th use of a slot is ordered after the
 * (k-1)-th, be it send or receive, which gives both "send before its receive" and "the k-th receive
 * before the (k+cap)-th send" and nothing more. A hand-off on a buffered channel therefore goes
 * through its slot although no value does. Without a buffer the two goroutines meet. close is
 * released at the channel and acquired by every receive that sees it. Races on the channel as an
 * object: a send reads it and close writes it (as in Go); any operation reads `use`, and free
 * writes it.
 */
#include "chan_impl.h"

#include <limits.h>
#include <stdlib.h>

/* --- the two steps, under the lock ------------------------------------------------------------ */

static inline uint32_t slot_after(const struct chan *c, uint32_t i)
{
    return i + 1 == c->cap ? 0 : i + 1;
}

/* The detector's side of a hand-off between the current goroutine and the waiting `other`. */
static inline void handoff_hooks(struct chan *c, struct g *other, bool sending)
{
#ifdef GOC_RACE
    struct race_g *o = g_race(other);
    if (!c->cap) {
        hook_meet(o);
        return;
    }
    /* As if through the buffer: a sender fills the next slot and the receiver empties it. */
    char *slot = chan_slot(c, c->recvx);
    hook_acquire_release(NULL, slot);
    hook_acquire_release(o, slot);
    if (sending) {
        c->recvx = slot_after(c, c->recvx);
        c->sendx = c->recvx;
    }
#endif
}

enum chan_result chan_send_locked(struct chan *c, const void *value, struct g **wake)
{
    *wake = NULL;
    if (unlikely(c->closed))
        return CHAN_CLOSED;
    struct waiter *w = queue_pop(&c->recvq);
    if (w) {
        handoff_hooks(c, w->g, true);
        if (w->value)
            value_copy(w->value, value, c->elem);
        w->ok = true;
        *wake = w->g;
        return CHAN_DONE;
    }
    if (c->count == c->cap)
        return CHAN_BLOCKS;
    char *slot = chan_slot(c, c->sendx);
    hook_acquire_release(NULL, slot);
    value_copy(slot, value, c->elem);
    c->sendx = slot_after(c, c->sendx);
    store_release(&c->count, c->count + 1);
    return CHAN_DONE;
}

enum chan_result chan_recv_locked(struct chan *c, void *value, struct g **wake)
{
    *wake = NULL;
    if (c->count) {
        char *slot = chan_slot(c, c->recvx);
        struct waiter *w = queue_pop(&c->sendq);
        if (w)
            handoff_hooks(c, w->g, false);
        else
            hook_acquire_release(NULL, slot);
        if (value)
            value_copy(value, slot, c->elem);
        c->recvx = slot_after(c, c->recvx);
        if (w) { /* the buffer is full: the waiting sender's value takes the slot just emptied */
            value_copy(slot, w->value, c->elem);
            c->sendx = c->recvx;
            w->ok = true;
            *wake = w->g;
        } else {
            store_release(&c->count, c->count - 1);
        }
        return CHAN_DONE;
    }
    struct waiter *w = queue_pop(&c->sendq);
    if (w) {
        handoff_hooks(c, w->g, false);
        if (value)
            value_copy(value, w->value, c->elem);
        w->ok = true;
        *wake = w->g;
        return CHAN_DONE;
    }
    if (!c->closed)
        return CHAN_BLOCKS;
    hook_acquire(NULL, c);
    if (value)
        rt_zero(value, c->elem);
    return CHAN_CLOSED;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static bool commit_unlock(struct g *g, void *arg)
{
    chan_unlock(arg);
    return true;
}

static bool commit_forever(struct g *g, void *arg)
{
    return true;
}

static _Noreturn noinline void block_forever(enum hook_wait why, uintptr_t pc)
{
    for (;;)
        g_park(commit_forever, NULL, why, NULL, 0, pc);
}

/* Called with the lock held; returns with it released. false: woken by close. */
static inline bool chan_wait(struct chan *c, struct wait_queue *q, void *value, enum hook_wait why,
                             uintptr_t pc)
{
    struct waiter w;
    const void *obj = c;
    waiter_init(&w, g_current(), NULL, value);
    queue_push(q, &w);
    g_park(commit_unlock, c, why, &obj, 1, pc);
    return w.ok;
}

_Noreturn noinline void chan_send_closed(struct chan *c, uintptr_t pc)
{
    hook_misuse(HOOK_MISUSE_SEND_CLOSED, HOOK_OBJ_CHAN, c, "send on closed channel", pc);
    goc_panic_at(pc, "send on closed channel");
}

static inline void chan_send_at(struct chan *c, const void *value, uintptr_t pc)
{
    if (unlikely(!c))
        block_forever(HOOK_WAIT_CHAN_SEND_NIL, pc);
    sched_point();
    hook_obj_read(pc, HOOK_OBJ_CHAN, c);
    struct g *wake;
    bool one = c->cap == 1; /* perhaps a lock */
    chan_lock(c);
    enum chan_result r = chan_send_locked(c, value, &wake);
    if (r == CHAN_BLOCKS) {
        if (!chan_wait(c, &c->sendq, (void *)(uintptr_t)value, HOOK_WAIT_CHAN_SEND, pc))
            chan_send_closed(c, pc);
    } else {
        chan_unlock(c);
        if (wake)
            g_ready(wake);
        else if (unlikely(r == CHAN_CLOSED))
            chan_send_closed(c, pc);
    }
    if (one)
        hook_chan_one(c, c->buf, true, pc);
}

/* false: closed and drained. */
static inline bool chan_recv_at(struct chan *c, void *value, uintptr_t pc)
{
    if (unlikely(!c))
        block_forever(HOOK_WAIT_CHAN_RECV_NIL, pc);
    sched_point();
    hook_obj_read(pc, HOOK_OBJ_CHAN, &c->use);
    struct g *wake;
    bool one = c->cap == 1;
    uint64_t use = c->use;
    chan_lock(c);
    enum chan_result r = chan_recv_locked(c, value, &wake);
    bool ok = r == CHAN_DONE;
    if (r == CHAN_BLOCKS) {
        ok = chan_wait(c, &c->recvq, value, HOOK_WAIT_CHAN_RECV, pc);
    } else {
        chan_unlock(c);
        if (wake)
            g_ready(wake);
    }
    if (one && ok)
        hook_chan_one(c, c->buf, false, pc);
    if (unlikely(use) && ok)
        after_received(use);
    return ok;
}

/* --- the public functions --------------------------------------------------------------------- */

GOC_EXPORT void goc_chan_send(void *ch, const void *value)
{
    chan_send_at(ch, value, CALLER_PC());
}

GOC_EXPORT bool goc_chan_try_send(void *ch, const void *value)
{
    struct chan *c = ch;
    uintptr_t pc = CALLER_PC();
    if (!c)
        return false;
    sched_point();
    hook_obj_read(pc, HOOK_OBJ_CHAN, c);
    if (!chan_can_send(c))
        return false;
    struct g *wake;
    chan_lock(c);
    enum chan_result r = chan_send_locked(c, value, &wake);
    chan_unlock(c);
    if (wake)
        g_ready(wake);
    if (unlikely(r == CHAN_CLOSED))
        chan_send_closed(c, pc);
    return r == CHAN_DONE;
}

GOC_EXPORT void *goc_chan_recv(void *ch, void *value)
{
    chan_recv_at(ch, value, CALLER_PC());
    return value;
}

GOC_EXPORT bool goc_chan_next(void *ch, void *value)
{
    return chan_recv_at(ch, value, CALLER_PC());
}

GOC_EXPORT bool goc_chan_recv_ok(void *ch, void *value)
{
    uintptr_t pc = CALLER_PC();
#ifdef GOC_RACE /* the closer may free the channel before we run again: read the size now */
    uint32_t size = ch ? ((struct chan *)ch)->elem : 0;
#endif
    bool ok = chan_recv_at(ch, value, pc);
    if (value)
        hook_write(pc, value, size);
    return ok;
}

GOC_EXPORT bool goc_chan_try_recv(void *ch, void *value)
{
    struct chan *c = ch;
    if (!c)
        return false;
    sched_point();
    hook_obj_read(CALLER_PC(), HOOK_OBJ_CHAN, &c->use);
    if (!chan_can_recv(c))
        return false;
    struct g *wake;
    chan_lock(c);
    enum chan_result r = chan_recv_locked(c, value, &wake);
    chan_unlock(c);
    if (wake)
        g_ready(wake);
    if (value && r != CHAN_BLOCKS)
        hook_write(CALLER_PC(), value, c->elem);
    if (unlikely(c->use) && r == CHAN_DONE)
        after_received(c->use);
    return r == CHAN_DONE;
}

/* Under the lock, which it releases: closed from now on, and everyone is woken. */
static void chan_close_locked(struct chan *c)
{
    hook_release(NULL, c);
    store_release(&c->closed, 1);

    struct waiter *w, *first = NULL, **link = &first;
    while ((w = queue_pop(&c->recvq))) {
        hook_acquire(g_race(w->g), c);
        if (w->value)
            rt_zero(w->value, c->elem);
        w->ok = false;
        *link = w;
        link = &w->next;
    }
    while ((w = queue_pop(&c->sendq))) { /* they will panic */
        hook_acquire(g_race(w->g), c);
        w->ok = false;
        *link = w;
        link = &w->next;
    }
    *link = NULL;
    chan_unlock(c);

    /* A single one takes over at once; a crowd queues up behind who is already runnable. */
    if (first && !first->next)
        return g_ready(first->g);
    while (first) {
        struct waiter *next = first->next;
        g_ready_tail(first->g);
        first = next;
    }
}

GOC_EXPORT void goc_chan_close(void *ch)
{
    struct chan *c = ch;
    uintptr_t pc = CALLER_PC();
    if (!c) {
        hook_misuse(HOOK_MISUSE_CLOSE_NIL, HOOK_OBJ_CHAN, c, "close of nil channel", pc);
        goc_panic_at(pc, "close of nil channel");
    }
    sched_point();
    chan_lock(c);
    if (c->closed) {
        chan_unlock(c);
        hook_misuse(HOOK_MISUSE_CLOSE_CLOSED, HOOK_OBJ_CHAN, c, "close of closed channel", pc);
        goc_panic_at(pc, "close of closed channel");
    }
    hook_obj_write(pc, HOOK_OBJ_CHAN, c);
    chan_close_locked(c);
}

void chan_close(struct chan *c)
{
    chan_lock(c);
    chan_close_locked(c);
}

GOC_EXPORT int goc_chan_len(const void *ch)
{
    const struct chan *c = ch;
    sched_point();
    return c ? (int)load_relaxed(&c->count) : 0;
}

GOC_EXPORT int goc_chan_cap(const void *ch)
{
    const struct chan *c = ch;
    return c ? (int)c->cap : 0;
}

/* --- life ------------------------------------------------------------------------------------- */

static size_t chan_size(uint32_t cap, uint32_t stride)
{
    return sizeof(struct chan) + (size_t)cap * stride;
}

GOC_EXPORT void *goc_chan_new(size_t elem_size, int64_t cap)
{
    uintptr_t pc = CALLER_PC();
    if (elem_size > ELEM_MAX)
        goc_panic_at(
            pc, "makechan: invalid channel element type (goc_chan_make: %zu bytes, at most %d)",
            elem_size, ELEM_MAX);
    uint32_t stride = (uint32_t)elem_size;
#ifdef GOC_RACE
    stride = stride ? (stride + 7) & ~7u : 8; /* each slot is a sync object of its own */
#endif
    if (cap < 0 || cap > INT_MAX)
        goc_panic_at(pc, "makechan: size out of range (goc_chan_make: capacity %lld)",
                     (long long)cap);
    size_t size = chan_size((uint32_t)cap, stride);
    struct chan *c = malloc(size);
    if (!c)
        goc_panic_at(pc, "makechan: size out of range (goc_chan_make: no memory for %zu bytes)",
                     size);
    rt_zero(c, sizeof *c);
    c->cap = (uint32_t)cap;
    c->elem = (uint32_t)elem_size;
    c->stride = stride;
    return c;
}

GOC_EXPORT void goc_chan_delete(void *ch)
{
    struct chan *c = ch;
    if (!c)
        return;
    struct waiter *w;
    if (unlikely(c->elem > ELEM_MAX)) /* one that is freed is marked: a second free would wait for its lock */
        goc_fatal("goc_chan_free of a channel that was freed before (or is none)");
    for (;;) {
        chan_unkeep(c);
        chan_lock(c);
        w = c->recvq.head ? c->recvq.head : c->sendq.head;
        chan_unlock(c);
        if (!w || !w->pick || !load_acquire(&w->pick->fired))
            break;
        goc_gosched(); /* a select that has gone elsewhere and is about to take its waiter out */
    }
    if (w) {
        hook_misuse(HOOK_MISUSE_FREE_IN_USE, HOOK_OBJ_CHAN, c,
                    "goc_chan_free of a channel that a goroutine waits on", CALLER_PC());
        goc_fatal("goc_chan_free of a channel that a goroutine waits on");
    }
    hook_obj_write(CALLER_PC(), HOOK_OBJ_CHAN, c);
    hook_obj_write(CALLER_PC(), HOOK_OBJ_CHAN, &c->use);
    hook_forget(c, chan_size(c->cap, c->stride));
    store_relaxed(&c->elem, UINT32_MAX);
    __asm__ volatile("" ::"r"(c) : "memory"); /* the mark is for who comes after free */
    free(c);
}

void chan_drop(struct chan *c)
{
    chan_unkeep(c);
    hook_forget(c, chan_size(c->cap, c->stride));
    hook_run(NULL);
    free(c);
    hook_run(g_race(g_current()));
}

/* --- a wait that close ends, beside another --------------------------------------------------- */

bool chan_watch_lock(struct chan *c, struct waiter *w)
{
    chan_lock(c);
    if (c->closed) {
        hook_acquire(NULL, c);
        chan_unlock(c);
        return false;
    }
    queue_push(&c->recvq, w);
    return true;
}

void chan_watch_unlock(struct chan *c)
{
    chan_unlock(c);
}

void chan_unwatch(struct chan *c, struct waiter *w)
{
    chan_lock(c);
    queue_remove(&c->recvq, w);
    chan_unlock(c);
}
