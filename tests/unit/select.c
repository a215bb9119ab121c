/*
 * select.c - what select promises: one case, chosen uniformly, waiting, defaults, timeouts, NULL
 * channels, cases kept in arrays; and what misuse says.
 */
#include "common.h"

#include <goc/chan.h>
#include <goc/go.h>
#include <goc/select.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <stdlib.h>
#include <string.h>

START_TEST(index_and_value)
{
    goc_chan(int) a = goc_chan_make(int, 1);
    goc_chan(long) b = goc_chan_make(long, 1);
    goc_chan(int) none = NULL;
    int v = 0;
    long w = 0;
    bool ok = false;
    goc_send(b, 9);
    ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_recv(none, &v), goc_on_recv(b, &w)), 2);
    ck_assert_int_eq(w, 9);
    ck_assert_int_eq(goc_select(goc_on_recv(b, &w), goc_on_send(none, 1), goc_on_send(a, 5)), 2);
    ck_assert_int_eq(goc_select(goc_on_recv(b, NULL), goc_on_recv_ok(a, &v, &ok)), 1);
    ck_assert(ok && v == 5);
    goc_close(a);
    ck_assert_int_eq(goc_select(goc_on_recv(b, NULL), goc_on_recv_ok(a, &v, &ok)), 1);
    ck_assert(!ok && v == 0);
    ck_assert_int_eq(goc_select(goc_on_recv(a, NULL)), 0);
    ck_assert_int_eq(goc_select(goc_on_recv_ok(a, NULL, NULL)), 0);
    goc_chan_free(a);
    goc_chan_free(b);
}
END_TEST

START_TEST(default_only_if_nothing_is_ready)
{
    goc_chan(int) a = goc_chan_make(int, 1), b = goc_chan_make(int, 0), none = NULL;
    int v;
    ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_default()), 1);
    ck_assert_int_eq(goc_select(goc_on_default(), goc_on_recv(a, &v), goc_on_recv(b, &v)), 0);
    ck_assert_int_eq(goc_select(goc_on_recv(none, &v), goc_on_default()), 1);
    ck_assert_int_eq(goc_select(goc_on_default()), 0);
    goc_send(a, 1);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(goc_select(goc_on_default(), goc_on_recv(a, &v)), 1);
        ck_assert_int_eq(goc_select(goc_on_default(), goc_on_send(a, i)), 1);
    }
    goc_chan_free(a);
    goc_chan_free(b);
}
END_TEST

/* Ready cases among others that are not: 4 of 7, each 1/4 of the time. For 40,000 draws the
   standard deviation of a count is 87; 6 of those are allowed. */
START_TEST(uniform_among_ready)
{
    goc_chan(int) ch[7];
    int count[7] = {0};
    for (int i = 0; i < 7; i++) {
        ch[i] = goc_chan_make(int, 1);
        if (i == 0 || i == 3 || i == 4 || i == 6)
            goc_send(ch[i], i);
    }
    for (int i = 0; i < 40000; i++) {
        int v = -1;
        int k = goc_select(goc_on_recv(ch[0], &v), goc_on_recv(ch[1], &v), goc_on_recv(ch[2], &v),
                           goc_on_recv(ch[3], &v), goc_on_recv(ch[4], &v), goc_on_recv(ch[5], &v),
                           goc_on_recv(ch[6], &v));
        ck_assert_int_eq(v, k);
        count[k]++;
        goc_send(ch[k], k);
    }
    for (int i = 0; i < 7; i++) {
        if (i == 0 || i == 3 || i == 4 || i == 6)
            ck_assert_msg(abs(count[i] - 10000) < 520, "case %d: %d of 40000", i, count[i]);
        else
            ck_assert_int_eq(count[i], 0);
        goc_chan_free(ch[i]);
    }
}
END_TEST

static void send_later(goc_chan(int) ch, int v)
{
    goc_sleep(2 * GOC_MILLISECOND);
    goc_send(ch, v);
}
static void recv_later(goc_chan(int) ch, int *v, goc_waitgroup *done)
{
    goc_sleep(2 * GOC_MILLISECOND);
    goc_recv_ok(ch, v);
    goc_waitgroup_done(done);
}
static void close_later(goc_chan(int) ch)
{
    goc_sleep(2 * GOC_MILLISECOND);
    goc_close(ch);
}

