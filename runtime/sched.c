/*
 * sched.c - running goroutines: the loop, the run queues, park and ready.
 *
 * The problem: many goroutines, few threads, and a switch that costs little more than a call. One
 * queue under one lock is simple and does not scale; a queue per thread leaves threads idle while
 * others have work, and strands the work of a thread that blocks in the kernel. So the right to run
 * (P) is apart from the thread (M): a P has a queue that only its owner adds to, others steal from
 * it, and it changes hands when its thread blocks.
 *
 * A run queue is a ring of 256. The owner adds at `tail` with a release store; owner and thieves
 * take at `head` by compare-and-swap. A full ring gives half of itself to the global queue, under
 * sched.lock. Every 61st turn looks at the global queue first, so that it cannot starve.
 *
 * Who was interrupted because its time was over (preempt.c) goes to the end of the `spent` list,
 * which is behind both: what is made ready while some compute runs when the one that computes now
 * is interrupted, not after a slice of each. They share what the others leave, and whatever the
 * others do, every 61st turn. In one queue with the others, a sleeper beside three loops ran three
 * slices late.
 *
 * `runnext` is a slot in front of the ring for the goroutine just made ready: a value handed over a
 * channel is still in the cache when its receiver runs. It is private to its P, so that using it
 * costs no atomic instruction; a goroutine that two others keep out by handing each other runnext
 * would starve, therefore STREAK times in a row is the most, and a goroutine the monitor has found
 * to run too long sends it to the ring. When that one is interrupted because a timer is due, who is
 * woken gets it.
 *
 * Switching. g_park saves the goroutine on its own stack and enters the scheduler on the thread's
 * (ctx_leave); the scheduler, having left the goroutine's stack, runs `commit`, which makes the
 * goroutine findable, typically by unlocking a channel. From then on another thread may run it.
 * What the scheduler returns is the next goroutine's stack, and ctx_leave goes on there. Switching
 * directly from goroutine to goroutine saves one stack change (1 ns of 15 here) but would run
 * commit on a stack that must already be free; rejected.
 *
 * A goroutine that has never run is only its record; the stack is taken when it first runs, and
 * one that ends on a P whose next goroutine is fresh too leaves it its stack, without a switch
 * (spawn.c).
 *
 * Invariants
 *  - a G is in one queue or in none; who takes it out owns it
 *  - m->p->m == m while m runs goroutines of ours; foreign goroutines hold no P
 *  - a P that is idle has an empty ring and no runnext
 *  - no hook is called for any of this: being scheduled one after the other orders nothing
 */
#include "fp.h"
#include "sched_impl.h"

#include <goc/go.h>
#include <sys/syscall.h>

enum { STREAK = 128 };

struct sched sched;
struct p *sched_p[MAX_P];
__thread struct m *tls_m __attribute__((tls_model("initial-exec")));

#if !defined __x86_64__
noclone struct m *m_get(void)
{
    __asm__ volatile("");
    return tls_m;
}
#endif

struct g *g_current(void)
{
    return m_cur()->cur;
}

struct race_g *g_race(struct g *g)
{
    return g->race;
}

uint64_t g_id(struct g *g)
{
    return g->id;
}

uint32_t rand_fast(void)
{
#ifdef GOC_RACE
    if (unlikely(control_on))
        return control_rand();
#endif
    struct m *m = m_cur();
    uint32_t a = m->rand[0], b = m->rand[1];
    a ^= a << 17;
    a ^= b ^ a >> 7 ^ b >> 16;
    m->rand[0] = b;
    m->rand[1] = a;
    return a + b;
}

/* --- run queues ------------------------------------------------------------------------------- */

static inline void gq_add(struct g *first, struct g *last, uint32_t n)
{
    last->next = NULL;
    if (sched.gq_tail)
        sched.gq_tail->next = first;
    else
        sched.gq_head = first;
    sched.gq_tail = last;
    store_relaxed(&sched.gq_n, sched.gq_n + n);
}

void gq_put(struct g *g)
{
    gq_add(g, g, 1);
}

