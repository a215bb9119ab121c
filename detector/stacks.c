/*
 * stacks.c - the call stack of now, and stacks to keep.
 *
 * The shadow call stack holds return addresses, pushed by __tsan_func_entry. It lives in the goroutine's
 * record while it is short and moves to memory of its own when it grows. Stacks that outlive
 * their moment (who allocated this block, where was this goroutine started) go to a depot: equal ones
 * are stored once, for ever, and are named by 32 bits. A program has as many distinct ones as it
 * has ways to its allocation sites, not as it has allocations.
 *
 * A depot entry is cut to DEPOT_DEPTH frames, so that a deep recursion that allocates at every level does
 * not fill it; when it is full all the same, that is said once and 0 (no stack) is given out.
 */
#include "det.h"
#include "sys.h"

#define DEPOT_DEPTH 48
#define DEPOT_BYTES (4ull << 30)
#define BUCKETS (1u << 20)

struct depot_stack {
    u32 next, depth;
    u64 hash;
    uintptr_t pc[];
};

static struct {
    u32 lock;
    u32 used; /* in units of 8 bytes; 0 is nothing */
    bool full;
    char *base;
    u32 *buckets;
} depot;

static struct depot_stack *depot_at(u32 id)
{
    return (struct depot_stack *)(depot.base + (size_t)id * 8);
}

static void depot_init(void)
{
    depot.base = det_map(DEPOT_BYTES);
    sys_madvise(depot.base, DEPOT_BYTES, MADV_DONTDUMP);
    depot.buckets = det_map(BUCKETS * sizeof *depot.buckets);
    depot.used = 1;
}

size_t det_g_stack(const struct race_g *g, uintptr_t pc, uintptr_t *out, size_t max)
{
    size_t n = 0;
    if (pc && n < max)
        out[n++] = pc;
    for (const uintptr_t *p = g->sp; p > g->sp_base && n < max;)
        out[n++] = *--p;
    return n;
}

static bool equal(const struct depot_stack *s, u64 hash, const uintptr_t *pc, u32 n)
{
    if (s->hash != hash || s->depth != n)
        return false;
    for (u32 i = 0; i < n; i++)
        if (s->pc[i] != pc[i])
            return false;
    return true;
}

u32 det_stack_save(struct race_g *g, uintptr_t pc)
{
    if (!g)
        return 0;
    uintptr_t st[DEPOT_DEPTH];
    return det_stack_intern(st, det_g_stack(g, pc, st, DEPOT_DEPTH));
}

u32 det_stack_intern(const uintptr_t *st, size_t depth)
{
    u32 n = depth < DEPOT_DEPTH ? (u32)depth : DEPOT_DEPTH;
    u64 hash = n;
    for (u32 i = 0; i < n; i++)
        hash = (hash ^ st[i]) * 0x9e3779b97f4a7c15ull, hash ^= hash >> 29;
    u32 id = 0;
    det_lock(&depot.lock);
    if (!depot.base)
        depot_init();
    u32 *head = &depot.buckets[hash % BUCKETS];
    for (id = *head; id && !equal(depot_at(id), hash, st, n); id = depot_at(id)->next)
        ;
    if (id == 0) {
        size_t units = 2 + n;
        if ((depot.used + units) * 8 > DEPOT_BYTES) {
            bool first = !depot.full;
            depot.full = true;
            det_unlock(&depot.lock);
            if (first)
                det_notice("the stack depot is full: further allocations and goroutines are "
                           "reported without where they come from");
            return 0;
        }
        id = depot.used;
        depot.used += (u32)units;
        struct depot_stack *s = depot_at(id);
        s->depth = n;
        s->hash = hash;
        for (u32 i = 0; i < n; i++)
            s->pc[i] = st[i];
        s->next = *head;
        *head = id;
    }
    det_unlock(&depot.lock);
    return id;
}

size_t det_stack_get(u32 id, uintptr_t *pc, size_t max)
{
    if (id == 0)
        return 0;
    const struct depot_stack *s = depot_at(id);
    size_t n = s->depth < max ? s->depth : max;
    for (size_t i = 0; i < n; i++)
        pc[i] = s->pc[i];
    return n;
}
