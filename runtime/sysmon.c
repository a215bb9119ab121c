/*
 * sysmon.c - the monitor thread: what happens when a goroutine does not come back.
 *
 * The scheduler only runs when a goroutine calls it. One that computes for a second, or sits in a
 * read(2) of libc's, holds its P all that time. The monitor holds none: every TICK it looks at each
 * P whose time slice has not changed since the last one, and asks the kernel what its thread does.
 *
 *   It runs: the thread is interrupted by a signal, and the goroutine yields where it stands if that
 *   place is safe (preempt.c). At once if a timer is due; after a tick if somebody waits who has been
 *   made ready; after two if only others do that have had their time.
 *
 *   It sleeps in the kernel: the P is taken away and handed to another thread. The goroutine
 * notices when it next enters the runtime; it goes on without a P until it parks, or until the
 * monitor, which looks at such threads too, finds it running beyond GOMAXPROCS and interrupts it;
 * it is then queued like any other. A signal would be simpler but would cut short the very call it
 * sleeps in.
 *
 * Taking a P from a thread that has not agreed to it needs an agreement all the same: the thread
 * may be just entering the runtime, with its P in a register. So the runtime sets m->inside while
 * it uses the P, and reads m->hand_off after that; the monitor sets hand_off and then reads inside.
 * Of the two, one sees the other, provided that neither store is delayed behind the load. A fence
 * in every channel operation would cost more than the operation, so the monitor pays for both
 * sides, by membarrier(2). Where that call is missing, only goc_blocking hands Ps on.
 *
 * An idle program must not tick. When every P has been idle for LINGER ticks the monitor sleeps
 * until p_idle_get wakes it; the delay keeps programs that are idle between two messages from
 * paying a wake-up for each.
 */
#include "fp.h"
#include "sched_impl.h"
#include "waiter.h"

#include <goc/go.h>
#include <sys/syscall.h>
#include <linux/membarrier.h>

enum { TICK_US = 5000, LINGER = 10, TRIMS = 8 /* batches of stacks a tick */ };
#ifdef GOC_RACE
enum { AGAIN_US = 100, AGAIN_MOST = 2000 };
#else
enum { AGAIN_US = 300, AGAIN_MOST = 60 };
#endif
/* What a goroutine may compute while nobody waits but others that do; and once somebody does who has been
   made ready. Within a tick of the second it is noticed, which makes 10 ms. */
static const int64_t SLICE_NS = 10 * 1000 * 1000, FRESH_NS = 4 * 1000 * 1000;

uint32_t sysmon_asleep;
bool sysmon_polls;
struct fp fp_common;
static bool started, have_membarrier;

static struct seen {
    uint32_t slice, tick;
    int64_t since;
} seen[MAX_P];

/* 'R', 'S', 'D' …: what /proc says the thread does; '?' if it does not say. */
static char thread_state(int tid)
{
    char path[48], text[128];
    rt_format(path, sizeof path, "/proc/self/task/%d/stat", tid);
    if (rt_read_file(path, text, sizeof text) <= 0)
        return '?';
    const char *s = text, *close = NULL;
    for (; *s; s++)
        if (*s == ')')
            close = s; /* the name may have any */
    return close && close[1] ? close[2] : '?';
}

/* Somebody who has not had its time. */
static bool p_has_fresh(struct p *p)
{
    return load_relaxed(&p->runnext) || !runq_empty(p) ||
           load_relaxed(&sched.gq_n) > load_relaxed(&sched.spent_n);
}

static bool p_has_work(struct p *p)
{
    return load_relaxed(&p->runnext) || !runq_empty(p) || load_relaxed(&sched.gq_n) ||
           control_ready();
}

void p_ask(struct m *m)
{
    store_relaxed(&m->inside, 0);
    lock_acquire(&sched.lock, RANK_SCHED);
    store_relaxed(&m->inside, 1);
    lock_release(&sched.lock);
}