START_TEST(waits_for_any)
{
    AT_ALL_PS
    {
        goc_chan(int) a = goc_chan_make(int, 0), b = goc_chan_make(int, 0);
        int v = 0, got = 0;
        bool ok = true;
        go(send_later, b, 4);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_recv(b, &v)), 1);
        ck_assert_int_eq(v, 4);
        goc_waitgroup done = {0};
        goc_waitgroup_add(&done, 1);
        go(recv_later, a, &got, &done);
        ck_assert_int_eq(goc_select(goc_on_send(a, 6), goc_on_recv(b, &v)), 0);
        goc_waitgroup_wait(&done);
        ck_assert_int_eq(got, 6);
        go(close_later, b);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_recv_ok(b, &v, &ok)), 1);
        ck_assert(!ok && v == 0);
        ck_assert_int_eq(goc_len(a), 0);
        goc_chan_free(a);
        goc_chan_free(b);
    }
}
END_TEST

/* A channel in several cases, and both directions of one channel in one select: it does not talk to
   itself. */
START_TEST(same_channel_in_several_cases)
{
    AT_ALL_PS
    {
        goc_chan(int) a = goc_chan_make(int, 0);
        int v = 0, w = 0;
        ck_assert_int_eq(
            goc_select(goc_on_recv(a, &v), goc_on_send(a, 1), goc_on_timeout(3 * GOC_MILLISECOND)),
            2);
        go(send_later, a, 8);
        int k = goc_select(goc_on_recv(a, &v), goc_on_recv(a, &w), goc_on_send(a, 1));
        ck_assert(k == 0 ? v == 8 : (k == 1 && w == 8));
        goc_chan_free(a);
    }
}
END_TEST

START_TEST(timeouts)
{
    AT_ALL_PS
    {
        goc_chan(int) a = goc_chan_make(int, 1);
        int v;
        int64_t t = goc_now();
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_timeout(10 * GOC_MILLISECOND)), 1);
        ck_assert_int_ge(goc_now() - t, 10 * GOC_MILLISECOND);
        ck_assert_int_eq(goc_select(goc_on_timeout(GOC_MINUTE), goc_on_recv(a, &v),
                                    goc_on_timeout(GOC_MILLISECOND)),
                         2);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_timeout(0)), 1);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_timeout(-5)), 1);
        goc_send(a, 1);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_timeout(0)), 0);
        go(send_later, a, 3);
        ck_assert_int_eq(goc_select(goc_on_recv(a, &v), goc_on_timeout(INT64_MAX)), 0);
        ck_assert_int_eq(v, 3);
        goc_chan_free(a);
    }
}
END_TEST

/* Timeouts that go off just when the value comes: exactly one of the two, and no value is lost. */
static void feed(goc_chan(int) ch, int n)
{
    for (int i = 0; i < n; i++) {
        goc_sleep(50 * GOC_MICROSECOND);
        goc_send(ch, i);
    }
    goc_close(ch);
}

START_TEST(timeout_races_with_value)
{
    AT_ALL_PS
    {
        goc_chan(int) ch = goc_chan_make(int, 0);
        goc_chan(int) other = goc_chan_make(int, 0);
        go(feed, ch, 500);
        int want = 0, v;
        bool ok = true;
        while (ok) {
            switch (goc_select(goc_on_recv_ok(ch, &v, &ok), goc_on_recv(other, &v),
                               goc_on_timeout(60 * GOC_MICROSECOND))) {
            case 0:
                if (ok)
                    ck_assert_int_eq(v, want++);
                break;
            case 1:
                ck_abort();
            }
        }
        ck_assert_int_eq(want, 500);
        goc_chan_free(ch);
        goc_chan_free(other);
    }
}
END_TEST

/* --- arrays ----------------------------------------------------------------------------------- */

struct pair {
    int a, b;
};

