/*
 * rt.c - the little of libc that the runtime needs, private to it.
 *
 * libc's own functions would do in a plain build. In a race build they are the detector's
 * interceptors, which check the memory they are given as accesses of the current goroutine; and
 * stdio takes locks that an interrupted goroutine may hold. Linking libc twice was rejected (size,
 * TLS), as was a "runtime is working" flag that every interceptor would have to test. What is left
 * is small: copying, formatting a message, a futex, a clock.
 *
 * Invariants: nothing here allocates, takes a lock, or writes errno.
 */
#include "rt.h"
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef GOC_RACE
/* The bodies must not be recognised as the functions they implement. */
#define NOT_A_LIBCALL __attribute__((optimize("no-tree-loop-distribute-patterns")))

void *rt_memcpy_body(void *to, const void *from, size_t n) __asm__("rt_memcpy");
void *rt_memmove_body(void *to, const void *from, size_t n) __asm__("rt_memmove");
void *rt_memset_body(void *to, int c, size_t n) __asm__("rt_memset");
int rt_memcmp_body(const void *a, const void *b, size_t n) __asm__("rt_memcmp");

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

NOT_A_LIBCALL void *rt_memcpy_body(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    for (; n >= 8; n -= 8, t += 8, f += 8)
        *(word_t *)t = *(const word_t *)f;
    for (; n; n--)
        *t++ = *f++;
    return to;
}

