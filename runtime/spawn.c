/*
 * spawn.c - the life of a goroutine: the record, the first frame, the end.
 *
 * A go statement must be cheap enough to be used for a loop body. So it makes a record of 128 bytes
 * with the arguments in it, puts it in runnext, and that is all; the stack is taken when the
 * goroutine first runs. A goroutine that ends looks who is next: if that one is fresh too, it gets
 * the stack, the arguments are laid on it, and the loop in g_entry calls the next function: a
 * million short goroutines run through one stack without a single switch. (Preparing a stack in the
 * go statement was rejected: a million spawned goroutines would touch a million pages before the
 * first one runs.)
 *
 * Records come from chunks that are never unmapped, so a dump can walk them at any time, and a dead
 * one is reused by the P that freed it. They move between the Ps and the global list in bundles, as
 * stacks do and for the same reason (stack.c): what is used in a row stays in a row.
 *
 * In race builds a goroutine ends through the scheduler's stack: its record ends, and its stack's
 * shadow is cleared, while nobody is on it.
 */
#include "fp.h"
#include "sched_impl.h"

#include <goc/go.h>

enum { CHUNK_G = 2048, BUNDLE_G = 64 };

struct chunk {
    struct chunk *next;
    struct g *g;
};

static struct chunk *chunks; /* only ever prepended to */

/* --- records ---------------------------------------------------------------------------------- */

/* Under sched.g_lock. */
static void bundle_put(struct g *first, uint32_t n)
{
    first->dead.n = n;
    first->dead.bundle = sched.gfree;
    sched.gfree = first;
}

static void g_more(void)
{
    size_t size = sizeof(struct chunk) + CHUNK_G * sizeof(struct g);
    char *mem = rt_map(size);
    if (!mem) {
        lock_release(&sched.g_lock);
        goc_fatal("out of memory: cannot allocate a goroutine record (%zu goroutines exist)",
                  g_count());
    }
    struct chunk *c = (struct chunk *)(mem + CHUNK_G * sizeof(struct g));
    c->g = (struct g *)mem;
    for (int i = CHUNK_G - 1; i >= 0; i--) {
        c->g[i].next = &c->g[i + 1];
        if (i % BUNDLE_G == 0)
            bundle_put(&c->g[i], BUNDLE_G);
    }
    c->next = chunks;
    store_release(&chunks, c);
}

/* The P has none. */
static noinline struct g *g_refill(struct p *p)
{
    lock_acquire(&sched.g_lock, RANK_ALLG);
    if (!sched.gfree)
        g_more();
    struct g *g = sched.gfree;
    uint32_t n = g->dead.n;
    sched.gfree = g->dead.bundle;
    if (p) {
        p->gfree = g->next;
        p->gfree_n = n - 1;
    } else if (n > 1) {
        bundle_put(g->next, n - 1);
    }
    lock_release(&sched.g_lock);
    return g;
}

struct g *g_alloc(struct m *m)
{
    struct p *p = m ? m->p : NULL;
    struct g *g;
    if (p && !p->gfree_n && p->gfull) {
        p->gfree = p->gfull;
        p->gfree_n = BUNDLE_G;
        p->gfull = NULL;
    }
    if (likely(p && p->gfree_n)) {
        g = p->gfree;
        p->gfree = g->next;
        p->gfree_n--;
        return g;
    }
    if (m)
        sysmon_start(); /* by the first go statement */
    return g_refill(p);
}

void g_spill(struct p *p)
{
    lock_acquire(&sched.g_lock, RANK_ALLG);
    if (p->gfull)
        bundle_put(p->gfull, BUNDLE_G);
    if (p->gfree_n)
        bundle_put(p->gfree, p->gfree_n);
    p->gfull = NULL;
    p->gfree_n = 0;
    lock_release(&sched.g_lock);
}

static noinline void g_bundle(struct p *p)
{
    if (p->gfull) {
        lock_acquire(&sched.g_lock, RANK_ALLG);
        bundle_put(p->gfull, BUNDLE_G);
        lock_release(&sched.g_lock);
    }
    p->gfull = p->gfree;
    p->gfree_n = 0;
}

