/*
 * sys.h - system calls without libc: no errno, no cancellation point, nothing interposed. Negative
 * results are errors as the kernel gives them.
 */
#ifndef DET_SYS_H
#define DET_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SYS_PROT_RW (PROT_READ | PROT_WRITE)
#define SYS_MAP_PRIVATE_ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SYS_MAP_NORESERVE MAP_NORESERVE
#define SYS_MADV_DONTDUMP MADV_DONTDUMP
#define SYS_MADV_NOHUGEPAGE MADV_NOHUGEPAGE

#if defined(__x86_64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
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
static inline void sys_pause(void)
{
    __builtin_ia32_pause();
}
#elif defined(__aarch64__)
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
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
static inline void sys_pause(void)
{
    __asm__ volatile("yield");
}
#endif

static inline long sys_mmap(void *p, size_t n, int prot, int flags, int fd, long off)
{
    return sys_call(SYS_mmap, (long)p, (long)n, prot, flags, fd, off);
}
static inline long sys_munmap(void *p, size_t n)
{
    return sys_call(SYS_munmap, (long)p, (long)n, 0, 0, 0, 0);
}
static inline long sys_madvise(void *p, size_t n, int advice)
{
    return sys_call(SYS_madvise, (long)p, (long)n, advice, 0, 0, 0);
}
static inline long sys_write(int fd, const void *p, size_t n)
{
    return sys_call(SYS_write, fd, (long)p, (long)n, 0, 0, 0);
}
static inline long sys_read(int fd, void *p, size_t n)
{
    return sys_call(SYS_read, fd, (long)p, (long)n, 0, 0, 0);
}
static inline long sys_open(const char *path, int flags)
{
    return sys_call(SYS_openat, -100, (long)path, flags, 0, 0, 0);
}
static inline long sys_close(int fd)
{
    return sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}
static inline void sys_yield(void)
{
    sys_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}
static inline void sys_sleep_us(long us)
{
    long ts[2] = {us / 1000000, us % 1000000 * 1000};
    sys_call(SYS_nanosleep, (long)ts, 0, 0, 0, 0, 0);
}
static inline long sys_getpid(void)
{
    return sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}
static inline uint64_t sys_now_ns(void)
{
    long ts[2];
    sys_call(SYS_clock_gettime, 1, (long)ts, 0, 0, 0, 0);
    return (uint64_t)ts[0] * 1000000000 + (uint64_t)ts[1];
}
_Noreturn static inline void sys_exit_group(int status)
{
    for (;;)
        sys_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

#endif
