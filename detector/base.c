/*
 * base.c - what the detector uses instead of libc.
 *
 * The detector runs inside the program's functions: inside its malloc, inside memcpy, inside a signal
 * handler, before libc is set up. It therefore shares nothing with the program: pages come from
 * mmap by system call, records from slabs, bytes are moved by the functions here, locks are words.
 * A libc function called by mistake would be seen as an access by the program or deadlock on a lock
 * that the program holds (tests/doors looks for such calls).
 *
 * Slabs. Everything numerous (clock nodes, synchronisation objects, read sets, split granules,
 * goroutine records) is addressed by a 32-bit index into an array that is reserved once, touched as it
 * fills and never moved. That makes handles fit into shadow words, and makes a stale handle harmless:
 * it still names a record of its type, whose own contents then say that it is another one.
 * Rejected: pointers (twice the size, no validation), one allocator for all (a stale pointer may read
 * anything), giving pages back (a stale read would fault).
 *
 * Locks. A word; spinning a little, then giving the processor away: the holder may be preempted by
 * the kernel, and there are programs with more threads than processors. They are held for dozens of
 * instructions. Not futexes: no wake-up path is needed at these lengths, and unlock stays a store.
 */
#include "det.h"
#include "leak.h"
#include "roots.h"
#include "sys.h"
#include <errno.h>

void det_at_point(void)
{
    struct race_g *g = det_cur;
    if (!g || g->busy || g->ignore || det_in_handler)
        return;
    if (det_point)
        det_point();
    else
        leak_q.world->turn();
}

/* --- bytes ---------------------------------------------------------------------------------------- */

__attribute__((visibility("hidden"))) void *det_memcpy(void *restrict to, const void *restrict from,
                                                       size_t n)
{
    char *d = to;
    const char *s = from;
    for (; n >= 8; n -= 8, d += 8, s += 8) {
        u64 w;
        __builtin_memcpy(&w, s, 8);
        __builtin_memcpy(d, &w, 8);
        __asm__("" ::: "memory"); /* or gcc makes this a call to memcpy, that is to itself */
    }
    for (; n; n--, d++, s++) {
        *d = *s;
        __asm__("" ::: "memory");
    }
    return to;
}

__attribute__((visibility("hidden"))) void *det_memmove(void *to, const void *from, size_t n)
{
    char *d = to;
    const char *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return det_memcpy(to, from, n);
    while (n--) {
        d[n] = s[n];
        __asm__("" ::: "memory");
    }
    return to;
}

__attribute__((visibility("hidden"))) void *det_memset(void *to, int c, size_t n)
{
    char *d = to;
    if (n >= 64) {
        void *p = d;
        __asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
        return to;
    }
    u64 w = 0x0101010101010101ull * (uint8_t)c;
    for (; n >= 8; n -= 8, d += 8) {
        __builtin_memcpy(d, &w, 8);
        __asm__("" ::: "memory");
    }
    for (; n; n--, d++) {
        *d = (char)c;
        __asm__("" ::: "memory");
    }
    return to;
}

__attribute__((visibility("hidden"))) int det_memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

__attribute__((visibility("hidden"))) size_t det_strlen(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        __asm__("" ::: "memory");
    return n;
}

/* --- pages, slabs, blocks -------------------------------------------------------------------------- */

void *det_map(size_t n)
{
    long r = sys_mmap(NULL, n, SYS_PROT_RW, SYS_MAP_PRIVATE_ANON | SYS_MAP_NORESERVE, -1, 0);
    if (r < 0 && r > -4096)
        det_die("out of memory: the detector needs %zu bytes more (error %d)", n, (int)-r);
    roots_own((void *)r, n);
    return (void *)r;
}

void det_unmap(void *p, size_t n)
{
    roots_disown(p);
    sys_munmap(p, n);
}

void slab_init(struct slab *s, const char *name, size_t size, u32 limit)
{
    s->size = (u32)size;
    s->limit = limit;
    s->used = 1;
    s->name = name;
    s->base = det_map(size * limit);
    sys_madvise(s->base, size * limit, SYS_MADV_DONTDUMP);
    sys_madvise(s->base, size * limit, SYS_MADV_NOHUGEPAGE);
}

u32 slab_alloc(struct slab *s)
{
    det_lock(&s->lock);
    u32 i = s->free;
    if (i) {
        u32 *link = slab_at(s, i);
        s->free = *link;
        *link = 0;
    } else {
        if (unlikely(s->used == s->limit)) {
            det_unlock(&s->lock);
            det_die("the table of %s is full (%u entries)", s->name, s->limit);
        }
        i = s->used++;
    }
    s->live++;
    det_unlock(&s->lock);
    return i;
}

void slab_free(struct slab *s, u32 i)
{
    det_lock(&s->lock);
    *(u32 *)slab_at(s, i) = s->free;
    s->free = i;
    s->live--;
    det_unlock(&s->lock);
}

/* Blocks: a free list for each power of two from 32 to 64 KiB, cut from 1 MiB pieces; larger ones are
   mappings of their own. */
