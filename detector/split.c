/*
 * split.c - granules whose bytes have different histories.
 *
 * A shadow word can say one thing about any subset of a granule's eight bytes. Two ints side by side,
 * each written by its own goroutine, need two; eight chars may need eight. Cells with a lossy
 * replacement (TSan's four) forget one of them; here such a granule is *split*: word[0] names a
 * side record with a write and a read word for each byte, and the rules of access.c apply to every
 * byte by itself. When all bytes agree again (an 8-byte write, typically) the record goes.
 *
 * The record is locked while it is used and names the granule it serves, so whoever comes with a stale
 * number sees that it is not his and looks at the shadow again. A number that a racing plain store
 * overwrote is an orphan: they are swept whenever the table has doubled, by asking each granule whether
 * it still names its record.
 *
 * Rejected: two words for each byte always (twice the shadow), cells of four bytes (the same problem
 * with chars, and twice the words for longs).
 */
#include "access.h"

struct split {
    u32 link;
    u32 lock;
    u64 *granule; /* NULL: free */
    u64 w[8], r[8];
};
_Static_assert(sizeof(struct split) == 144, "split granule");

static struct slab splits;
static u32 sweep_lock, sweep_at = 4096;

void splits_init(void)
{
    slab_init(&splits, "split granules", sizeof(struct split), 1u << 26);
}

static u64 split_word(u32 i)
{
    return (u64)i << EPOCH_SHIFT | WORD_SPECIAL;
}
static u32 split_index(u64 w)
{
    return (u32)(w >> EPOCH_SHIFT);
}

static void give_back(struct split *p, u32 i)
{
    for (int k = 0; k < 8; k++)
        if (p->r[k] & WORD_SPECIAL)
            set_drop(p->r[k]);
    p->granule = NULL;
    det_unlock(&p->lock);
    slab_free(&splits, i);
}

static void sweep(void)
{
    det_lock(&sweep_lock);
    if (splits.live >= sweep_at) {
        u32 used = splits.used;
        for (u32 i = 1; i < used; i++) {
            struct split *p = slab_at(&splits, i);
            u64 *s = __atomic_load_n(&p->granule, __ATOMIC_RELAXED);
            if (s == NULL || shadow_load(s) == split_word(i))
                continue;
            det_lock(&p->lock);
            if (p->granule && shadow_load(p->granule) != split_word(i))
                give_back(p, i);
            else
                det_unlock(&p->lock);
        }
        sweep_at = splits.live * 2 < 4096 ? 4096 : splits.live * 2;
    }
    det_unlock(&sweep_lock);
}

bool split_make(u64 *s, u64 w, u64 r)
{
    if (unlikely(splits.live >= sweep_at))
        sweep();
    u32 i = slab_alloc(&splits);
    struct split *p = slab_at(&splits, i);
    det_lock(&p->lock);
    p->granule = s;
    for (int k = 0; k < 8; k++) {
        u64 bit = 1ull << k;
        p->w[k] = w & bit ? (w & ~WORD_BYTES) | bit : 0;
        if (r & WORD_SPECIAL)
            p->r[k] = r; /* referenced below, once it is known to be current */
        else
            p->r[k] = r & bit ? (r & ~WORD_BYTES) | bit : 0;
    }
    if (r & WORD_SPECIAL) {
        for (int k = 0; k < 8; k++)
            if (!set_ref(r))
                p->r[k] = 0; /* it is being freed: the word below has changed */
        if (shadow_load(&s[1]) != r) {
            give_back(p, i);
            return false;
        }
    }
    if (!__atomic_compare_exchange_n(s, &w, split_word(i), false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        give_back(p, i);
        return false;
    }
    u64 had = __atomic_exchange_n(&s[1], 0, __ATOMIC_ACQ_REL);
    if (had & WORD_SPECIAL)
        set_drop(had);
    det_unlock(&p->lock);
    return true;
}

/* All bytes that say anything say the same: back to two words. */
static bool collapse(struct split *p, u32 i)
{
    u64 w = 0, r = 0;
    for (int k = 0; k < 8; k++) {
        if (p->r[k] & WORD_SPECIAL)
            return false;
        if (p->w[k]) {
            if (w && !word_same(w, p->w[k]))
                return false;
            w |= p->w[k];
        }
        if (p->r[k]) {
            if (r && !word_same(r, p->r[k]))
                return false;
            r |= p->r[k];
        }
    }
    u64 *s = p->granule, seen = split_word(i);
    shadow_store(&s[1], r);
    __atomic_compare_exchange_n(s, &seen, w, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    give_back(p, i);
    return true;
}

static void byte_write(struct race_g *g, struct split *p, int k, u64 now, struct hits *h)
{
    uintptr_t granule = granule_addr(p->granule);
    u64 w = p->w[k], r = p->r[k];
    if (w && word_conflicts(g, w, now))
        hits_add(h, granule, w, now, ACCESS_WRITE);
    if (r & WORD_SPECIAL) {
        set_check(g, &p->r[k], r, granule, now, h);
        set_drop(r);
    } else if (r && word_conflicts(g, r, now)) {
        hits_add(h, granule, r, now, 0);
    }
    p->w[k] = now;
    p->r[k] = 0;
}

static void byte_read(struct race_g *g, struct split *p, int k, u64 now, struct hits *h)
{
    u64 w = p->w[k], r = p->r[k];
    if (w && word_conflicts(g, w, now))
        hits_add(h, granule_addr(p->granule), w, now, ACCESS_WRITE);
    if (w == now || r == now)
        return;
    if (r == 0 || (!(r & WORD_SPECIAL) && read_supersedes(g, now, r)))
        p->r[k] = now;
    else
        set_add(g, &p->r[k], r, now);
}

bool split_knows(const u64 *s, u64 seen, u64 now, bool write)
{
    struct split *p = slab_at(&splits, split_index(seen));
    u64 who = now & ~WORD_BYTES;
    det_lock(&p->lock);
    bool known = p->granule == s && shadow_load(s) == seen;
    for (int k = 0; k < 8 && known; k++) {
        u64 bit = 1ull << k;
        if (now & bit)
            known = write ? p->w[k] == (who | bit) && p->r[k] == 0
                          : p->w[k] == (who | bit) || p->r[k] == (who | bit);
    }
    det_unlock(&p->lock);
    return known;
}

bool split_access(struct race_g *g, u64 *s, u64 now, bool write, struct hits *h)
{
    u64 seen = shadow_load(s);
    if (!(seen & WORD_SPECIAL))
        return false;
    u32 i = split_index(seen);
    struct split *p = slab_at(&splits, i);
    det_lock(&p->lock);
    if (p->granule != s || shadow_load(s) != seen) {
        det_unlock(&p->lock);
        return false;
    }
    u64 who = now & ~WORD_BYTES;
    for (int k = 0; k < 8; k++) {
        u64 bit = 1ull << k;
        if (!(now & bit))
            continue;
        if (write)
            byte_write(g, p, k, who | bit, h);
        else
            byte_read(g, p, k, who | bit, h);
    }
    if (!write || !collapse(p, i))
        det_unlock(&p->lock);
    return true;
}

void split_free(u64 *s, u64 w)
{
    u32 i = split_index(w);
    struct split *p = slab_at(&splits, i);
    det_lock(&p->lock);
    if (p->granule == s) {
        shadow_store(s, 0);
        give_back(p, i);
    } else {
        det_unlock(&p->lock);
    }
}
