/*
 * heap.c - who allocated, who freed.
 *
 * A report on heap memory has to say which block it is in, how large that is, and where it came
 * from or went; and a use after free has to be told from a use of the block that lives there now.
 * So each block has a record, found from any address inside it, that outlives free() until the
 * memory is given out again.
 *
 * Designs rejected
 *  - A header before each block (the program's memory layout changes, alignment costs 16 bytes, and
 * a freed block's header is the allocator's to overwrite).
 *  - An allocator of our own (TSan's): then the heap under test is not the heap in production, and
 *    memory use doubles for programs tuned to glibc's. glibc's stays, under __libc_malloc.
 *  - A hash table by address: no interior pointers.
 *
 * Chosen. A linear map holds one u32 for each 16 bytes of address space: the record's number at the
 * block's first granule, 0 elsewhere. The block of an interior address is found by walking back, at
 * most BIG bytes; blocks of BIG bytes and more are in a list as well, so that nothing walks through
 * gigabytes. Giving out [p, p+n) drops the records that start inside.
 *
 * Accesses and blocks
 *  - Allocation clears the shadow of the block: neither accesses nor orderings are inherited from
 *    its earlier life. No happens-before edge from free to the next malloc (architecture.md,
 * traps).
 *  - free is a write of the whole block by the one who frees, marked as a free, and the shadow
 *    keeps it: a racing earlier access shows at the free, a racing or later use shows at the use.
 *  - A block of BIG bytes or more is marked only where its shadow is resident, that is, where
 *    somebody has accessed it. A block that glibc maps by itself is unmapped by free: its shadow
 * goes too, for an access would fault.
 *
 * States of a record: live (the program owns the memory), freed (the allocator does; record kept),
 * gone (its number is in the slab's free list; no map entry names it). Transitions happen while the
 * caller owns the block: live is entered after the allocator gave it, freed before it takes it
 * back. So a record's fields need no lock; heap_find may read one that is changing, and checks the
 * base.
 */
#include "heap.h"
#include "intercept.h"
#include "sys.h"
#include "../report/record.h"

#define BIG HEAP_BIG
#define FREED_BIG_KEPT 256

struct block {
    u32 next, prev; /* of the big ones; next is the slab's link while gone */
    uintptr_t base;
    size_t size;
    u32 alloc_stack, free_stack;
    u64 alloc_goid, free_goid;
    bool freed, big;
    uint8_t alloc_flags, free_flags;
};
_Static_assert(sizeof(struct block) == 56, "a record per block: keep it small");

static struct slab blocks;
static u32 big_first, big_lock, big_freed;
static bool full;
/* Where blocks ever were; inverted, or the search for pointers to blocks (leak.c) would find these.
 */
uintptr_t heap_not_lo, heap_not_hi = UINTPTR_MAX;

void heap_init(void)
{
    slab_init(&blocks, "heap blocks", sizeof(struct block), 400u << 20);
}

/* --- the list of big blocks ------------------------------------------------------------------- */

static void big_unlink(struct block *b)
{
    if (b->prev)
        ((struct block *)slab_at(&blocks, b->prev))->next = b->next;
    else
        big_first = b->next;
    if (b->next)
        ((struct block *)slab_at(&blocks, b->next))->prev = b->prev;
}

static void big_link(u32 i, struct block *b)
{
    b->prev = 0;
    b->next = big_first;
    if (big_first)
        ((struct block *)slab_at(&blocks, big_first))->prev = i;
    big_first = i;
}

/* --- records ---------------------------------------------------------------------------------- */

/* Caller holds no lock; the block's memory is the caller's, or nobody's. */
static void block_drop(u32 *meta)
{
    u32 i = __atomic_exchange_n(meta, 0, __ATOMIC_RELAXED);
    if (!i)
        return;
    struct block *b = slab_at(&blocks, i);
    if (b->big) {
        det_lock(&big_lock);
        big_freed -= b->freed;
        big_unlink(b);
        det_unlock(&big_lock);
    }
    slab_free(&blocks, i);
}

