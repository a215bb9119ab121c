/*
 * readset.c - granules that several goroutines have read.
 *
 * A write must be ordered after every read since the last write, so all of those that are not ordered
 * among themselves must be kept. Most read-shared memory is large and uniform: an array of a million
 * cells read by a thousand goroutines. A list in every cell would cost a billion entries; here cells
 * that were read by the same goroutines in the same epochs share one set, because sets are
 * hash-consed: a set is a node (parent set, reader's word), and equal ones are one node. The shadow
 * holds its number. The array above costs a thousand nodes.
 *
 * Adding a reader looks at the newest few entries and drops those that the new one supersedes; the
 * rest is shared with the old set as it is. Twice in as many additions as there are entries, by the throw
 * of a hash, it goes through the whole set, so a goroutine that reads the same cell in ever new epochs
 * does not make it grow: additions are O(1) on average. (Going through it whenever a recent entry is
 * superseded, or at powers of two, is O(n) each time where n goroutines hand something round.) Two memos of a
 * goroutine make the common questions O(1): the last set all of which is ordered before it (knowledge
 * only grows, so the answer stays true), and the last one that already has its read of this epoch (one
 * for plain reads, which are of whole granules then, and one for atomic ones).
 *
 * Life. A node counts the shadow words and child nodes that refer to it. A node's `gen` goes up when
 * it is freed and is part of the handle (30 bits of number, 24 of gen), so a handle read a moment ago
 * is known to be current if the shadow word still has it: walks are done without a lock and
 * validated afterwards, and a memo never mistakes a new set for an old one. A plain store that
 * overwrites a handle in the nanoseconds after another thread put it there loses one reference,
 * that is 40 bytes, never a fact that a serialised run has.
 *
 * Rejected: bit sets of readers (lose the epochs), a lock per set (every read would write to it).
 */
#include "access.h"

struct set {
    u32 link; /* next in its hash chain; the slab's when free */
    u32 refs;
    u32 gen;
    u32 parent;
    u64 word;
    u32 count; /* entries, this one included */
    u32 bucket;
};
_Static_assert(sizeof(struct set) == 32, "read set");

#define SET_INDEX_BITS 30
#define SET_GEN_MASK 0xffffffu
#define BUCKETS (1u << 22)
#define STRIPES 64
#define WALK_ALWAYS 8

static struct slab sets;
static u32 *buckets;
static u32 stripes[STRIPES];

void sets_init(void)
{
    slab_init(&sets, "read sets", sizeof(struct set), 1u << 26);
    buckets = det_map(BUCKETS * sizeof *buckets);
}

static struct set *set_at(u32 i)
{
    return slab_at(&sets, i);
}
static u32 set_index(u64 handle)
{
    return (u32)(handle >> EPOCH_SHIFT) & ((1u << SET_INDEX_BITS) - 1);
}
static u64 set_handle(u32 i)
{
    return (u64)(set_at(i)->gen & SET_GEN_MASK) << ID_SHIFT | (u64)i << EPOCH_SHIFT | WORD_SPECIAL;
}

/* A reference more to a node that somebody else's handle or child was seen to refer to. False: it is
   being freed, or has been; then what was seen is no longer so. (To count a free node would be undone by
   whoever takes it, and the drop would then free it under its new owner.) */
static bool node_ref(u32 i)
{
    u32 *refs = &set_at(i)->refs, n = __atomic_load_n(refs, __ATOMIC_RELAXED);
    while (n && !__atomic_compare_exchange_n(refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
                                             __ATOMIC_RELAXED))
        ;
    return n != 0;
}

static void node_drop(u32 i)
{
    while (i) {
        struct set *n = set_at(i);
        u32 b = n->bucket; /* while it is ours; afterwards it may have another life, in another bucket */
        if (__atomic_sub_fetch(&n->refs, 1, __ATOMIC_ACQ_REL) != 0)
            return;
        u32 *lock = &stripes[b % STRIPES];
        det_lock(lock);
        if (__atomic_load_n(&n->refs, __ATOMIC_ACQUIRE) != 0) {
            det_unlock(lock);
            return; /* found again meanwhile */
        }
        u32 *p = &buckets[b];
        while (*p && *p != i)
            p = &set_at(*p)->link;
        if (*p != i) {
            det_unlock(lock);
            return; /* two droppers met; the other one has it */
        }
        *p = n->link;
        u32 parent = n->parent, gen = n->gen + 1;
        __atomic_store_n(&n->gen, gen, __ATOMIC_RELEASE);
        det_unlock(lock);
        if (gen & SET_GEN_MASK) /* one whose lives are used up rests for ever: no handle means two sets */
            slab_free(&sets, i);
        i = parent;
    }
}

