/*
 * state.c - the table of states (sched_impl.h), checked: debug builds.
 *
 * A goroutine that is made ready twice, or run from two queues, mostly goes on for a while and then crashes
 * in somebody else's code. So with GOC_DEBUG every place where one changes hands says what it must
 * be there, and the first that is not ends the program, where it happens. The same for a P that is put
 * among the idle ones with work in it, and for a thread that gives itself to a goroutine while
 * it holds one of the runtime's own locks. The ranks of the locks are in lock.c.
 *
 * What is read here is the caller's own by the table, so the checks race with nobody. A release build has
 * none of them: they would cost what a switch does.
 */
#include "sched_impl.h"

#ifdef GOC_DEBUG

static const char *const name[] = {"dead", "runnable", "running", "waiting"};

void g_check(const struct g *g, unsigned states, const char *where)
{
    uint8_t status = load_relaxed(&g->status);
    if (status < countof(name) && states >> status & 1)
        return;
    if (states == CAN_WAKE && status == G_DEAD && g->flags & GF_FRESH)
        return;
    rt_print("goc: goroutine %lu is %s in %s\n", (unsigned long)g->id,
             status < countof(name) ? name[status] : "of no state", where);
    __builtin_trap();
}

void p_check_idle(struct p *p, const char *where)
{
    if (!p->runnext && runq_empty(p) && !p->m)
        return;
    rt_print("goc: P %d is idle and has work, or an owner, in %s\n", p->id, where);
    __builtin_trap();
}

void m_check_free(const struct m *m, const char *where)
{
    if (!m->lock_depth)
        return;
    rt_print("goc: internal lock of rank %d held in %s\n", m->lock_rank[m->lock_depth - 1], where);
    __builtin_trap();
}

#endif
