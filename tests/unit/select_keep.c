/*
 * select_keep.c - goroutines that block in the same select again and again, whose waiters stay in
 * the queues: no value is lost, doubled or taken out of turn; channels may be freed and made anew
 * in between; a goroutine may end, leave its loop or alternate between selects at any time.
 *
 * A lost wake-up shows as the deadlock that the runtime then reports, a waiter that outlived its
 * channel or its goroutine as a crash or a wrong value.
 */
#include "common.h"

#include <goc/chan.h>
#include <goc/go.h>
#include <goc/select.h>
#include <goc/sync.h>

#define AT_ALL_PS for (int ps[] = {1, 2, 8, 0}, *p = ps; *p && (goc_gomaxprocs(*p), 1); p++)

enum { CHANS = 6, CONSUMERS = 8 };

static void produce(goc_chan(long) c, long n, goc_waitgroup *done)
{
    for (long i = 1; i <= n; i++) {
        goc_send(c, i);
        if (i % 7 == 0)
            goc_gosched();
    }
    goc_waitgroup_done(done);
}

static void consume(goc_chan(long) * c, goc_chan(int) quit, long *sum, goc_waitgroup *done)
{
    long v = 0;
    while (goc_select(goc_on_recv(c[0], &v), goc_on_recv(c[1], &v), goc_on_recv(c[2], &v),
                      goc_on_recv(c[3], &v), goc_on_recv(c[4], &v), goc_on_recv(c[5], &v),
                      goc_on_recv(quit, NULL)) != CHANS)
        *sum += v;
    goc_waitgroup_done(done);
}

static void crowd(int consumers, long n, int cap)
{
    goc_chan(long) c[CHANS];
    goc_chan(int) quit = goc_chan_make(int, 0);
    goc_waitgroup producing = {0}, consuming = {0};
    long sum[CONSUMERS] = {0}, all = 0, v;
    for (int i = 0; i < CHANS; i++)
        c[i] = goc_chan_make(long, cap);
    goc_waitgroup_add(&consuming, consumers);
    goc_waitgroup_add(&producing, CHANS);
    for (int i = 0; i < consumers; i++)
        go(consume, &c[0], quit, &sum[i], &consuming);
    for (int i = 0; i < CHANS; i++)
        go(produce, c[i], n, &producing);
    goc_waitgroup_wait(&producing);
    goc_close(quit);
    goc_waitgroup_wait(&consuming);
    for (int i = 0; i < consumers; i++)
        all += sum[i];
    for (int i = 0; i < CHANS; i++) {
        while (goc_try_recv(c[i], &v))
            all += v;
        goc_chan_free(c[i]);
    }
    goc_chan_free(quit);
    ck_assert_int_eq(all, CHANS * n * (n + 1) / 2);
}

START_TEST(one_consumer_or_several)
{
    AT_ALL_PS
    {
        crowd(1, 500, 0);
        crowd(3, 500, 0);
        crowd(CONSUMERS, 300, 1);
        crowd(CONSUMERS, 300, 4);
    }
}
END_TEST

static void talk(goc_chan(long) out, goc_chan(long) in, long n, long *got, goc_waitgroup *done)
{
    for (long i = 0, v; i < n;) {
        if (goc_select(goc_on_send(out, i), goc_on_recv(in, &v)) == 0)
            i++;
        else
            *got += v;
    }
    goc_waitgroup_done(done);
}

static void drain(goc_chan(long) a, goc_chan(long) b, goc_chan(int) quit, long *got,
                  goc_waitgroup *done)
{
    long v = 0;
    while (goc_select(goc_on_recv(a, &v), goc_on_recv(b, &v), goc_on_recv(quit, NULL)) != 2)
        *got += v;
    goc_waitgroup_done(done);
}

START_TEST(selects_that_meet)
{
    const long n = 1000;
    AT_ALL_PS for (int cap = 0; cap < 2; cap++)
    {
        goc_chan(long) a = goc_chan_make(long, cap), b = goc_chan_make(long, cap);
        goc_chan(int) quit = goc_chan_make(int, 0);
        goc_waitgroup talking = {0}, draining = {0};
        long got[6] = {0}, all = 0, v;
        goc_waitgroup_add(&talking, 4);
        goc_waitgroup_add(&draining, 2);
        for (int i = 0; i < 4; i++) {
            if (i & 1)
                go(talk, b, a, n, &got[i], &talking);
            else
                go(talk, a, b, n, &got[i], &talking);
        }
        for (int i = 4; i < 6; i++)
            go(drain, a, b, quit, &got[i], &draining);
        goc_waitgroup_wait(&talking);
        goc_close(quit);
        goc_waitgroup_wait(&draining);
        while (goc_try_recv(a, &v))
            all += v;
        while (goc_try_recv(b, &v))
            all += v;
        for (int i = 0; i < 6; i++)
            all += got[i];
        ck_assert_int_eq(all, 4 * n * (n - 1) / 2);
        goc_chan_free(a);
        goc_chan_free(b);
        goc_chan_free(quit);
    }
}
END_TEST