/* Epochs walk through the table, so that a goroutine that reads one cell again and again (a mutex, in
   each of its epochs) stays within a few cache lines of it. */
static u32 bucket_of(u32 parent, u64 word)
{
    u64 hash = ((word & ~((u64)EPOCH_MASK << EPOCH_SHIFT)) ^ (u64)parent << 17 ^ parent) *
               0x9e3779b97f4a7c15ull;
    return ((u32)(hash >> 40) + word_epoch(word)) % BUCKETS;
}

/* The set of parent and word, with a reference for the caller; takes the caller's one to parent. */
static u32 cons(u32 parent, u64 word)
{
    u32 b = bucket_of(parent, word);
    u32 *lock = &stripes[b % STRIPES];
    det_lock(lock);
    for (u32 i = buckets[b]; i; i = set_at(i)->link) {
        struct set *n = set_at(i);
        if (n->parent == parent && n->word == word) {
            __atomic_add_fetch(&n->refs, 1, __ATOMIC_RELAXED);
            det_unlock(lock);
            node_drop(parent); /* the node has its own */
            return i;
        }
    }
    u32 i = slab_alloc(&sets);
    struct set *n = set_at(i);
    n->parent = parent;
    n->word = word;
    n->count = parent ? set_at(parent)->count + 1 : 1;
    n->bucket = b;
    __atomic_store_n(&n->refs, 1, __ATOMIC_RELEASE);
    n->link = buckets[b];
    buckets[b] = i;
    det_unlock(lock);
    return i;
}

bool set_ref(u64 set)
{
    return node_ref(set_index(set));
}

void set_drop(u64 set)
{
    node_drop(set_index(set));
}

/* The handle was current after everything read from the set was read. */
static bool still(const u64 *where, u64 handle)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return shadow_load(where) == handle && set_handle(set_index(handle)) == handle;
}

bool set_check(struct race_g *g, const u64 *where, u64 handle, uintptr_t granule, u64 now,
               struct hits *h)
{
    if (g->set_known == handle)
        return true;
    u32 before = h->n;
    bool all = true;
    for (u32 i = set_index(handle); i; i = set_at(i)->parent) {
        u64 w = set_at(i)->word;
        if (g_knows(g, word_id(w), word_epoch(w)))
            continue;
        all = false;
        if ((w & now & WORD_BYTES) && !(w & now & WORD_ATOMIC))
            hits_add(h, granule, w, now, 0);
        if (!still(where, handle)) /* a chain that changes under us could go on for ever */
            break;
    }
    if (!still(where, handle)) {
        h->n = before;
        return false;
    }
    if (all)
        g->set_known = handle;
    return true;
}

/* Copies the entries for which keep says so, oldest first, into a new set. */
struct filter {
    const struct race_g *g;
    u64 now;   /* a read that supersedes, or 0 */
    u64 bytes; /* to take away from the masks */
};

static u64 filter_word(const struct filter *f, u64 w)
{
    w &= ~f->bytes;
    if ((w & WORD_BYTES) == 0)
        return 0;
    if (f->now && read_supersedes(f->g, f->now, w))
        return 0;
    return w;
}

static bool set_filter(const u64 *where, u64 handle, const struct filter *f, u32 *out, u64 *single)
{
    u32 count = set_at(set_index(handle))->count, n = 0;
    u64 few[32], *words = count <= 32 ? few : det_alloc(count * sizeof *words);
    /* What is older than the oldest entry that changes stays one: `rest`, below the first `fresh`. */
    u32 rest = set_index(handle), fresh = 0;
    for (u32 i = set_index(handle); i && n < count; i = set_at(i)->parent) {
        u64 had = set_at(i)->word, w = filter_word(f, had);
        if (w)
            words[n++] = w;
        if (w != had) {
            rest = set_at(i)->parent;
            fresh = n;
        }
    }
    *single = 0;
    u32 r = 0;
    bool ok = still(where, handle);
    if (ok && n == 1 && !f->now) {
        *single = words[0];
    } else if (ok) {
        if (rest) {
            bool counted = node_ref(rest);
            ok = counted && still(where, handle);
            if (counted && !ok)
                node_drop(rest);
        }
        r = rest;
        while (ok && fresh)
            r = cons(r, words[--fresh]);
    }
    if (words != few)
        det_release(words, count * sizeof *words);
    *out = r;
    return ok;
}