/* Freed big blocks are remembered up to a number, the oldest go. */
static void big_trim(void)
{
    u32 *victim = NULL;
    det_lock(&big_lock);
    if (big_freed > FREED_BIG_KEPT) {
        struct block *last = NULL;
        for (u32 i = big_first; i;) {
            struct block *b = slab_at(&blocks, i);
            if (b->freed)
                last = b;
            i = b->next;
        }
        if (last)
            victim = heap_meta_of(last->base);
    }
    det_unlock(&big_lock);
    if (victim)
        block_drop(victim);
}

void heap_drop(uintptr_t lo, size_t n)
{
    for (;;) {
        u32 *victim = NULL;
        det_lock(&big_lock);
        for (u32 i = big_first; i && !victim;) {
            struct block *b = slab_at(&blocks, i);
            if (b->freed && b->base < lo + n && lo < b->base + b->size)
                victim = heap_meta_of(b->base);
            i = b->next;
        }
        det_unlock(&big_lock);
        if (!victim)
            return;
        block_drop(victim);
    }
}

/* The call in the program that led here. A channel or a timer is allocated by the runtime: its report
   names the program's line, found along the frame pointers, which all of our own code keeps. */
static uintptr_t program_pc(uintptr_t pc)
{
    const uintptr_t *frame = __builtin_frame_address(0);
    for (int i = 0; i < 32 && icept_own(pc); i++) {
        const uintptr_t *outer = (const uintptr_t *)frame[0];
        pc = frame[1];
        if (outer <= frame || ((uintptr_t)outer & 7))
            break;
        frame = outer;
    }
    return pc;
}

void heap_alloc(void *p, size_t n, size_t usable, uintptr_t pc)
{
    uintptr_t a = (uintptr_t)p;
    if (!det_ready || !det_app(a))
        return;
    det_clear(a, usable);
    bool big = n >= BIG;
    u32 *meta = heap_meta_of(a), *end = heap_meta_of(a + (big ? 16 : usable + 15));
    for (u32 *m = meta; m < end; m++)
        if (*m)
            block_drop(m);
    u32 i = slab_alloc(&blocks);
    if (!i) {
        if (!__atomic_exchange_n(&full, true, __ATOMIC_RELAXED))
            det_notice("too many heap blocks: new ones are not named in reports");
        return;
    }
    if (unlikely(a < ~heap_not_lo))
        heap_not_lo = ~a;
    if (unlikely(a + n >= ~heap_not_hi))
        heap_not_hi = ~(a + n + 1);
    struct race_g *g = det_cur;
    struct block *b = slab_at(&blocks, i);
    *b = (struct block){.base = a, .size = n, .big = big};
    if (g) {
        b->alloc_stack = det_stack_save(g, program_pc(pc));
        b->alloc_goid = g->goid;
        b->alloc_flags = (uint8_t)det_g_flags(g);
    }
    if (big) {
        det_lock(&big_lock);
        big_link(i, b);
        det_unlock(&big_lock);
        big_trim();
    }
    __atomic_store_n(meta, i, __ATOMIC_RELEASE);
}

void heap_free(void *p, size_t usable, uintptr_t pc, bool seen)
{
    uintptr_t a = (uintptr_t)p;
    if (!det_ready || !det_app(a))
        return;
    u32 i = __atomic_load_n(heap_meta_of(a), __ATOMIC_ACQUIRE);
    struct block *b = i ? slab_at(&blocks, i) : NULL;
    size_t n = b && b->base == a ? b->size : usable;
    if (seen)
        det_free_range(pc, a, n);
    hook_forget(p, usable);
    if (!b || b->base != a)
        return;
    struct race_g *g = det_cur;
    if (g) {
        b->free_stack = det_stack_save(g, program_pc(pc));
        b->free_goid = g->goid;
        b->free_flags = (uint8_t)det_g_flags(g);
    }
    if (b->big && !b->freed)
        __atomic_fetch_add(&big_freed, 1, __ATOMIC_RELAXED);
    b->freed = true;
}

void heap_unfree(void *p)
{
    u32 i = *heap_meta_of((uintptr_t)p);
    struct block *b = i ? slab_at(&blocks, i) : NULL;
    if (!b || b->base != (uintptr_t)p || !b->freed)
        return;
    b->freed = false;
    b->free_stack = 0;
    if (b->big)
        __atomic_fetch_sub(&big_freed, 1, __ATOMIC_RELAXED);
}

