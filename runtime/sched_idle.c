/*
 * sched_idle.c - finding work, going idle, waking others.
 *
 * The problem: a thread without work must sleep, or the machine is never idle; and when work
 * appears, somebody must be awake, or it lies there. Waking a thread for every ready goroutine is
 * correct and ruinous (on a chain of hand-offs all but one wake-up find nothing); waking by guess
 * loses work. The protocol is Go's, with small changes:
 *
 *   A thread that has run out of work is `spinning` while it looks into the other Ps' rings;
 *   sched.spinning counts those. Who makes a goroutine ready wakes a thread only if a P is idle and
 *   nobody spins: whoever spins will find it. When a spinning thread has found work it stops
 *   spinning, and if it was the last one it looks whether there is more, and then wakes the next.
 *
 * No wake-up is lost, by two store-load pairs:
 *
 *   ready:    add to a queue;        fence;  read nidle_p and spinning
 *   idle:     nidle_p++, spinning--; fence;  look into every queue once more
 *
 * Either the readier sees the idle P with no spinner, and wakes one, or the sleeper sees the work.
 *
 * A goroutine in runnext is not announced: nobody could take it from there, and in most programs
 * the goroutine that made it ready parks in the next microsecond. If it does not, the monitor sends
 * it to the ring (sysmon.c).
 *
 * One idle thread is the poller: it sleeps until the next timer of any P or a ready descriptor. It
 * is not in the idle list, but is woken from its sleep when no other thread is idle.
 *
 * All asleep. When the last thread goes idle, no timer is set, no descriptor waited for, and no
 * foreign thread runs that knows the runtime, nothing can ever happen again: a deadlock, found here
 * under sched.lock, where every one of these counts is stable. A process that has threads which
 * never called in is not judged: one of them may be about to. The thread that found everybody
 * asleep then looks again, ever more rarely, until they are gone or something happens.
 */
#include "sched_impl.h"

void m_wake(struct m *m)
{
    store_release(&m->wake, 1);
    futex_wake(&m->wake, 1);
}

/* --- idle Ps ---------------------------------------------------------------------------------- */

void p_release(struct p *p)
{
    p->m = NULL;
    if (p->dead || p->id >= sched.nproc) {
        p->dead = true;
        return;
    }
    p_check_idle(p, __func__);
    p->idle = true;
    p->idle_next = sched.idle_p;
    sched.idle_p = p;
    __atomic_fetch_add(&sched.nidle_p, 1, __ATOMIC_SEQ_CST);
}

struct p *p_idle_get(void)
{
    struct p *p = sched.idle_p;
    if (!p)
        return NULL;
    sched.idle_p = p->idle_next;
    p->idle = false;
    __atomic_fetch_sub(&sched.nidle_p, 1, __ATOMIC_SEQ_CST);
    if (unlikely(load_relaxed(&sysmon_asleep)))
        sysmon_kick();
    return p;
}

void p_bind(struct m *m, struct p *p)
{
    m->p = p;
    p->m = m;
}

/* GOMAXPROCS was lowered below this P's number: what it has goes to the others. */
static void p_retire(struct m *m, struct p *p)
{
    struct g *g;
    lock_acquire(&sched.lock, RANK_SCHED);
    while ((g = runq_get(p)))
        gq_put(g);
    p->m = NULL;
    m->p = NULL;
    if (p->id < sched.nproc) { /* raised again meanwhile */
        p->dead = false;
        p_release(p);
    } else {
        p->dead = true;
    }
    lock_release(&sched.lock);
    if (p->dead)
        timers_move(p, sched_p[0]);
}

/* --- waking ----------------------------------------------------------------------------------- */

