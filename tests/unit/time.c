/*
 * time.c - sleep, After, timers, tickers, and what an idle program costs.
 */
#include "../e2e/turns.h"
#include "common.h"
#include "timer.h"

#include <goc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define MS GOC_MILLISECOND

static atomic_int n;

static void sleeps(int ms)
{
    goc_time start = goc_now();
    goc_sleep(ms * MS);
    if (goc_now() - start < ms * MS)
        abort();
    n++;
}
START_TEST(sleep_is_never_short)
{
    AT_ALL_PS
    {
        n = 0;
        for (int i = 0; i < 500; i++)
            go(sleeps, i % 30);
        while (n != 500)
            goc_sleep(MS);
    }
    goc_sleep(0);
    goc_sleep(-5); /* not two hundred years */
}
END_TEST

static goc_time sleepers_begin;
START_TEST(sleepers_wake_in_order)
{
    sleepers_begin = goc_now();
    goc_gomaxprocs(1);
    goc_chan(int) ch = goc_chan_make(int, 10);
    extern void sleep_and_tell(int, goc_chan(int));
    for (int i = 9; i >= 0; i--)
        go(sleep_and_tell, i, ch);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(goc_recv(ch), i);
}
END_TEST
void sleep_and_tell(int i, goc_chan(int) ch)
{
    goc_sleep(sleepers_begin + (1 + i * 15) * MS - goc_now());
    goc_send(ch, i);
}

START_TEST(timers)
{
    AT_ALL_PS
    {
        goc_time start = goc_now();
        goc_timer *t = goc_timer_new(10 * MS);
        ck_assert_int_ge(goc_recv(goc_timer_chan(t)), start + 10 * MS);
        ck_assert(!goc_timer_stop(t));
        ck_assert(!goc_timer_reset(t, GOC_MINUTE));
        ck_assert(goc_timer_reset(t, GOC_MINUTE));
        ck_assert(goc_timer_stop(t));
        ck_assert(!goc_timer_stop(t));
        ck_assert(!goc_timer_reset(t, MS)); /* sent, not received, and taken back */
        while (goc_len(goc_timer_chan(t)) != 1)
            goc_sleep(MS);
        ck_assert(goc_timer_stop(t));
        ck_assert_int_eq(goc_len(goc_timer_chan(t)), 0);
        goc_timer_free(t);
        goc_timer_free(NULL);
        start = goc_now();
        ck_assert_int_ge(goc_recv(goc_after(3 * MS)), start + 3 * MS);
    }
}
END_TEST

static void counts(void *arg)
{
    n++;
    goc_gosched();
}
START_TEST(after_func)
{
    AT_ALL_PS
    {
        n = 0;
        goc_timer *late = goc_after_func(100 * GOC_SECOND, counts, NULL);
        goc_timer *soon = goc_after_func(MS, counts, NULL);
        ck_assert_ptr_null(goc_timer_chan(soon));
        while (n != 1)
            goc_sleep(MS);
        ck_assert(goc_timer_stop(late));
        ck_assert(!goc_timer_stop(soon));
        ck_assert(!goc_timer_reset(soon, MS));
        while (n != 2)
            goc_sleep(MS);
        goc_timer_free(late);
        goc_timer_free(soon);
    }
}
END_TEST

START_TEST(tickers)
{
    AT_ALL_PS
    {
        goc_ticker *t = goc_ticker_new(5 * MS);
        goc_time start = goc_now();
        for (int i = 1; i <= 5; i++)
            ck_assert_int_ge(goc_recv(goc_ticker_chan(t)), start + i * 5 * MS - MS);
        while (goc_len(goc_ticker_chan(t)) == 0)
            goc_sleep(MS);
        goc_sleep(30 * MS); /* nobody receives: one tick waits, the others are dropped */
        ck_assert_int_eq(goc_len(goc_ticker_chan(t)), 1);
        goc_ticker_stop(t);
    }
}
END_TEST

static void no_interval(void *arg)
{
    goc_ticker_new(0);
}
START_TEST(bad_interval)
{
    static struct unit_end end;
    unit_child(&end, no_interval, NULL, 10);
    unit_assert_end(&end, 2, "panic: non-positive interval for goc_ticker_new");
}
END_TEST

