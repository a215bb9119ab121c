/*
 * rt.h - what every file of the runtime includes first.
 *
 * The runtime is linked into programs whose libc the detector interposes. A memcpy inside the
 * scheduler must not look like a memcpy of the program, so in race builds the mem functions, also
 * those that the compiler makes up for a struct assignment, are bound to private twins by the asm
 * labels below; they have to be seen before the first use, hence "first". System calls go straight
 * to the kernel for the same reason (and because a cancellation point or an errno write in the
 * middle of the scheduler is a trap).
 */
#ifndef GOC_RT_H
#define GOC_RT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef GOC_RACE
void *memcpy(void *to, const void *from, size_t n) __asm__("rt_memcpy");
void *memmove(void *to, const void *from, size_t n) __asm__("rt_memmove");
void *memset(void *to, int c, size_t n) __asm__("rt_memset");
int memcmp(const void *a, const void *b, size_t n) __asm__("rt_memcmp");
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((__noinline__))
#define noclone __attribute__((__noinline__, __noclone__))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define countof(a) (sizeof(a) / sizeof((a)[0]))

/* Public functions are the only symbols that leave the library. */
#define GOC_EXPORT __attribute__((visibility("default")))

static inline void rt_copy(void *to, const void *from, size_t n)
{
    __builtin_memcpy(to, from, n);
}
static inline void rt_zero(void *to, size_t n)
{
    __builtin_memset(to, 0, n);
}

size_t rt_strlen(const char *s);
bool rt_streq(const char *a, const char *b);

/* Atomics in the runtime's own terms; the word says what is meant. */
#define load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define fence_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void cpu_relax(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* --- system calls: the result, or -errno ----------------------------------------------------- */

#if defined __x86_64__
static inline long rt_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}
#elif defined __aarch64__
static inline long rt_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#error "no system call sequence for this architecture"
#endif
#define RT_ARG(x) ((long)(x))
#define rt_sys0(nr) rt_syscall(nr, 0, 0, 0, 0, 0, 0)
#define rt_sys1(nr, a) rt_syscall(nr, RT_ARG(a), 0, 0, 0, 0, 0)
#define rt_sys2(nr, a, b) rt_syscall(nr, RT_ARG(a), RT_ARG(b), 0, 0, 0, 0)
#define rt_sys3(nr, a, b, c) rt_syscall(nr, RT_ARG(a), RT_ARG(b), RT_ARG(c), 0, 0, 0)
#define rt_sys4(nr, a, b, c, d) rt_syscall(nr, RT_ARG(a), RT_ARG(b), RT_ARG(c), RT_ARG(d), 0, 0)
#define rt_sys5(nr, a, b, c, d, e) \
    rt_syscall(nr, RT_ARG(a), RT_ARG(b), RT_ARG(c), RT_ARG(d), RT_ARG(e), 0)
#define rt_sys6(nr, a, b, c, d, e, f) \
    rt_syscall(nr, RT_ARG(a), RT_ARG(b), RT_ARG(c), RT_ARG(d), RT_ARG(e), RT_ARG(f))

/* Address space, readable and writable, not accounted before it is touched; NULL if there is none.
 */
void *rt_map(size_t size);
void rt_unmap(void *p, size_t size);

/* Sleep while *word == expected, at most `ns` nanoseconds (< 0: for ever). */
void futex_wait(uint32_t *word, uint32_t expected, int64_t ns);
void futex_wake(uint32_t *word, int n);

int64_t rt_clock(void); /* CLOCK_MONOTONIC in nanoseconds */
int64_t rt_now(void);   /* the same, or the made-up time of a controlled schedule (control.c) */
void rt_usleep(unsigned us);
int rt_read_file(const char *path, char *buf, size_t size); /* bytes read, NUL added; -errno */

/* The kernel's own sigaction, which no interceptor sees. */
struct rt_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};
void rt_signal(int sig, const struct rt_sigaction *act, struct rt_sigaction *old);
uint64_t rt_sigmask(void);

/* errno of the thread this runs on; its address must never be kept across a park. */
int *rt_errno(void);

/* --- text ------------------------------------------------------------------------------------- */

/* A small printf for messages that must not allocate or lock: %s %c %d %u %x %p with l, ll, z. */
size_t rt_vformat(char *buf, size_t size, const char *fmt, va_list ap);
size_t rt_format(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* To standard error; a line of at most 511 bytes, and bytes as they are. */
void rt_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rt_write(const char *text, size_t n);
/* From now on what is printed is kept together, until the next call, which writes it at once: others
   write to standard error too. For the one thread that prints the program's end. */
void rt_gather(bool on);

/* The variable of the environment as a number, or `none` if it is unset or not one. */
long rt_getenv_long(const char *name, long none);

#include "control.h"

#endif
