/*
 * waiter.h - what the primitives share: a goroutine's place in a queue, and a semaphore.
 *
 * A struct waiter lives on the stack of the goroutine that waits, so waiting allocates nothing. It
 * is in a queue, or it has been taken out by whoever will wake its goroutine; both only change
 * under the lock of the object whose queue it is. The goroutine's stack, and with it the waiter, is
 * valid until g_ready is called: take what is needed from the waiter, then unlock, then g_ready.
 *
 *   in the queue            owned by the object's lock
 *   taken out               owned by the waker, until its one call of g_ready
 *   woken                   owned by its goroutine again
 *
 * A goroutine that waits for the first of several things (select, a semaphore under a context) has
 * a waiter in each queue and one struct pick for all. Whoever takes such a waiter out must win the
 * pick (0 -> 1) to own the wake-up; a loser drops the waiter, whose goroutine is already being
 * woken and will find it gone. The waiters that stay in queues between selects (select_keep.c) are
 * not on a stack; their goroutine looks at `queued`, `next` and `dropped` without the lock.
 */
#ifndef GOC_WAITER_H
#define GOC_WAITER_H

#include "rt.h"
#include "sched.h"
#include <goc/sync.h>

struct chan;

struct pick {
    uint32_t fired;
    struct waiter *winner; /* written by the one that fired it; NULL: the timer */
};

struct waiter {
    struct waiter *next, *prev;
    struct g *g;
    struct pick *pick; /* NULL: waits for this alone */
    void *value;       /* channels: where the value comes from or goes to; NULL drops it */
    struct chan *ch;
    uint32_t index;   /* select: which case */
    bool queued;      /* in a queue */
    bool kept;        /* select_keep.c: stays in queues between selects */
    bool ok;          /* channels: a value has passed. Others: the object is ours */
    uint32_t state;   /* cond.c; kept: it sends */
    uint32_t dropped; /* kept: who took it out has lost the pick, and is through with it */
    int64_t n;        /* semaphores: units asked for; mutex: when the wait began */
};

/* The fields that a channel's queue needs, and no others: this is on the way of every wait. */
static inline void waiter_init(struct waiter *w, struct g *g, struct pick *pick, void *value)
{
    w->g = g;
    w->pick = pick;
    w->value = value;
    w->kept = false;
}

struct wait_queue {
    struct waiter *head, *tail;
};

static inline void queue_push(struct wait_queue *q, struct waiter *w)
{
    store_relaxed(&w->next, NULL);
    w->prev = q->tail;
    store_relaxed(&w->queued, true);
    if (q->tail)
        store_relaxed(&q->tail->next, w);
    else
        store_relaxed(&q->head, w);
    q->tail = w;
}

static inline void queue_remove(struct wait_queue *q, struct waiter *w)
{
    if (!w->queued)
        return;
    store_relaxed(&w->queued, false);
    if (w->prev)
        store_relaxed(&w->prev->next, w->next);
    else
        store_relaxed(&q->head, w->next);
    if (w->next)
        w->next->prev = w->prev;
    else
        q->tail = w->prev;
}

/* The waker's claim on a waiter that may wait for other things too. */
static inline bool waiter_claim(struct waiter *w)
{
    if (!w->pick)
        return true;
    if (__atomic_exchange_n(&w->pick->fired, 1, __ATOMIC_ACQ_REL))
        return false;
    w->pick->winner = w;
    return true;
}

/* The first waiter that is still to be woken, taken out and claimed; NULL if there is none. */
static inline struct waiter *queue_pop(struct wait_queue *q)
{
    struct waiter *w;
    while ((w = q->head)) {
        queue_remove(q, w);
        if (waiter_claim(w))
            return w;
        store_release(&w->dropped, 1);
    }
    return NULL;
}

/* --- a ring of waiters behind one pointer, for objects that must be small --------------------- */
/* *ring is the last one; ->next of it the first. */

