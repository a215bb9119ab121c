/*
 * sync.c - the clock of each synchronisation object, by address.
 *
 * A mutex, a channel's slot, an atomic variable: whatever orders is an address here, and what it holds is
 * what was last published there. A linear map gives for each aligned 8 bytes the number of a record,
 * so finding one is a load; the record is made by the first release and goes when its memory does
 * (free, munmap, a stack given out anew, hook_forget). An object on which nothing was ever released
 * has none, and acquiring from it is that one load. Small atomics share a word: their records hang
 * together, under the lock of the first.
 *
 * The hot operation is a channel's slot, twice for each value that goes through a buffer. What it meets
 * nearly always (a record that is there, a publisher of whom all but its latest epochs is known, a clock
 * with our own root) is done here without a call; clock.c does the rest.
 *
 * Rejected: a hash table (a lock or a probe for each operation), the state inside the object (one
 * layout for plain and race builds; pthread and atomic objects have no room).
 *
 * Invariants: a record is changed under its lock; it serves one address, which it names, so a number
 * read before the lock was had is checked after. Publishing is always followed by g_advance: knowing
 * an epoch then means knowing exactly what was published in it.
 */
#include "sync.h"
#include "facts.h"
#include "access.h"
#include "history.h"
#include "record.h"
#include "stackmem.h"
#include "sys.h"

static struct slab syncs, heads;

/* Objects on goroutine stacks are rare, and stacks end often: while there are none, the map of a stack
   is not looked at (which would also make it exist). */
#define ARENAS 64
static struct {
    uintptr_t lo, hi;
} arenas[ARENAS];
static u32 arena_count, on_stacks;

void hook_stack_arena(void *lo, void *hi)
{
    static u32 lock;
    stackmem_arena((uintptr_t)lo, (uintptr_t)hi);
    det_lock(&lock);
    if (arena_count && arenas[arena_count - 1].hi == (uintptr_t)lo) {
        arenas[arena_count - 1].hi = (uintptr_t)hi;
    } else if (arena_count < ARENAS) {
        arenas[arena_count].lo = (uintptr_t)lo;
        arenas[arena_count].hi = (uintptr_t)hi;
        __atomic_store_n(&arena_count, arena_count + 1, __ATOMIC_RELEASE);
    } else {
        __atomic_add_fetch(&on_stacks, 1, __ATOMIC_RELAXED); /* too many to tell: always look */
    }
    det_unlock(&lock);
}

static bool on_stack(uintptr_t addr)
{
    u32 n = __atomic_load_n(&arena_count, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < n; i++)
        if (addr >= (arenas[i].lo & DET_ADDR_MASK) && addr < (arenas[i].hi & DET_ADDR_MASK))
            return true;
    return false;
}

void sync_init(void)
{
    slab_init(&syncs, "synchronisation objects", sizeof(struct sync), 1u << 26);
    slab_init(&heads, "release sequences", sizeof(struct heads), 1u << 24);
}

static struct sync *sync_at(u32 i)
{
    return (struct sync *)syncs.base + i;
}

static u32 sync_new(uintptr_t addr)
{
    u32 i = slab_alloc(&syncs);
    struct sync *s = sync_at(i);
    s->addr = addr;
    s->first = i;
    s->next = 0;
    s->heads = 0;
    s->again = 0;
    s->clock = (struct published){0};
    return i;
}

static void head_remove(struct heads *h, u32 k)
{
    published_drop(&h->at[k]);
    for (h->n--; k < h->n; k++)
        h->at[k] = h->at[k + 1];
    h->at[h->n] = (struct published){0};
}

bool published_by(const struct published *p, const struct race_g *g)
{
    struct life l;
    if (p->id == g->id)
        return p->epoch >= g->life->first;
    return p->id && unlikely(clock_renamed) && life_find(p->id, p->epoch, &l) &&
           l.goid == g->goid && !((l.flags ^ g->life->flags) & PART_THREAD);
}

static u32 forgot_bit(u32 id)
{
    return id * 0x9e3779b1u >> 24;
}
/* Who has another id by now may be any of them. */
static bool may_be_forgotten(const struct heads *h, const struct race_g *g)
{
    u32 bit = forgot_bit(g->id);
    return (h->forgot[bit / 64] >> bit % 64 & 1) ||
           (unlikely(clock_renamed) && (h->forgot[0] | h->forgot[1] | h->forgot[2] | h->forgot[3]));
}

/* Which one goes: one whose goroutine has ended, for there will be no store of its own that the sequence
   goes on through; else the eldest. When a look has shown that all live, the next few do not look. */
static u32 head_to_forget(struct heads *h)
{
    struct life l;
    if (h->looked) {
        h->looked--;
    } else {
        for (u32 k = 0; k < h->n; k++)
            if (!life_find(h->at[k].id, h->at[k].epoch, &l) || l.flags & PART_FINISHED)
                return k;
        h->looked = 64;
    }
    u32 bit = forgot_bit(h->at[0].id);
    h->forgot[bit / 64] |= 1ull << bit % 64;
    return 0;
}