static inline void spent_put(struct g *g)
{
    g->next = NULL;
    if (sched.spent_tail)
        sched.spent_tail->next = g;
    else
        sched.spent_head = g;
    sched.spent_tail = g;
    store_relaxed(&sched.spent_n, sched.spent_n + 1);
    store_relaxed(&sched.gq_n, sched.gq_n + 1);
}

static struct g *spent_get(void)
{
    struct g *g = sched.spent_head;
    sched.spent_head = g->next;
    if (!g->next)
        sched.spent_tail = NULL;
    g->next = NULL;
    store_relaxed(&sched.spent_n, sched.spent_n - 1);
    store_relaxed(&sched.gq_n, sched.gq_n - 1);
    return g;
}

/* One to return, and this P's share of the rest into its ring; of the spent ones only the one, so
   that what is made ready meanwhile comes before the others. */
struct g *gq_get(struct p *p, uint32_t max)
{
    uint32_t n = sched.gq_n - sched.spent_n;
    if (!n)
        return sched.spent_n ? spent_get() : NULL;
    uint32_t share = n / (uint32_t)sched.nproc + 1;
    if (share > n)
        share = n;
    if (max && share > max)
        share = max;
    if (share > RUNQ / 2)
        share = RUNQ / 2;
    struct g *g = sched.gq_head;
    struct g *more = g->next;
    uint32_t t = p->tail;
    uint32_t room = RUNQ - (t - load_acquire(&p->head));
    uint32_t took = 1;
    for (; took < share && took - 1 < room; took++) {
        p->runq[t++ % RUNQ] = more;
        more = more->next;
    }
    store_release(&p->tail, t);
    sched.gq_head = more;
    if (!more)
        sched.gq_tail = NULL;
    store_relaxed(&sched.gq_n, sched.gq_n - took);
    g->next = NULL;
    return g;
}

/* The turn of those who wait behind the ring: the global queue's and the spent ones' by turns. */
static noinline struct g *gq_turn(struct p *p)
{
    lock_acquire(&sched.lock, RANK_SCHED);
    struct g *g = sched.spent_n && p->tick / FAIR % 2 ? spent_get() : gq_get(p, 1);
    lock_release(&sched.lock);
    return g;
}