void g_free(struct m *m, struct g *g)
{
    struct p *p = m->p;
    g_check(g, DOES_RUN, __func__);
    store_relaxed(&g->status, G_DEAD);
    if (likely(p)) {
        if (unlikely(p->gfree_n == BUNDLE_G))
            g_bundle(p);
        g->next = p->gfree;
        p->gfree = g;
        p->gfree_n++;
        return;
    }
    lock_acquire(&sched.g_lock, RANK_ALLG);
    bundle_put(g, 1);
    lock_release(&sched.g_lock);
}

void g_each(void (*fn)(struct g *g, void *arg), void *arg)
{
    for (struct chunk *c = load_acquire(&chunks); c; c = c->next)
        for (int i = 0; i < CHUNK_G; i++)
            if (load_relaxed(&c->g[i].status) != G_DEAD && !(c->g[i].flags & GF_SYSTEM))
                fn(&c->g[i], arg);
}

size_t g_count(void)
{
    uint64_t n = load_relaxed(&sched.spawned) - load_relaxed(&sched.ended);
    for (int i = 0; i < sched.np; i++)
        n += load_relaxed(&sched_p[i]->spawned) - load_relaxed(&sched_p[i]->ended);
    return n;
}

/* --- the go statement ------------------------------------------------------------------------- */

static inline struct g *spawn(void *fn, uintptr_t pc, uint64_t id)
{
    if (unlikely(!fn))
        goc_fatal("go of nil func value");
    struct m *m = m_cur();
    uint32_t was = m->inside;
    struct p *p = p_enter(m);
    struct g *g = g_alloc(m);
    g_check(g, IS_DEAD, __func__);
    g->flags = GF_FRESH;
    g->why = HOOK_WAIT_NONE;
    g->locks = 0;
    g->error = 0;
    g->id = id ? id : __atomic_fetch_add(&sched.next_goid, 1, __ATOMIC_RELAXED);
    g->create_pc = pc;
    g->create_id = m->cur ? m->cur->id : 0;
    g->fn = fn;
    g->start.stack_size = 0;
    if (unlikely(control_on))
        control_spawned(g);
    if (likely(p))
        store_relaxed(&p->spawned, p->spawned + 1);
    else
        __atomic_fetch_add(&sched.spawned, 1, __ATOMIC_RELAXED);
    if (!was)
        p_leave(m);
    return g;
}

static inline void spawn_ready(struct g *g, uintptr_t pc)
{
    g->race = hook_go(g->id, g->fn, pc);
    g_ready(g);
    sched_point();
    struct m *m = m_cur();
    struct p *p = m->p;
    if (unlikely(p && (p->tail - load_relaxed(&p->head) > RUNQ - 8 || load_relaxed(&p->preempt))))
        spawn_yield(m, pc);
}

GOC_EXPORT void goc_go(void (*fn)(void *), void *arg)
{
    struct g *g = spawn((void *)fn, CALLER_PC(), 0);
    g->start.arg[0] = (uintptr_t)arg;
    spawn_ready(g, CALLER_PC());
}

GOC_EXPORT void goc_go_stack(size_t stack_size, void (*fn)(void *), void *arg)
{
    if (stack_size > (size_t)1 << 30)
        goc_panic_at(CALLER_PC(), "goc_go_stack: %zu bytes are more than 1 GiB", stack_size);
    struct g *g = spawn((void *)fn, CALLER_PC(), 0);
    g->start.arg[0] = (uintptr_t)arg;
    g->start.stack_size = stack_size;
    spawn_ready(g, CALLER_PC());
}

GOC_EXPORT void goc_go_call(void *fn, int n, const uintptr_t *arg)
{
    if (unlikely((unsigned)n > 6))
        goc_panic_at(CALLER_PC(), "goc_go_call: %d arguments, at most 6", n);
    struct g *g = spawn(fn, CALLER_PC(), 0);
    for (int i = 0; i < n; i++)
        g->start.arg[i] = arg[i];
    spawn_ready(g, CALLER_PC());
}

/* The detector's record was made when the timer was started, and the number with it. */
void g_spawn_timer(void (*fn)(void *), void *arg, struct race_g *race, uint64_t id,
                   uint64_t creator, uintptr_t pc)
{
    struct g *g = spawn((void *)fn, pc, race ? id : 0);
    g->create_id = creator;
    g->start.arg[0] = (uintptr_t)arg;
    g->race = race;
    g_ready_tail(g);
}

