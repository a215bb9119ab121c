/*
 * roots.c - memory that is nobody's block and nobody's stack.
 *
 * A channel that a goroutine waits on may be known to one word only, and that word may be anywhere
 * the program can write: a page from its own mmap, a file or a segment shared with other processes,
 * a thread-local variable of a thread of the scheduler's, a stack that a coroutine library made, an
 * allocator's pool. Whoever lists the places that count forgets one, and then a goroutine is called
 * stuck that is not. So it is the other way round: all that is mapped counts, less what is
 * known to be something else:
 *
 *   this library's own   each mapping of the detector's and the runtime's is written down when it is
 *                        made (roots_own); among it are the stacks of goroutines.
 *   stacks               of everybody who has a record, and main's: who waits has only its live part, and
 *                        that only once it is reached. Of the scheduler's threads the part below their
 *                        first frame; above it are their thread-local variables.
 *   malloc's             blocks count when something points at them. A block tells which of the
 *                        allocator's regions it lies in by the flags before it: of the main one
 *                        ("[heap]"), of another one (64 MiB, aligned), or a mapping of its own.
 *   data segments        looked at by leak.c's list.
 *
 * An entry missing from this list makes more memory count and can only hide a leak. An entry that
 * has outlived its mapping would be the dangerous one: therefore it is removed before munmap, and
 * malloc's regions are told by blocks that are live.
 *
 * How it is read. Mappings may be larger than memory: of private ones, writable now or not, the
 * pages that the program has written are read (/proc/self/pagemap). Those that are shared and
 * writable exist elsewhere as well, so that all of them is read, unless that is too much: then all
 * who wait count as reached. It is read through /proc/self/mem: a page behind a file's end, or a
 * device's, is an error there and no signal here.
 *
 * Rejected: to intercept mmap and keep a list of what the program maps (libraries and the kernel
 * map as well: shmat, aio, system calls made directly), segments named by prctl (not in all
 * kernels).
 */
#include "roots.h"
#include "heap.h"
#include "sys.h"
#include <fcntl.h>

struct range {
    uintptr_t lo, hi;
};

/* --- what is our own ---------------------------------------------------------------------- */

#define OWN_MAX 65536
static struct range own[OWN_MAX]; /* lo 0: free. `hi` is written first */
static u32 own_n, own_low;

void roots_own(const void *p, size_t n)
{
    uintptr_t lo = (uintptr_t)p;
    for (u32 k = __atomic_load_n(&own_low, __ATOMIC_RELAXED); k < OWN_MAX; k++) {
        uintptr_t free = 0;
        if (__atomic_load_n(&own[k].lo, __ATOMIC_RELAXED) ||
            !__atomic_compare_exchange_n(&own[k].lo, &free, 1, false, __ATOMIC_ACQUIRE,
                                         __ATOMIC_RELAXED))
            continue;
        own[k].hi = lo + n;
        __atomic_store_n(&own[k].lo, lo, __ATOMIC_RELEASE);
        __atomic_store_n(&own_low, k + 1, __ATOMIC_RELAXED); /* where to begin, no more than that */
        for (u32 m = __atomic_load_n(&own_n, __ATOMIC_RELAXED); m <= k;)
            if (__atomic_compare_exchange_n(&own_n, &m, k + 1, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED))
                break;
        return;
    }
    __atomic_store_n(&own_low, 0, __ATOMIC_RELAXED);
}

void roots_disown(const void *p)
{
    u32 n = __atomic_load_n(&own_n, __ATOMIC_RELAXED);
    for (u32 k = 0; k < n; k++)
        if (__atomic_load_n(&own[k].lo, __ATOMIC_RELAXED) == (uintptr_t)p) {
            __atomic_store_n(&own[k].lo, 0, __ATOMIC_RELEASE);
            if (k < __atomic_load_n(&own_low, __ATOMIC_RELAXED))
                __atomic_store_n(&own_low, k, __ATOMIC_RELAXED);
        }
}

static bool break_moved;
void roots_break_moved(void)
{
    break_moved = true;
}

/* --- what is looked at by other rules ----------------------------------------------------- */

static struct range *except;
static size_t except_n, except_cap;