static inline void ring_push(void **ring, struct waiter *w)
{
    struct waiter *last = *ring;
    if (last) {
        w->next = last->next;
        last->next = w;
    } else {
        w->next = w;
    }
    *ring = w;
    w->queued = true;
}

static inline void ring_push_front(void **ring, struct waiter *w)
{
    struct waiter *last = *ring;
    ring_push(ring, w);
    if (last)
        *ring = last;
}

static inline struct waiter *ring_first(void *const *ring)
{
    struct waiter *last = *ring;
    return last ? last->next : NULL;
}

static inline struct waiter *ring_pop(void **ring)
{
    struct waiter *last = *ring;
    if (!last)
        return NULL;
    struct waiter *w = last->next;
    if (w == last)
        *ring = NULL;
    else
        last->next = w->next;
    w->queued = false;
    return w;
}

/* Takes back what the last push has done; `old` is what *ring was before it. */
static inline void ring_unpush(void **ring, void *old, struct waiter *w)
{
    if (old)
        ((struct waiter *)old)->next = w->next;
    *ring = old;
    w->queued = false;
}

/* Takes w out wherever it is: O(n), for the rare end of a wait by a context. */
static inline void ring_remove(void **ring, struct waiter *w)
{
    struct waiter *last = *ring, *before = last;
    if (!w->queued)
        return;
    while (before->next != w)
        before = before->next;
    if (before == w) {
        *ring = NULL;
    } else {
        before->next = w->next;
        if (last == w)
            *ring = before;
    }
    w->queued = false;
}

/* --- sema.c ----------------------------------------------------------------------------------- */

/* Take one unit, waiting for it in order of arrival; `why` and `obj` are what the wait is about. */
void sema_acquire(struct goc_sema *s, enum hook_wait why, const void *obj, uintptr_t pc);
/* Give n units. `obj` is not touched any more once the last of them can be seen. */
void sema_release(struct goc_sema *s, uint32_t n);

/* At the beginning of a public function: a NULL argument is a panic that names the call. */
_Noreturn void null_argument(const char *call, uintptr_t pc);
#define NEED(p)                                   \
    do {                                          \
        if (unlikely(!(p)))                       \
            null_argument(__func__, CALLER_PC()); \
        sched_point();                            \
    } while (0)

/* --- mutex.c: the lock without its detector's side, for the primitives built on it ------------ */

void mutex_lock_as(goc_mutex *mu, enum hook_wait why, const void *obj, uintptr_t pc);
bool mutex_trylock_quiet(goc_mutex *mu);
bool mutex_unlock_quiet(goc_mutex *mu); /* false: it was not locked */
bool mutex_is_locked(const goc_mutex *mu);
void mutex_lock_at(goc_mutex *mu, uintptr_t pc);
void mutex_unlock_at(goc_mutex *mu, uintptr_t pc);

/* --- with the caller's pc, for the primitives made of others ---------------------------------- */

struct goc_context;
struct g *g_spawn(void *fn, const uintptr_t *arg, int n, size_t stack_size, uintptr_t pc);
void waitgroup_add_at(goc_waitgroup *wg, int n, uintptr_t pc);
void waitgroup_wait_at(goc_waitgroup *wg, uintptr_t pc);
int sem_acquire_at(goc_sem *s, int64_t n, struct goc_context *ctx, uintptr_t pc);
void sem_release_at(goc_sem *s, int64_t n, uintptr_t pc);

/* --- chan.c ----------------------------------------------------------------------------------- */

/* For channels that the program can only receive from, because a primitive closes and frees them:
   no access to the channel as an object is recorded, since the program could not order it. */
void chan_close(struct chan *ch); /* once */
void chan_drop(struct chan *ch);  /* nobody waits on it */

/* For waits that are ended by a channel's close, beside something else: enter w, which has a pick,
   into the receivers of ch, or return false if ch is closed already. The lock is for the park's
   commit to release. */
bool chan_watch_lock(struct chan *ch, struct waiter *w); /* leaves ch locked if true */
void chan_watch_unlock(struct chan *ch);
void chan_unwatch(struct chan *ch, struct waiter *w);

#endif
