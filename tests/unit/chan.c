/*
 * chan.c - what a channel promises: order, blocking, closing, the nil channel, sizes; and what
 * misuse says. Each test runs with one, two and eight Ps.
 */
#include "../e2e/turns.h"
#include "common.h"

#include <goc/chan.h>
#include <goc/go.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <string.h>

/* --- order and blocking ----------------------------------------------------------------------- */

static void send_n(goc_send_chan(int) ch, int n)
{
    for (int i = 0; i < n; i++)
        goc_send(ch, i);
    goc_close(ch);
}

START_TEST(in_order)
{
    AT_ALL_PS
    {
        static const int caps[] = {0, 1, 2, 7, 128};
        for (size_t k = 0; k < sizeof caps / sizeof *caps; k++) {
            goc_chan(int) ch = goc_chan_make(int, caps[k]);
            go(send_n, ch, 1000);
            int want = 0;
            goc_range(v, ch) {
                ck_assert_int_eq(v, want);
                want++;
            }
            ck_assert_int_eq(want, 1000);
            goc_chan_free(ch);
        }
    }
}
END_TEST

static void note_send(goc_chan(int) ch, int *stage)
{
    __atomic_store_n(stage, 1, __ATOMIC_SEQ_CST);
    goc_send(ch, 7);
    __atomic_store_n(stage, 2, __ATOMIC_SEQ_CST);
}

START_TEST(unbuffered_send_waits_for_receiver)
{
    AT_ALL_PS
    {
        goc_chan(int) ch = goc_chan_make(int, 0);
        int stage = 0;
        go(note_send, ch, &stage);
        until_blocked();
        ck_assert_int_eq(__atomic_load_n(&stage, __ATOMIC_SEQ_CST), 1);
        ck_assert_int_eq(goc_recv(ch), 7);
        while (__atomic_load_n(&stage, __ATOMIC_SEQ_CST) != 2)
            goc_gosched();
        goc_chan_free(ch);
    }
}
END_TEST

START_TEST(buffered_send_waits_when_full)
{
    AT_ALL_PS
    {
        goc_chan(int) ch = goc_chan_make(int, 2);
        int stage = 0;
        goc_send(ch, 1);
        goc_send(ch, 2);
        go(note_send, ch, &stage);
        until_blocked();
        ck_assert_int_eq(__atomic_load_n(&stage, __ATOMIC_SEQ_CST), 1);
        ck_assert_int_eq(goc_len(ch), 2);
        ck_assert_int_eq(goc_cap(ch), 2);
        ck_assert_int_eq(goc_recv(ch), 1);
        ck_assert_int_eq(goc_recv(ch), 2);
        ck_assert_int_eq(goc_recv(ch), 7);
        while (__atomic_load_n(&stage, __ATOMIC_SEQ_CST) != 2)
            goc_gosched();
        goc_chan_free(ch);
    }
}
END_TEST

static void send_one(goc_chan(int) ch, int v)
{
    goc_send(ch, v);
}

/* With one P the waiters queue up in the order of their go statements' turns, and leave in it. */
START_TEST(waiting_senders_first_come_first_served)
{
    goc_gomaxprocs(1);
    goc_chan(int) ch = goc_chan_make(int, 0);
    for (int i = 0; i < 100; i++) {
        go(send_one, ch, i);
        goc_gosched();
    }
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(goc_recv(ch), i);
    goc_chan_free(ch);
}
END_TEST

/* --- try -------------------------------------------------------------------------------------- */

START_TEST(try_never_blocks)
{
    goc_chan(int) none = NULL, sync = goc_chan_make(int, 0), buf = goc_chan_make(int, 1);
    int v = 5;
    ck_assert(!goc_try_send(none, 1));
    ck_assert(!goc_try_recv(none, &v));
    ck_assert(!goc_try_send(sync, 1));
    ck_assert(!goc_try_recv(sync, &v));
    ck_assert(goc_try_send(buf, 1));
    ck_assert(!goc_try_send(buf, 2));
    ck_assert_int_eq(v, 5);
    ck_assert(goc_try_recv(buf, &v));
    ck_assert_int_eq(v, 1);
    ck_assert(!goc_try_recv(buf, &v));
    go(send_one, sync, 9);
    while (!goc_try_recv(sync, &v))
        goc_gosched();
    ck_assert_int_eq(v, 9);
    goc_send(buf, 4);
    goc_close(buf);
    ck_assert(goc_try_recv(buf, NULL));
    v = 5;
    ck_assert(!goc_try_recv(buf, &v));
    ck_assert_int_eq(v, 0);
    goc_chan_free(sync);
    goc_chan_free(buf);
    goc_chan_free(none);
}
END_TEST