void sync_head_add(struct sync *s, const struct published *p)
{
    if (s->heads == 0) {
        s->heads = slab_alloc(&heads);
        det_zero(slab_at(&heads, s->heads), sizeof(struct heads));
    }
    struct heads *h = slab_at(&heads, s->heads);
    for (u32 k = 0; k < h->n; k++)
        if (h->at[k].id == p->id) {
            if (h->at[k].epoch < p->epoch)
                published_copy(&h->at[k], p);
            return;
        }
    if (h->n == HEADS_MAX)
        head_remove(h, head_to_forget(h));
    published_copy(&h->at[h->n++], p);
}

bool sync_head_only(struct sync *s, const struct race_g *g)
{
    if (s->heads == 0)
        return false;
    struct heads *h = slab_at(&heads, s->heads);
    u32 k = h->n; /* its latest: it may have had another id before */
    while (k > 0 && !published_by(&h->at[k - 1], g))
        k--;
    if (k) {
        sync_again(s);
        published_copy(&s->clock, &h->at[k - 1]);
    } else if (may_be_forgotten(h, g) && (unlikely(clock_renamed) ||
                                          clock_lookup(&s->clock.know, g->id) >= g->life->first)) {
        return true;
    }
    sync_heads_drop(s);
    return k > 0;
}

void sync_heads_drop(struct sync *s)
{
    if (s->heads == 0)
        return;
    struct heads *h = slab_at(&heads, s->heads);
    while (h->n)
        head_remove(h, h->n - 1);
    slab_free(&heads, s->heads);
    s->heads = 0;
}

/* Another object in a word that has one: small atomics side by side. The first one's lock is held. */
static struct sync *sync_beside(struct sync *s, uintptr_t addr, bool create)
{
    while (s->addr != addr) {
        if (s->next == 0) {
            if (!create)
                return NULL;
            u32 i = sync_new(addr);
            sync_at(i)->first = s->first;
            __atomic_store_n(&s->next, i, __ATOMIC_RELEASE);
        }
        s = sync_at(s->next);
    }
    return s;
}

static noinline struct sync *sync_lock_slow(uintptr_t a, bool create)
{
    u32 *meta = sync_meta_of(a);
    uintptr_t addr = a & DET_ADDR_MASK;
    for (;;) {
        u32 i = __atomic_load_n(meta, __ATOMIC_ACQUIRE);
        if (i == 0) {
            if (!create)
                return NULL;
            stackmem_touch(a, 1);
            u32 fresh = sync_new(addr);
            if (!__atomic_compare_exchange_n(meta, &i, fresh, false, __ATOMIC_ACQ_REL,
                                             __ATOMIC_ACQUIRE)) {
                sync_at(fresh)->addr = 0;
                slab_free(&syncs, fresh);
            } else if (on_stack(addr)) {
                __atomic_add_fetch(&on_stacks, 1, __ATOMIC_RELAXED);
            }
            continue;
        }
        struct sync *s = sync_at(i);
        det_lock(&s->lock);
        if (likely((s->addr ^ addr) < 8 && s->first == i &&
                   __atomic_load_n(meta, __ATOMIC_RELAXED) == i)) {
            struct sync *found = s->addr == addr ? s : sync_beside(s, addr, create);
            if (!found)
                det_unlock(&s->lock);
            return found;
        }
        det_unlock(&s->lock);
    }
}

/* An object that is there and has its word to itself is had in a few instructions. */
static inline struct sync *sync_find(uintptr_t a, bool create)
{
    u32 i = __atomic_load_n(sync_meta_of(a), __ATOMIC_ACQUIRE);
    if (i == 0 && !create)
        return NULL;
    struct sync *s = sync_at(i);
    if (i) {
        det_lock(&s->lock);
        if (likely(s->addr == (a & DET_ADDR_MASK) && s->first == i &&
                   __atomic_load_n(sync_meta_of(a), __ATOMIC_RELAXED) == i))
            return s;
        det_unlock(&s->lock);
    }
    return sync_lock_slow(a, create);
}

struct sync *sync_lock(uintptr_t a, bool create)
{
    return sync_find(a, create);
}

u64 sync_who(uintptr_t a)
{
    u32 i = __atomic_load_n(sync_meta_of(a), __ATOMIC_ACQUIRE);
    for (int k = 0; i && k < 8; k++) {
        struct sync *s = sync_at(i);
        if (__atomic_load_n(&s->addr, __ATOMIC_ACQUIRE) == (a & DET_ADDR_MASK)) {
            u64 who = __atomic_load_n(&s->clock.who, __ATOMIC_ACQUIRE);
            return who && !__atomic_load_n(&s->again, __ATOMIC_RELAXED) ? who : SYNC_MERGED;
        }
        i = __atomic_load_n(&s->next, __ATOMIC_ACQUIRE);
    }
    return i ? SYNC_MERGED : 0;
}

void sync_unlock(struct sync *s)
{
    det_unlock(&sync_at(s->first)->lock);
}