START_TEST(cases_built_at_run_time)
{
    enum { N = 100 };
    goc_chan(struct pair) ch[N];
    struct pair got[N];
    goc_case cases[N];
    for (int i = 0; i < N; i++) {
        ch[i] = goc_chan_make(struct pair, 1);
        cases[i] = goc_on_send(ch[i], (struct pair){i, -i}); /* the value is kept in the case */
    }
    bool used[N] = {false};
    for (int i = 0; i < N; i++) {
        int k = goc_select_n(cases, N);
        ck_assert(!used[k]);
        used[k] = true;
        ck_assert_int_eq(goc_len(ch[k]), 1);
    }
    for (int i = 0; i < N; i++)
        cases[i] = goc_on_recv(ch[i], &got[i]);
    for (int i = 0; i < N; i++) {
        int k = goc_select_n(cases, N);
        ck_assert(got[k].a == k && got[k].b == -k);
        ck_assert(used[k]);
        used[k] = false;
    }
    cases[N - 1] = goc_on_timeout(GOC_MILLISECOND);
    ck_assert_int_eq(goc_select_n(cases, N), N - 1); /* a wait with more cases than fit the stack */
    for (int i = 0; i < N; i++)
        goc_chan_free(ch[i]);
}
END_TEST

static void ping(goc_chan(int) * ch, int n, int rounds)
{
    for (int i = 0; i < rounds; i++)
        goc_send(ch[i % n], i);
}

START_TEST(many_cases_that_wait)
{
    AT_ALL_PS
    {
        enum { N = 50, ROUNDS = 500 };
        goc_chan(int) ch[N];
        int got[N];
        goc_case cases[N];
        for (int i = 0; i < N; i++) {
            ch[i] = goc_chan_make(int, 0);
            cases[i] = goc_on_recv(ch[i], &got[i]);
        }
        go(ping, ch, N, ROUNDS);
        for (int i = 0; i < ROUNDS; i++) {
            int k = goc_select_n(cases, N);
            ck_assert_int_eq(k, i % N);
            ck_assert_int_eq(got[k], i);
        }
        for (int i = 0; i < N; i++)
            goc_chan_free(ch[i]);
    }
}
END_TEST

static int evaluations;
static int counted(int v)
{
    evaluations++;
    return v;
}

START_TEST(operands_are_evaluated_once)
{
    goc_chan(int) a = goc_chan_make(int, 4);
    evaluations = 0;
    goc_select(goc_on_send(a, counted(3)), goc_on_timeout(counted(100)));
    ck_assert_int_eq(evaluations, 2);
    ck_assert_int_eq(goc_recv(a), 3);
    goc_chan_free(a);
}
END_TEST

/* --- endings ---------------------------------------------------------------------------------- */

static void no_case(void *arg)
{
    goc_select();
}
static void only_null(void *arg)
{
    goc_chan(int) none = NULL;
    goc_select(goc_on_recv(none, NULL), goc_on_send(none, 3));
}
static void never(void *arg)
{
    goc_chan(int) a = goc_chan_make(int, 0);
    goc_select(goc_on_recv(a, NULL), goc_on_send(a, 3));
}
static void send_closed(void *arg)
{
    goc_chan(int) a = goc_chan_make(int, 0);
    goc_close(a);
    goc_select(goc_on_send(a, 3), goc_on_default());
}
static void waiting_send_closed(void *arg)
{
    goc_chan(int) a = goc_chan_make(int, 0);
    go(close_later, a);
    goc_select(goc_on_send(a, 3));
}
static void too_many(void *arg)
{
    goc_select_n(calloc(65537, sizeof(goc_case)), 65537);
}
static void not_a_case(void *arg)
{
    goc_case c[2] = {goc_on_timeout(1)};
    goc_select_n(c, 2);
}

static const struct unit_ending endings[] = {
    {no_case, "goroutine 1 [select (no cases)]:"},
    {only_null, "goroutine 1 [select]:"},
    {never, "\ngoroutine 1 [select]:"},
    {send_closed, "panic: send on closed channel"},
    {waiting_send_closed, "panic: send on closed channel"},
    {too_many, "panic: goc_select_n: too many cases"},
    {not_a_case, "panic: goc_select_n: case 1 is not one"},
};

UNIT_ENDS_WITH(endings)

UNIT_MAIN("select", 60, index_and_value, default_only_if_nothing_is_ready, uniform_among_ready,
          waits_for_any, same_channel_in_several_cases, timeouts, timeout_races_with_value,
          cases_built_at_run_time, many_cases_that_wait, operands_are_evaluated_once, ends_with)
