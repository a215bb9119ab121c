/*
 * sched_init.c - how the runtime comes to be, and who its threads are.
 *
 * A C program has a main before it has a runtime, and its author does not want to rename it.
 * Calling the program's main from a main of ours was rejected (it needs the linker's help, and a
 * library that calls goroutines has no main at all). Instead a constructor adopts the main thread:
 * what runs on it is goroutine 1, on the process's own stack, which may be parked and go on on
 * another thread like any other; the thread itself gets a second stack for the scheduler. When main
 * returns, exit() runs wherever the main goroutine is, and the program ends.
 *
 * A thread that the runtime did not start gets an M and a goroutine at its first call. It is never
 * moved from its thread and holds no P: parked, it sleeps on a futex of its own. So it disturbs no
 * P and a blocking call of it needs no attention. A destructor of thread-specific data takes it
 * down.
 *
 * GOMAXPROCS is changed without stopping the world: Ps beyond the number retire at their next turn
 * (find_runnable); more Ps are added idle.
 */
#include "fp.h"
#include "sched_impl.h"

#include <errno.h>
#include <goc/go.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t m_key; /* main's, and those of foreign threads */
static void thread_ends(void *m);
static struct m *main_m;

enum { ALT_SIZE = 64 << 10 };

/* --- how many --------------------------------------------------------------------------------- */

static int count_cpus(void)
{
    unsigned long mask[128];
    long n = rt_sys3(SYS_sched_getaffinity, 0, sizeof mask, mask);
    int cpus = 0;
    for (long i = 0; i < n / (long)sizeof mask[0]; i++)
        cpus += __builtin_popcountl(mask[i]);
    return cpus > 0 ? cpus : 1;
}

static int default_procs(void)
{
    int n = sched.numcpu, quota = cgroup_cpus();
    return quota && quota < n ? quota : n;
}

/* --- Ps and Ms -------------------------------------------------------------------------------- */

static struct p *p_new(int id)
{
    struct p *p = rt_map(sizeof *p);
    if (!p)
        goc_fatal("out of memory: cannot allocate P %d", id);
    p->id = id;
    p->dead = true;
    return p;
}

/* Under sched.lock. */
static void p_revive(int n)
{
    while (sched.np < n) {
        sched_p[sched.np] = p_new(sched.np);
        store_release(&sched.np, sched.np + 1);
    }
    for (int i = n - 1; i >= 0; i--) { /* so that the first is the first to be taken */
        struct p *p = sched_p[i];
        if (!p->dead)
            continue;
        p->dead = false; /* before its owner has noticed, or for good */
        if (!p->m)
            p_release(p);
    }
}

static void m_seed(struct m *m)
{
    uint64_t x = (uintptr_t)m ^ (uint64_t)rt_now() * 0x9e3779b97f4a7c15u;
    m->rand[0] = (uint32_t)x | 1;
    m->rand[1] = (uint32_t)(x >> 32) | 1;
}

/* Records are never unmapped: the monitor may look at one that it read from a P a moment ago. */
static struct m *m_spare;
static struct lock m_lock;

static struct m *m_alloc(void)
{
    lock_acquire(&m_lock, RANK_ALLG);
    struct m *m = m_spare;
    if (m)
        m_spare = m->all_next;
    lock_release(&m_lock);
    if (m)
        rt_zero(m, sizeof *m);
    else if (!(m = rt_map(sizeof *m)))
        return NULL;
    m_seed(m);
    return m;
}

static void m_free(struct m *m)
{
    lock_acquire(&m_lock, RANK_ALLG);
    m->all_next = m_spare;
    m_spare = m;
    lock_release(&m_lock);
}

struct m *m_new(void)
{
    struct m *m = m_alloc();
    if (!m) {
        lock_release(&sched.lock);
        goc_fatal("out of memory: cannot allocate a thread's record (%u threads)", sched.nm);
    }
    sched.nm++;
    m->all_next = sched.all_m;
    store_release(&sched.all_m, m);
    return m;
}

/* Handlers must not run on a goroutine's stack, which may be what is wrong. */
static void alt_stack(struct m *m)
{
    stack_t old, alt = {.ss_size = ALT_SIZE};
    if (rt_sys2(SYS_sigaltstack, NULL, &old) || !(old.ss_flags & SS_DISABLE))
        return; /* the program has its own */
    alt.ss_sp = rt_map(ALT_SIZE);
    if (alt.ss_sp)
        rt_sys2(SYS_sigaltstack, &alt, NULL);
    m->alt_stack = alt.ss_sp;
}

