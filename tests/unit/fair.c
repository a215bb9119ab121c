/*
 * fair.c - nobody waits for ever, and who was made ready comes before those that have had their time.
 *
 * No clock is asked. A test of starvation ends when the one that could starve has done its share (a run
 * that does not is ended by the time limit of the program); a test of order counts what others did
 * between two events.
 */
#include "common.h"

#include <goc.h>
#include <stdatomic.h>

static atomic_bool over;

static void computes(volatile long *done, long share)
{
    for (long i = 0; i < share; i++)
        ++*done;
    over = true;
}

static void returns_all(goc_chan(int) in, goc_chan(int) out)
{
    for (int v; goc_recv_ok(in, &v);)
        goc_send(out, v);
}

/* Two that hand each other the front of the queue, and a timer that is set but far from due: a loop,
   once interrupted, still gets its turns. */
static void play_beside_a_loop(void)
{
    goc_chan(int) there = goc_chan_make(int, 0), back = goc_chan_make(int, 0);
    volatile long done = 0;
    go(returns_all, there, back);
    go(computes, &done, 60000000L);
    for (int i = 0; !over; i++) {
        goc_send(there, i);
        ck_assert_int_eq(goc_recv(back), i);
    }
    goc_close(there);
}
START_TEST(a_pair_does_not_starve_a_loop)
{
    goc_gomaxprocs(1);
    play_beside_a_loop();
}
END_TEST
START_TEST(nor_with_a_timer_set)
{
    goc_gomaxprocs(1);
    goc_timer *far = goc_timer_new(60 * GOC_MINUTE);
    play_beside_a_loop();
    goc_timer_free(far);
}
END_TEST

/* Two that are always woken by timers, which put them next. */
static void naps(atomic_long *turns)
{
    while (!over) {
        goc_sleep(1);
        ++*turns;
    }
}
static void wakes_other(goc_chan(int) mine, goc_chan(int) others, atomic_long *turns)
{
    while (!over) {
        goc_timer *t = goc_timer_new(0);
        goc_select(goc_on_recv(goc_timer_chan(t), NULL), goc_on_recv(mine, NULL));
        goc_timer_free(t);
        goc_select(goc_on_send(others, 1), goc_on_default());
        ++*turns;
    }
}
START_TEST(sleepers_do_not_starve_a_loop)
{
    goc_gomaxprocs(1);
    atomic_long turns[2] = {0};
    volatile long done = 0;
    go(naps, &turns[0]);
    go(naps, &turns[1]);
    computes(&done, 60000000);
    while (!turns[0] || !turns[1])
        goc_gosched();
}
END_TEST
START_TEST(timers_do_not_starve_a_loop)
{
    goc_gomaxprocs(1);
    atomic_long turns[2] = {0};
    volatile long done = 0;
    goc_chan(int) a = goc_chan_make(int, 1), b = goc_chan_make(int, 1);
    go(wakes_other, a, b, &turns[0]);
    go(wakes_other, b, a, &turns[1]);
    computes(&done, 60000000);
    while (!turns[0] || !turns[1])
        goc_gosched();
}
END_TEST
/* The third one never computes, it only yields. */
START_TEST(sleepers_do_not_starve_who_yields)
{
    goc_gomaxprocs(1);
    atomic_long turns[2] = {0};
    go(naps, &turns[0]);
    go(naps, &turns[1]);
    for (int i = 0; i < 20000 || !turns[0] || !turns[1]; i++)
        goc_gosched();
    over = true;
}
END_TEST

/* Goroutines that start goroutines and end, without a pause: the loop was interrupted, and is behind
   all that. */
static void starts_the_next(void)
{
    if (!over)
        go(starts_the_next);
}
START_TEST(a_chain_of_starts_does_not_starve_a_loop)
{
    goc_gomaxprocs(1);
    volatile long done = 0;
    for (int i = 0; i < 3; i++)
        go(starts_the_next);
    computes(&done, 60000000);
}
END_TEST

/* --- who comes first --- */

static volatile long sink[3];
static void loops(int i)
{
    while (!over)
        ++sink[i];
}
static atomic_bool ran;
static long seen[2];
static void notes_the_loops(goc_chan(goc_unit) ch)
{
    while (goc_recv_ok(ch, NULL)) {
        seen[0] = sink[0];
        seen[1] = sink[1];
        ran = true;
    }
}
/* Three loops share one P, all interrupted before. One of them makes somebody ready, and goes on: that
   one runs when the loop is interrupted, not when the two others have had a slice each. Every 61st slice
   is theirs all the same. */
START_TEST(ready_comes_before_spent)
{
    goc_gomaxprocs(1);
    goc_chan(goc_unit) ch = goc_chan_make(goc_unit, 1);
    go(loops, 0);
    go(loops, 1);
    go(notes_the_loops, ch);
    enum { ROUNDS = 12 };
    int behind = 0;
    for (int round = 0; round < ROUNDS; round++) {
        long a = sink[0], b = sink[1];
        while (sink[0] == a || sink[1] == b)
            ++sink[2];
        ran = false;
        a = sink[0], b = sink[1];
        goc_send(ch, GOC_UNIT);
        while (!ran)
            ++sink[2];
        behind += seen[0] != a || seen[1] != b;
    }
    over = true;
    ck_assert_int_le(behind, ROUNDS / 3);
}
END_TEST

UNIT_MAIN("fair", 60, a_pair_does_not_starve_a_loop, nor_with_a_timer_set,
          sleepers_do_not_starve_a_loop, timers_do_not_starve_a_loop,
          sleepers_do_not_starve_who_yields, a_chain_of_starts_does_not_starve_a_loop,
          ready_comes_before_spent)
