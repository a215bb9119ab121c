/*
 * panic.c - what defer, panic, goexit and the ends of the program promise: which deferred calls run, who
 * recovers what, and what is said at the end and with which status.
 */
#include "../e2e/turns.h"
#include "common.h"

#include <goc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Status of an end that the race runtime also reports as a finding (panic_race.c). */
static atomic_int n;

static void until(int value)
{
    while (atomic_load(&n) != value)
        goc_gosched();
}
static void none(void)
{
    n++;
}

/* --- defer, panic, goexit --- */

static char said[64];
static void say(char *word)
{
    strcat(said, word);
}
static void leaves(int how)
{
    goc_defer(say, "a");
    for (int i = 0; i < 2; i++) {
        goc_defer(say, "b");
        if (how == 1)
            return;
        if (how == 2)
            goc_panic("%s %d", "number", 42);
        if (how == 3)
            goc_goexit();
        if (how == 4)
            continue;
    }
    say("-");
}
static void leaves_panicking(void *arg)
{
    leaves(2);
}
static void leaves_exiting(void)
{
    goc_defer(say, "e");
    leaves(3);
}
START_TEST(defers)
{
    leaves(0);
    ck_assert_str_eq(said, "bb-a");
    said[0] = 0;
    leaves(1);
    ck_assert_str_eq(said, "ba");
    said[0] = 0;
    leaves(4);
    ck_assert_str_eq(said, "bb-a");
    said[0] = 0;
    ck_assert_str_eq(goc_pcall(leaves_panicking, NULL), "number 42");
    ck_assert_str_eq(said, "ba");
    said[0] = 0;
    go(leaves_exiting);
    while (goc_numgoroutine() != 1)
        goc_gosched();
    ck_assert_str_eq(said, "bae");
}
END_TEST

static void panics(void *arg)
{
    goc_panic("%s", (char *)arg);
}
static void panics_again(char *word)
{
    goc_panic("second %s", word);
}
static void two_panics(void *arg)
{
    goc_defer(say, "x");
    goc_defer(panics_again, "one");
    goc_panic("first");
}
static void nested(void *arg)
{
    const char *message = goc_pcall(panics, "inner");
    if (!message || strcmp(message, "inner"))
        abort();
    goc_gosched();
    goc_panic("outer after %s", message);
}
static void quiet(void *arg)
{
    goc_gosched();
}
static void recovers(void)
{
    for (int i = 0; i < 100; i++) {
        const char *message = goc_pcall(nested, NULL);
        if (!message || strcmp(message, "outer after inner"))
            abort();
    }
    n++;
}
START_TEST(pcall)
{
    AT_ALL_PS
    {
        n = 0;
        said[0] = 0;
        ck_assert_ptr_null(goc_pcall(quiet, NULL));
        ck_assert_str_eq(goc_pcall(two_panics, NULL), "second one");
        ck_assert_str_eq(said, "x");
        for (int i = 0; i < 8; i++)
            go(recovers);
        until(8);
    }
}
END_TEST

/* Where a goroutine ends in the stack of another, its own frames must not be gone on with. */
static void exits(int i)
{
    n++;
    if (i & 1)
        goc_goexit();
}
START_TEST(goexit_among_others)
{
    AT_ALL_PS
    {
        n = 0;
        for (int i = 0; i < 1000; i++)
            go(exits, i);
        until(1000);
        while (goc_numgoroutine() != 1)
            goc_gosched();
    }
}
END_TEST

/* --- ends of the program --- */