void roots_except(uintptr_t lo, uintptr_t hi)
{
    if (lo >= hi)
        return;
    if (except_n == except_cap) {
        size_t cap = except_cap ? 2 * except_cap : 4096;
        struct range *more = det_map(cap * sizeof *more);
        if (except) {
            det_copy(more, except, except_n * sizeof *more);
            det_unmap(except, except_cap * sizeof *more);
        }
        except = more;
        except_cap = cap;
    }
    except[except_n++] = (struct range){lo, hi};
}

static struct range *below;
static size_t below_n;
#define BELOW_MAX 16384

void roots_except_below(uintptr_t sp, size_t at_most)
{
    if (sp && below_n < BELOW_MAX)
        below[below_n++] = (struct range){sp > at_most ? sp - at_most : 0, sp};
}

void roots_begin(void)
{
    except = NULL;
    except_n = except_cap = below_n = 0;
    below = det_map(BELOW_MAX * sizeof *below);
}

static void sift(size_t k, size_t n)
{
    for (size_t child; (child = 2 * k + 1) < n; k = child) {
        if (child + 1 < n && except[child].lo < except[child + 1].lo)
            child++;
        if (except[k].lo >= except[child].lo)
            return;
        struct range t = except[k];
        except[k] = except[child];
        except[child] = t;
    }
}

static void except_sort(void)
{
    for (size_t k = except_n / 2; k-- > 0;)
        sift(k, except_n);
    for (size_t n = except_n; n-- > 1;) {
        struct range t = except[0];
        except[0] = except[n];
        except[n] = t;
        sift(0, n);
    }
}

/* glibc's malloc: the size before a block has these bits. */
#define CHUNK_MMAPPED 2
#define CHUNK_NOT_MAIN 4
#define ARENA_HEAP (64ul << 20)

void roots_except_block(uintptr_t base, size_t size)
{
    static uintptr_t last;
    uintptr_t chunk = ((const uintptr_t *)base)[-1], heap = base & ~(ARENA_HEAP - 1);
    if (chunk & CHUNK_MMAPPED) {
        roots_except(base - 16, base + size);
    } else if (chunk & CHUNK_NOT_MAIN) {
        if (heap != last || except_n == 0)
            roots_except(heap, heap + ARENA_HEAP);
        last = heap;
    } else if (break_moved) {
        roots_except(base - 16, base + size);
    }
}

/* --- looking ------------------------------------------------------------------------------ */

#define SHARED_MAX (4ul << 30)
#define PAGE 4096ul
#define STEP (4096 * PAGE)
#define PIECE (64u << 10)

struct mapping {
    struct range r;
    bool shared, counts;
};

static void (*report)(uintptr_t lo, uintptr_t hi, const uintptr_t *copy);
static bool complete;
static long pagemap, memory;

/* The words of [lo, hi) as far as they can be had. */
static void read_words(uintptr_t lo, uintptr_t hi)
{
    static uintptr_t copy[PIECE / 8];
    for (uintptr_t at = lo; at < hi;) {
        size_t want = hi - at < PIECE ? hi - at : PIECE;
        long n = sys_call(SYS_pread64, memory, (long)copy, (long)want, (long)at, 0, 0);
        if (n >= 8) {
            n &= ~7l;
            report(at, at + (uintptr_t)n, copy);
            at += (uintptr_t)n;
        } else {
            at = (at | (PAGE - 1)) + 1; /* nobody can read this page */
        }
    }
}

/* Of a private mapping: a page that the program has written, in memory or swapped out. */
static bool page_counts(u64 entry)
{
    return (entry >> 62 & 1) || ((entry >> 63) && !(entry >> 61 & 1));
}

static void look_at(uintptr_t lo, uintptr_t hi, bool shared)
{
    static u64 page[STEP / PAGE];
    if (lo >= hi)
        return;
    report(lo, hi, NULL);
    if (shared) {
        if (hi - lo > SHARED_MAX)
            complete = false;
        else
            read_words(lo, hi);
        return;
    }
    for (uintptr_t at = lo, end; at < hi; at = end) {
        end = (at & ~(STEP - 1)) + STEP;
        if (end > hi)
            end = hi;
        uintptr_t first = at / PAGE, n = (end - 1) / PAGE - first + 1;
        if (sys_call(SYS_pread64, pagemap, (long)page, (long)n * 8, (long)first * 8, 0, 0) !=
            (long)n * 8) {
            read_words(at, end);
            continue;
        }
        for (uintptr_t k = 0, m; k < n; k = m + 1) {
            m = k;
            if (!page_counts(page[k]))
                continue;
            while (m + 1 < n && page_counts(page[m + 1]))
                m++;
            uintptr_t a = (first + k) * PAGE, b = (first + m + 1) * PAGE;
            read_words(a < at ? at : a, b > end ? end : b);
        }
    }
}

