/*
 * stack.c - goroutine stacks.
 *
 * The problem: a million stacks, each of which may have to grow, in C, where a frame cannot be
 * moved. Copying stacks as Go does needs pointer maps; segmented stacks need every callee compiled
 * for them and thrash at the seam. What is left is address space: each stack reserves its limit and
 * the kernel gives it pages as they are touched, so a blocked goroutine costs the one page it is
 * on.
 *
 * The guard below each stack must not be a mapping of its own: two mappings a stack end at
 * vm.max_map_count, about 32,000 stacks. MADV_GUARD_INSTALL (Linux 6.13) marks pages inside one
 * mapping, many at a time with process_madvise; where it is missing, mprotect and its limit are the
 * fallback, and the message says which sysctl to raise.
 *
 * How much to reserve? Page tables are paid by the reserve, in memory and in time: a table page of
 * 4 KiB covers 2 MiB, so a stack of 64 KiB costs 128 bytes of it and one of 256 KiB 512, each in a
 * cache line of its own that a TLB miss has to fetch (a chain of 10,000 hops: 275 ns a hop against
 * 350). At a thousand goroutines that is nothing, and 64 KiB is little for C (a recursion 200 deep
 * with 300 bytes a frame); at a million it is 0.4 GB, and nobody recurses in a million goroutines.
 * So the first MANY stacks are DEEP, and those beyond, which exist only while so many goroutines
 * live at once, are SHALLOW; a million blocked goroutines then take 4.35 GB. GOC_STACK sets one
 * size for all, goc_go_stack the size of one.
 *
 * Regions of 256 MiB are reserved as needed and cut into stacks from the bottom. A P takes BATCH
 * never used ones at a time.
 *
 * Used ones are given out again in exactly the reverse of the order in which they came back,
 * through all levels: a P has up to two bundles of BUNDLE stacks, the common pool a list of
 * bundles, and a bundle moves as a whole. So goroutines that are made and end in the same order
 * time and again find stacks that lie at one distance from each other, which is what sched.c
 * fetches ahead by; moved singly between the levels, they were shuffled a little by each round,
 * and after a hundred rounds of a relay of 10,000 a hop took three times as long. A bundle is
 * linked inside its stacks, in a page that is there anyway, and only the first of them is touched
 * when it moves.
 *
 * Huge pages are refused: the first touch of one would cost 2 MiB.
 *
 * A stack that was deep once keeps its pages, and a program that had ten thousand of them at its busiest
 * would keep 600 MB. Asking at each end how deep it was costs a system call (mincore), so nobody asks:
 * used stacks that nobody wanted for a second (the list is last in, first out: they are at its tail)
 * lose all pages but the topmost, many with one call, by the monitor thread while the program works
 * and once more when it has gone to sleep. They are then in a list of their own, taken from last. A
 * goroutine that lives keeps its pages: it may wake at any instant and needs them.
 *
 * Invariants: a stack is owned by one G, or by one cache; the guard page is the lowest, and inside
 * the reserve.
 */
#include "sched_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { PAGE = 4096, BATCH = 32, BUNDLE = 32, REGION_MIN = 256 << 20 };
enum { DEEP = 256 << 10, SHALLOW = (64 << 10) + PAGE, MANY = 1024 }; /* 64 KiB are to be had */
static const size_t HUGE_PAGE = 2 << 20;
static const int64_t UNUSED_NS = 1000000000;

static struct {
    struct lock lock;
    char *next, *end; /* the current region */
    size_t size;      /* of its stacks */
    size_t fixed;     /* GOC_STACK; 0: DEEP, then SHALLOW */
    size_t made;      /* stacks cut so far */
    char *free;       /* bundles of used stacks, the last one given back first */
    char *free_tail;
    size_t free_n; /* stacks */
    size_t free_low; /* the least there were since the last look: as many at the tail were not needed */
    size_t to_trim;
    int64_t look_at;
    char *clean; /* bundles of used ones whose pages were given back */
    bool no_guard_install, no_batch;
    int pidfd;
} pool;

