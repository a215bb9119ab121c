/*
 * select_keep.c - a goroutine that blocks in the same select again and again.
 *
 * Such a loop spends most of its time at the channels' locks: all are taken to enter the waiters,
 * all but one again to take them out, only for the same waiters to be entered once more. So after
 * EARN blocking selects in a row over the same channels the goroutine gets a set of waiters that
 * stay in the queues while it does something else. They are there, but their pick is fired:
 * whoever comes upon one drops it, as it drops any waiter of a select that has gone elsewhere. To
 * wait, the goroutine enters those that are missing (as a rule the last winner alone), leaves its
 * stack, and sets the pick to 0.
 *
 * Why that is enough. A waiter in a queue says that nothing was possible there when it was entered
 * (it was, under the lock), and that nothing has been since: a sender that finds a receiver takes
 * it out before it fills the buffer or waits, a receiver does with a sender, a close with all. Who
 * takes it out does so before the exchange on the pick, and the goroutine looks at its waiters
 * after its own exchange. So either the goroutine sees that one is missing, takes the pick back
 * and goes the long way, or the other's exchange comes later, wins, and wakes it. Nothing else is
 * looked at: a channel with a waiter in its queue is not even touched.
 *
 * A waiter that somebody else stands behind is entered anew: an old place is no claim on being
 * served before one who has come since.
 *
 * Lifetimes. Waiters that outlast the select cannot lie on its stack: the set is a block of its
 * own.
 *   - The commit reads it after the pick is 0, when the goroutine may run again: `committing`
 *     holds the goroutine up until the commit is through.
 *   - A channel is freed with waiters in it: the free drops them, as any other would, and then
 *     waits for `leaving`, under which alone a goroutine locks channels that it was not given by a
 *     call.
 *   - The set is freed by its goroutine alone, at its end or when it has others to wait for, after
 *     those in queues were taken out and of the others `dropped` was seen: that is the last thing
 *     that who takes a waiter out and loses the pick does with it.
 *
 * tests/model/select.c has all this in all its interleavings, and that each precaution is needed.
 *
 * Rejected: the same with the waiters in the record of the goroutine, which every goroutine would
 * pay for; and to remember the channels alone, since what costs is their locks.
 *
 * Not for goroutines that alternate between selects: their turns are no row, and a set is given up
 * after MISSES others in a row. Not in race builds: there the detector's work is what a select
 * costs.
 */
#include "chan_impl.h"
#include "sched_impl.h"

#include <stdlib.h>
#include <sys/syscall.h>

#ifndef GOC_RACE

enum { KEPT_MAX = 16, EARN = 8, MISSES = 8 };

struct kept {
    struct pick pick; /* fired, but while its goroutine waits */
    uint32_t committing;
    uint32_t misses; /* selects in a row that blocked and were others */
    uint32_t n;
    const void *order[KEPT_MAX]; /* what it waits on */
    struct waiter w[];
};

/* Before there is a set: how often in a row one select has blocked, in the low bits, and which. */
enum { GUESS_COUNT = 0xffff };

static struct lock leaving;
static uint32_t sets; /* that there are */

static inline struct wait_queue *queue_of(const struct waiter *w)
{
    return w->state ? &w->ch->sendq : &w->ch->recvq;
}

static noinline void pause_until(const uint32_t *word, uint32_t value)
{
    for (unsigned i = 0; load_acquire(word) != value; i++) {
        if (i < 100)
            cpu_relax();
        else
            rt_sys0(SYS_sched_yield);
    }
}

/* --- the end of a set, or of a channel -------------------------------------------------------- */

/* Take a waiter out for good. Under `leaving`: its channel might be freed before it is locked. */
static void leave(struct waiter *w)
{
    if (load_acquire(&w->queued)) {
        chan_lock(w->ch);
        if (w->queued) {
            queue_remove(queue_of(w), w);
            store_release(&w->dropped, 1);
        }
        chan_unlock(w->ch);
    }
    pause_until(&w->dropped, 1);
}

void select_forget(struct g *g)
{
    struct kept *k = g->kept;
    g->flags &= (uint8_t)~GF_KEPT;
    g->guess = 0;
    lock_acquire(&leaving, RANK_SYNC);
    for (uint32_t i = 0; i < k->n; i++)
        leave(&k->w[i]);
    __atomic_fetch_sub(&sets, 1, __ATOMIC_RELEASE);
    lock_release(&leaving);
    free(k);
}