/* Put `next` where `old` was; the reference that belonged to the loser is dropped. */
static bool replace(u64 *where, u64 old, u64 next)
{
    u64 seen = old;
    bool ok = __atomic_compare_exchange_n(where, &seen, next, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED);
    u64 gone = ok ? old : next;
    if (gone & WORD_SPECIAL)
        set_drop(gone);
    return ok;
}

/* The same for the same addition, and as good as random. */
static u32 set_throw(u32 i, u64 now)
{
    return (u32)((((now >> EPOCH_SHIFT) ^ (u64)i << 32) * 0x9e3779b97f4a7c15ull) >> 33);
}

/* The set has our read `mine` of this epoch. */
static void set_remember(struct race_g *g, u64 set, u64 mine)
{
    if (mine & WORD_ATOMIC) {
        g->set_atomic = set;
        g->set_atomic_bytes = mine & WORD_BYTES;
    } else if ((mine & WORD_BYTES) == WORD_BYTES) {
        g->set_mine = set;
    }
}

bool set_knows(struct race_g *g, const u64 *where, u64 handle, u64 now)
{
    if (g->set_mine == handle)
        return (now & WORD_ATOMIC) == 0;
    u32 i = set_index(handle);
    for (u32 k = 0; i && k < WALK_ALWAYS; i = set_at(i)->parent, k++) {
        u64 e = set_at(i)->word;
        if (word_same(e, now) && (now & ~e & WORD_BYTES) == 0) {
            if (!still(where, handle))
                return false;
            set_remember(g, handle, e);
            return true;
        }
    }
    return false;
}

bool set_add(struct race_g *g, u64 *where, u64 old, u64 now)
{
    u32 top;
    if (!(old & WORD_SPECIAL)) {
        top = cons(0, old);
    } else {
        if (g->set_mine == old && (now & WORD_ATOMIC) == 0)
            return true;
        u32 i = set_index(old);
        struct set *n = set_at(i);
        /* Is it there already, near the top? What of the top will stay? */
        u64 kept[WALK_ALWAYS];
        u32 j = i, k = 0, nkept = 0;
        for (; j && k < WALK_ALWAYS; j = set_at(j)->parent, k++) {
            u64 e = set_at(j)->word;
            if (word_same(e, now) && (now & ~e & WORD_BYTES) == 0) {
                if (!still(where, old))
                    return false;
                set_remember(g, old, e);
                return true;
            }
            if (word_same(e, now))
                now |= e & WORD_BYTES; /* takes its place */
            if (!read_supersedes(g, now, e))
                kept[nkept++] = e;
        }
        u32 count = n->count;
        if (!still(where, old))
            return false;
        if (count > WALK_ALWAYS && set_throw(i, now) % count < 2) {
            u64 single;
            if (!set_filter(where, old, &(struct filter){g, now, 0}, &top, &single))
                return false;
            if (top == 0)
                return replace(where, old, now);
        } else {
            bool all = nkept == k;
            top = all ? i : j;
            if (top && !node_ref(top))
                return false;
            if (!still(where, old)) {
                if (top)
                    node_drop(top);
                return false;
            }
            while (!all && nkept)
                top = cons(top, kept[--nkept]);
            if (top == 0)
                return replace(where, old, now);
        }
    }
    u64 next = set_handle(cons(top, now));
    if (!replace(where, old, next))
        return false;
    set_remember(g, next, now);
    return true;
}

bool set_remove(u64 *where, u64 set, u64 bytes)
{
    if (bytes == WORD_BYTES)
        return replace(where, set, 0);
    u32 top;
    u64 single;
    if (!set_filter(where, set, &(struct filter){NULL, 0, bytes}, &top, &single))
        return false;
    return replace(where, set, top ? set_handle(top) : single);
}
