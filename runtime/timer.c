/*
 * timer.c - sleeping and timers.
 *
 * The problem: a server has a timeout for every request, so timers are set and stopped by the
 * million, and few ever fire. A timing wheel is O(1) and loses precision or needs cascades; one
 * heap under one lock is where all Ps meet. So each P has a heap of its own, with four children a
 * node: half as deep as a binary one and the children share a cache line. The entries hold the
 * time, so a sift reads nothing but the heap.
 *
 * A timer that can be stopped knows its index, which a sift has to write back, into cold memory. A
 * sleeping goroutine cannot be stopped: it needs no index, nor a timer at all; its entry points to
 * the goroutine, so that 100,000 sleepers are sifted, and woken, without touching one of their
 * stacks.
 *
 * Who looks: the P's own scheduler at each turn while it has timers; a thread looking for work, at
 * every P's; the poller, asleep until the earliest; and the monitor when everyone is busy.
 *
 * Timers are fired on the scheduler's stack with no lock held, because they send on channels (whose
 * locks come before timer locks).
 *
 * Invariants: a heap is changed under its P's timer_lock only; timer_when is its first entry's time
 * or 0; t->p is changed under the lock of the P it names.
 */
#include "sched_impl.h"

#include <goc/time.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { WAYS = 4 };

static inline struct timer *entry_timer(struct timer_entry e)
{
    return (struct timer *)(e.t & ~(uintptr_t)1);
}

static inline void put(struct timer_entry *heap, uint32_t i, struct timer_entry e)
{
    heap[i] = e;
    if (e.t & 1)
        entry_timer(e)->index = i;
}

static uint32_t sift_up(struct timer_entry *heap, uint32_t i, struct timer_entry e)
{
    while (i) {
        uint32_t up = (i - 1) / WAYS;
        if (heap[up].when <= e.when)
            break;
        put(heap, i, heap[up]);
        i = up;
    }
    put(heap, i, e);
    return i;
}

static void sift_down(struct timer_entry *heap, uint32_t n, uint32_t i, struct timer_entry e)
{
    for (;;) {
        uint32_t first = i * WAYS + 1, best = first;
        if (first >= n)
            break;
        uint32_t last = first + WAYS < n ? first + WAYS : n;
        for (uint32_t c = first + 1; c < last; c++)
            if (heap[c].when < heap[best].when)
                best = c;
        if (heap[best].when >= e.when)
            break;
        put(heap, i, heap[best]);
        i = best;
    }
    put(heap, i, e);
}

static void heap_grow(struct p *p)
{
    uint32_t cap = p->timer_cap ? p->timer_cap * 2 : 256;
    size_t old = p->timer_cap * sizeof(struct timer_entry);
    struct timer_entry *heap;
    if (!old) {
        heap = rt_map(cap * sizeof *heap);
    } else {
        long r = rt_sys5(SYS_mremap, p->timers, old, cap * sizeof *heap, MREMAP_MAYMOVE, 0);
        heap = r < 0 && r > -4096 ? NULL : (struct timer_entry *)r;
    }
    if (!heap) {
        lock_release(&p->timer_lock);
        goc_fatal("out of memory: cannot grow a heap of %u timers", p->timer_n);
    }
    p->timers = heap;
    p->timer_cap = cap;
}

static void first_changed(struct p *p)
{
    store_relaxed(&p->timer_when, p->timer_n ? p->timers[0].when : 0);
}

/* Returns whether it is the first now. */
static bool heap_add(struct p *p, uintptr_t t, int64_t when)
{
    if (unlikely(p->timer_n == p->timer_cap))
        heap_grow(p);
    uint32_t i = p->timer_n;
    store_relaxed(&p->timer_n, i + 1);
    i = sift_up(p->timers, i, (struct timer_entry){when, t});
    if (i == 0)
        first_changed(p);
    return i == 0;
}

static void heap_remove(struct p *p, uint32_t i)
{
    uint32_t n = p->timer_n - 1;
    struct timer_entry last = p->timers[n];
    store_relaxed(&p->timer_n, n);
    if (i != n) {
        if (i && p->timers[(i - 1) / WAYS].when > last.when)
            sift_up(p->timers, i, last);
        else
            sift_down(p->timers, n, i, last);
    }
    if (i == 0)
        first_changed(p);
}

static void add(uintptr_t entry, struct timer *t, int64_t when)
{
    struct m *m = m_cur();
    uint32_t was = m->inside;
    struct p *p = p_enter(m);
    bool stray = !p;
    if (unlikely(stray))
        p = sched_p[0];
    if (when <= 0)
        when = 1;
    lock_acquire(&p->timer_lock, RANK_TIMER);
    if (t) {
        t->when = when;
        store_relaxed(&t->p, p);
    }
    bool first = heap_add(p, entry, when);
    lock_release(&p->timer_lock);
    if (first)
        wake_poller(when);
    if (unlikely(stray))
        wake_p(); /* the P may be idle with nobody watching */
    if (!was)
        p_leave(m);
}