struct g *g_spawn(void *fn, const uintptr_t *arg, int n, size_t stack_size, uintptr_t pc)
{
    struct g *g = spawn(fn, pc, 0);
    for (int i = 0; i < n; i++)
        g->start.arg[i] = arg[i];
    g->start.stack_size = stack_size;
    spawn_ready(g, pc);
    return g;
}

/* --- first frame and end ---------------------------------------------------------------------- */

static inline void g_dress(struct m *m, struct g *g, char *hi)
{
    struct start *s = stack_top(hi);
    size_t size = g->start.stack_size;
    for (int i = 0; i < 6; i++)
        s->arg[i] = g->start.arg[i];
    g->flags &= (uint8_t)~GF_FRESH;
    g->run.stack_hi = hi;
    g->run.stack_size = size;
    g->run.m = m;
    g->run.park = NULL;
    g->run.defer = NULL;
    g->run.pcall = NULL;
}

struct start *g_prepare(struct m *m, struct g *g)
{
    size_t size = g->start.stack_size;
    if (size)
        g->flags |= GF_BIG;
    char *hi = stack_take(m, &g->start.stack_size);
    g_dress(m, g, hi);
    hook_stack(g->race, hi - g->run.stack_size, hi);
    return stack_top(hi);
}

/* On the scheduler's stack: put away a goroutine that has ended. */
static void *g_bury(void *arg)
{
    struct m *m = arg;
    struct g *g = m->cur;
    hook_run(NULL);
    hook_end(g->race);
    m->cur = NULL;
    bool leave = unlikely(g->flags & GF_LOCKED) && m_may_end(m);
    if (unlikely(g->flags & GF_LOCKED))
        m->locked = NULL;
    if (unlikely(g->flags & GF_MESSAGE))
        panic_forget(g);
    stack_give(m, g);
    if (likely(m->p))
        store_relaxed(&m->p->ended, m->p->ended + 1);
    else
        __atomic_fetch_add(&sched.ended, 1, __ATOMIC_RELAXED);
    g_free(m, g);
    return unlikely(leave) ? m_end(m) : schedule(m);
}

/* The goroutine has ended. Returns the next one if that one runs right here, in its stack; else
   does not return. */
struct g *g_exit(void)
{
    struct fp fp;
    fp_set_aside(&fp);
#ifndef GOC_RACE
    struct m *m = m_raw();
    if (unlikely(m->cur->flags & GF_KEPT))
        select_forget(m->cur);
    struct p *p = p_enter(m);
    struct g *g = m->cur;
    struct g *next = p ? p->runnext : NULL;
    if (p && !next && !runq_empty(p) && !p->timer_when && (p->tick + 1) % FAIR && !p->dead) {
        p->tick++;
        next = runq_get(p);
        if (next)
            p->runnext = next; /* which nobody can take */
    }
    if (next && (next->flags & GF_FRESH) && !next->start.stack_size &&
        !(g->flags & (GF_BIG | GF_LOCKED | GF_MESSAGE)) && !load_relaxed(&p->preempt) &&
        !p->timer_when && ++p->streak < 1024) {
        p->runnext = NULL;
        g_check(next, CAN_RUN, __func__);
        char *hi = g->run.stack_hi;
        next->start.stack_size = g->run.stack_size;
        g_dress(m, next, hi);
        store_relaxed(&p->ended, p->ended + 1);
        g_free(m, g);
        m->cur = next;
        next->status = G_RUNNING;
        p_leave(m);
        return next;
    }
#endif
    g_leave();
}

/* The same from any depth: another goroutine cannot go on in this stack. */
_Noreturn void g_leave(void)
{
    struct m *m = m_raw();
    struct fp fp;
    fp_set_aside(&fp);
#ifndef GOC_RACE
    if (unlikely(m->cur->flags & GF_KEPT)) /* by goc_goexit */
        select_forget(m->cur);
#endif
    p_enter(m);
    ctx_end(m->g0_sp, g_bury, m);
}

void g_entry(void *start)
{
    const struct start *s = start;
    struct g *g = m_raw()->cur;
    for (;;) {
        ((void (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t))g->fn)(
            s->arg[0], s->arg[1], s->arg[2], s->arg[3], s->arg[4], s->arg[5]);
        g = g_exit();
    }
}
