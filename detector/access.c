/*
 * access.c - is this access ordered after what was last done to these bytes?
 *
 * The rules, for one granule (eight bytes) and bytes m of it, by goroutine g at epoch e:
 *
 *   write  conflicts with the last write and with every read since, where their bytes meet m, unless
 *          both are atomic or the earlier one is known to g. It then is the last write of m, and
 *          the reads of m are over.
 *   read   conflicts with the last write likewise. It joins the reads: alone if it supersedes those
 *          that are there (they happened before it, it covers their bytes, and it is not atomic where
 *          they are plain), else in a read set (readset.c).
 *
 * A second access by the same goroutine in the same epoch to the same bytes tells nothing new, and
 * that is nearly every access: tsan_abi.c tests for it in a few instructions and comes here for the
 * rest. Masks of one epoch merge into one word. Where one word cannot say it any more the
 * granule is split (split.c).
 *
 * Where epochs are short (a value sent, a lock taken) every epoch begins with the same few granules again, which
 * hold nothing but our own earlier accesses or known ones: access_slow deals with those by itself, and in the
 * race build of a buffered channel they are four for each value.
 *
 * Concurrency. Shadow words are read and written without locks, each in one piece: first the access is
 * put where others see it, then it looks at theirs. When two threads touch the same granule within
 * the same few nanoseconds (a store buffer's length) one of the two records may be overwritten, and a
 * race between exactly those accesses may go unseen this time; on memory that nobody has touched before,
 * where goroutines started together are likely to meet, not even then (ranges of more than RANGE_SMALL
 * excepted). What can never happen is a report
 * about something that was not done: only words of accesses that took place are ever stored, the
 * history has an event before the shadow has its word, and set and split numbers are validated.
 * The record is written before the program's own access takes place, so an access that sees another's
 * effect also sees its record. Rejected: a lock or a CAS on each granule (2x on streaming loops).
 *
 * Reports are made when everything is stored and no lock is held.
 */
#include "access.h"
#include "facts.h"
#include "history.h"
#include "stackmem.h"
#include "sys.h"

#define RANGE_SMALL 64 /* bytes: structures, not buffers */

/* Beyond this many even debug_all forgets. */
#define HITS_ALL 1024

static struct hit *hit_at(struct hits *h, u32 i)
{
    return i < HITS_MAX ? &h->hit[i] : &h->more[i - HITS_MAX];
}

void hits_add(struct hits *h, uintptr_t granule, u64 old, u64 now, u32 flags)
{
    u64 both = old & now & WORD_BYTES;
    for (u32 i = 0; i < h->n; i++) {
        struct hit *hit = hit_at(h, i);
        if (hit->flags != flags || !word_same(hit->word, old))
            continue;
        if (hit->granule == granule)
            hit->word |= both;
        if (hit->granule == granule || !debug_all)
            return;
    }
    if (h->n >= HITS_MAX) {
        if (!debug_all || h->n == HITS_ALL)
            return;
        if (h->n == HITS_MAX)
            h->more = det_alloc((HITS_ALL - HITS_MAX) * sizeof *h->more);
    }
    *hit_at(h, h->n++) = (struct hit){(old & ~WORD_BYTES) | both, granule, flags};
}

/* Put `next` where `was` is; false: it is not there any more. The first record of a granule is put with a
   full barrier: two goroutines that start on fresh memory at the same time (and take the shadow's page
   fault there, a microsecond in which the other one gets by) then see each other. */