void timer_add(struct timer *t, int64_t when)
{
    add((uintptr_t)t | 1, t, when);
}

bool timer_del(struct timer *t)
{
    for (;;) {
        struct p *p = load_acquire(&t->p);
        if (!p)
            return false;
        lock_acquire(&p->timer_lock, RANK_TIMER);
        if (load_relaxed(&t->p) == p) {
            heap_remove(p, t->index);
            store_relaxed(&t->p, NULL);
            lock_release(&p->timer_lock);
            return true;
        }
        lock_release(&p->timer_lock);
    }
}

int64_t timers_run(struct m *m, struct p *p, int64_t now)
{
    store_relaxed(&sched.coarse_now, now);
    /* Next, if somebody was interrupted for it; but not before those that were woken earlier. */
    void (*ready)(struct m *, struct g *) = m->p && m->p->cut ? ready_first : ready_inside;
    if (m->p)
        m->p->cut = false;
    lock_acquire(&p->timer_lock, RANK_TIMER);
    while (p->timer_n && p->timers[0].when <= now) {
        uintptr_t entry = p->timers[0].t;
        if (!(entry & 1)) {
            heap_remove(p, 0);
            ready(m, (struct g *)entry);
            ready = ready_inside;
            continue;
        }
        struct timer *t = entry_timer(p->timers[0]);
        store_relaxed(&p->timer_firing, t); /* from here on it may be in no heap */
        void (*fire)(struct timer *, int64_t) = t->fire;
        if (t->period > 0) { /* missed ticks are dropped, not made up for */
            int64_t next = t->when + t->period * (1 + (now - t->when) / t->period);
            t->when = next;
            struct timer_entry e = p->timers[0];
            e.when = next;
            sift_down(p->timers, p->timer_n, 0, e);
            first_changed(p);
        } else {
            heap_remove(p, 0);
        }
        store_relaxed(&t->firing, 1);
        if (t->period <= 0)
            store_release(&t->p, NULL); /* timer_del reads it without the lock, then `firing` */
        lock_release(&p->timer_lock);
        fire(t, now);
        store_release(&t->firing, 0);
        store_relaxed(&p->timer_firing, NULL);
        lock_acquire(&p->timer_lock, RANK_TIMER);
    }
    int64_t next = p->timer_when;
    lock_release(&p->timer_lock);
    return next;
}

void timer_quiet(const struct timer *t)
{
    for (unsigned i = 0; load_acquire(&t->firing); i++)
        if (i < 100)
            cpu_relax();
        else
            rt_usleep(20);
}

int64_t timers_next(void)
{
    int64_t first = 0;
    for (int i = 0; i < sched.np; i++) {
        int64_t when = load_relaxed(&sched_p[i]->timer_when);
        if (when && (!first || when < first))
            first = when;
    }
    return first;
}

bool timers_live(void)
{
    return timers_next() != 0;
}

/* Under both locks, so that no timer is ever nowhere: timer_del would take it for one that has
   fired, and the search for a deadlock would not see it. `to` is always the first P. */
void timers_move(struct p *from, struct p *to)
{
    lock_acquire(&from->timer_lock, RANK_TIMER);
    lock_acquire(&to->timer_lock, RANK_TIMER);
    while (from->timer_n) {
        struct timer_entry e = from->timers[from->timer_n - 1];
        store_relaxed(&from->timer_n, from->timer_n - 1);
        if (e.t & 1)
            store_relaxed(&entry_timer(e)->p, to);
        heap_add(to, e.t, e.when);
    }
    first_changed(from);
    lock_release(&to->timer_lock);
    lock_release(&from->timer_lock);
    wake_poller(load_relaxed(&to->timer_when));
}

/* --- public -------------------------------------------------------------------------------------
 */

GOC_EXPORT goc_time goc_now(void)
{
    sched_point();
    return rt_now();
}

static bool sleep_commit(struct g *g, void *arg)
{
    add((uintptr_t)g, NULL, *(int64_t *)arg);
    return true;
}

GOC_EXPORT void goc_sleep(goc_duration d)
{
    if (d <= 0)
        return;
    struct m *m = m_cur();
    int64_t now = rt_now();
    if (unlikely(m->cur->flags & GF_FOREIGN)) {
        now = rt_clock();
        futex_wait(&(uint32_t){0}, 0, d);
        while (rt_clock() - now < d)
            futex_wait(&(uint32_t){0}, 0, d - (rt_clock() - now));
        return;
    }
    int64_t when = d > INT64_MAX - now ? INT64_MAX : now + d;
    g_park(sleep_commit, &when, HOOK_WAIT_SLEEP, NULL, 0, CALLER_PC());
}
