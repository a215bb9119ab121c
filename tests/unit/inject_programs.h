/*
 * inject_programs.h - the programs that suffer in inject.c, and the ends they may come to.
 *
 * They say what failed them: TRY is around each call of the library that can fail, MADE around each
 * that returns an object, LIBC around libc's own.
 */
#ifndef INJECT_PROGRAMS_H
#define INJECT_PROGRAMS_H

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <goc.h>
#include <goc/race.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MARK = 0x7e57 };

/* --- the program that uses everything --------------------------------------------------------- */

static unsigned long fail_malloc, mallocs; /* 0: none */
static bool marked;

/* Before any constructor, the runtime's included. */
static void mark(int argc, char **argv, char **env)
{
    for (; *env; env++)
        if (!strncmp(*env, "INJECT_MALLOC=", 14))
            fail_malloc = strtoul(*env + 14, NULL, 10);
    marked = true;
    syscall(SYS_getpgid, MARK);
}
__attribute__((section(".preinit_array"), used)) static void (*first)(int, char **, char **) = mark;

static bool no_memory(void)
{
    if (!fail_malloc || !marked || __atomic_add_fetch(&mallocs, 1, __ATOMIC_RELAXED) != fail_malloc)
        return false;
    errno = ENOMEM;
    syscall(SYS_getpgid, MARK + 1);
    return true;
}
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
    return no_memory() ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    return no_memory() ? NULL : __libc_realloc(p, n);
}