NOT_A_LIBCALL void *rt_memmove_body(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= n)
        return rt_memcpy_body(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

NOT_A_LIBCALL void *rt_memset_body(void *to, int c, size_t n)
{
    char *t = to;
    uint64_t w = 0x0101010101010101u * (unsigned char)c;
    for (; n >= 8; n -= 8, t += 8)
        *(word_t *)t = w;
    for (; n; n--)
        *t++ = (char)c;
    return to;
}

NOT_A_LIBCALL int rt_memcmp_body(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}
#endif

size_t rt_strlen(const char *s)
{
    const volatile char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

bool rt_streq(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

void *rt_map(size_t size)
{
    long p = rt_sys6(SYS_mmap, 0, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p < 0 && p > -4096)
        return NULL;
    hook_map((void *)p, size);
    return (void *)p;
}

void rt_unmap(void *p, size_t size)
{
    hook_unmap(p);
    rt_sys2(SYS_munmap, p, size);
}

void futex_wait(uint32_t *word, uint32_t expected, int64_t ns)
{
    struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    rt_sys4(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns < 0 ? NULL : &ts);
}

void futex_wake(uint32_t *word, int n)
{
    rt_sys3(SYS_futex, word, FUTEX_WAKE_PRIVATE, n);
}

int64_t rt_now(void)
{
#ifdef GOC_RACE
    if (unlikely(control_on))
        return control_now();
#endif
    return rt_clock();
}

int64_t rt_clock(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts); /* the vDSO's: no system call */
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void rt_usleep(unsigned us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    rt_sys4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
}

int rt_read_file(const char *path, char *buf, size_t size)
{
    long fd = rt_sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return (int)fd;
    size_t n = 0;
    long r = 0;
    while (n < size - 1 && (r = rt_sys3(SYS_read, fd, buf + n, size - 1 - n)) != 0) {
        if (r > 0)
            n += (size_t)r;
        else if (r != -EINTR)
            break;
    }
    rt_sys1(SYS_close, fd);
    buf[n] = 0;
    return r < 0 ? (int)r : (int)n;
}

#if defined __x86_64__
void rt_sigreturn(void);
#endif

void rt_signal(int sig, const struct rt_sigaction *act, struct rt_sigaction *old)
{
    struct rt_sigaction a;
    if (act) {
        a = *act;
#if defined __x86_64__
        a.flags |= 0x04000000; /* SA_RESTORER */
        a.restorer = (void *)rt_sigreturn;
#endif
    }
    rt_sys4(SYS_rt_sigaction, sig, act ? &a : NULL, old, 8);
}

uint64_t rt_sigmask(void)
{
    uint64_t mask = 0;
    rt_sys4(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
    return mask;
}

noclone int *rt_errno(void)
{
    __asm__ volatile("");
    return &errno;
}

GOC_EXPORT noclone int *goc_errno(void)
{
    __asm__ volatile("");
    return &errno;
}

/* --- text ------------------------------------------------------------------------------------- */

struct out {
    char *buf;
    size_t size, n; /* n counts what did not fit too, as snprintf does */
};

static void out_char(struct out *o, char c)
{
    if (o->n + 1 < o->size)
        o->buf[o->n] = c;
    o->n++;
}

static void out_text(struct out *o, const char *s, int precision)
{
    for (; *s && precision != 0; s++, precision--)
        out_char(o, *s);
}

static void out_number(struct out *o, uint64_t v, unsigned base, int width, char pad)
{
    char digits[24];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    for (; width > n; width--)
        out_char(o, pad);
    while (n)
        out_char(o, digits[--n]);
}

size_t rt_vformat(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct out o = {buf, size, 0};
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            out_char(&o, *fmt);
            continue;
        }
        char pad = ' ';
        int width = 0, precision = -1, longs = 0;
        fmt++;
        if (*fmt == '0')
            pad = *fmt++;
        for (; *fmt >= '0' && *fmt <= '9'; fmt++)
            width = width * 10 + (*fmt - '0');
        if (fmt[0] == '.' && fmt[1] == '*') {
            precision = va_arg(ap, int);
            fmt += 2;
        }
        for (; *fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j'; fmt++)
            longs++;
        switch (*fmt) {
        case 's': {
            const char *s = va_arg(ap, const char *);
            out_text(&o, s ? s : "(null)", precision);
            break;
        }
        case 'c':
            out_char(&o, (char)va_arg(ap, int));
            break;
        case 'd':
        case 'i': {
            int64_t v = longs ? va_arg(ap, long) : va_arg(ap, int);
            if (v < 0)
                out_char(&o, '-');
            out_number(&o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width, pad);
            break;
        }
        case 'u':
        case 'x':
            out_number(&o, longs ? va_arg(ap, unsigned long) : va_arg(ap, unsigned),
                       *fmt == 'x' ? 16 : 10, width, pad);
            break;
        case 'p':
            out_text(&o, "0x", -1);
            out_number(&o, (uintptr_t)va_arg(ap, void *), 16, width, '0');
            break;
        case 0:
            fmt--;
            break;
        default:
            out_char(&o, *fmt);
        }
    }
    if (size)
        buf[o.n < size ? o.n : size - 1] = 0;
    return o.n;
}

size_t rt_format(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t n = rt_vformat(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

static void write_all(const char *text, size_t n)
{
    for (size_t done = 0; done < n;) {
        long r = rt_sys3(SYS_write, 2, text + done, n - done);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return;
        done += (size_t)r;
    }
}

static struct {
    bool on;
    size_t n;
    char text[32 << 10];
} gathered;

void rt_gather(bool on)
{
    size_t n = gathered.n;
    gathered.n = 0;
    gathered.on = on;
    write_all(gathered.text, n);
}

void rt_write(const char *text, size_t n)
{
    if (!gathered.on) {
        write_all(text, n);
        return;
    }
    if (n > sizeof gathered.text - gathered.n)
        rt_gather(true);
    if (n > sizeof gathered.text) {
        write_all(text, n);
        return;
    }
    rt_copy(gathered.text + gathered.n, text, n);
    gathered.n += n;
}

void rt_print(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    size_t n = rt_vformat(line, sizeof line, fmt, ap);
    va_end(ap);
    rt_write(line, n < sizeof line ? n : sizeof line - 1);
}

long rt_getenv_long(const char *name, long none)
{
    const char *s = getenv(name);
    if (!s || !*s)
        return none;
    long v = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (v > (1L << 55))
            return none;
        v = v * 10 + (*s - '0');
    }
    return *s ? none : v;
}
