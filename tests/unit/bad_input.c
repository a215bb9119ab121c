/*
 * bad_input.c - what each function says to arguments that make no sense: a message that names the call (or
 * is Go's own), the traces, status 2; or -1 and an errno. Never a hang, never a crash, never silence.
 */
#include "../e2e/turns.h"
#include "common.h"

#include <errno.h>
#include <goc.h>
#include <goc/testing.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef RACE_STATUS
#define RACE_STATUS 2 /* of an end that is also a finding */
#endif

/* What the compiler cannot see through, or it would warn. */
static void *volatile null;
static volatile int minus = -1;
static volatile long long huge = 1LL << 60;

struct big {
    char room[70000];
};
static void nothing(void *arg)
{
}
static int no_part(void *arg)
{
    return 0;
}
static void no_init(void)
{
}
typedef void fn_t(void *);
typedef goc_chan(int) ints;
static ints ch;
static void waits(void)
{
    goc_recv(ch);
}

static void (*volatile goc_panic_of)(const char *, ...) = goc_panic;

/* --- ends of the program ------------------------------------------------------------------------ */

#define NIL ": invalid memory address or nil pointer dereference"
#define ENDS(X)                                                                                     \
    X(2, "goc_chan_make: 70000 bytes, at most 65536", goc_chan_make(struct big, 0))                 \
    X(2, "makechan: size out of range (goc_chan_make: capacity -1)", goc_chan_make(int, minus))     \
    X(2, "makechan: size out of range (goc_chan_make: capacity ", goc_chan_make(int, huge))         \
    X(2, "makechan: size out of range (goc_chan_make: capacity ", goc_chan_make(char, LLONG_MAX))   \
    X(RACE_STATUS, "goc_chan_free of a channel that a goroutine waits on",                          \
      ch = goc_chan_make(int, 0); go(waits); until_blocked(); goc_chan_free(ch))                    \
    X(RACE_STATUS, "panic: close of nil channel", goc_close((ints)null))                            \
    X(RACE_STATUS, "panic: close of closed channel", ch = goc_chan_make(int, 0); goc_close(ch);     \
      goc_close(ch))                                                                                \
    X(RACE_STATUS, "panic: send on closed channel", ch = goc_chan_make(int, 1); goc_close(ch);      \
      goc_send(ch, 1))                                                                              \
    X(RACE_STATUS, "panic: send on closed channel", ch = goc_chan_make(int, 1); goc_close(ch);      \
      goc_try_send(ch, 1))                                                                          \
    X(RACE_STATUS, "panic: send on closed channel", ch = goc_chan_make(int, 1); goc_close(ch);      \
      goc_select(goc_on_send(ch, 1), goc_on_default()))                                             \
    X(2, "goc_select_n" NIL, goc_select_n(null, 3))                                                 \
    X(2, "goc_select_n: too many cases", goc_select_n(null, (size_t)1 << 40))                       \
    X(2, "fatal error: go of nil func value", goc_go((fn_t *)null, NULL))                                 \
    X(2, "goc_go_stack: 1073741825 bytes are more than 1 GiB",                                      \
      goc_go_stack(((size_t)1 << 30) + 1, nothing, NULL))                                           \
    X(2, "goc_go_call: 7 arguments", goc_go_call((void *)nothing, 7, (uintptr_t[7]){0}))            \
    X(2, "goc_go_call: -1 arguments", goc_go_call((void *)nothing, minus, (uintptr_t[1]){0}))       \
    X(2, "goc_blocking" NIL, goc_blocking((fn_t *)null, NULL))                                      \
    X(2, "goc_defer" NIL, goc_defer((fn_t *)null, NULL))                                            \
    X(2, "goc_pcall" NIL, goc_pcall((fn_t *)null, NULL))                                            \
    X(2, "panic: (nil)", goc_panic_of(null))                                                        \
    X(2, "goc_mutex_lock" NIL, goc_mutex_lock(null))                                                \
    X(2, "goc_mutex_trylock" NIL, goc_mutex_trylock(null))                                          \
    X(2, "goc_mutex_unlock" NIL, goc_mutex_unlock(null))                                            \
    X(RACE_STATUS, "fatal error: sync: unlock of unlocked mutex", goc_mutex m = {0};                \
      goc_mutex_unlock(&m))                                                                         \
    X(2, "goc_rwmutex_lock" NIL, goc_rwmutex_lock(null))                                            \
    X(2, "goc_rwmutex_rlock" NIL, goc_rwmutex_rlock(null))                                          \
    X(RACE_STATUS, "fatal error: sync: RUnlock of unlocked RWMutex", goc_rwmutex m = {0};           \
      goc_rwmutex_runlock(&m))                                                                      \
    X(RACE_STATUS, "fatal error: sync: Unlock of unlocked RWMutex", goc_rwmutex m = {0};            \
      goc_rwmutex_unlock(&m))                                                                       \
    X(2, "goc_waitgroup_add" NIL, goc_waitgroup_add(null, 1))                                       \
    X(2, "goc_waitgroup_wait" NIL, goc_waitgroup_wait(null))                                        \
    X(2, "go of nil func value (goc_waitgroup_go)", goc_waitgroup w = {0};                          \
      goc_waitgroup_go_call(&w, null, 0, NULL))                                                     \
    X(RACE_STATUS, "panic: sync: negative WaitGroup counter", goc_waitgroup w = {0};                \
      goc_waitgroup_add(&w, minus))                                                                 \
    X(RACE_STATUS, "panic: sync: negative WaitGroup counter", goc_waitgroup w = {0};                \
      goc_waitgroup_add(&w, INT_MAX); goc_waitgroup_add(&w, INT_MAX))                               \
    X(2, "goc_once_do" NIL, goc_once_do(null, no_init))                                             \
    X(2, "goc_once_do" NIL, goc_once o = {0}; goc_once_do(&o, (void (*)(void))null))                \
    X(2, "goc_cond_wait" NIL, goc_cond_wait(null))                                                  \
    X(2, "goc_cond_wait" NIL, goc_cond c = {0}; goc_cond_wait(&c))                                  \
    X(RACE_STATUS, "fatal error: sync: unlock of unlocked mutex", goc_mutex m = {0};                \
      goc_cond c = GOC_COND_INIT(&m); goc_cond_wait(&c))                                            \
    X(2, "goc_sem_acquire" NIL, goc_sem_acquire(null, 1))                                           \
    X(RACE_STATUS, "panic: semaphore: negative weight", goc_sem s; goc_sem_init(&s, minus))                   \
    X(RACE_STATUS, "panic: semaphore: negative weight", goc_sem s = GOC_SEM_INIT(1);                          \
      goc_sem_acquire(&s, minus))                                                                   \
    X(RACE_STATUS, "panic: semaphore: released more than held", goc_sem s = GOC_SEM_INIT(1);        \
      goc_sem_release(&s, 1))                                                                       \
    X(2, "goc_sem_acquire_ctx" NIL, goc_sem s = GOC_SEM_INIT(1); goc_sem_acquire_ctx(null, &s, 1))  \
    X(2, "goc_sized_waitgroup_add" NIL, goc_sized_waitgroup_add(null))                              \
    X(RACE_STATUS, "released more than held", goc_sized_waitgroup w;                                \
      goc_sized_waitgroup_init(&w, 2); goc_sized_waitgroup_done(&w))                                \
    X(2, "goc_errgroup_init" NIL, goc_errgroup_init(null, NULL))                                    \
    X(2, "goc_errgroup_go" NIL, goc_errgroup g = {0};                                               \
      goc_errgroup_go(&g, (__typeof__(no_part) *)null, NULL))                                       \
    X(2, "goc_timer_stop: the timer is NULL", goc_timer_stop(null))                                 \
    X(2, "goc_timer_reset: the timer is NULL", goc_timer_reset(null, 1))                            \
    X(2, "goc_timer_chan" NIL, goc_timer_chan(null))                                                \
    X(2, "goc_ticker_chan" NIL, goc_ticker_chan(null))                                              \
    X(2, "goc_after_func: fn is NULL", goc_after_func(1, (fn_t *)null, NULL))                       \
    X(2, "non-positive interval for goc_ticker_new", goc_ticker_new(0))                             \
    X(2, "non-positive interval for goc_ticker_new", goc_ticker_new(minus))                         \
    X(2, "cannot create context from nil parent", goc_with_cancel(null))                            \
    X(2, "goc_cancel" NIL, goc_cancel(null))                                                        \
    X(2, "goc_context_done" NIL, goc_context_done(null))                                            \
    X(2, "goc_context_err" NIL, goc_context_err(null))                                              \
    X(2, "goc_context_value" NIL, goc_context_value(null, "k"))                                     \
    X(2, "goc_benchmark: fn is NULL", goc_benchmark("x", (void (*)(goc_b *))null))