static void feed(goc_chan(long) c, long n, goc_waitgroup *done)
{
    for (long i = 0; i < n; i++)
        goc_send(c, i);
    goc_waitgroup_done(done);
}

START_TEST(channels_come_and_go)
{
    AT_ALL_PS for (int k = 0; k < 200; k++)
    {
        goc_chan(long) c[3];
        goc_waitgroup done = {0};
        for (int i = 0; i < 3; i++)
            c[i] = goc_chan_make(long, 0);
        goc_waitgroup_add(&done, 1);
        go(feed, c[k % 3], 20L, &done);
        for (long i = 0; i < 20; i++) {
            long v = -1;
            ck_assert_int_eq(
                goc_select(goc_on_recv(c[0], &v), goc_on_recv(c[1], &v), goc_on_recv(c[2], &v)),
                k % 3);
            ck_assert_int_eq(v, i);
        }
        goc_waitgroup_wait(&done);
        for (int i = 0; i < 3; i++) {
            if (k % 5 == 0)
                goc_close(c[i]);
            goc_chan_free(c[i]);
        }
    }
}
END_TEST

static void take_and_leave(goc_chan(long) a, goc_chan(long) b, bool goexit, goc_waitgroup *done)
{
    for (int i = 0; i < 20; i++)
        goc_select(goc_on_recv(a, NULL), goc_on_recv(b, NULL));
    goc_waitgroup_done(done); /* the channels may be freed before this goroutine has ended */
    if (goexit)
        goc_goexit();
}

START_TEST(goroutines_come_and_go)
{
    AT_ALL_PS for (int k = 0; k < 100; k++)
    {
        goc_chan(long) a = goc_chan_make(long, 0), b = goc_chan_make(long, 0);
        goc_waitgroup done = {0};
        goc_waitgroup_add(&done, 8);
        for (int i = 0; i < 8; i++)
            go(take_and_leave, a, b, i & 1, &done);
        for (long i = 0; i < 8 * 20; i++)
            goc_send(i & 1 ? a : b, i);
        goc_waitgroup_wait(&done);
        goc_chan_free(a);
        goc_chan_free(b);
    }
}
END_TEST

static void alternate(goc_chan(long) a, goc_chan(long) b, goc_chan(long) c, long n,
                      goc_waitgroup *done)
{
    long v = 0;
    for (long i = 0, row = 1 + n % 3; i < n; i++) {
        if (i / 30 % 2 == 0)
            goc_select(goc_on_recv(a, &v), goc_on_recv(b, NULL));
        else if (i % row == 0)
            goc_select(goc_on_recv(a, &v), goc_on_recv(c, NULL), goc_on_recv(b, NULL));
        else
            goc_recv(a);
    }
    goc_waitgroup_done(done);
}

START_TEST(other_selects_in_between)
{
    AT_ALL_PS for (long n = 500; n < 503; n++)
    {
        goc_chan(long) a = goc_chan_make(long, 0), b = goc_chan_make(long, 0);
        goc_chan(long) c = goc_chan_make(long, 0);
        goc_waitgroup done = {0};
        goc_waitgroup_add(&done, 4);
        for (int i = 0; i < 2; i++) {
            go(alternate, a, b, c, n, &done);
            go(feed, a, n, &done);
        }
        goc_waitgroup_wait(&done);
        goc_chan_free(a);
        goc_chan_free(b);
        goc_chan_free(c);
    }
}
END_TEST

/* With one P a goroutine that was let run has blocked. */
static void let_run(void)
{
    for (int i = 0; i < 10; i++)
        goc_gosched();
}

static void select_on_demand(goc_chan(int) start, goc_chan(long) a, goc_chan(long) b, long *last)
{
    for (int i = 0; i < 31; i++) {
        long v = 0;
        goc_recv(start);
        int r = goc_select(goc_on_recv(a, &v), goc_on_recv(b, &v));
        *last = 1000 * r + v;
    }
}
static void receive(goc_chan(long) a, long *last)
{
    *last = goc_recv(a);
}

START_TEST(first_come_first_served)
{
    goc_gomaxprocs(1);
    goc_chan(long) a = goc_chan_make(long, 0), b = goc_chan_make(long, 0);
    goc_chan(int) start = goc_chan_make(int, 0);
    long selected = 0, received = 0;
    go(select_on_demand, start, a, b, &selected);
    for (int i = 0; i < 30; i++) {
        goc_send(start, 1);
        let_run();
        goc_send(b, 7L);
        let_run();
        ck_assert_int_eq(selected, 1007);
    }
    go(receive, a, &received);
    let_run();
    goc_send(start, 1);
    let_run();
    goc_send(a, 1L);
    let_run();
    ck_assert_int_eq(received, 1);
    ck_assert_int_eq(selected, 1007);
    goc_send(a, 2L);
    let_run();
    ck_assert_int_eq(selected, 2);
    goc_chan_free(a);
    goc_chan_free(b);
    goc_chan_free(start);
}
END_TEST

UNIT_MAIN("select_keep", 60, one_consumer_or_several, selects_that_meet, channels_come_and_go,
          goroutines_come_and_go, other_selects_in_between, first_come_first_served)