/* --- close ------------------------------------------------------------------------------------ */

START_TEST(close_drains_then_zero)
{
    goc_chan(int) ch = goc_chan_make(int, 3);
    bool ok;
    int v;
    goc_send(ch, 1);
    goc_send(ch, 2);
    goc_close(ch);
    ck_assert_int_eq(goc_len(ch), 2);
    ok = goc_recv_ok(ch, &v);
    ck_assert(ok && v == 1);
    ck_assert_int_eq(goc_recv(ch), 2);
    v = 77;
    ok = goc_recv_ok(ch, &v);
    ck_assert(!ok && v == 0);
    ck_assert_int_eq(goc_recv(ch), 0);
    ok = goc_recv_ok(ch, NULL);
    ck_assert(!ok);
    goc_chan_free(ch);
}
END_TEST

static void recv_closed(goc_chan(int) ch, goc_waitgroup *wg)
{
    int v = 3;
    bool ok = goc_recv_ok(ch, &v);
    ck_assert(!ok && v == 0);
    goc_waitgroup_done(wg);
}

START_TEST(close_wakes_all_receivers)
{
    AT_ALL_PS
    {
        goc_chan(int) ch = goc_chan_make(int, 0);
        goc_waitgroup wg = {0};
        goc_waitgroup_add(&wg, 50);
        for (int i = 0; i < 50; i++)
            go(recv_closed, ch, &wg);
        goc_sleep(2 * GOC_MILLISECOND);
        goc_close(ch);
        goc_waitgroup_wait(&wg);
        goc_chan_free(ch);
    }
}
END_TEST

/* --- element types ---------------------------------------------------------------------------- */

struct big {
    unsigned char byte[65536];
};
struct odd {
    char c[3];
};

static goc_chan(struct big) big_chan;
static void send_big(void *b)
{
    goc_send(big_chan, *(struct big *)b);
}

START_TEST(sizes_from_nothing_to_64k)
{
    goc_chan(goc_unit) unit = goc_chan_make(goc_unit, 2);
    goc_send(unit, GOC_UNIT);
    goc_send(unit, GOC_UNIT);
    ck_assert(!goc_try_send(unit, GOC_UNIT));
    goc_recv(unit);
    ck_assert_int_eq(goc_len(unit), 1);
    goc_chan_free(unit);

    goc_chan(struct odd) odd = goc_chan_make(struct odd, 3);
    for (int i = 0; i < 3; i++)
        goc_send(odd, (struct odd){{'a', 'b', (char)('c' + i)}});
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(goc_recv(odd).c[2], 'c' + i);
    goc_chan_free(odd);

    static struct big big, got;
    memset(&big, 0x5a, sizeof big);
    goc_chan(struct big) ch = goc_chan_make(struct big, 1);
    goc_send(ch, big);
    ck_assert(goc_recv_ok(ch, &got));
    ck_assert(!memcmp(&big, &got, sizeof big));
    goc_chan_free(ch);

    memset(&got, 0, sizeof got);
    ch = goc_chan_make(struct big, 0);
    big_chan = ch;
    goc_go_stack(1 << 20, send_big, &big); /* the value passes through the sender's stack */
    ck_assert(goc_recv_ok(ch, &got));
    ck_assert(!memcmp(&big, &got, sizeof big));
    goc_chan_free(ch);
}
END_TEST

START_TEST(channels_of_channels)
{
    goc_chan(goc_chan(int)) cc = goc_chan_make(goc_chan(int), 1);
    goc_chan(int) ch = goc_chan_make(int, 1);
    goc_send(cc, ch);
    goc_send(goc_recv(cc), 42);
    goc_send(cc, ch);
    ck_assert_int_eq(goc_recv(goc_recv(cc)), 42);
    goc_chan_free(ch);
    goc_chan_free(cc);
}
END_TEST

