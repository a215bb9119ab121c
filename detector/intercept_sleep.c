/*
 * intercept_sleep.c - functions that sleep and say nothing.
 *
 * They neither order nor touch the program's memory. But a thread that sleeps in the kernel has registers
 * that nobody can read without waking it (snapshot.c), and a channel's only pointer may be in one of
 * them: the caller's, that libc's function has not saved because it does not need it. So the call
 * goes through a function that has saved them all. With syscall the kernel is called directly.
 */
#include "intercept.h"
#include "slept.h"
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SLEEPS(ret, name, params, args) \
    ICEPT(ret, name, params)            \
    {                                   \
        ICEPT_MAY_SLEEP();              \
        ret r = REAL(name) args;        \
        ICEPT_SLEPT();                  \
        return r;                       \
    }

/* The same, and under a controlled schedule a sleep of its made-up time; slept.c wants to know. */
#define SLEEPS_FOR(ret, name, type, unit)                                      \
    ICEPT(ret, name, (type n))                                                 \
    {                                                                          \
        if (unlikely(det_sleep != NULL) && icept_sync(ICEPT_PC()) &&           \
            det_sleep((int64_t)n * (unit)))                                    \
            return 0;                                                          \
        ICEPT_MAY_SLEEP();                                                     \
        ret r = REAL(name)(n);                                                 \
        ICEPT_SLEPT();                                                         \
        if (det_cur)                                                           \
            slept_note(det_cur, ICEPT_PC());                                   \
        return r;                                                              \
    }

SLEEPS_FOR(unsigned, sleep, unsigned, 1000000000)
SLEEPS_FOR(int, usleep, unsigned, 1000)
SLEEPS(int, pause, (void), ())
SLEEPS(int, sigsuspend, (const sigset_t *s), (s))
/* Descriptors that come by no function of libc's (for some there is none). */
static bool makes_fd(long n)
{
    return n == SYS_io_uring_setup || n == SYS_pidfd_open || n == SYS_memfd_create || n == SYS_openat ||
           n == SYS_perf_event_open || n == SYS_userfaultfd || n == SYS_epoll_create1 ||
           n == SYS_eventfd2 || n == SYS_socket;
}
ICEPT(long, syscall, (long n, long a, long b, long c, long d, long e, long f))
{
    ICEPT_MAY_SLEEP();
    if (n == SYS_close && icept_fd_hidden((int)a, ICEPT_PC()))
        return -1;
    if (n == SYS_close_range && det_ready && !icept_own(ICEPT_PC()))
        return icept_fd_close_range((unsigned)a, (unsigned)b, (int)c, ICEPT_PC());
    long r = REAL(syscall)(n, a, b, c, d, e, f);
    ICEPT_SLEPT();
    if (r >= 0 && makes_fd(n))
        hook_fd_open((int)r);
    return r;
}
SLEEPS(int, lockf, (int fd, int op, off_t n), (fd, op, n))