/* The exceptions are sorted, and `hi` is the highest so far. */
static void look_at_mapping(const struct mapping *m)
{
    size_t k = 0, end = except_n;
    while (k < end) {
        size_t mid = (k + end) / 2;
        if (except[mid].lo < m->r.lo)
            k = mid + 1;
        else
            end = mid;
    }
    uintptr_t at = m->r.lo;
    if (k > 0 && except[k - 1].hi > at)
        at = except[k - 1].hi;
    for (; at < m->r.hi; k++) {
        struct range e = k < except_n ? except[k] : (struct range){m->r.hi, m->r.hi};
        if (e.lo > at)
            look_at((at + 7) & ~7ul, e.lo < m->r.hi ? e.lo & ~7ul : m->r.hi, m->shared);
        if (e.hi > at)
            at = e.hi;
    }
}

/* A line of /proc/self/maps: lo-hi rwxp offset device inode  name */
static struct mapping parse(const char *s, size_t n)
{
    struct mapping m = {0};
    uintptr_t *v = &m.r.lo;
    size_t p = 0;
    for (; p < n && s[p] != ' '; p++) {
        if (s[p] == '-')
            v = &m.r.hi;
        else
            *v = *v << 4 | (uintptr_t)(s[p] <= '9' ? s[p] - '0' : s[p] - 'a' + 10);
    }
    if (p + 4 >= n)
        return m;
    bool heap = n > 6 && det_memcmp(s + n - 6, "[heap]", 6) == 0;
    bool stack = n > 7 && det_memcmp(s + n - 7, "[stack]", 7) == 0;
    m.shared = s[p + 4] == 's';
    m.counts =
        det_app(m.r.lo) && (s[p + 2] == 'w' || !m.shared) && !stack && (!heap || break_moved);
    return m;
}

bool roots_each(void (*fn)(uintptr_t lo, uintptr_t hi, const uintptr_t *copy))
{
    static char text[8192];
    static struct mapping *maps;
    size_t n = 0, cap = 65536, have = 0; /* the kernel's own limit is not far above */
    report = fn;
    complete = true;
    maps = det_map(cap * sizeof *maps);
    long fd = sys_open("/proc/self/maps", O_RDONLY);
    if (fd < 0)
        return false;
    for (long r; (r = sys_read((int)fd, text + have, sizeof text - have)) > 0;) {
        have += (size_t)r;
        size_t at = 0;
        for (size_t i = 0; i < have; i++)
            if (text[i] == '\n') {
                if (n < cap)
                    maps[n++] = parse(text + at, i - at);
                at = i + 1;
            }
        det_memmove(text, text + at, have - at);
        have -= at;
    }
    sys_close((int)fd);
    if (n == cap)
        complete = false;

    for (u32 k = 0; k < own_n; k++)
        if (own[k].lo > 1)
            roots_except(own[k].lo, own[k].hi);
    for (size_t k = 0; k < below_n; k++)
        for (size_t i = 0; i < n; i++)
            if (below[k].hi > maps[i].r.lo && below[k].hi <= maps[i].r.hi)
                roots_except(below[k].lo > maps[i].r.lo ? below[k].lo : maps[i].r.lo, below[k].hi);
    except_sort();
    for (size_t k = 1; k < except_n; k++)
        if (except[k].hi < except[k - 1].hi)
            except[k].hi = except[k - 1].hi;
    pagemap = sys_open("/proc/self/pagemap", O_RDONLY);
    memory = sys_open("/proc/self/mem", O_RDONLY);
    for (size_t k = 0; k < n && memory >= 0; k++)
        if (maps[k].counts)
            look_at_mapping(&maps[k]);
    if (pagemap >= 0)
        sys_close((int)pagemap);
    if (memory < 0)
        return false;
    sys_close((int)memory);
    return complete;
}