/* A P is to be run by somebody who is asleep. Called with sched.lock, which it releases. */
void hand_p(struct p *p, bool spinning)
{
    struct m *m = sched.idle_m;
    bool polls = false, fresh = false;
    if (m) {
        sched.idle_m = m->idle_next;
        sched.nm_idle--;
    } else if ((m = sched.poller)) {
        sched.poller = NULL;
        polls = true;
    } else {
        m = m_new();
        fresh = true;
    }
    m->spinning = spinning;
    p->m = m; /* its owner from now on, though it does not know yet */
    store_release(&m->next_p, p);
    lock_release(&sched.lock);
    if (fresh) {
        m_start(m);
        return;
    }
    m_wake(m);
    if (polls)
        netpoll_break();
}

void wake_p(void)
{
    fence_full();
    if (!load_relaxed(&sched.nidle_p) || load_relaxed(&sched.spinning))
        return;
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&sched.spinning, &none, 1, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED))
        return;
    lock_acquire(&sched.lock, RANK_SCHED);
    struct p *p = p_idle_get();
    if (!p) {
        __atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
        lock_release(&sched.lock);
        return;
    }
    hand_p(p, true);
}

void wake_poller(int64_t when)
{
    fence_full();
    struct m *m = load_relaxed(&sched.poller);
    if (!m || load_relaxed(&sched.poll_until) <= when)
        return;
    lock_acquire(&sched.lock, RANK_SCHED);
    m = sched.poller;
    if (m)
        store_relaxed(&sched.poller, NULL); /* it looks for a P by itself */
    lock_release(&sched.lock);
    if (m) {
        m_wake(m);
        netpoll_break();
    }
}

/* --- looking for work ------------------------------------------------------------------------- */

static bool work_anywhere(void)
{
    if (load_relaxed(&sched.gq_n))
        return true;
    for (int i = 0; i < sched.np; i++)
        if (!runq_empty(sched_p[i]))
            return true;
    return false;
}

bool needs_poller(void)
{
    return !load_relaxed(&sched.poller) && (timers_next() || netpoll_waiting());
}

static void stop_spinning(struct m *m)
{
    if (!m->spinning)
        return;
    m->spinning = false;
    if (__atomic_sub_fetch(&sched.spinning, 1, __ATOMIC_SEQ_CST) == 0 &&
        load_relaxed(&sched.nidle_p) && (work_anywhere() || needs_poller()))
        wake_p();
}

static struct g *steal(struct m *m, struct p *p)
{
    int n = sched.np;
    for (int round = 0; round < 4; round++) {
        int first = (int)(rand_fast() % (uint32_t)n);
        for (int i = 0; i < n; i++) {
            struct p *victim = sched_p[(first + i) % n];
            if (victim == p)
                continue;
            struct g *g = runq_steal(p, victim);
            if (g)
                return g;
        }
        if (load_relaxed(&sched.gq_n))
            return NULL;
        cpu_relax();
    }
    int64_t now = 0;
    for (int i = 0; i < n; i++) { /* timers that are due on Ps whose goroutine runs long */
        struct p *victim = sched_p[i];
        int64_t when = load_relaxed(&victim->timer_when);
        if (!when || victim == p)
            continue;
        if (!now)
            now = rt_now();
        if (when <= now) {
            timers_run(m, victim, now);
            struct g *g = runq_get(p);
            if (g)
                return g;
        }
    }
    return NULL;
}

/* Put a list of ready goroutines where the others find it too; one is returned. */
static struct g *ready_list(struct p *p, struct g *list)
{
    struct g *first = list;
    struct g *g = list->next;
    bool more = g != NULL;
    while (g) {
        struct g *next = g->next;
        g_runnable(g, __func__);
        runq_put(p, g);
        g = next;
    }
    if (more)
        wake_p();
    g_runnable(first, __func__);
    return first;
}

/* Sleep as the poller until a timer or a descriptor, or until somebody gives this M a P. Returns a
   ready goroutine, or NULL; m->p is set if there was a P. */