/* "65536", "64k", "1m", "1g"; bounds are kept silently, nonsense is the default. */
static size_t parse_size(const char *s, size_t none)
{
    size_t v = 0;
    if (!s || *s < '0' || *s > '9')
        return none;
    for (; *s >= '0' && *s <= '9' && v < ((size_t)1 << 40); s++)
        v = v * 10 + (size_t)(*s - '0');
    switch (*s | 32) {
    case 'k':
        v <<= 10;
        break;
    case 'm':
        v <<= 20;
        break;
    case 'g':
        v <<= 30;
        break;
    }
    return v ? v : none;
}

static size_t clamp_size(size_t size)
{
    if (size < 4 * PAGE)
        size = 4 * PAGE;
    if (size > (size_t)1 << 30)
        size = (size_t)1 << 30;
    return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

void stack_init(void)
{
    size_t size = parse_size(getenv("GOC_STACK"), 0);
    pool.fixed = size ? clamp_size(size) : 0;
    pool.pidfd = -1;
}

static _Noreturn void no_stack(size_t size, const char *call, long error)
{
    goc_fatal("cannot allocate a goroutine stack of %zu bytes: %s: error %ld%s (%zu goroutines "
              "exist)",
              size, call, -error,
              error == -ENOMEM ? "; raise vm.max_map_count (sysctl) or the memory limits" : "",
              g_count());
}

/* n stacks of `size` from lo get their guards. */
static long guard(char *lo, size_t size, size_t n)
{
    if (!pool.no_guard_install && !pool.no_batch && n > 1) {
        struct iovec v[BATCH];
        for (size_t i = 0; i < n; i++)
            v[i] = (struct iovec){lo + i * size, PAGE};
        if (pool.pidfd < 0)
            pool.pidfd = (int)rt_sys2(SYS_pidfd_open, rt_sys0(SYS_getpid), 0);
        long r = rt_sys5(SYS_process_madvise, pool.pidfd, v, n, MADV_GUARD_INSTALL, 0);
        if (r == (long)(n * PAGE))
            return 0;
        pool.no_batch = true; /* an older kernel, or a filter: one by one */
    }
    for (size_t i = 0; i < n; i++) {
        long r = -EINVAL;
        if (!pool.no_guard_install) {
            r = rt_sys3(SYS_madvise, lo + i * size, PAGE, MADV_GUARD_INSTALL);
            if (r < 0)
                pool.no_guard_install = true;
        }
        if (r < 0)
            r = rt_sys3(SYS_mprotect, lo + i * size, PAGE, PROT_NONE);
        if (r < 0)
            return r;
    }
    return 0;
}

static void region_new(size_t stack)
{
    size_t size = stack * BATCH > REGION_MIN ? stack * BATCH : REGION_MIN;
    char *mem = rt_map(size + HUGE_PAGE);
    if (!mem) {
        size = (stack * BATCH + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); /* a tight limit on memory */
        mem = rt_map(size + HUGE_PAGE);
    }
    if (!mem) {
        lock_release(&pool.lock);
        no_stack(stack, "mmap", -ENOMEM);
    }
    char *lo = (char *)(((uintptr_t)mem + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
    rt_sys3(SYS_madvise, lo, size, MADV_NOHUGEPAGE);
    pool.next = lo;
    pool.end = lo + size / stack * stack;
    pool.size = stack;
    hook_stack_arena(lo, pool.end);
}

/* A used stack is linked where its first frame was, which is in the cache when it is given back;
   its size is in its last word, which no frame uses, from its first use on. */
struct link {
    char *next; /* in its bundle */
    /* Of a bundle's first: how many it has, and in the pool the bundles behind and before it. */
    size_t n;
    char *bundle, *bundle_after;
};
static inline struct link *stack_link(char *hi)
{
    return (struct link *)stack_top(hi) - 1;
}
static inline size_t *stack_size(char *hi)
{
    return (size_t *)hi - 1;
}

/* Under pool.lock. */
static void pool_put(char *bundle, size_t n)
{
    struct link *l = stack_link(bundle);
    l->n = n;
    l->bundle = pool.free;
    l->bundle_after = NULL;
    if (pool.free)
        stack_link(pool.free)->bundle_after = bundle;
    else
        pool.free_tail = bundle;
    pool.free = bundle;
    pool.free_n += n;
}

static char *pool_get(void)
{
    char *bundle = pool.free;
    if (bundle) {
        struct link *l = stack_link(bundle);
        pool.free = l->bundle;
        if (pool.free)
            stack_link(pool.free)->bundle_after = NULL;
        else
            pool.free_tail = NULL;
        pool.free_n -= l->n;
        if (pool.free_n < pool.free_low)
            pool.free_low = pool.free_n;
    } else if ((bundle = pool.clean)) {
        pool.clean = stack_link(bundle)->bundle;
    }
    return bundle;
}

static noinline char *stack_refill(struct m *m, size_t *size)
{
    struct p *p = m->p;
    lock_acquire(&pool.lock, RANK_STACK);
    char *hi = pool_get();
    if (hi) {
        struct link *l = stack_link(hi);
        if (p) {
            p->stack_free = l->next;
            p->stack_n = (uint32_t)l->n - 1;
        } else if (l->n > 1) {
            pool_put(l->next, l->n - 1);
        }
        lock_release(&pool.lock);
        *size = *stack_size(hi);
        return hi;
    }
    size_t want = pool.fixed ? pool.fixed : pool.made < MANY ? DEEP : SHALLOW;
    if (want != pool.size || (size_t)(pool.end - pool.next) < want)
        region_new(want);
    size_t n = (size_t)(pool.end - pool.next) / want;
    if (n > BATCH)
        n = BATCH;
    if (!p)
        n = 1;
    char *lo = pool.next;
    pool.next += n * want;
    pool.made += n;
    lock_release(&pool.lock);
    long r = guard(lo, want, n);
    if (r < 0)
        no_stack(want, "mprotect", r);
    if (p) {
        p->stack_new = lo + want;
        p->stack_new_end = lo + n * want;
        p->stack_new_size = want;
    }
    *size = want;
    *stack_size(lo + want) = want;
    return lo + want;
}

static char *stack_big(size_t size)
{
    char *lo = rt_map(size);
    if (!lo)
        no_stack(size, "mmap", -ENOMEM);
    rt_sys3(SYS_madvise, lo, size, MADV_NOHUGEPAGE);
    long r = guard(lo, size, 1);
    if (r < 0)
        no_stack(size, "mprotect", r);
    hook_stack_arena(lo, lo + size);
    return lo + size;
}

/* *size 0: the default. Returns the end, and what it is in *size. */
char *stack_take(struct m *m, size_t *size)
{
    struct p *p = m->p;
    if (unlikely(*size)) {
        *size = clamp_size(*size);
        return stack_big(*size);
    }
    if (p && !p->stack_n && p->stack_full) {
        p->stack_free = p->stack_full;
        p->stack_n = BUNDLE;
        p->stack_full = NULL;
    }
    if (likely(p && p->stack_n)) {
        char *hi = p->stack_free;
        p->stack_free = stack_link(hi)->next;
        p->stack_n--;
        *size = *stack_size(hi);
        return hi;
    }
    if (p && p->stack_new != p->stack_new_end) {
        *size = p->stack_new_size;
        p->stack_new += *size;
        *stack_size(p->stack_new) = *size;
        return p->stack_new;
    }
    return stack_refill(m, size);
}

void stack_spill(struct p *p)
{
    lock_acquire(&pool.lock, RANK_STACK);
    if (p->stack_full)
        pool_put(p->stack_full, BUNDLE);
    if (p->stack_n)
        pool_put(p->stack_free, p->stack_n);
    p->stack_full = NULL;
    p->stack_n = 0;
    lock_release(&pool.lock);
}

/* A P's bundle is full, and becomes the one behind; what was that goes to the pool. */
static noinline void stack_bundle(struct p *p)
{
    if (p->stack_full) {
        lock_acquire(&pool.lock, RANK_STACK);
        pool_put(p->stack_full, BUNDLE);
        lock_release(&pool.lock);
    }
    p->stack_full = p->stack_free;
    p->stack_n = 0;
}

void stack_give(struct m *m, struct g *g)
{
    char *hi = g->run.stack_hi;
    struct p *p = m->p;
    g->run.stack_hi = NULL;
    if (unlikely(g->flags & GF_BIG)) {
        rt_unmap(hi - g->run.stack_size, g->run.stack_size);
        return;
    }
    if (likely(p)) {
        if (unlikely(p->stack_n == BUNDLE))
            stack_bundle(p);
        stack_link(hi)->next = p->stack_free;
        p->stack_free = hi;
        p->stack_n++;
        return;
    }
    lock_acquire(&pool.lock, RANK_STACK);
    pool_put(hi, 1);
    lock_release(&pool.lock);
}

/* --- giving pages back ------------------------------------------------------------------------ */

/* All but the topmost page, which the next goroutine needs anyway. */
static void give_pages(char *bundle)
{
    struct iovec v[BUNDLE];
    size_t all = 0, n = stack_link(bundle)->n;
    char *hi = bundle;
    for (size_t i = 0; i < n; i++, hi = stack_link(hi)->next) {
        size_t size = *stack_size(hi);
        v[i] = (struct iovec){hi - size + GUARD, size - GUARD - PAGE};
        all += v[i].iov_len;
    }
    if (pool.pidfd >= 0 && !pool.no_batch &&
        rt_sys5(SYS_process_madvise, pool.pidfd, v, n, MADV_DONTNEED, 0) == (long)all)
        return;
    for (size_t i = 0; i < n; i++)
        rt_sys3(SYS_madvise, v[i].iov_base, v[i].iov_len, MADV_DONTNEED);
}

bool stack_trim(int64_t now, bool all)
{
    if (!load_relaxed(&pool.free_n))
        return false;
    lock_acquire(&pool.lock, RANK_STACK);
    if (all || now >= pool.look_at) {
        pool.to_trim = all ? pool.free_n : pool.free_low;
        pool.free_low = pool.free_n;
        pool.look_at = now + UNUSED_NS;
    }
    char *bundle = pool.free_tail;
    size_t n = bundle ? stack_link(bundle)->n : 0;
    if (n && n <= pool.to_trim) {
        pool.to_trim -= n;
        pool.free_n -= n;
        pool.free_tail = stack_link(bundle)->bundle_after;
        if (pool.free_tail)
            stack_link(pool.free_tail)->bundle = NULL;
        else
            pool.free = NULL;
    } else {
        bundle = NULL;
    }
    if (pool.free_low > pool.free_n)
        pool.free_low = pool.free_n;
    lock_release(&pool.lock);
    if (!bundle)
        return false;
    give_pages(bundle);
    lock_acquire(&pool.lock, RANK_STACK);
    stack_link(bundle)->bundle = pool.clean;
    pool.clean = bundle;
    bool more = pool.free_tail && stack_link(pool.free_tail)->n <= pool.to_trim;
    lock_release(&pool.lock);
    return more;
}

void stack_fork(enum fork when)
{
    if (when == FORK_PREPARE) {
        lock_acquire(&pool.lock, RANK_STACK);
        return;
    }
    if (when == FORK_CHILD && pool.pidfd >= 0) {
        rt_sys1(SYS_close, pool.pidfd);
        pool.pidfd = -1;
    }
    lock_release(&pool.lock);
}