/* What an M knows of its thread. */
static void m_here(struct m *m)
{
    m->error = rt_errno();
    m->tid = (int)rt_sys0(SYS_gettid);
    m->sigmask = rt_sigmask();
    if (!m->foreign)
        alt_stack(m);
}

static void *m_thread(void *arg)
{
    struct m *m = arg;
    tls_m = m;
    fp_put(&fp_common); /* and not what the thread that started it happened to have */
    m_here(m);
    p_bind(m, m->next_p);
    m->next_p = NULL;
    m->inside = 1;
    hook_run(NULL);
    /* The scheduler starts each time below this frame. */
    m->g0_sp = (void *)(((uintptr_t)__builtin_frame_address(0) - 512) & ~(uintptr_t)63);
    ctx_leave(&m->thread_sp, m->g0_sp, m_loop, m);

    tls_m = NULL; /* here again by m_end: what is left are the destructors of thread-specific data */
    if (m->alt_stack) {
        stack_t none = {.ss_flags = SS_DISABLE};
        rt_sys2(SYS_sigaltstack, &none, NULL);
        rt_unmap(m->alt_stack, ALT_SIZE);
    }
    return NULL;
}

/* A goroutine that has locked itself to its thread and ends so has made the thread its own: what it did
   to it (a namespace, credentials, a signal mask) is nobody else's business. The process's first thread
   cannot end, and is used again. */
bool m_may_end(const struct m *m)
{
    return m != main_m && !m->foreign;
}

void *m_end(struct m *m)
{
    lock_acquire(&sched.lock, RANK_SCHED);
    m_settle(m);
    struct p *p = m->p;
    m->p = NULL;
    struct m **link = &sched.all_m;
    while (*link != m)
        link = &(*link)->all_next;
    store_release(link, m->all_next);
    m->all_next = sched.leaving;
    sched.leaving = m;
    sched.nm--;
    __atomic_fetch_add(&sched.nthreads, 1, __ATOMIC_SEQ_CST); /* until it is gone */
    sysmon_kick();
    if (p && (!runq_empty(p) || p->runnext || sched.gq_n || needs_poller())) {
        hand_p(p, false);
    } else {
        if (p)
            p_release(p);
        lock_release(&sched.lock);
    }
    return m->thread_sp;
}

void m_reap(void)
{
    if (!load_relaxed(&sched.leaving))
        return;
    long pid = rt_sys0(SYS_getpid);
    lock_acquire(&sched.lock, RANK_SCHED);
    for (struct m **link = &sched.leaving, *m; (m = *link);) {
        if (rt_sys3(SYS_tgkill, pid, m->tid, 0) != -ESRCH) {
            link = &m->all_next;
            continue;
        }
        *link = m->all_next;
        __atomic_fetch_sub(&sched.nthreads, 1, __ATOMIC_SEQ_CST);
        m_free(m);
    }
    if (!sched.leaving)
        check_dead(); /* who went idle meanwhile could not tell */
    lock_release(&sched.lock);
}

void m_start(struct m *m)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, G0_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int error = rt_thread_create(&m->thread, &attr, m_thread, m);
    pthread_attr_destroy(&attr);
    if (error)
        goc_fatal("cannot start a thread: error %d (%u threads; see ulimit -u)", error, sched.nm);
}

static struct g *g_adopt(struct m *m, uint8_t flags)
{
    struct g *g = g_alloc(NULL);
    rt_zero(g, sizeof *g);
    g->flags = flags;
    g->status = G_RUNNING;
    g->id = __atomic_fetch_add(&sched.next_goid, 1, __ATOMIC_RELAXED);
    g->run.m = m;
    __atomic_fetch_add(&sched.spawned, 1, __ATOMIC_RELAXED);
    g->race = hook_thread(g->id);
    m->cur = g;
    m_here(m);
    return g;
}

static void init(void)
{
    sched.numcpu = count_cpus();
    fp_get(&fp_common);
    sched.next_goid = 1;
    long n = rt_getenv_long("GOMAXPROCS", 0);
    sched.nproc = n > 0 ? (n > MAX_P ? MAX_P : (int)n) : default_procs();
    control_init();
    stack_init();
    p_revive(sched.nproc);
    if (pthread_key_create(&m_key, thread_ends))
        goc_fatal("cannot create a thread-specific key");
    fork_init();
    sched.started = true;
    hook_world(&world);
}

static void adopt_main(struct m *m)
{
    char *stack = rt_map(G0_SIZE);
    if (!stack)
        goc_fatal("out of memory: cannot allocate the scheduler's stack");
    m->g0_sp = stack + G0_SIZE - 64;
    lock_acquire(&sched.lock, RANK_SCHED);
    sched.nm++;
    m->all_next = sched.all_m;
    store_release(&sched.all_m, m);
    struct p *p = p_idle_get();
    m->p = p;
    p->m = m;
    lock_release(&sched.lock);
    main_m = m;
    g_adopt(m, GF_MAIN);
    pthread_setspecific(m_key, m);
}