static struct g *poll_idle(struct m *m, int64_t until)
{
    struct g *list = NULL;
    int64_t ns = -1;
    if (until) {
        ns = until - rt_now();
        if (ns < 0)
            ns = 0;
    }
    if (netpoll_waiting())
        list = netpoll(ns);
    else
        futex_wait(&m->wake, 0, ns);
    lock_acquire(&sched.lock, RANK_SCHED);
    if (sched.poller == m)
        sched.poller = NULL;
    struct p *p = m->next_p;
    m->next_p = NULL;
    if (!p) {
        p = p_idle_get();
        if (p) {
            m->spinning = true;
            __atomic_fetch_add(&sched.spinning, 1, __ATOMIC_SEQ_CST);
        }
    }
    if (p) {
        p_bind(m, p);
    } else if (list) { /* all Ps are busy, but they look here */
        for (struct g *g = list, *next; g; g = next) {
            next = g->next;
            g_runnable(g, __func__);
            gq_put(g);
        }
        list = NULL;
    }
    lock_release(&sched.lock);
    return list ? ready_list(p, list) : NULL;
}

/* In the idle list until somebody hands over a P. Called with sched.lock. */
static void stop_m(struct m *m)
{
    m->idle_next = sched.idle_m;
    sched.idle_m = m;
    sched.nm_idle++;
    bool suspect = check_dead();
    lock_release(&sched.lock);
    int64_t again = 1000000;
    for (;;) { /* `wake` may still come from an earlier sleep: what counts is next_p */
        store_relaxed(&m->wake, 0);
        fence_full();
        if (load_acquire(&m->next_p))
            break;
        futex_wait(&m->wake, 0, suspect ? again : -1);
        if (suspect && !load_acquire(&m->next_p)) { /* asleep, all but threads not known here */
            lock_acquire(&sched.lock, RANK_SCHED);
            suspect = check_dead();
            lock_release(&sched.lock);
            again = again < 500000000 ? again * 2 : again;
        }
    }
    p_bind(m, m->next_p);
    m->next_p = NULL;
}

static struct g *take_global(struct p *p)
{
    lock_acquire(&sched.lock, RANK_SCHED);
    struct g *g = gq_get(p, 0);
    lock_release(&sched.lock);
    return g;
}

struct g *find_runnable(struct m *m)
{
    for (;;) {
        struct p *p = m->p;
        struct g *g;
        if (unlikely(!p || p->dead || p->id >= sched.nproc)) {
            if (p)
                p_retire(m, p);
            lock_acquire(&sched.lock, RANK_SCHED);
            m_settle(m);
            p = p_idle_get();
            if (!p) {
                if (m->spinning) {
                    m->spinning = false;
                    __atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
                }
                stop_m(m);
                continue;
            }
            p_bind(m, p);
            lock_release(&sched.lock);
        }
        if (unlikely(control_on) && (g = control_next(m))) {
            stop_spinning(m);
            return g;
        }
        if (load_relaxed(&p->preempt))
            slice_end(p); /* before timers wake anybody: those have a slice of their own */
        if (load_relaxed(&p->timer_when)) {
            int64_t now = rt_now();
            if (p->timer_when <= now)
                timers_run(m, p, now);
        }
        g = runq_turn(p);
        if (!g && load_relaxed(&sched.gq_n) > load_relaxed(&sched.spent_n))
            g = take_global(p);
        if (!g && netpoll_waiting()) {
            struct g *list = netpoll(0);
            if (list)
                g = ready_list(p, list);
        }
        if (!g && load_relaxed(&sched.gq_n))
            g = take_global(p);
        if (!g && sched.nproc > 1) {
            uint32_t busy = (uint32_t)sched.nproc - load_relaxed(&sched.nidle_p);
            if (m->spinning || 2 * load_relaxed(&sched.spinning) < busy) {
                if (!m->spinning) {
                    m->spinning = true;
                    __atomic_fetch_add(&sched.spinning, 1, __ATOMIC_SEQ_CST);
                }
                g = steal(m, p);
            }
        }
        if (g) {
            stop_spinning(m);
            return g;
        }

        /* Nothing. Give the P back, then look once more. */
        lock_acquire(&sched.lock, RANK_SCHED);
        if (sched.gq_n) {
            g = gq_get(p, 0);
            lock_release(&sched.lock);
            stop_spinning(m);
            return g;
        }
        m->p = NULL;
        p_release(p);
        lock_release(&sched.lock);
        bool was_spinning = m->spinning;
        if (was_spinning) {
            m->spinning = false;
            __atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
        }
        fence_full();
        if (work_anywhere()) {
            lock_acquire(&sched.lock, RANK_SCHED);
            p = p_idle_get();
            if (p)
                p_bind(m, p);
            lock_release(&sched.lock);
            if (p) {
                m->spinning = true;
                __atomic_fetch_add(&sched.spinning, 1, __ATOMIC_SEQ_CST);
                continue;
            }
        }
        int64_t until = timers_next();
        lock_acquire(&sched.lock, RANK_SCHED);
        if (!sched.poller && (until || netpoll_waiting())) {
            m->wake = 0;
            store_relaxed(&sched.poll_until, until ? until : INT64_MAX);
            store_relaxed(&sched.poller, m);
            lock_release(&sched.lock);
            fence_full();
            int64_t again = timers_next(); /* added after we looked, before we were the poller */
            if (again && (!until || again < until))
                until = again;
            g = poll_idle(m, until);
            if (g) {
                stop_spinning(m);
                return g;
            }
            if (m->p)
                continue;
            lock_acquire(&sched.lock, RANK_SCHED);
        }
        struct p *idle = sched.gq_n ? p_idle_get() : NULL;
        if (idle) {
            p_bind(m, idle);
            lock_release(&sched.lock);
            continue;
        }
        stop_m(m);
    }
}