#define CLASS_MIN 5
#define CLASS_MAX 16
static struct {
    u32 lock;
    void *free[CLASS_MAX + 1];
    char *cut, *cut_end;
} blocks;

static int block_class(size_t n)
{
    int c = CLASS_MIN;
    while (((size_t)1 << c) < n)
        c++;
    return c;
}

void *det_alloc_raw(size_t n)
{
    int c = block_class(n);
    if (c > CLASS_MAX)
        return det_map((n + 4095) & ~(size_t)4095);
    size_t size = (size_t)1 << c;
    det_lock(&blocks.lock);
    void *p = blocks.free[c];
    if (p) {
        blocks.free[c] = *(void **)p;
    } else {
        if ((size_t)(blocks.cut_end - blocks.cut) < size) {
            blocks.cut = det_map(1 << 20);
            blocks.cut_end = blocks.cut + (1 << 20);
        }
        p = blocks.cut;
        blocks.cut += size;
    }
    det_unlock(&blocks.lock);
    return p;
}

void *det_alloc(size_t n)
{
    int c = block_class(n);
    void *p = det_alloc_raw(n);
    if (c <= CLASS_MAX)
        det_zero(p, (size_t)1 << c);
    return p;
}

void det_release(void *p, size_t n)
{
    int c = block_class(n);
    if (c > CLASS_MAX) {
        det_unmap(p, (n + 4095) & ~(size_t)4095);
        return;
    }
    det_lock(&blocks.lock);
    *(void **)p = blocks.free[c];
    blocks.free[c] = p;
    det_unlock(&blocks.lock);
}

/* --- locks ----------------------------------------------------------------------------------------- */

u32 det_lock_held = 1;

/* The lock that somebody has wanted for long, if any. Threads that spin on an atomic give its lock back and
   take it again at once, for as long as the one they spin for does not get it. */
u32 *det_starved;

void det_lock_slow(u32 *lock)
{
    bool told = false;
    for (unsigned tries = 0;; tries++) {
        for (int spin = 0; spin < 64; spin++) {
            u32 was = __atomic_load_n(lock, __ATOMIC_RELAXED);
            if (was != det_lock_held &&
                __atomic_compare_exchange_n(lock, &was, det_lock_held, false, __ATOMIC_ACQUIRE,
                                            __ATOMIC_RELAXED)) {
                if (told)
                    __atomic_store_n(&det_starved, NULL, __ATOMIC_RELAXED);
                return;
            }
            sys_pause();
        }
        u32 *none = NULL;
        if (!told && tries > 0)
            told = __atomic_compare_exchange_n(&det_starved, &none, lock, false, __ATOMIC_RELAXED,
                                               __ATOMIC_RELAXED);
        if (tries < 64)
            sys_yield();
        else
            sys_sleep_us(50);
    }
}

/* Not for ever: who wants it may be asleep, or in a signal handler's interrupted code beneath the caller. */
void det_give_way(const u32 *lock)
{
    for (int i = 0; i < 8 && __atomic_load_n(&det_starved, __ATOMIC_RELAXED) == lock; i++)
        sys_yield();
}

/* --- text ------------------------------------------------------------------------------------------ */

size_t det_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
    size_t n = 0;
#define PUT(ch)                                                                                    \
    do {                                                                                           \
        if (n + 1 < size)                                                                          \
            buf[n] = (ch);                                                                         \
        n++;                                                                                       \
    } while (0)
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            PUT(*fmt);
            continue;
        }
        int longs = 0;
        fmt++;
        while (*fmt == 'l' || *fmt == 'z')
            longs++, fmt++;
        char digits[24];
        int d = 0;
        u64 v = 0;
        unsigned base = 10;
        switch (*fmt) {
        case 's':
            for (const char *s = va_arg(ap, const char *); *s; s++)
                PUT(*s);
            continue;
        case 'c':
            PUT((char)va_arg(ap, int));
            continue;
        case 'd': {
            int64_t i = longs ? va_arg(ap, long) : va_arg(ap, int);
            if (i < 0)
                PUT('-');
            v = i < 0 ? -(u64)i : (u64)i;
            break;
        }
        case 'p':
            PUT('0');
            PUT('x');
            longs = 1;
            base = 16;
            v = va_arg(ap, u64);
            break;
        case 'x':
            base = 16;
            v = longs ? va_arg(ap, u64) : va_arg(ap, unsigned);
            break;
        case 'u':
            v = longs ? va_arg(ap, u64) : va_arg(ap, unsigned);
            break;
        default:
            PUT(*fmt);
            continue;
        }
        do
            digits[d++] = "0123456789abcdef"[v % base];
        while (v /= base);
        while (d)
            PUT(digits[--d]);
    }
    if (size)
        buf[n < size ? n : size - 1] = 0;
    return n < size ? n : size - 1;
}

size_t det_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t n = det_vformat(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

void det_die(const char *fmt, ...)
{
    char line[512] = "goc-race: ";
    va_list ap;
    va_start(ap, fmt);
    size_t n = 10 + det_vformat(line + 10, sizeof line - 11, fmt, ap);
    va_end(ap);
    line[n++] = '\n';
    sys_write(2, line, n);
    sys_exit_group(125);
}