static void forget_slot(u32 *meta)
{
    u32 i = __atomic_exchange_n(meta, 0, __ATOMIC_ACQ_REL);
    if (i == 0)
        return;
    struct sync *first = sync_at(i);
    det_lock(&first->lock);
    u32 beside = first->next;
    published_drop(&first->clock);
    sync_heads_drop(first);
    bool stacked = on_stack(first->addr);
    first->addr = 0;
    first->next = 0;
    det_unlock(&first->lock);
    slab_free(&syncs, i);
    while (beside) { /* nobody comes to these but through the first */
        struct sync *s = sync_at(beside);
        u32 next = s->next;
        published_drop(&s->clock);
        sync_heads_drop(s);
        s->addr = 0;
        s->next = 0;
        slab_free(&syncs, beside);
        beside = next;
    }
    if (stacked)
        __atomic_sub_fetch(&on_stacks, 1, __ATOMIC_RELAXED);
}

void sync_forget(uintptr_t lo, size_t n)
{
    if (n == 0)
        return;
    u32 *p = sync_meta_of(lo), *end = sync_meta_of(lo + n - 1) + 1;
    unsigned char there[256];
    while (p < end) {
        /* A page of the map covers 8 KiB; untouched ones are not made to exist. */
        uintptr_t first = (uintptr_t)p & ~4095ul, pages = ((uintptr_t)end - first + 4095) / 4096;
        if (pages > sizeof there)
            pages = sizeof there;
        bool told = end - p >= 256 && sys_call(SYS_mincore, (long)first, (long)pages * 4096,
                                               (long)there, 0, 0, 0) == 0;
        for (uintptr_t i = 0; i < pages; i++) {
            u32 *stop = (u32 *)(first + (i + 1) * 4096);
            if (stop > end)
                stop = end;
            for (; (!told || there[i] & 1) && p < stop; p++)
                if (unlikely(__atomic_load_n(p, __ATOMIC_RELAXED)))
                    forget_slot(p);
            p = stop;
        }
    }
}

void sync_forget_stack(uintptr_t lo, size_t n)
{
    if (__atomic_load_n(&on_stacks, __ATOMIC_RELAXED))
        sync_forget(lo, n);
}

void det_forget(uintptr_t p, size_t n)
{
    det_clear(p, n);
    sync_forget(p, n);
    lock_event_forget(p, n, false, 0);
}

/* --- operations ---------------------------------------------------------------------------------------- */

/* g learns p, where that is only that p's goroutine is further on than g knew: p's clock has nothing else
   that is new, or is like ours but for the extras. False: see g_learn. */
static inline bool learn_quick(struct race_g *g, const struct published *p)
{
    u32 id = p->id, epoch = p->epoch;
    for (int i = 0; i < g->know.n; i++) {
        if (extra_id(g->know.extra[i]) != id)
            continue;
        if (unlikely(ids_taken))
            return false;
        if (extra_epoch(g->know.extra[i]) >= epoch)
            return true;
        if (g->base_id != id || g->base_epoch > epoch)
            return false;
        if (p->base_id == g->id) {
            g->know.extra[i] = extra_of(id, epoch);
        } else if (p->know.root == g->know.root && p->know.n < CLOCK_EXTRAS) {
            clock_put(&g->know, &p->know);
            clock_set(&g->know, id, epoch);
        } else {
            return false;
        }
        g->base_epoch = epoch;
        return true;
    }
    return false;
}

static inline void publish_quick(const struct race_g *g, struct published *p)
{
    if (unlikely(p->know.root != g->know.root)) {
        g_publish(g, p);
        return;
    }
    published_set(p, g->id, g->epoch);
    p->base_id = g->base_id;
    p->base_epoch = g->base_epoch;
    clock_put(&p->know, &g->know);
}

void g_acquire(struct race_g *g, uintptr_t addr)
{
    struct sync *s = sync_find(addr, false);
    if (!s)
        return;
    if (!learn_quick(g, &s->clock))
        g_learn(g, &s->clock);
    sync_unlock(s);
}

void g_release(struct race_g *g, uintptr_t addr)
{
    struct sync *s = sync_find(addr, true);
    publish_quick(g, &s->clock);
    sync_unlock(s);
    g_advance_quick(g);
}

void g_release_merge(struct race_g *g, uintptr_t addr)
{
    struct sync *s = sync_find(addr, true);
    g_publish_merge(g, &s->clock);
    sync_unlock(s);
    g_advance(g);
}

void g_acquire_release(struct race_g *g, uintptr_t addr)
{
    struct sync *s = sync_find(addr, true);
    if (!learn_quick(g, &s->clock))
        g_learn(g, &s->clock);
    publish_quick(g, &s->clock);
    sync_unlock(s);
    g_advance_quick(g);
}

void sync_hand_on(uintptr_t from, uintptr_t to)
{
    struct published p = {0};
    struct sync *s = sync_find(from, false);
    if (s) {
        published_copy(&p, &s->clock);
        sync_unlock(s);
    }
    s = sync_find(to, true);
    published_copy(&s->clock, &p);
    sync_unlock(s);
    published_drop(&p);
}

void g_pass(struct race_g *from, struct race_g *to)
{
    struct published p = {0};
    g_publish(from, &p);
    g_learn(to, &p);
    published_drop(&p);
    g_advance(from);
}
