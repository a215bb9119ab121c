/*
 * world.c - the state of the runtime, told to the detector.
 *
 * Whether a goroutine can ever go on is decided by what the others can still reach (the detector's
 * leak.c), and that needs what only the scheduler knows: who runs, who could, where a parked one's stack
 * begins, which threads sleep, which timers are pending. The questions are answered in a copy of the
 * process (a child by clone), made while the threads that run are held: there nothing moves, no
 * lock can be waited for, and a structure may be in the middle of a change. So the functions here only
 * read, and they lean on what the scheduler's own lock-free readers lean on: Gs and Ms are never
 * unmapped while their status says that they are in use, a timer heap's array is valid up to timer_n.
 *
 * Rejected: the detector keeping all this itself from hooks (each switch would pay), and
 * answering in the running process under the scheduler's locks (100,000 goroutines hold them too long).
 */
#include "sched_impl.h"

#ifdef GOC_RACE

struct each {
    void (*fn)(void *arg, const struct hook_goroutine *g);
    void *arg;
};

static void one(struct g *g, void *arg)
{
    struct each *e = arg;
    struct hook_goroutine h = {.race = g->race, .record = g};
    switch (load_relaxed(&g->status)) {
    case G_RUNNING:
        h.state = HOOK_G_RUNNING;
        break;
    case G_RUNNABLE:
        h.state = HOOK_G_RUNNABLE;
        break;
    default:
        h.state = HOOK_G_WAITING;
    }
    if (g->flags & GF_FRESH) {
        h.arg = g->start.arg;
        h.args = countof(g->start.arg);
    } else if (g->flags & GF_FOREIGN) {
        h.tid = g->run.m ? g->run.m->tid : 0;
    } else {
        h.sp = (uintptr_t)g->run.sp;
    }
    e->fn(e->arg, &h);
}

static void goroutines(void (*fn)(void *arg, const struct hook_goroutine *g), void *arg)
{
    struct each e = {fn, arg};
    g_each(one, &e);
}

static void idle_threads(void (*fn)(void *arg, int tid), void *arg)
{
    for (struct m *m = sched.idle_m; m; m = m->idle_next)
        fn(arg, m->tid);
    if (sched.poller)
        fn(arg, sched.poller->tid);
}

/* A thread that has not come to its scheduler yet has in its registers what the one that started it had;
   libc's record of it, which its handle points at, lies above its stack. */
static void thread_stacks(void (*fn)(uintptr_t sp, size_t at_most))
{
    for (struct m *m = sched.all_m; m; m = m->all_next)
        if (!m->foreign)
            fn(m->g0_sp ? (uintptr_t)m->g0_sp : (uintptr_t)m->thread, G0_SIZE);
}

static void timers(void (*fn)(void *arg, const void *p, size_t n), void *arg)
{
    for (int i = 0; i < sched.np; i++) {
        fn(arg, sched_p[i]->timers, sched_p[i]->timer_n * sizeof *sched_p[i]->timers);
        if (load_relaxed(&sched_p[i]->timer_firing))
            fn(arg, &sched_p[i]->timer_firing, sizeof sched_p[i]->timer_firing);
    }
}

static bool dying(void)
{
    return runtime_dying();
}

struct hook_world world = {goroutines,    idle_threads,  thread_stacks, timers,       dying,
                           preempt_turn, false, control_point, control_sleep, control_yield, control_told};

#endif