/* The ring is full: half of it and g go to the global queue. */
static noinline bool runq_spill(struct p *p, struct g *g, uint32_t h)
{
    struct g *batch[RUNQ / 2];
    for (uint32_t i = 0; i < RUNQ / 2; i++)
        batch[i] = p->runq[(h + i) % RUNQ];
    if (!__atomic_compare_exchange_n(&p->head, &h, h + RUNQ / 2, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false; /* a thief was quicker: there is room now */
    for (uint32_t i = 0; i + 1 < RUNQ / 2; i++)
        batch[i]->next = batch[i + 1];
    batch[RUNQ / 2 - 1]->next = g;
    lock_acquire(&sched.lock, RANK_SCHED);
    gq_add(batch[0], g, RUNQ / 2 + 1);
    lock_release(&sched.lock);
    return true;
}

void runq_put(struct p *p, struct g *g)
{
    for (;;) {
        uint32_t t = p->tail;
        uint32_t h = load_acquire(&p->head);
        if (likely(t - h < RUNQ)) {
            p->runq[t % RUNQ] = g;
            store_release(&p->tail, t + 1);
            return;
        }
        if (runq_spill(p, g, h))
            return;
    }
}

static inline struct g *ring_get(struct p *p)
{
    uint32_t h = load_acquire(&p->head);
    for (;;) {
        if (h == p->tail)
            return NULL;
        struct g *g = p->runq[h % RUNQ];
        if (likely(__atomic_compare_exchange_n(&p->head, &h, h + 1, false, __ATOMIC_ACQ_REL,
                                               __ATOMIC_ACQUIRE)))
            return g;
    }
}

static inline void new_slice(struct p *p)
{
    p->streak = 0;
    store_relaxed(&p->slice, p->slice + 1);
    store_relaxed(&p->preempt, 0);
}

/* Runnext: it goes on in the slice of the one that made it ready. Else NULL, and nobody is there. */
static inline struct g *next_get(struct p *p)
{
    struct g *g = p->runnext;
    if (g) {
        p->runnext = NULL;
        if (likely(++p->streak < STREAK && !load_relaxed(&p->preempt)))
            return g;
        runq_put(p, g);
    }
    new_slice(p);
    return NULL;
}

struct g *runq_get(struct p *p)
{
    struct g *g = next_get(p);
    return g ? g : ring_get(p);
}

/* The same, but with every FAIRth slice for who waits behind the ring. NULL: look elsewhere. */
static inline struct g *turn(struct p *p)
{
    struct g *g = next_get(p);
    if (!g && unlikely(++p->tick % FAIR == 0 && load_relaxed(&sched.gq_n)))
        g = gq_turn(p);
    return g ? g : ring_get(p);
}

struct g *runq_turn(struct p *p)
{
    return turn(p);
}

/* The slice that the monitor found too long is over: whom its goroutine made ready gets in line. */
void slice_end(struct p *p)
{
    struct g *g = p->runnext;
    p->runnext = NULL;
    if (g)
        runq_put(p, g);
    new_slice(p);
    p->cut = true;
}

bool runq_empty(struct p *p)
{
    return load_acquire(&p->head) == load_acquire(&p->tail);
}

/* Half of the victim's ring: all but one into the thief's, which is empty, and that one returned.
 */
struct g *runq_steal(struct p *thief, struct p *victim)
{
    uint32_t t = thief->tail;
    for (;;) {
        uint32_t h = load_acquire(&victim->head);
        uint32_t vt = load_acquire(&victim->tail);
        uint32_t n = vt - h;
        n -= n / 2;
        if (!n)
            return NULL;
        if (n > RUNQ / 2)
            continue; /* head and tail were read at different times */
        for (uint32_t i = 0; i < n; i++)
            thief->runq[(t + i) % RUNQ] = load_relaxed(&victim->runq[(h + i) % RUNQ]);
        if (__atomic_compare_exchange_n(&victim->head, &h, h + n, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            struct g *g = thief->runq[(t + n - 1) % RUNQ];
            store_release(&thief->tail, t + n - 1);
            return g;
        }
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

/* Goroutines that were made one after the other often run so too (a relay, a pool, all that wait
   for one close), and after some time of waiting their stacks are in no cache and their pages in no
   TLB. Several in a row at the same distance: the next AHEAD are fetched together, since what takes
   time is to find the page, which the processor does for several at once. Where the guess is wrong
   nothing is lost but the fetch. */
enum { AHEAD = 4 };
static inline void fetch_ahead(struct p *p, const struct g *g)
{
    char *hi = g->run.stack_hi;
    ptrdiff_t stride = hi - p->last_stack;
    p->last_stack = hi;
    if (likely(stride != p->stride) || !stride) {
        p->stride = stride;
        p->strides = 0;
        return;
    }
    if (p->strides++ % AHEAD)
        return;
    ptrdiff_t depth = (char *)stack_top(hi) - (char *)g->run.sp;
    for (int line = 0; line < 8; line++)
        for (int i = 1; i <= AHEAD; i++)
            __builtin_prefetch((char *)stack_top(hi + (i + 1) * stride) - depth + line * 64, 1);
}

/* Returns the context to enter; a goroutine that has none yet is started at once. NULL: it is
   another thread's, and so is the P now. */
static void *execute(struct m *m, struct g *g)
{
    if (unlikely(g->flags & GF_LOCKED && m->locked != g)) {
        run_locked(m, g);
        return NULL;
    }
    m->cur = g;
    g->status = G_RUNNING;
    if (unlikely(g->flags & GF_FRESH)) {
        struct start *s = g_prepare(m, g);
        hook_run(g->race);
        p_leave(m);
        ctx_start(s, g_entry, s);
    }
    g->run.m = m;
    if (likely(m->p))
        fetch_ahead(m->p, g);
    hook_run(g->race);
    p_leave(m);
    return g->run.sp;
}

/* Whose turn it is. The common case does not leave this function: something in runnext or the ring,
   no timer due, not the global queue's turn. */
void *schedule(struct m *m)
{
    for (;;) {
        struct p *p = m->p;
        struct g *g = NULL;
        if (unlikely(m->locked)) {
            g = wait_locked(m);
        } else if (likely(p && !m->spinning && !p->timer_when && !p->dead && !control_on)) {
            g = turn(p);
        }
        if (unlikely(!g))
            g = find_runnable(m);
        g_check(g, CAN_RUN, __func__);
        m_check_free(m, __func__);
        void *sp = execute(m, g);
        if (likely(sp))
            return sp;
    }
}

void *m_loop(void *m)
{
    return schedule(m);
}

/* --- park and ready --------------------------------------------------------------------------- */

/* On the scheduler's stack: the goroutine is whole on its own, and no longer running. */
static void *park_commit(void *arg)
{
    struct m *m = arg;
    struct g *g = m->cur;
    struct park *k = g->run.park;
    hook_run(NULL);
    m->cur = NULL;
    g_check(g, DOES_RUN, __func__);
    g->status = G_WAITING;
    if (!k->commit || k->commit(g, k->arg))
        return schedule(m);
    return execute(m, g);
}

void g_park(bool (*commit)(struct g *g, void *arg), void *arg, enum hook_wait why,
            const void *const *obj, size_t n, uintptr_t pc)
{
    struct m *m = m_cur();
    struct g *g = m->cur;
    struct park k = {commit, arg, obj, n, pc, load_relaxed(&sched.coarse_now), why};
    g->run.park = &k;
    g->why = (uint8_t)why;
    g->error = *m->error;
    if (why != HOOK_WAIT_RUNNABLE)
        hook_park(g->race, why, obj, n, pc);
    if (unlikely(g->flags & GF_FOREIGN)) {
        m->wake = 0;
        g->status = G_WAITING;
        if (!commit || commit(g, arg))
            foreign_park(m);
        g->status = G_RUNNING;
    } else {
        struct fp fp;
        bool own_fp = fp_set_aside(&fp);
        p_enter(m);
        ctx_leave(&g->run.sp, m->g0_sp, park_commit, m);
        if (unlikely(own_fp))
            fp_put(&fp);
    }
    if (why != HOOK_WAIT_RUNNABLE)
        hook_unpark(g->race);
    g->run.park = NULL;
    g->why = HOOK_WAIT_NONE;
    *m_raw()->error = g->error;
}

/* Where no P is at hand. */
noinline void ready_slow(struct m *m, struct g *g)
{
    g_check(g, CAN_WAKE, __func__);
    if (g->flags & GF_FOREIGN) {
        struct m *target = g->run.m;
        __atomic_fetch_add(&sched.nforeign, 1, __ATOMIC_SEQ_CST);
        m_wake(target);
        return;
    }
    g->status = G_RUNNABLE;
    lock_acquire(&sched.lock, RANK_SCHED);
    gq_put(g);
    lock_release(&sched.lock);
    wake_p();
}

/* Inside. */
static inline void ready_next(struct p *p, struct g *g)
{
    g_runnable(g, __func__);
    struct g *old = p->runnext;
    p->runnext = g;
    if (!old)
        return;
    runq_put(p, old);
    if (sched.nproc > 1)
        wake_p();
}

void ready_first(struct m *m, struct g *g)
{
    struct p *p = m->p;
    if (unlikely(!p || g->flags & GF_FOREIGN))
        ready_slow(m, g);
    else
        ready_next(p, g);
}

/* Where the caller is inside or in the scheduler. */
void ready_inside(struct m *m, struct g *g)
{
    struct p *p = m->p;
    if (unlikely(!p || g->flags & GF_FOREIGN)) {
        ready_slow(m, g);
        return;
    }
    g_runnable(g, __func__);
    runq_put(p, g);
    if (sched.nproc > 1)
        wake_p();
}

void g_ready(struct g *g)
{
    struct m *m = m_cur();
    uint32_t was = m->inside; /* in the scheduler it is, and stays */
    struct p *p = p_enter(m);
    if (unlikely(!p || g->flags & GF_FOREIGN))
        ready_slow(m, g);
    else
        ready_next(p, g);
    if (!was)
        p_leave(m);
}

void g_ready_tail(struct g *g)
{
    struct m *m = m_cur();
    uint32_t was = m->inside;
    p_enter(m);
    ready_inside(m, g);
    if (!was)
        p_leave(m);
}

/* --- yielding --------------------------------------------------------------------------------- */

static bool yield_global(struct g *g, void *arg)
{
    g->status = G_RUNNABLE;
    lock_acquire(&sched.lock, RANK_SCHED);
    gq_put(g);
    lock_release(&sched.lock);
    return true;
}

bool yield_spent(struct g *g, void *arg)
{
    struct p *p = m_raw()->p;
    g->status = G_RUNNABLE;
    lock_acquire(&sched.lock, RANK_SCHED);
    spent_put(g);
    lock_release(&sched.lock);
    if (p)
        slice_end(p);
    if (sched.nproc > 1)
        wake_p(); /* this thread goes on with another one: a P may be idle that could run this one */
    return true;
}

static bool yield_local(struct g *g, void *arg)
{
    struct p *p = m_raw()->p;
    if (unlikely(!p))
        return yield_global(g, arg);
    g->status = G_RUNNABLE;
    runq_put(p, g);
    return true;
}

/* The go statement yields when the ring is about to overflow, or this goroutine has had its time:
   what was spawned runs, and leaves its record and stack to what is spawned next. */
void spawn_yield(struct m *m, uintptr_t pc)
{
    struct p *p = m->p;
    if (p && !m->foreign && m->cur && m->cur->locks == 0)
        g_park(load_relaxed(&p->preempt) ? yield_spent : yield_local, NULL, HOOK_WAIT_RUNNABLE,
               NULL, 0, pc);
}

/* To the tail of this P's ring; behind the global queue if that has any, and if nobody else is ready
   behind those that compute. It wakes no idle P: who waits by yielding gives way to the one it waits for,
   which mostly is behind it in this ring, and which a thread that first has to be woken would run later
   (rwmutex_memory_may_go_after_unlock took four times as long). */
GOC_EXPORT void goc_gosched(void)
{
    struct m *m = m_cur();
    struct p *p = m->p; /* read only, and a P is never unmapped */
    if (unlikely(!p)) {
        if (m->foreign)
            rt_sys0(SYS_sched_yield);
        else
            g_park(yield_global, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, CALLER_PC());
        return;
    }
    if (unlikely(control_on)) {
        control_gosched();
        return;
    }
    bool alone = !p->runnext && runq_empty(p);
    uint32_t global = load_relaxed(&sched.gq_n), spent = load_relaxed(&sched.spent_n);
    if (alone && !global && !p->timer_when && !p->dead)
        return; /* nobody to yield to */
    bool (*yield)(struct g *, void *) = yield_local;
    if (global > spent)
        yield = yield_global;
    else if (alone && spent)
        yield = yield_spent;
    g_park(yield, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, CALLER_PC());
}

static bool yield_to(struct g *g, void *next)
{
    struct p *p = m_raw()->p;
    if (unlikely(!p)) {
        ready_slow(m_raw(), next);
        return yield_global(g, NULL);
    }
    g_check(next, CAN_WAKE, __func__);
    g->status = G_RUNNABLE;
    runq_put(p, g);
    struct g *old = p->runnext;
    p->runnext = next;
    ((struct g *)next)->status = G_RUNNABLE;
    if (old)
        runq_put(p, old);
    return true;
}

void g_ready_yield(struct g *g)
{
    struct m *m = m_cur();
    if (unlikely(!m->p || g->flags & GF_FOREIGN)) {
        g_ready(g);
        return;
    }
    g_park(yield_to, g, HOOK_WAIT_RUNNABLE, NULL, 0, CALLER_PC());
}