static void in_goroutine(void (*fn)(void *), void *arg)
{
    fn(arg);
}
__attribute__((noipa)) static void main_panics(void *arg)
{
    printf("before");
    goc_panic("bad %d", 1);
}
static void other_panics(void *arg)
{
    go(in_goroutine, main_panics, NULL);
    for (;;)
        goc_gosched();
}
static void main_exits(void *arg)
{
    go(none);
    goc_goexit();
}
__attribute__((noipa)) static void for_ever(goc_chan(int) ch)
{
    goc_recv(ch);
}
static void main_exits_before(void *arg)
{
    go(for_ever, goc_chan_make(int, 0));
    goc_goexit();
}
/* A defer that panics, one that catches a panic of its own, one that panics again. */
static void panics_so(void *text)
{
    goc_panic("%s", (const char *)text);
}
static void catches_one(void *text)
{
    ck_assert_str_eq(goc_pcall(panics_so, text), text);
}
static void panics_thrice(void *arg)
{
    goc_defer(panics_so, "third");
    goc_defer(catches_one, "caught");
    goc_defer(panics_so, "second");
    goc_panic("first");
}
static void panics_once_more(void *arg)
{
    ck_assert_str_eq(goc_pcall(panics_thrice, NULL), "third");
    goc_panic("after these");
}
static void goes_nowhere(void *arg)
{
    void (*volatile fn)(void) = NULL;
    go(fn);
}
__attribute__((noipa)) static void asleep(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(for_ever, ch);
    goc_select();
}
static void locked(void)
{
    goc_lock_os_thread();
    goc_gosched();
    n++;
}
static void asleep_without_a_thread(void *arg) /* that ended with its goroutine */
{
    go(locked);
    goc_recv(goc_chan_make(int, 0));
}
static void *joins_in(void *arg)
{
    goc_recv((goc_chan(int))arg);
    return NULL;
}
static void foreign_asleep(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    pthread_t t;
    pthread_create(&t, NULL, joins_in, ch);
    goc_sleep(20 * GOC_MILLISECOND);
    goc_chan(int) other = goc_chan_make(int, 0);
    goc_recv(other);
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winfinite-recursion" /* that is the point */
__attribute__((noipa)) static int overflow(int depth)
{
    volatile char frame[200];
    frame[0] = (char)depth;
    return overflow(depth + 1) + frame[0];
}
#pragma GCC diagnostic pop
static void overflows(void *arg)
{
    overflow(0);
}
static void stack_overflow(void *arg)
{
    go(in_goroutine, overflows, NULL);
    for (;;)
        goc_gosched();
}
static void small_overflow(void *arg)
{
    goc_go_stack(20000, overflows, NULL);
    for (;;)
        goc_gosched();
}
/* The channel is for_ever's alone: it has been in no frame or register that is still main's, and where it was
   below them, where frames that do not fill themselves would bring it back, is written over. */
__attribute__((noipa)) static void leave_for_ever(void)
{
    go(for_ever, goc_chan_make(int, 0));
}
__attribute__((noipa)) static void write_over_the_stack(void)
{
    volatile char below[16384];
    for (size_t i = 0; i < sizeof below; i++)
        below[i] = 0;
}
static void quits(void *arg)
{
    leave_for_ever();
    until_blocked();
    write_over_the_stack();
    raise(SIGQUIT);
}

/* Without the program that knows lines: a name from the symbols, though the address is a function's first. */
static void never_ran(void)
{
}
static void names_who_never_ran(void *arg)
{
    setenv("GOCRACE_TOOL", "", 1);
    goc_gomaxprocs(1);
    go(never_ran);
    goc_panic("before it");
}
static void leaves_by_pthread_exit(void *arg)
{
    pthread_exit(NULL);
}

static const struct {
    void (*fn)(void *);
    const char *words;
    bool finding;
} endings[] = {
    {names_who_never_ran, "goroutine 2 [runnable]:\nnever_ran()\n", false},
    {leaves_by_pthread_exit, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n", true},
    {main_panics, "beforepanic: bad 1\n\ngoroutine 1 [running]:\n", false},
    {other_panics, "panic: bad 1\n\ngoroutine 2 [running]:\nmain_panics()\n", false},
    {main_exits, "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n", true},
    {main_exits_before,
     "fatal error: all goroutines are asleep - deadlock!\n\n"
     "goroutine 2 [chan receive]:\nfor_ever()\n",
     true},
    {panics_thrice, "panic: first\n\tpanic: second\n\tpanic: third\n\ngoroutine 1 [running]:\n", false},
    {panics_once_more, "panic: after these\n\ngoroutine 1 [running]:\n", false},
    {goes_nowhere, "fatal error: go of nil func value\n\ngoroutine 1 [running]:\n", false},
    {asleep,
     "fatal error: all goroutines are asleep - deadlock!\n\n"
     "goroutine 1 [select (no cases)]:\nasleep()\n",
     true},
    {asleep, "goroutine 2 [chan receive]:\nfor_ever()\n", true},
    {asleep_without_a_thread, "fatal error: all goroutines are asleep - deadlock!\n", true},
    {foreign_asleep, "fatal error: all goroutines are asleep - deadlock!\n", true},
    {stack_overflow,
     "fatal error: goroutine stack exceeds 262144-byte limit\n\n"
     "goroutine 2 [running]:\noverflow()\n",
     false},
    {small_overflow, "fatal error: goroutine stack exceeds 20480-byte limit\n", false},
    {quits, "SIGQUIT: quit\n\ngoroutine 1 [running]:\n", true}, /* nobody has the channel */
    {quits, "goroutine 2 [chan receive]:\nfor_ever()\n", true},
};

START_TEST(ends_with)
{
    static struct unit_end end;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        unit_child(&end, endings[i].fn, NULL, 10);
        unit_assert_end(&end, endings[i].finding ? ENDS_WITH_FINDING : 2, endings[i].words);
    }
}
END_TEST

static int *volatile nowhere = (int *)16;
__attribute__((noipa)) static void segfaults(void *arg)
{
    *nowhere = 1;
}
static void segfault(void *arg)
{
    go(in_goroutine, segfaults, NULL);
    for (;;)
        goc_gosched();
}
START_TEST(a_fault_kills_with_its_trace)
{
    static struct unit_end end;
    unit_child(&end, segfault, NULL, 10);
    ck_assert_int_eq(end.signal, SIGSEGV);
#if ENDS_WITH_FINDING == 2 /* else the report is the detector's */
    ck_assert(unit_contains(end.text, "goroutine 2 [running]:\nsegfaults()\n"));
#endif
}
END_TEST

/* The others go on, as after goc_goexit, and the thread is one of theirs. */
static void ends_it(int status)
{
    until_blocked();
    exit(status);
}
static void main_thread_leaves(void *arg)
{
    go(ends_it, 3);
    pthread_exit(NULL);
}
START_TEST(main_may_leave_by_pthread_exit)
{
    static struct unit_end end;
    unit_child(&end, main_thread_leaves, NULL, 20);
    ck_assert_int_eq(end.status, 3);
}
END_TEST

UNIT_MAIN("panic", 60, defers, pcall, goexit_among_others, ends_with, a_fault_kills_with_its_trace,
          main_may_leave_by_pthread_exit)