void chan_unkeep(struct chan *c)
{
    if (likely(!load_acquire(&sets)))
        return;
    chan_lock(c);
    struct wait_queue *q[2] = {&c->recvq, &c->sendq};
    for (int i = 0; i < 2; i++) {
        for (struct waiter *w = q[i]->head, *next; w; w = next) {
            next = w->next;
            if (w->kept && load_acquire(&w->pick->fired)) {
                queue_remove(q[i], w);
                store_release(&w->dropped, 1);
            }
        }
    }
    chan_unlock(c);
    lock_acquire(&leaving, RANK_SYNC);
    lock_release(&leaving);
}

void select_fork(void)
{
    leaving.word = 0;
}

/* --- earning it ------------------------------------------------------------------------------- */

void select_keep(struct g *g, const goc_case *cases, size_t n, uintptr_t pc)
{
    if (g->flags & GF_KEPT) {
        if (++g->kept->misses >= MISSES)
            select_forget(g);
        return;
    }
    if (n < 2 || n > KEPT_MAX || g->flags & GF_FOREIGN)
        return;
    uint64_t which =
        ((uintptr_t)cases[0].goc_ch ^ (uintptr_t)cases[n - 1].goc_ch * 31 ^ pc * 1009) &
        ~(uint64_t)GUESS_COUNT;
    if ((g->guess & ~(uint64_t)GUESS_COUNT) != which)
        g->guess = which;
    if ((++g->guess & GUESS_COUNT) < EARN)
        return;
    g->guess = which;
    for (size_t i = 0; i < n; i++) {
        const struct chan *ch = cases[i].goc_ch;
        if ((cases[i].goc_op != GOC_CASE_SEND && cases[i].goc_op != GOC_CASE_RECV) || !ch ||
            ch->use)
            return;
        for (size_t j = 0; j < i; j++)
            if (cases[j].goc_ch == ch)
                return; /* its own waiters would stand in each other's way */
    }
    struct kept *k = malloc(sizeof *k + n * sizeof(struct waiter));
    if (!k)
        return;
    *k = (struct kept){.pick = {.fired = 1}, .n = (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        k->order[i] = cases[i].goc_ch;
        k->w[i] = (struct waiter){.g = g,
                                  .pick = &k->pick,
                                  .ch = cases[i].goc_ch,
                                  .index = (uint32_t)i,
                                  .state = cases[i].goc_op == GOC_CASE_SEND,
                                  .kept = true,
                                  .dropped = 1};
    }
    __atomic_fetch_add(&sets, 1, __ATOMIC_ACQ_REL); /* before any of them is in a queue */
    g->kept = k;
    g->flags |= GF_KEPT;
}

/* --- waiting with it -------------------------------------------------------------------------- */

/* Put a waiter at the end of its queue, wherever it is. false: its operation may be possible. */
static noinline bool enter(struct waiter *w)
{
    struct chan *ch = w->ch;
    if (unlikely(ch->use) || (w->state ? chan_can_send(ch) : chan_can_recv(ch)))
        return false;
    chan_lock(ch);
    struct wait_queue *q = queue_of(w);
    queue_remove(q, w);
    w->dropped = 1;
    bool could = w->state ? chan_can_send(ch) : chan_can_recv(ch);
    if (!could) {
        w->dropped = 0;
        queue_push(q, w);
    }
    chan_unlock(ch);
    return !could;
}

static bool commit_kept(struct g *g, void *arg)
{
    struct kept *k = arg;
    bool wait = true;
    __atomic_exchange_n(&k->pick.fired, 0, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < k->n; i++)
        wait &= load_relaxed(&k->w[i].queued);
    if (unlikely(!wait)) /* back with the pick, unless somebody is about to wake us */
        wait = __atomic_exchange_n(&k->pick.fired, 1, __ATOMIC_ACQ_REL);
    store_release(&k->committing, 0);
    return wait;
}

/* Of a goroutine that has a set. The waiter that was woken; NULL: it is for another select, or
   something may be possible at once. */
struct waiter *select_kept(struct g *g, const goc_case *cases, size_t n, uintptr_t pc)
{
    struct kept *k = g->kept;
    if (n != k->n)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const goc_case *c = &cases[i];
        struct waiter *w = &k->w[i];
        if (w->ch != c->goc_ch || c->goc_op != (w->state ? GOC_CASE_SEND : GOC_CASE_RECV))
            return NULL;
        w->value = w->state ? (void *)(uintptr_t)case_value(c) : c->goc_place;
        bool last = load_relaxed(&w->queued) && !load_relaxed(&w->next);
        if (unlikely(!last) && !enter(w))
            return NULL;
    }
    k->misses = 0;
    k->pick.winner = NULL;
    k->committing = 1;
    g_park(commit_kept, k, HOOK_WAIT_SELECT, k->order, n, pc);
    if (unlikely(load_acquire(&k->committing)))
        pause_until(&k->committing, 0);
    struct waiter *w = k->pick.winner;
    if (likely(w != NULL))
        w->dropped = 1;
    return w;
}

#endif