/* --- foreign threads and the end of everything --------------------------------------------------
 */

/* The goroutine of a foreign thread waits, on its thread. */
void foreign_park(struct m *m)
{
    lock_acquire(&sched.lock, RANK_SCHED);
    __atomic_fetch_sub(&sched.nforeign, 1, __ATOMIC_SEQ_CST);
    check_dead();
    lock_release(&sched.lock);
    while (!load_acquire(&m->wake))
        futex_wait(&m->wake, 0, -1);
}

/* Threads of this process that have never called in: any of them may be about to. If that is not to be
   known (no /proc, no descriptor left), there may be some. */
static bool strangers(void)
{
    char text[1024];
    long threads = 0;
    if (rt_read_file("/proc/self/stat", text, sizeof text) <= 0)
        return true;
    const char *s = text, *close = NULL;
    for (; *s; s++)
        if (*s == ')')
            close = s;
    int field = 2; /* after the name comes the third; the number of threads is the twentieth */
    for (s = close ? close + 1 : ""; *s && field < 20; s++)
        if (*s == ' ')
            field++;
    for (; *s >= '0' && *s <= '9'; s++)
        threads = threads * 10 + (*s - '0');
    return threads > (long)(sched.nm + sched.nforeign_all + sched.nthreads + hook_own_threads());
}

bool check_dead(void)
{
    if (sched.nm_idle < sched.nm || load_relaxed(&sched.nforeign) || sched.gq_n ||
        netpoll_waiting() || load_acquire(&sysmon_polls) || sched.leaving || timers_live())
        return false;
    if (strangers())
        return true;
    /* One of them may have called in after nforeign was read and before it was counted as known: it is
       in nforeign before it is in nforeign_all, and leaves it only under this lock. */
    if (load_acquire(&sched.nforeign))
        return false;
    deadlock();
}

bool sched_can_spin(void)
{
    uint32_t idle = load_relaxed(&sched.nidle_p) + load_relaxed(&sched.spinning);
    struct p *p = m_cur()->p;
    return sched.numcpu > 1 && (uint32_t)load_relaxed(&sched.nproc) > idle + 1 && p &&
           runq_empty(p);
}