/* The first call of a thread that is not one of ours. */
noinline struct m *m_slow(void)
{
    int error = errno;
    pthread_once(&once, init);
    struct m *m = m_alloc();
    if (!m)
        goc_fatal("out of memory: cannot allocate a thread's record");
    tls_m = m;
    if (!main_m && rt_sys0(SYS_gettid) == rt_sys0(SYS_getpid)) {
        adopt_main(m);
    } else {
        m->foreign = true;
        __atomic_fetch_add(&sched.nforeign, 1, __ATOMIC_SEQ_CST);
        __atomic_fetch_add(&sched.nforeign_all, 1, __ATOMIC_SEQ_CST);
        g_adopt(m, GF_FOREIGN);
        pthread_setspecific(m_key, m);
    }
    errno = error;
    return m;
}

static void m_foreign_end(struct m *m)
{
    struct g *g = m->cur;
    hook_run(NULL);
    hook_end(g->race);
    m->cur = NULL;
    if (g->flags & GF_MESSAGE)
        panic_forget(g);
    __atomic_fetch_add(&sched.ended, 1, __ATOMIC_RELAXED);
    g_free(m, g);
    tls_m = NULL;
    m_free(m);
    lock_acquire(&sched.lock, RANK_SCHED);
    __atomic_fetch_sub(&sched.nforeign, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_sub(&sched.nforeign_all, 1, __ATOMIC_SEQ_CST);
    check_dead();
    lock_release(&sched.lock);
}

/* The thread that ends is foreign; or it is main's, by pthread_exit, which leaves the others running as Goexit
   does: it goes on as a thread of theirs. Its frames are gone, and what it has deferred with them. */
static void thread_ends(void *arg)
{
    struct m *m = arg;
    if (m->foreign) {
        m_foreign_end(m);
        return;
    }
    m->cur->run.defer = NULL;
    goc_goexit();
}

__attribute__((constructor(101))) static void adopt(void)
{
    m_cur();
    if (hook_timed())
        signals_timed();
}

/* --- public -------------------------------------------------------------------------------------
 */

GOC_EXPORT int goc_numcpu(void)
{
    m_cur();
    return sched.numcpu;
}

GOC_EXPORT int goc_numgoroutine(void)
{
    m_cur();
    return (int)g_count() - main_has_ended();
}

/* Go stops everybody to change the number, so that at most n run once the call has returned. Here who runs on
   a P too many goes on until it parks or the monitor interrupts it, and that is waited for: but not for
   ever, since a goroutine in a library's loop cannot be interrupted, and may wait for the caller. Who sleeps
   here may lose its own P; it gets in line again each time, and so has one when it returns. */
enum { RETIRE_MS = 1000 };
static void wait_retired(int n)
{
    int64_t until = rt_clock() + RETIRE_MS * 1000000L;
    for (int i = n; i < load_acquire(&sched.np); i++)
        while (load_relaxed(&sched_p[i]->dead) && load_relaxed(&sched_p[i]->m) && rt_clock() < until) {
            rt_usleep(100);
            goc_gosched();
        }
}

GOC_EXPORT int goc_gomaxprocs(int n)
{
    m_cur();
    if (unlikely(control_on))
        return control_procs(n);
    lock_acquire(&sched.lock, RANK_SCHED);
    int old = sched.nproc;
    if (n <= 0 || n == old) {
        lock_release(&sched.lock);
        return old;
    }
    if (n > MAX_P)
        n = MAX_P;
    store_relaxed(&sched.nproc, n);
    if (n > old) {
        p_revive(n);
        lock_release(&sched.lock);
        wake_p();
        return old;
    }
    for (int i = n; i < sched.np; i++)
        sched_p[i]->dead = true;
    struct p **link = &sched.idle_p; /* idle ones are taken out at once, the others retire */
    while (*link) {
        struct p *p = *link;
        if (p->id < n) {
            link = &p->idle_next;
            continue;
        }
        *link = p->idle_next;
        p->idle = false;
        __atomic_fetch_sub(&sched.nidle_p, 1, __ATOMIC_SEQ_CST);
        if (p->timer_when) {
            lock_release(&sched.lock);
            timers_move(p, sched_p[0]);
            lock_acquire(&sched.lock, RANK_SCHED);
            link = &sched.idle_p;
        }
    }
    lock_release(&sched.lock);
    goc_gosched();
    wait_retired(n);
    return old;
}