/* --- questions -------------------------------------------------------------------------------- */

static bool block_holds(const struct block *b, uintptr_t a)
{
    return a >= b->base && a - b->base < (b->size ? b->size : 1);
}

static void block_tell(const struct block *b, struct heap_block *out)
{
    *out = (struct heap_block){
        .base = b->base,
        .size = b->size,
        .alloc_stack = b->alloc_stack,
        .free_stack = b->free_stack,
        .alloc_goid = b->alloc_goid,
        .free_goid = b->free_goid,
        .freed = b->freed,
        .alloc_flags = b->alloc_flags,
        .free_flags = b->free_flags,
    };
}

static bool big_find(uintptr_t a, bool freed, struct heap_block *out)
{
    bool found = false;
    det_lock(&big_lock);
    for (u32 i = big_first; i && !found;) {
        const struct block *b = slab_at(&blocks, i);
        if (b->freed == freed && block_holds(b, a)) {
            block_tell(b, out);
            found = true;
        }
        i = b->next;
    }
    det_unlock(&big_lock);
    return found;
}

bool heap_find(uintptr_t a, struct heap_block *out)
{
    if (!det_ready || !det_app(a))
        return false;
    if (big_find(a, false, out))
        return true;
    uintptr_t granule = a & ~15ul, stop = granule > BIG ? granule - BIG : 0;
    for (; granule >= stop && det_app(granule); granule -= 16) {
        u32 i = __atomic_load_n(heap_meta_of(granule), __ATOMIC_ACQUIRE);
        if (!i || i >= blocks.used)
            continue;
        const struct block *b = slab_at(&blocks, i);
        if (b->base == granule && !b->big && block_holds(b, a)) {
            block_tell(b, out);
            return true;
        }
        if (granule < 16)
            break;
    }
    return big_find(a, true, out);
}

void heap_prefetch_record(uintptr_t base)
{
    u32 i = __atomic_load_n(heap_meta_of(base), __ATOMIC_RELAXED);
    if (i && i < blocks.used)
        __builtin_prefetch(slab_at(&blocks, i));
}

bool heap_block_at(uintptr_t a, uintptr_t *base, size_t *size)
{
    if (a < ~heap_not_lo || a >= ~heap_not_hi || !det_app(a))
        return false;
    uintptr_t granule = a & ~15ul, stop = granule > BIG ? granule - BIG : 0;
    for (; granule > stop && granule >= (~heap_not_lo & ~15ul); granule -= 16) {
        u32 i = __atomic_load_n(heap_meta_of(granule), __ATOMIC_RELAXED);
        if (!i || i >= blocks.used)
            continue;
        const struct block *b = slab_at(&blocks, i);
        *base = b->base;
        *size = b->size;
        if (!b->freed && block_holds(b, a))
            return true;
        break; /* the nearest one before it decides */
    }
    return heap_big_at(a, base, size);
}

bool heap_big_at(uintptr_t a, uintptr_t *base, size_t *size)
{
    for (u32 i = big_first, n = 0; i && n < 1u << 20; n++) {
        const struct block *b = slab_at(&blocks, i);
        *base = b->base;
        *size = b->size;
        if (!b->freed && block_holds(b, a))
            return true;
        i = b->next;
    }
    return false;
}

void heap_each_live(void (*fn)(uintptr_t base, size_t size))
{
    for (u32 i = 1; i < blocks.used; i++) {
        const struct block *b = slab_at(&blocks, i);
        if (b->base && !b->freed && *heap_meta_of(b->base) == i)
            fn(b->base, b->size);
    }
}

bool heap_next_live(u32 *at, struct heap_block *out)
{
    while (++*at < blocks.used) {
        const struct block *b = slab_at(&blocks, *at);
        uintptr_t base = b->base;
        if (!base || b->freed || !det_app(base) || *heap_meta_of(base) != *at)
            continue;
        block_tell(b, out);
        if (out->base == base)
            return true;
    }
    return false;
}

void heap_fork(int phase)
{
    if (phase == 0)
        det_lock(&big_lock);
    else
        det_unlock(&big_lock);
}
