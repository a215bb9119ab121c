/*
 * fork.c - what is left of the runtime in a child process.
 *
 * fork copies the memory and one thread. The goroutine that forked goes on in the child; those that
 * were parked or runnable are there too, and can run; those that ran on other threads at that
 * instant are gone with their threads. Most children call exec a few microseconds later, so nothing
 * is started here that the child does not ask for: its monitor and its other threads come back when
 * it needs them.
 *
 * What must not be shared with the parent, but would be: the epoll instance (an event taken here is
 * lost there), and the pidfd that guard pages are installed through, which names the parent.
 *
 * The scheduler's own locks are held across the fork, so its state is copied whole. Locks of single
 * objects (a channel's) may be held by a thread that the child has not got; a child that goes on to
 * use objects that other goroutines were using at that instant is on its own, as with pthreads.
 *
 * No signal comes meanwhile: its handler is the program's, and under detection each of its accesses may need
 * what is held here.
 */
#include "sched_impl.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#define SIGNAL(n) (UINT64_C(1) << ((n)-1))

static uint64_t mask_before; /* under sched.lock */

static void prepare(void)
{
    uint64_t all = ~(SIGNAL(SIGSEGV) | SIGNAL(SIGBUS) | SIGNAL(SIGFPE) | SIGNAL(SIGILL)), old = 0;
    rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, 8);
    for (int i = 0; i < sched.np; i++)
        lock_acquire(&sched_p[i]->timer_lock, RANK_TIMER);
    lock_acquire(&sched.lock, RANK_SCHED);
    stack_fork(FORK_PREPARE);
    lock_acquire(&sched.g_lock, RANK_ALLG);
    mask_before = old;
}

static void parent(void)
{
    uint64_t mask = mask_before;
    lock_release(&sched.g_lock);
    stack_fork(FORK_PARENT);
    lock_release(&sched.lock);
    for (int i = sched.np - 1; i >= 0; i--)
        lock_release(&sched_p[i]->timer_lock);
    rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

static void child(void)
{
    uint64_t mask = mask_before;
    struct m *m = m_raw();
    control_fork();
    lock_release(&sched.g_lock);
    stack_fork(FORK_CHILD);
    for (int i = sched.np - 1; i >= 0; i--)
        lock_release(&sched_p[i]->timer_lock);

    sched.all_m = sched.idle_m = sched.poller = sched.leaving = NULL;
    sched.nm = sched.nm_idle = sched.spinning = 0;
    sched.nforeign = sched.nforeign_all = sched.nthreads = 0;
    sched.idle_p = NULL;
    sched.nidle_p = 0;
    if (m) {
        m->tid = (int)rt_sys0(SYS_gettid);
        m->all_next = NULL;
        m->hand_off = 0;
        if (m->foreign) {
            sched.nforeign = sched.nforeign_all = 1;
        } else {
            sched.all_m = m;
            sched.nm = 1;
        }
    }
    for (int i = 0; i < sched.np; i++) {
        struct p *p = sched_p[i];
        if (m && p == m->p)
            continue;
        struct g *g;
        while ((g = p->runnext) || (g = runq_get(p))) {
            p->runnext = NULL;
            gq_put(g);
        }
        p->m = NULL;
        p->dead = false;
        p_release(p);
    }
    lock_release(&sched.lock);
    netpoll_fork();
    sysmon_fork();
#ifndef GOC_RACE
    select_fork();
#endif
    rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
}

void fork_init(void)
{
    pthread_atfork(prepare, parent, child);
}