static void retake(struct p *p, struct m *m, uint32_t slice)
{
    if (!have_membarrier)
        return;
    lock_acquire(&sched.lock, RANK_SCHED);
    if (p->m != m || m->p != p) {
        lock_release(&sched.lock);
        return;
    }
    store_relaxed(&m->hand_off, 1);
    rt_sys3(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    if (load_acquire(&m->inside) || load_relaxed(&p->slice) != slice) {
        store_relaxed(&m->hand_off, 0);
        lock_release(&sched.lock);
        return;
    }
    m->p = NULL;
    store_relaxed(&m->bereft, true);
    sched.bereft++;
    store_release(&m->hand_off, 0);
    control_slip();
    if (p_has_work(p) || needs_poller()) {
        hand_p(p, false);
        return;
    }
    p_release(p);
    lock_release(&sched.lock);
}

void m_settle(struct m *m)
{
    if (unlikely(m->bereft)) {
        store_relaxed(&m->bereft, false);
        sched.bereft--;
    }
}

static bool wish; /* this time round somebody was asked to stop */

/* A goroutine whose P was taken has come back from the kernel and runs. It may, in the place of a P
   that is idle; beyond those it has to get in line, where it can be interrupted. */
static void look_at_bereft(void)
{
    uint32_t free = load_relaxed(&sched.nidle_p);
    for (struct m *m = load_acquire(&sched.all_m); m; m = m->all_next)
        if (load_relaxed(&m->bereft) && !load_relaxed(&m->inside) && thread_state(m->tid) == 'R') {
            if (free) {
                free--;
                continue;
            }
            wish = true;
            preempt_signal(m);
        }
}

/* Signals sent in a row that found no safe place: in a race build most instructions are the
   detector's. They are repeated at short intervals, but not for ever: a call into a library may
   take long. */
static unsigned again;

static void look_at(struct p *p, struct seen *s, int64_t now)
{
    struct m *m = load_relaxed(&p->m);
    uint32_t slice = load_relaxed(&p->slice), tick = load_relaxed(&p->tick);
    if (!m || slice != s->slice) {
        *s = (struct seen){slice, tick, now};
        return;
    }
    bool late_timer = p->timer_when && (control_on || load_relaxed(&p->timer_when) <= now);
    if (now - s->since < (p_has_fresh(p) ? FRESH_NS : SLICE_NS) && !late_timer)
        return;
    if (load_relaxed(&m->inside))
        return;
    char state = tick == s->tick && (!again || again > AGAIN_MOST) ? thread_state(m->tid) : 'R';
    s->tick = tick;
    if (state == 'S' || state == 'D') {
        if (now - s->since >= SLICE_NS)
            retake(p, m, slice);
        return;
    }
    if (!p_has_work(p) && !late_timer && !load_relaxed(&p->dead))
        return;
    if (unlikely(control_on) && !control_stalled(now))
        return;
    if (late_timer && !p_has_work(p) && load_relaxed(&sched.nidle_p)) {
        wake_p(); /* whoever comes finds the timer */
        return;
    }
    store_relaxed(&p->preempt, 1);
    wish = true;
    if (preempt_signal(m))
        again++;
}

/* Descriptors are looked at by idle threads and by turns of the loop; if there are neither, here.
 */
static void look_at_descriptors(void)
{
    if (!netpoll_waiting() || load_relaxed(&sched.poller) || control_on)
        return;
    /* Until they are in the queue the goroutines found here are nowhere: check_dead must know. */
    __atomic_store_n(&sysmon_polls, true, __ATOMIC_SEQ_CST);
    struct g *list = netpoll(0);
    lock_acquire(&sched.lock, RANK_SCHED);
    store_relaxed(&sysmon_polls, false);
    if (!list)
        check_dead(); /* who went idle meanwhile could not tell */
    for (struct g *g = list, *next; g; g = next) {
        next = g->next;
        g_runnable(g, __func__);
        gq_put(g);
    }
    lock_release(&sched.lock);
    if (list)
        wake_p();
}

/* A tick, or less if a timer will be due meanwhile and its P may be too busy to notice. */
static unsigned until_next_look(int64_t now)
{
    if (again && again <= AGAIN_MOST)
        return AGAIN_US;
    int64_t next = timers_next(), us = TICK_US;
    if (next && !control_on && (next - now) / 1000 + 100 < us)
        us = next > now + 400000 ? (next - now) / 1000 + 100 : 500;
    return (unsigned)us;
}

static bool all_idle(void)
{
    return load_acquire(&sysmon_asleep) &&
           load_relaxed(&sched.nidle_p) == (uint32_t)load_relaxed(&sched.nproc);
}

/* A second later the program will not need its stacks' pages soon. */
static void sleep_while_idle(void)
{
    if (all_idle())
        futex_wait(&sysmon_asleep, 1, 1000000000);
    if (!all_idle())
        return;
    lock_acquire(&sched.lock, RANK_SCHED);
    for (int i = 0; i < sched.np; i++)
        if (sched_p[i]->idle)
            stack_spill(sched_p[i]);
    lock_release(&sched.lock);
    while (all_idle() && stack_trim(0, true))
        ;
    while (all_idle())
        futex_wait(&sysmon_asleep, 1, -1);
}

static void *sysmon(void *arg)
{
    unsigned idle = 0;
    int64_t now = rt_clock();
    for (;;) {
        rt_usleep(until_next_look(now));
        now = rt_clock();
        store_relaxed(&sched.coarse_now, rt_now());
        m_reap();
        bool more = true;
        for (int i = 0; i < TRIMS && more; i++)
            more = stack_trim(now, false);
        if (load_relaxed(&sched.nidle_p) == (uint32_t)load_relaxed(&sched.nproc)) {
            if (++idle < LINGER || more || load_relaxed(&sched.leaving))
                continue;
            store_relaxed(&sysmon_asleep, 1);
            fence_full();
            sleep_while_idle();
            store_relaxed(&sysmon_asleep, 0);
        }
        idle = 0;
        look_at_descriptors();
        unsigned before = again;
        wish = false;
        for (int i = 0; i < load_acquire(&sched.np); i++)
            look_at(sched_p[i], &seen[i], now);
        if (load_relaxed(&sched.bereft) && !control_on)
            look_at_bereft();
        if (again == before)
            again = 0; /* none was needed */
        hook_wish(wish);
    }
    return NULL;
}

void sysmon_kick(void)
{
    store_release(&sysmon_asleep, 0);
    futex_wake(&sysmon_asleep, 1);
}

void sysmon_start(void)
{
    if (__atomic_exchange_n(&started, true, __ATOMIC_ACQ_REL))
        return;
    fp_get(&fp_common);
    have_membarrier = rt_sys3(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    preempt_init();
    signals_init();
    store_relaxed(&sched.coarse_now, rt_now());
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int error = rt_thread_create(&thread, &attr, sysmon, NULL);
    pthread_attr_destroy(&attr);
    __atomic_fetch_add(&sched.nthreads, 1, __ATOMIC_SEQ_CST);
    if (error)
        goc_fatal("cannot start the monitor thread: error %d (see ulimit -u)", error);
}

/* In a child of fork: it is to be started again, by the next go statement that needs a record. */
void sysmon_fork(void)
{
    started = false;
    sysmon_asleep = 0;
    for (int i = 0; i < sched.np; i++)
        g_spill(sched_p[i]);
}

/* --- giving the P away on purpose ----------------------------------------------------------------
 */

static bool queue_globally(struct g *g, void *arg)
{
    g->status = G_RUNNABLE;
    lock_acquire(&sched.lock, RANK_SCHED);
    gq_put(g);
    lock_release(&sched.lock);
    wake_p();
    return true;
}

GOC_EXPORT void goc_blocking(void (*fn)(void *), void *arg)
{
    NEED(fn);
    struct m *m = m_cur();
    struct p *p = p_enter(m);
    struct g *g = m->cur;
    if (!p || control_on) { /* a foreign thread, or blocked before; or nobody else is to run */
        p_leave(m);
        fn(arg);
        return;
    }
    g->why = HOOK_WAIT_SYSCALL;
    lock_acquire(&sched.lock, RANK_SCHED);
    m->p = NULL;
    if (p_has_work(p) || needs_poller()) {
        hand_p(p, false);
    } else {
        p_release(p);
        lock_release(&sched.lock);
    }
    p_leave(m);
    fn(arg);
    m = m_raw(); /* the same: without a P nothing moves it, but fn may have parked */
    int error = *m->error;
    g->why = HOOK_WAIT_NONE;
    p_enter(m);
    if (!m->p) {
        lock_acquire(&sched.lock, RANK_SCHED);
        struct p *idle = p_idle_get();
        if (idle) {
            m_settle(m);
            p_bind(m, idle);
        }
        lock_release(&sched.lock);
    }
    if (m->p)
        p_leave(m);
    else
        g_park(queue_globally, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, CALLER_PC());
    *m_raw()->error = error;
}

/* --- threads of one's own ------------------------------------------------------------------------
 */

GOC_EXPORT void goc_lock_os_thread(void)
{
    struct m *m = m_cur();
    struct g *g = m->cur;
    if (g->flags & GF_FOREIGN || g->locks == UINT8_MAX)
        return;
    g->locks++;
    g->flags |= GF_LOCKED;
    m->locked = g;
}

GOC_EXPORT void goc_unlock_os_thread(void)
{
    struct m *m = m_cur();
    struct g *g = m->cur;
    if (g->flags & GF_FOREIGN || !g->locks || --g->locks)
        return;
    g->flags &= (uint8_t)~GF_LOCKED;
    m->locked = NULL;
}

/* This thread's own goroutine is parked, and it must run no other: give the P away and wait until
   somebody has a turn for it. */
struct g *wait_locked(struct m *m)
{
    lock_acquire(&sched.lock, RANK_SCHED);
    m_settle(m);
    struct p *p = m->p;
    m->p = NULL;
    if (m->spinning) {
        m->spinning = false;
        __atomic_fetch_sub(&sched.spinning, 1, __ATOMIC_SEQ_CST);
    }
    if (p && (p_has_work(p) || needs_poller())) {
        hand_p(p, false);
        lock_acquire(&sched.lock, RANK_SCHED);
    } else if (p) {
        p_release(p);
    }
    if (!m->next_p) {
        m->locked_wait = true;
        sched.nm_idle++;
        check_dead();
    }
    lock_release(&sched.lock);
    for (;;) {
        store_relaxed(&m->wake, 0);
        fence_full();
        if (load_acquire(&m->next_p))
            break;
        futex_wait(&m->wake, 0, -1);
    }
    lock_acquire(&sched.lock, RANK_SCHED);
    p_bind(m, m->next_p);
    m->next_p = NULL;
    lock_release(&sched.lock);
    return m->locked;
}

/* It is the turn of a goroutine that only its own thread may run: that one gets the P. */
void run_locked(struct m *m, struct g *g)
{
    struct m *its = g->run.m;
    lock_acquire(&sched.lock, RANK_SCHED);
    if (its->locked_wait) {
        its->locked_wait = false;
        sched.nm_idle--;
    }
    m->p->m = its;
    store_release(&its->next_p, m->p);
    m->p = NULL;
    lock_release(&sched.lock);
    m_wake(its);
}