static inline bool claim(u64 *p, u64 was, u64 next, bool fresh)
{
    if (fresh)
        return __atomic_compare_exchange_n(p, &was, next, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    if (unlikely(shadow_load(p) != was))
        return false;
    shadow_store(p, next);
    return true;
}

/* What stays of the reads r after the write `now`. */
static inline u64 reads_left(u64 r, u64 now)
{
    return r & ~now & WORD_BYTES ? r & ~(now & WORD_BYTES) : 0;
}

/* `now` is the last write: it conflicts with the reads there may be of its bytes, and ends them. */
static void reads_end(struct race_g *g, u64 *s, u64 now, struct hits *h)
{
    for (;;) {
        u64 r = shadow_load(&s[1]);
        if (r & WORD_SPECIAL) {
            if (!set_check(g, &s[1], r, granule_addr(s), now, h) ||
                !set_remove(&s[1], r, now & WORD_BYTES))
                continue;
        } else if (r & now & WORD_BYTES) {
            if (word_conflicts(g, r, now))
                hits_add(h, granule_addr(s), r, now, 0);
            shadow_store(&s[1], reads_left(r, now));
        }
        return;
    }
}

void granule_write(struct race_g *g, u64 *s, u64 now, struct hits *h)
{
    for (;;) {
        u64 w = shadow_load(&s[0]);
        if (unlikely(w & WORD_SPECIAL)) {
            if (split_access(g, s, now, true, h))
                return;
            continue;
        }
        u64 next = now;
        if (w & ~now & WORD_BYTES) { /* bytes of the old write stay */
            if (!word_same(w, now)) {
                split_make(s, w, shadow_load(&s[1]));
                continue;
            }
            next = w | now;
        } else if (w && word_conflicts(g, w, now)) {
            hits_add(h, granule_addr(s), w, now, ACCESS_WRITE);
        }
        if (!claim(&s[0], w, next, w == 0))
            continue;
        reads_end(g, s, now, h);
        if (likely(!(shadow_load(&s[0]) & WORD_SPECIAL)))
            return;
    }
}

/* The read `now` joins the reads r. False: they have changed meanwhile. */
static bool read_join(struct race_g *g, u64 *s, u64 r, u64 now, bool fresh)
{
    if (r == 0)
        return claim(&s[1], 0, now, fresh);
    if (r & WORD_SPECIAL)
        return set_add(g, &s[1], r, now);
    if (word_same(r, now))
        return (now & ~r & WORD_BYTES) == 0 || claim(&s[1], r, r | now, false);
    if (read_supersedes(g, now, r))
        return claim(&s[1], r, now, false);
    return set_add(g, &s[1], r, now);
}

void granule_read(struct race_g *g, u64 *s, u64 now, struct hits *h)
{
    for (;;) {
        u64 w = shadow_load(&s[0]);
        if (unlikely(w & WORD_SPECIAL)) {
            if (split_access(g, s, now, false, h))
                return;
            continue;
        }
        u64 r = shadow_load(&s[1]);
        if (r == g->set_mine && r && !(now & WORD_ATOMIC))
            return;
        if (w) {
            if (word_same(w, now)) {
                if ((now & ~w & WORD_BYTES) == 0)
                    return; /* our own write of this epoch says more */
            } else if (word_conflicts(g, w, now)) {
                hits_add(h, granule_addr(s), w, now, ACCESS_WRITE);
            }
        }
        /* A write that came in between has not seen this read, or has: look at it. */
        if (read_join(g, s, r, now, (w | r) == 0) && likely(shadow_load(&s[0]) == w))
            return;
    }
}

/* --- any access -------------------------------------------------------------------------------------- */

static void granules(struct race_g *g, uintptr_t a, size_t n, u32 flags, struct hits *h)
{
    u64 who = g->self | (flags & ACCESS_ATOMIC ? WORD_ATOMIC : 0);
    uintptr_t end = a + n;
    u64 *s = shadow_of(a);
    /* Whole granules whose words are empty, our own, or like one just looked at: that did not conflict, or
       has its one hit already. */
    u64 fine = who;
    for (uintptr_t p = a & ~7ull; p < end; p += 8, s += 2) {
        u64 bytes = WORD_BYTES;
        if (p < a)
            bytes &= WORD_BYTES << (a - p);
        if (end - p < 8)
            bytes &= WORD_BYTES >> (8 - (end - p));
        u64 now = who | (bytes & WORD_BYTES);
        if (bytes == WORD_BYTES) {
            u64 w = shadow_load(&s[0]), r = shadow_load(&s[1]);
            bool w_fine = w == 0 ? n > RANGE_SMALL : word_same(w, who) || word_same(w, fine);
            if (w_fine && r == 0) {
                if (flags & ACCESS_WRITE)
                    shadow_store(&s[0], now);
                else if (w != now)
                    shadow_store(&s[1], now);
                continue;
            }
            if (w && !(w & WORD_SPECIAL) && !(debug_all && word_conflicts(g, w, now)))
                fine = w;
        }
        if (flags & ACCESS_WRITE)
            granule_write(g, s, now, h);
        else
            granule_read(g, s, now, h);
    }
}

/* Is this access recorded already, where the entry points do not see it: in a read set, in a split granule?
   Then it is no event of the log either, and what goroutines look at again and again does not drive what they
   did long ago out of it. */
static bool shared_known(struct race_g *g, uintptr_t a, u64 now, bool write)
{
    u64 *s = shadow_of(a), w = shadow_load(&s[0]);
    if (unlikely(w & WORD_SPECIAL))
        return split_knows(s, w, now, write);
    u64 r = shadow_load(&s[1]);
    return !write && (r & WORD_SPECIAL) && set_knows(g, &s[1], r, now);
}

static inline void access_record(struct race_g *g, uintptr_t a, size_t n, u32 flags, struct hits *h)
{
    if (n > 8 || (a & 7) + n > 8) {
        granules(g, a, n, flags, h);
        return;
    }
    u64 now = g->self | (flags & ACCESS_ATOMIC ? WORD_ATOMIC : 0) |
              ((WORD_BYTES >> (8 - n)) << (a & 7));
    if (flags & ACCESS_WRITE)
        granule_write(g, shadow_of(a), now, h);
    else
        granule_read(g, shadow_of(a), now, h);
}

void access_note(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags, struct hits *h)
{
    u64 bytes = (WORD_BYTES >> (8 - (n & 7 ? n & 7 : 8))) << (a & 7);
    if (!(flags & ~ACCESS_WRITE) && n <= 8 && bytes <= WORD_BYTES &&
        shared_known(g, a, g->self | bytes, flags & ACCESS_WRITE))
        return;
    stackmem_touch(a, n);
    history_access(g, pc, a, n, flags);
    access_record(g, a, n, flags, h);
}

void hits_report(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags, struct hits *h)
{
    for (u32 i = 0; i < h->n; i++)
        finding_race(g, pc, a, n, flags, hit_at(h, i));
    if (unlikely(h->n > HITS_MAX))
        det_release(h->more, (HITS_ALL - HITS_MAX) * sizeof *h->more);
}

static noinline void access_any(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    struct hits h;
    h.n = 0;
    g->busy = 1;
    access_note(g, pc, a, n, flags, &h);
    if (unlikely(h.n))
        hits_report(g, pc, a, n, flags, &h);
    g->busy = 0;
}

/* Is there nothing in w that could matter, as far as can be seen without a call? */
static inline bool word_harmless(const struct race_g *g, u64 w)
{
    return !(w & WORD_SPECIAL) &&
           (w == 0 || (w ^ g->self) >> ID_SHIFT == 0 || g_knows_near(g, word_id(w), word_epoch(w)));
}

/* What is met most at the beginning of an epoch is a granule that holds nothing but accesses ordered before
   this one, of the same bytes: no read set, not split, not fresh. It is had without a call, and so without
   a frame; anything else goes the long way, from wherever it is seen to be something else. */
void access_slow(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    if (unlikely(n == 0 || g->busy))
        return;
    if (unlikely(n > 8 || (a & 7) + n > 8 || !stackmem_marked(a, n))) {
        access_any(g, pc, a, n, flags);
        return;
    }
    u64 *s = shadow_of(a), w = shadow_load(&s[0]), r = shadow_load(&s[1]);
    u64 now = g->self | (flags & ACCESS_ATOMIC ? WORD_ATOMIC : 0) |
              ((WORD_BYTES >> (8 - n)) << (a & 7));
    bool write = flags & ACCESS_WRITE;
    if (!(flags & (ACCESS_WRITE | ACCESS_ATOMIC)) && r && r == g->set_mine)
        return; /* read by many, and by us in this epoch */
    bool replaces = write ? w && !(w & ~now & WORD_BYTES)
                          : (w | r) && !(r & ~now & WORD_BYTES) && (!r || !(now & ~r & WORD_ATOMIC));
    if (!replaces || !word_harmless(g, w) || !word_harmless(g, r)) {
        access_any(g, pc, a, n, flags);
        return;
    }
    /* Said already: by our own write of this epoch, which says more than a read, or by a read. */
    if (!write && ((word_same(w, now) && (now & ~w & WORD_BYTES) == 0) || r == now))
        return;
    g->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    bool done = history_quick(g, pc, a, n, flags) &&
                claim(&s[write ? 0 : 1], write ? w : r, now, false);
    if (write && done) {
        done = shadow_load(&s[1]) == r;
        if (done && (r & now & WORD_BYTES))
            shadow_store(&s[1], reads_left(r, now));
        done = done && !(shadow_load(&s[0]) & WORD_SPECIAL);
    } else if (done) {
        done = shadow_load(&s[0]) == w;
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    g->busy = 0;
    if (unlikely(!done))
        access_any(g, pc, a, n, flags);
}

/* All granules of the range known in this epoch already? */
static bool range_known(uintptr_t a, size_t n, bool write)
{
    u64 full = det_self | WORD_BYTES;
    if (((a | n) & 7) || det_self == 0)
        return false;
    for (u64 *s = shadow_of(a), *end = s + n / 4; s < end; s += 2)
        if (write ? shadow_load(&s[0]) != full || shadow_load(&s[1]) != 0
                  : shadow_load(&s[0]) != full && shadow_load(&s[1]) != full)
            return false;
    return true;
}

void det_read_range(uintptr_t pc, uintptr_t p, size_t n)
{
    struct race_g *g = det_cur;
    if (g && !g->ignore && n && !range_known(p, n, false))
        access_slow(g, pc, p, n, 0);
}

void det_write_range(uintptr_t pc, uintptr_t p, size_t n)
{
    struct race_g *g = det_cur;
    if (g && !g->ignore && n && !range_known(p, n, true))
        access_slow(g, pc, p, n, ACCESS_WRITE);
}

/* --- memory given out anew --------------------------------------------------------------------------- */

static void clear_words(u64 *s, u64 *end)
{
    for (; s < end; s += 2) {
        u64 w = shadow_load(&s[0]), r = shadow_load(&s[1]);
        if ((w | r) == 0)
            continue;
        if (unlikely(w & WORD_SPECIAL)) {
            split_free(s, w);
            shadow_store(&s[0], 0);
        }
        if (unlikely(r & WORD_SPECIAL)) {
            u64 had = __atomic_exchange_n(&s[1], 0, __ATOMIC_ACQ_REL);
            if (had & WORD_SPECIAL)
                set_drop(had);
        }
        shadow_store(&s[0], 0);
        shadow_store(&s[1], 0);
    }
}

#define PAGE 4096ul

/* Pages that nobody touched are zero and stay unborn; the others are cleared and given back. */
static void clear_big(char *lo, char *hi)
{
    unsigned char there[256];
    while (lo < hi) {
        size_t n = (size_t)(hi - lo) < sizeof there * PAGE ? (size_t)(hi - lo) : sizeof there * PAGE;
        if (sys_call(SYS_mincore, (long)lo, (long)n, (long)there, 0, 0, 0) == 0) {
            for (size_t i = 0; i < n / PAGE; i++)
                if (there[i] & 1)
                    clear_words((u64 *)(lo + i * PAGE), (u64 *)(lo + (i + 1) * PAGE));
        }
        lo += n;
    }
}

void det_clear(uintptr_t p, size_t n)
{
    if (n == 0)
        return;
    uintptr_t end = (p + n + 7) & ~7ull;
    p &= ~7ull;
    u64 *s = shadow_of(p), *e = s + (end - p) / 4;
    if ((size_t)((char *)e - (char *)s) < 64 * PAGE) {
        clear_words(s, e);
        return;
    }
    u64 *first = (u64 *)(((uintptr_t)s + PAGE - 1) & ~(PAGE - 1));
    u64 *last = (u64 *)((uintptr_t)e & ~(PAGE - 1));
    clear_words(s, first);
    clear_words(last, e);
    clear_big((char *)first, (char *)last);
    sys_madvise(first, (size_t)((char *)last - (char *)first), MADV_DONTNEED);
}

void det_free_range(uintptr_t pc, uintptr_t p, size_t n)
{
    struct race_g *g = det_cur;
    if (!g || g->ignore || n == 0)
        return;
    lock_event_forget(p, n, true, pc);
    /* Of a huge block only what the program has touched is looked at: an access to the rest would be the
       first one ever. */
    if (n < 256 * 1024) {
        access_slow(g, pc, p, n, ACCESS_WRITE | ACCESS_FREE);
        return;
    }
    unsigned char there[256];
    for (uintptr_t a = p & ~(PAGE - 1); a < p + n; a += sizeof there * PAGE / 2) {
        size_t span = sizeof there * PAGE / 2;
        if (sys_call(SYS_mincore, (long)shadow_of(a), (long)(2 * span), (long)there, 0, 0, 0) != 0)
            continue;
        for (size_t i = 0; i < sizeof there; i++) {
            uintptr_t lo = a + i * (PAGE / 2), hi = lo + PAGE / 2;
            lo = lo < p ? p : lo;
            hi = hi > p + n ? p + n : hi;
            if ((there[i] & 1) && lo < hi)
                access_slow(g, pc, lo, hi - lo, ACCESS_WRITE | ACCESS_FREE);
        }
    }
}
