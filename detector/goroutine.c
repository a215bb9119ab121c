/*
 * goroutine.c - records of goroutines, and of threads that count as one.
 *
 * A record is made by the go statement (or pthread_create), which hands the child what its creator
 * knows by sharing the root of the clock; it is a few hundred bytes, has no history until its first
 * access and no stack entries beyond the inline ones until calls go deep. Ended ones are given to the
 * next: nothing in a million short goroutines grows.
 *
 * Who owns it: the creator until hook_run or det_thread_start puts it in det_cur of a thread; the thread
 * that runs it; while parked, whoever completes its operation; nobody after hook_end.
 */
#include "goroutine.h"
#include "facts.h"
#include "record.h"
#include "sync.h"

__attribute__((tls_model("initial-exec"), visibility("hidden"))) __thread struct det_tls det_tls;
extern __attribute__((tls_model("initial-exec"), visibility("default"), alias("det_tls"))) __thread
    struct det_tls INLINE_SYMBOL;

static struct slab gs;
static u32 threads; /* numbered from 1 */

struct g_record {
    u32 link, index;
    struct race_g g;
};

void g_init(void)
{
    slab_init(&gs, "goroutines", sizeof(struct g_record), 1u << 24);
}

struct race_g *g_new(struct race_g *creator, uint64_t goid, u32 created, uintptr_t fn, u32 flags)
{
    u32 i = slab_alloc(&gs);
    struct g_record *r = slab_at(&gs, i);
    r->index = i;
    struct race_g *g = &r->g;
    det_zero(g, offsetof(struct race_g, sp_inline));
    g->sp_base = g->sp = g->sp_synced = g->sp_history = g->sp_inline;
    g->sp_end = g->sp_inline + SHADOW_STACK_INLINE;
    g->goid = goid;
    g->main = (flags & PART_MAIN) != 0;
    g->thread = (flags & PART_THREAD) != 0;
    if (creator) {
        if (creator->know.n == CLOCK_EXTRAS)
            clock_flush(&creator->know);
        clock_copy(&g->know, &creator->know);
        clock_set(&g->know, creator->id, creator->epoch);
        g->base_id = creator->id;
        g->base_epoch = creator->epoch;
    }
    id_give(g, creator);
    if (creator)
        g_advance(creator);
    life_begin(g, goid, created, fn, flags);
    if (creator)
        order_pass(creator, g);
    return g;
}

void g_end(struct race_g *g)
{
    lock_event_end(g);
    id_return(g);
    life_end(g);
    clock_drop(&g->know);
    if (g->fence)
        g_fence_drop(g);
    g_jumps_drop(g);
    if (g->sp_base != g->sp_inline)
        det_release(g->sp_base, (size_t)((char *)g->sp_end - (char *)g->sp_base));
    if (det_cur == g)
        det_set_cur(NULL);
    struct g_record *r = (struct g_record *)((char *)g - offsetof(struct g_record, g));
    slab_free(&gs, r->index);
}

/* Called by func_entry when there is no room for one more. */
void g_stack_grow(struct race_g *g)
{
    size_t used = (size_t)(g->sp - g->sp_base), cap = (size_t)(g->sp_end - g->sp_base);
    size_t synced = (size_t)(g->sp_synced - g->sp_base);
    size_t known = (size_t)(g->sp_history - g->sp_base);
    size_t next = cap < 64 ? 64 : cap * 2;
    uintptr_t *to = det_alloc(next * sizeof *to);
    for (size_t i = 0; i < used; i++)
        to[i] = g->sp_base[i];
    if (g->sp_base != g->sp_inline)
        det_release(g->sp_base, cap * sizeof *to);
    g->sp_base = to;
    g->sp = to + used;
    g->sp_synced = to + synced;
    g->sp_history = to + known;
    g->sp_end = to + next;
}

u32 det_g_created(const struct race_g *g)
{
    return g->life ? g->life->created : 0;
}

struct race_g *det_g_each(u32 *at)
{
    while (++*at < __atomic_load_n(&gs.used, __ATOMIC_ACQUIRE)) {
        struct g_record *r = slab_at(&gs, *at);
        if (__atomic_load_n(&r->g.life, __ATOMIC_ACQUIRE))
            return &r->g;
    }
    return NULL;
}

void g_unwind(struct race_g *g, size_t depth)
{
    if ((size_t)(g->sp - g->sp_base) <= depth)
        return;
    g->sp = g->sp_base + depth;
    if (g->sp_synced > g->sp)
        g->sp_synced = g->sp;
}

u32 det_g_flags(const struct race_g *g)
{
    return (g->main ? PART_MAIN : 0) | (g->thread ? PART_THREAD : 0) |
           (g->life ? 0 : PART_FINISHED);
}

/* --- threads ------------------------------------------------------------------------------------------ */

struct race_g *det_thread_create(uintptr_t pc)
{
    det_init();
    struct race_g *g = det_cur;
    u32 n = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
    return g_new(g, n, det_stack_save(g, pc), 0, PART_THREAD);
}

void det_thread_start(struct race_g *g, void *stack_lo, void *stack_hi)
{
    g->stack_lo = g->life->stack_lo = (uintptr_t)stack_lo;
    g->stack_hi = g->life->stack_hi = (uintptr_t)stack_hi;
    det_set_cur(g);
}

void det_thread_end(struct race_g *g)
{
    g_end(g);
}

void det_thread_cancel(struct race_g *g)
{
    g_end(g);
}

void det_ignore_begin(void)
{
    struct race_g *g = det_cur;
    if (g && g->ignore++ == 0)
        det_set_self(0);
}

void det_ignore_end(void)
{
    struct race_g *g = det_cur;
    if (g && g->ignore && --g->ignore == 0)
        det_set_self(g->self);
}

void det_push(uintptr_t pc)
{
    struct race_g *g = det_cur;
    if (!g)
        return;
    if (unlikely(g->sp == g->sp_end))
        g_stack_grow(g);
    *g->sp++ = pc;
}

void det_pop(void)
{
    struct race_g *g = det_cur;
    if (!g || g->sp == g->sp_base)
        return;
    if (--g->sp < g->sp_synced)
        g->sp_synced = g->sp;
}