static int evaluations;
static goc_chan(int) counted(goc_chan(int) ch)
{
    evaluations++;
    return ch;
}
static int counted_value(int v)
{
    evaluations++;
    return v;
}

START_TEST(operands_are_evaluated_once)
{
    goc_chan(int) ch = goc_chan_make(int, 8);
    int v;
    evaluations = 0;
    goc_send(counted(ch), counted_value(1));
    ck_assert_int_eq(evaluations, 2);
    goc_try_send(counted(ch), counted_value(2));
    ck_assert_int_eq(evaluations, 4);
    ck_assert_int_eq(goc_recv(counted(ch)), 1);
    ck_assert_int_eq(evaluations, 5);
    goc_recv_ok(counted(ch), &v);
    ck_assert_int_eq(evaluations, 6);
    goc_send(ch, 1);
    goc_send(ch, 2);
    goc_close(counted(ch));
    int sum = 0;
    goc_range(x, counted(ch)) {
        if (x == 1)
            continue;
        sum += x;
    }
    ck_assert_int_eq(evaluations, 8);
    ck_assert_int_eq(sum, 2);
    goc_chan_free(ch);
}
END_TEST

/* --- NULL, misuse ----------------------------------------------------------------------------- */

static void nil_recv(void *arg)
{
    goc_chan(int) ch = NULL;
    goc_recv(ch);
}
static void nil_send(void *arg)
{
    goc_chan(int) ch = NULL;
    goc_send(ch, 1);
}
static void nil_close(void *arg)
{
    goc_chan(int) ch = NULL;
    goc_close(ch);
}
static void close_twice(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_close(ch);
    goc_close(ch);
}
static void send_closed(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    goc_close(ch);
    goc_send(ch, 1);
}
static void try_send_closed(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_close(ch);
    goc_try_send(ch, 1);
}
static void close_later(goc_chan(int) ch)
{
    goc_close(ch);
}
static void waiting_send_closed(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(close_later, ch);
    goc_send(ch, 1);
}
static void free_in_use(void *arg)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(send_one, ch, 1);
    until_blocked();
    goc_chan_free(ch);
}
static void negative_cap(void *arg)
{
    int n = -1;
    goc_chan_make(int, n);
}
static void huge_cap(void *arg)
{
    goc_chan_make(long, INT64_MAX);
}
static void no_memory(void *arg)
{
    goc_chan_make(struct big, INT32_MAX);
}
static void big_element(void *arg)
{
    struct bigger {
        char byte[65537];
    };
    goc_chan_make(struct bigger, 0);
}
static void all_asleep_recv(void *arg)
{
    goc_recv(goc_chan_make(int, 0));
}
static void all_asleep_send(void *arg)
{
    goc_send(goc_chan_make(int, 0), 1);
}

static const struct unit_ending endings[] = {
    {nil_recv, "goroutine 1 [chan receive (nil chan)]:"},
    {nil_send, "goroutine 1 [chan send (nil chan)]:"},
    {nil_recv, "fatal error: all goroutines are asleep - deadlock!\n"},
    {all_asleep_recv, "goroutine 1 [chan receive]:"},
    {all_asleep_send, "goroutine 1 [chan send]:"},
    {nil_close, "panic: close of nil channel"},
    {close_twice, "panic: close of closed channel"},
    {send_closed, "panic: send on closed channel"},
    {try_send_closed, "panic: send on closed channel"},
    {waiting_send_closed, "panic: send on closed channel"},
    {free_in_use, "fatal error: goc_chan_free of a channel that a goroutine waits on"},
    {negative_cap, "panic: makechan: size out of range"},
    {huge_cap, "panic: makechan: size out of range"},
    {no_memory, "panic: makechan: size out of range"},
    {big_element, "panic: makechan: invalid channel element type"},
};

UNIT_ENDS_WITH(endings)

UNIT_MAIN("chan", 60, in_order, unbuffered_send_waits_for_receiver, buffered_send_waits_when_full,
          waiting_senders_first_come_first_served, try_never_blocks, close_drains_then_zero,
          close_wakes_all_receivers, sizes_from_nothing_to_64k, channels_of_channels,
          operands_are_evaluated_once, ends_with)