/* Set, stopped and set again by many at once, while Ps come and go. */
static atomic_bool stop;
static void fiddles(int seed)
{
    uint64_t r = (uint64_t)seed + 1;
    goc_timer *t = goc_timer_new(100 * GOC_SECOND);
    while (!stop) {
        goc_timer_reset(t, (goc_duration)(unit_random(&r) % 1000) * 1000);
        if (unit_random(&r) % 4 == 0)
            goc_sleep((goc_duration)(unit_random(&r) % 1000) * 1000);
        goc_time v;
        if (unit_random(&r) % 2)
            goc_try_recv(goc_timer_chan(t), &v);
        else
            goc_gosched();
    }
    goc_timer_free(t);
    n--;
}
START_TEST(timers_under_load)
{
    n = 20;
    for (int i = 0; i < 20; i++)
        go(fiddles, i);
    for (int i = 0; i < 300; i++) {
        goc_gomaxprocs(1 + i % 5);
        goc_sleep(MS / 2);
    }
    stop = true;
    while (n)
        goc_sleep(MS);
}
END_TEST

/* A million at once, in the heap itself: set, every third taken out, every third moved; they fire in the
   order of their times, each once. */
#ifdef ENDS_WITH_FINDING
enum { MANY = 100000 }; /* under detection each costs more, and the heap is the same */
#else
enum { MANY = 1000000 };
#endif
static struct timer *heap;
static int64_t *added, last_when, last_now;
static int out_of_order, fired;
static void fires(struct timer *t, int64_t now)
{
    /* One that was added after a later one had fired may be late. */
    out_of_order += t->when > now || (t->when < last_when && added[t - heap] <= last_now);
    last_when = t->when;
    last_now = now;
    t->period--; /* this often */
    fired++;
}
START_TEST(a_million_in_order)
{
    goc_gomaxprocs(1); /* one heap */
    heap = calloc(MANY, sizeof *heap);
    added = calloc(MANY, sizeof *added);
    uint64_t r = 1;
    int64_t far = goc_now() + 60 * GOC_MINUTE;
    for (int i = 0; i < MANY; i++) {
        heap[i].fire = fires;
        timer_add(&heap[i], far + (int64_t)(unit_random(&r) % GOC_MINUTE));
    }
    for (int i = 1; i < MANY; i += 3)
        ck_assert(timer_del(&heap[i]) && !timer_del(&heap[i]));
    int64_t base = goc_now();
    for (int i = 2; i < MANY; i += 3) {
        ck_assert(timer_del(&heap[i]));
        timer_add(&heap[i], base + GOC_SECOND + (int64_t)(unit_random(&r) % GOC_SECOND));
        added[i] = goc_now();
    }
    while (fired < MANY / 3)
        goc_sleep(10 * MS);
    ck_assert_int_eq(out_of_order, 0);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(heap[i].period, i % 3 == 2 ? -1 : 0);
        ck_assert_int_eq(timer_del(&heap[i]), i % 3 == 0);
    }
    ck_assert_int_eq(fired, MANY / 3);
    free(heap);
    free(added);
}
END_TEST

/* And as programs have them: few of the many ever go off. */
enum { SOON = (MANY - 3) / 30 + 1 };
static int rung;
static void rings(void *times)
{
    ++*(int *)times;
    rung++;
}
START_TEST(a_million_timers)
{
    goc_gomaxprocs(1);
    goc_timer **t = calloc(MANY, sizeof *t);
    int *times = calloc(MANY, sizeof *times);
    for (int i = 0; i < MANY; i++)
        t[i] = goc_after_func(GOC_MINUTE * (60 + i % 60), rings, &times[i]);
    for (int i = 0; i < MANY; i++)
        if (i % 3 == 1)
            ck_assert(goc_timer_stop(t[i]) && !goc_timer_stop(t[i]));
        else if (i % 3 == 2)
            ck_assert(goc_timer_reset(t[i], i % 30 == 2 ? i % 100 * MS : 90 * GOC_MINUTE));
    while (rung < SOON)
        goc_sleep(10 * MS);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(times[i], i % 30 == 2);
        ck_assert_int_eq(goc_timer_stop(t[i]), i % 3 == 0 || (i % 3 == 2 && i % 30 != 2));
        goc_timer_free(t[i]);
    }
    ck_assert_int_eq(rung, SOON);
    free(times);
    free(t);
}
END_TEST

START_TEST(an_idle_program_uses_no_cpu)
{
    for (int i = 0; i < 100; i++)
        go(sleeps, 2000);
    until_blocked();
    goc_sleep(300 * MS); /* the monitor lingers for a while */
    struct timespec a, b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    goc_sleep(GOC_SECOND);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    long us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
    ck_assert_int_lt(us, 20000); /* a monitor that does not go to sleep takes more */
}
END_TEST

UNIT_MAIN("time", 60, sleep_is_never_short, sleepers_wake_in_order, timers, after_func, tickers,
          bad_interval, timers_under_load, a_million_in_order, a_million_timers,
          an_idle_program_uses_no_cpu)