/* gcc's nested functions would do, clang has none: one function with a number. */
static void end_number(void *arg)
{
    int wanted = *(int *)arg, i = 0;
#define X(status, words, ...) \
    if (i++ == wanted) {      \
        __VA_ARGS__;          \
        return;               \
    }
    ENDS(X)
#undef X
}
static const struct {
    int status;
    const char *words, *code;
} ends[] = {
#define X(status, words, ...) {status, words, #__VA_ARGS__},
    ENDS(X)
#undef X
};

START_TEST(nonsense_ends_the_program_with_a_message)
{
    static struct unit_end end;
    for (int i = 0; i < (int)(sizeof ends / sizeof *ends); i++) {
        unit_child(&end, end_number, &i, 20);
        ck_assert_msg(end.status == ends[i].status && unit_contains(end.text, ends[i].words) &&
                          unit_contains(end.text, "\ngoroutine 1 [running]:\n"),
                      "%s: status %d, signal %d, not %d with \"%s\":\n%s", ends[i].code, end.status,
                      end.signal, ends[i].status, ends[i].words, end.text);
    }
}
END_TEST

/* --- -1 and errno ------------------------------------------------------------------------------- */

#define FAILS(call, error)                                                                     \
    do {                                                                                       \
        errno = 0;                                                                             \
        long r_ = (call);                                                                      \
        ck_assert_msg(r_ == -1 && errno == (error), "%s: %ld, %s", #call, r_, strerror(errno)); \
    } while (0)

START_TEST(nonsense_to_io_is_an_error)
{
    char c = 0, name[5000];
    int p[2];
    ck_assert_int_eq(pipe(p), 0);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    FAILS(goc_read(-1, &c, 1), EBADF);
    FAILS(goc_write(-1, &c, 1), EBADF);
    FAILS(goc_read(1 << 30, &c, 1), EBADF);
    ck_assert_int_eq(write(p[1], "x", 1), 1);
    FAILS(goc_read(p[0], null, 1), EFAULT);
    FAILS(goc_accept(-1, NULL, NULL), EBADF);
    FAILS(goc_accept(p[0], NULL, NULL), ENOTSOCK);
    FAILS(goc_connect(-1, null, 0), EBADF);
    FAILS(goc_close_fd(-1), EBADF);
    FAILS(goc_wait_fd(-1, POLLIN, 0), EBADF);
    FAILS(goc_wait_fd(p[0], 0, goc_now() + GOC_MILLISECOND), ETIMEDOUT);
    FAILS(goc_listen(null, null), EINVAL);
    FAILS(goc_listen("udp?", "x"), EINVAL);
    FAILS(goc_listen("tcp", "127.0.0.1"), EINVAL);
    FAILS(goc_dial("tcp", name, GOC_SECOND), EINVAL);
    FAILS(goc_dial("unix", name, GOC_SECOND), EINVAL);
    FAILS(goc_local_addr(-1, NULL, 0), EBADF);
    int fd = goc_listen("tcp", "127.0.0.1:0");
    ck_assert_int_ge(fd, 0);
    FAILS(goc_local_addr(fd, null, 10), EFAULT);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    FAILS(goc_accept(pair[0], NULL, NULL), EINVAL);
    close(pair[0]);
    close(pair[1]);
    close(p[0]);
    close(p[1]);
    goc_close_fd(fd);
}
END_TEST

/* A channel that is freed twice, as far as that can be seen. */
static void frees_twice(void *arg)
{
    ch = goc_chan_make(int, 0);
    goc_chan_free(ch);
    goc_chan_free(ch);
}
START_TEST(a_second_free)
{
    static struct unit_end end;
    unit_child(&end, frees_twice, NULL, 20);
    ck_assert_msg(end.status == 2 || end.status == 66, "status %d signal %d", end.status, end.signal);
    ck_assert(unit_contains(end.text, "goc_chan_free") || unit_contains(end.text, "free"));
}
END_TEST

/* What is allowed stays allowed. */
START_TEST(small_values_are_no_nonsense)
{
    goc_chan_free((ints)null);
    ck_assert_int_eq(goc_len((ints)null) + goc_cap((ints)null), 0);
    goc_timer_free(null);
    goc_ticker_stop(null);
    goc_context_free(null);
    goc_cancel(goc_background());
    goc_sleep(minus);
    goc_recv(goc_after(minus));
    goc_unlock_os_thread();
    goc_gomaxprocs(minus);
    goc_go_stack(0, nothing, NULL);
    goc_errgroup g;
    ck_assert_int_eq(goc_errgroup_init(&g, NULL), 0);
    goc_errgroup_free(&g);
}
END_TEST

UNIT_MAIN("bad input", 120, nonsense_ends_the_program_with_a_message, nonsense_to_io_is_an_error, a_second_free,
          small_values_are_no_nonsense)