/* A call's failure is told, with its errno, and ends the program. */
#define TRY(call)                                                                \
    ({                                                                           \
        long r_ = (long)(call);                                                  \
        if (r_ < 0) {                                                            \
            int e_ = errno;                                                      \
            dprintf(2, "told: %s: %s\n", #call, e_ ? strerror(e_) : "no errno"); \
            _exit(e_ ? 3 : 4);                                                   \
        }                                                                        \
        r_;                                                                      \
    })
/* libc's own call, not the library's: told in the same way, without an errno if it returns it. */
#define LIBC(call)                                   \
    do {                                             \
        if ((call) != 0) {                           \
            dprintf(2, "told: %s: libc's\n", #call); \
            _exit(3);                                \
        }                                            \
    } while (0)

static goc_chan(int) numbers;
static goc_waitgroup all;

static void adds(int n)
{
    goc_send(numbers, n);
    goc_waitgroup_done(&all);
}

static void adds_one(void *arg)
{
    adds(1);
}

static void echo(int listener)
{
    char c[8];
    int fd = (int)TRY(goc_accept(listener, NULL, NULL));
    long n = TRY(goc_read(fd, c, sizeof c));
    if (n)
        TRY(goc_write(fd, c, (size_t)n));
    TRY(goc_close_fd(fd));
    goc_waitgroup_done(&all);
}

static void talk(const char *network, const char *address)
{
    char at[128], c = 'x';
    int listener = (int)TRY(goc_listen(network, address));
    TRY(goc_local_addr(listener, at, sizeof at));
    goc_waitgroup_add(&all, 1);
    go(echo, listener);
    int fd = (int)TRY(goc_dial(network, at, 5 * GOC_SECOND));
    TRY(goc_write(fd, &c, 1));
    long n = TRY(goc_read(fd, &c, 1));
    if (n != 1 || c != 'x') {
        dprintf(2, "told: the echo ended: no errno needed\n"); /* the other side was hit */
        _exit(3);
    }
    goc_waitgroup_wait(&all);
    TRY(goc_close_fd(fd));
    TRY(goc_close_fd(listener));
}

static void pipes(void)
{
    int p[2];
    char c = 'x';
    LIBC(pipe2(p, O_CLOEXEC));
    errno = 0;
    int r = goc_wait_fd(p[0], POLLIN, goc_now() + GOC_MILLISECOND);
    if (!(r < 0 && errno == ETIMEDOUT))
        TRY(r);
    TRY(goc_write(p[1], &c, 1));
    TRY(goc_read(p[0], &c, 1));
    TRY(goc_close_fd(p[0]));
    TRY(goc_close_fd(p[1]));
}

static void naps(void *arg)
{
    usleep(1000);
}
static void panics(void *arg)
{
    goc_panic("number %d", 7);
}
static void *stranger(void *arg)
{
    goc_waitgroup_add(&all, 1);
    adds(1);
    return NULL;
}
static void joins(void *thread)
{
    pthread_join(*(pthread_t *)thread, NULL);
}
static int part(void *arg)
{
    goc_gosched();
    return 0;
}
static void called(void *arg)
{
    goc_waitgroup_done(&all);
}
static void pinned(int n)
{
    goc_lock_os_thread();
    goc_gosched();
    adds(n);
}

#define MADE(made)                            \
    ({                                        \
        __typeof__(made) p_ = (made);         \
        if (!p_)                              \
            TRY(-1 + 0 * (long)sizeof #made); \
        p_;                                   \
    })

static int work(void)
{
    goc_gomaxprocs(2);
    numbers = goc_chan_make(int, 0);
    goc_waitgroup_add(&all, 41);
    for (int i = 0; i < 40; i++)
        go(adds, i);
    go(pinned, 40);
    int sum = 0;
    for (int i = 0; i < 41; i++)
        sum += goc_recv(numbers);
    goc_waitgroup_wait(&all);
    goc_waitgroup_add(&all, 1);
    goc_go_stack(1 << 20, adds_one, NULL);
    int got = 0;
    goc_select(goc_on_recv(numbers, &got), goc_on_timeout(10 * GOC_SECOND));
    goc_sleep(GOC_MILLISECOND);

    goc_waitgroup_add(&all, 1);
    goc_timer *t = MADE(goc_after_func(GOC_MILLISECOND, called, NULL));
    goc_waitgroup_wait(&all);
    goc_timer_free(t);
    goc_ticker *tick = MADE(goc_ticker_new(GOC_MILLISECOND));
    goc_recv(goc_ticker_chan(tick));
    goc_ticker_stop(tick);

    goc_context *ctx = MADE(goc_with_timeout(goc_background(), GOC_MILLISECOND));
    goc_context *sub = MADE(goc_with_value(ctx, "k", "v"));
    goc_recv(goc_context_done(sub));
    goc_context_free(sub);
    goc_context_free(ctx);
    goc_errgroup eg;
    TRY(goc_errgroup_init(&eg, goc_background()));
    goc_errgroup_go(&eg, part, NULL);
    goc_errgroup_wait(&eg);
    goc_errgroup_free(&eg);

    goc_blocking(naps, NULL);
    pthread_t thread;
    LIBC(pthread_create(&thread, NULL, stranger, NULL));
    sum += goc_recv(numbers);
    goc_blocking(joins, &thread);
    if (!goc_pcall(panics, NULL))
        return 4;
    pipes();
    char address[40]; /* this process's own */
    snprintf(address, sizeof address, "@goc-inject-%d", (int)getpid());
    talk("unix", address);
    talk("tcp", "127.0.0.1:0");
    goc_chan_free(numbers);
    char words[40];
    int n = snprintf(words, sizeof words, "done %d\n", sum);
    while (write(1, words, (size_t)n) < 0 && errno == EINTR)
        ;
    return sum == 40 * 41 / 2 + 1 ? 0 : 4;
}

/* --- programs that die ---------------------------------------------------------------------------
 */

static uint32_t turning;

static void turns(void)
{
    goc_mutex mu = {0};
    goc_mutex_lock(&mu);
    __atomic_store_n(&turning, 1, __ATOMIC_RELEASE);
    for (;;)
        __asm__ volatile("");
}
static void waits(goc_chan(int) ch)
{
    goc_recv(ch);
}

static int dies(void)
{
    for (int i = 0; i < 3; i++)
        go(waits, goc_chan_make(int, i));
    goc_gosched();
    goc_panic("number %d", 9);
    return 4;
}

static int quits(void)
{
    go(waits, goc_chan_make(int, 0));
    go(turns);
    while (!__atomic_load_n(&turning, __ATOMIC_ACQUIRE))
        goc_gosched();
    LIBC(kill(getpid(), SIGQUIT));
    goc_recv(goc_chan_make(int, 0));
    return 4;
}

static int shared;

static void touches(goc_chan(goc_unit) end)
{
    goc_race_write_range(&shared, sizeof shared);
    goc_send(end, GOC_UNIT);
}

static int races(void)
{
    goc_chan(goc_unit) end = goc_chan_make(goc_unit, 2);
    go(touches, end);
    go(touches, end);
    goc_recv(end);
    goc_recv(end);
    return 0;
}

static const struct program {
    const char *name;
    int (*run)(void);
    const char *tool;  /* the goc-race it may start, under the build folder */
    int status, found; /* and words, with which it ends when nothing fails, or the tool; `found` */
    const char *words[2]; /* under detection, if that has something to say */
    bool race_only;
} programs[] = {
    {"work", work, "", 0, 0, {"done ", ""}, false},
    {"dies", dies, "/bin/goc-race", 2, 2, {"panic: number 9", "goroutine 1 [running]:"}, false},
    {"quits", quits, "/bin/goc-race", 2, 66, {"SIGQUIT: quit", "goroutine "}, false},
    {"races", races, "/bin/goc-race", 66, 66, {"DATA RACE", "goroutine "}, true},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

#endif
