/*
 * go.c - what the go statement and the scheduler's calls promise, and what goroutines have to do with
 * threads. Each test runs with one, two and eight Ps where that can matter. How goroutines end is in
 * panic.c.
 */
#include "../e2e/turns.h"
#include "../cross/mix.h"
#include "common.h"

#include <fcntl.h>
#include <fenv.h>
#include <goc.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int n;

static void until(int value)
{
    while (atomic_load(&n) != value)
        goc_gosched();
}

/* --- go --- */

enum colour { RED, GREEN };
static char text[] = "x";

static void six(int a, long b, char *c, bool d, short e, unsigned long f)
{
    if (a == -1 && b == 1L << 40 && c == text && d && e == -3 && f == ~0ul)
        n++;
}
static void three(enum colour a, signed char b, const void *c)
{
    if (a == GREEN && b == -7 && !c)
        n++;
}
static int returns(int *p)
{
    n += *p;
    return 5;
}
static void none(void)
{
    n++;
}

START_TEST(go_passes_arguments)
{
    AT_ALL_PS
    {
        n = 0;
        int one = 1, evaluated = 0;
        for (int i = 0; i < 100; i++) {
            go(six, -1, 1L << 40, text, true, -3, ~0ul);
            go(three, GREEN, -7, NULL);
            go(returns, (evaluated++, &one));
            go(none);
        }
        until(400);
        ck_assert_int_eq(evaluated, 100);
        void (*pointer)(void) = none;
        go(pointer);
        if (one)
            go(none);
        else
            go(pointer);
        until(402);
    }
}
END_TEST

static void spawns(int depth)
{
    if (depth)
        for (int i = 0; i < 4; i++)
            go(spawns, depth - 1);
    n++;
}

START_TEST(go_from_goroutines)
{
    AT_ALL_PS
    {
        n = 0;
        go(spawns, 6);
        until((4 * 4 * 4 * 4 * 4 * 4 * 4 - 1) / 3);
        while (goc_numgoroutine() != 1)
            goc_gosched();
    }
}
END_TEST

/* A spawned goroutine runs after those spawned before it, but for the last one, which is next. */
static int order[8], order_n;
static void note(int i)
{
    order[order_n++] = i;
}
START_TEST(last_spawned_runs_next)
{
    goc_gomaxprocs(1);
    for (int i = 0; i < 4; i++)
        go(note, i);
    while (order_n < 4)
        goc_gosched();
    ck_assert_int_eq(order[0], 3);
    ck_assert_int_eq(order[1], 0);
    ck_assert_int_eq(order[2], 1);
    ck_assert_int_eq(order[3], 2);
}
END_TEST

START_TEST(go_nil)
{
    static struct unit_end end;
    extern void go_nil_child(void *);
    unit_child(&end, go_nil_child, NULL, 10);
    unit_assert_end(&end, 2, "fatal error: go of nil func value\n\ngoroutine 1 [running]:\n");
}
END_TEST
void go_nil_child(void *arg)
{
    goc_go(NULL, NULL);
}

/* --- scheduling --- */

START_TEST(counts)
{
    ck_assert_int_ge(goc_numcpu(), 1);
    ck_assert_int_eq(goc_numgoroutine(), 1);
    int old = goc_gomaxprocs(3);
    ck_assert_int_ge(old, 1);
    ck_assert_int_eq(goc_gomaxprocs(0), 3);
    ck_assert_int_eq(goc_gomaxprocs(-1), 3);
    ck_assert_int_eq(goc_gomaxprocs(1 << 20), 3);
    ck_assert_int_ge(goc_gomaxprocs(2), 256);
}
END_TEST

static atomic_bool stop;
static void yields(void)
{
    while (!stop)
        goc_gosched();
    n--;
}
START_TEST(gomaxprocs_changes_under_load)
{
    n = 50;
    for (int i = 0; i < 50; i++)
        go(yields);
    for (int i = 0; i < 200; i++) {
        goc_gomaxprocs(1 + i % 7);
        goc_sleep(100 * GOC_MICROSECOND);
    }
    stop = true;
    until(0);
}
END_TEST

/* Who ran on a P too many has stopped when the call returns, a loop that has the machine to itself included:
   while main computes, the loops stand still. (They go on when main's slice is over: a few times of the
   many. A machine that gives the other threads no time lets it pass, and never fail.) */
static atomic_long turned;
static void counts_on(void)
{
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        atomic_fetch_add_explicit(&turned, 1, memory_order_relaxed);
    n--;
}
START_TEST(gomaxprocs_lowered_stops_the_others)
{
    for (int round = 0; round < 5; round++) {
        goc_gomaxprocs(3);
        stop = false;
        n = 2;
        go(counts_on);
        go(counts_on);
        for (long was = turned; turned == was;)
            goc_gosched();
        goc_gomaxprocs(1);
        int still = 0;
        for (int i = 0; i < 200; i++) {
            long was = turned;
            for (volatile int k = 0; k < 10000; k++)
                ;
            still += turned == was;
        }
        ck_assert_int_gt(still, 100);
        stop = true;
        until(0);
    }
}
END_TEST

/* Two that hand each other the front of the queue do not keep a third one out. */
static goc_chan(int) ping, pong;
static void player(goc_chan(int) in, goc_chan(int) out)
{
    while (!stop) {
        goc_recv(in);
        goc_send(out, 1);
    }
}
START_TEST(runnext_does_not_starve)
{
    goc_gomaxprocs(1);
    ping = goc_chan_make(int, 1);
    pong = goc_chan_make(int, 1);
    go(player, ping, pong);
    go(player, pong, ping);
    goc_send(ping, 1);
    for (int i = 0; i < 1000; i++)
        goc_gosched();
    stop = true;
}
END_TEST

static volatile long spin_sink;
static void spins(void)
{
    while (!stop)
        spin_sink++;
}
START_TEST(a_loop_is_preempted)
{
    goc_gomaxprocs(1);
    for (int i = 0; i < 3; i++)
        go(spins);
    for (int i = 0; i < 10; i++)
        goc_sleep(GOC_MILLISECOND);
    for (int i = 0; i < 10; i++)
        goc_gosched();
    stop = true;
}
END_TEST

/* Every register that the compiler uses, general and vector, comes back as it was. */
static double expected;
static long mix_rounds;
static void mixes(void)
{
    for (int i = 0; i < 3; i++)
        if (mix(mix_rounds, 1.25) != expected)
            abort();
    n++;
}
START_TEST(preemption_keeps_registers)
{
    mix_rounds = 3000000;
    expected = mix(mix_rounds, 1.25);
    goc_gomaxprocs(1);
    for (int i = 0; i < 6; i++)
        go(mixes);
    while (n != 6)
        goc_sleep(GOC_MILLISECOND);
}
END_TEST

/* Both block at once, and main goes on. */
static int gate[2]; /* a pipe */
static atomic_int at_gate;
static void waits_at_gate(void)
{
    char c;
    at_gate++;
    if (read(gate[0], &c, 1) == 1)
        n++;
}
START_TEST(a_blocking_call_does_not_stop_others)
{
    goc_gomaxprocs(1);
    ck_assert_int_eq(pipe(gate), 0);
    go(waits_at_gate);
    go(waits_at_gate);
    while (at_gate != 2)
        goc_gosched();
    for (int i = 0; i < 5; i++)
        goc_sleep(GOC_MILLISECOND);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(write(gate[1], "go", 2), 2);
    while (n != 2)
        goc_sleep(GOC_MILLISECOND);
}
END_TEST

/* Two loops have taken turns if one has seen the other stand still for some milliseconds. */
static long turns;
static goc_waitgroup turns_wg;
static void sleeps_then_loops(int *stop)
{
    usleep(100000);
    while (!__atomic_load_n(stop, __ATOMIC_RELAXED))
        __atomic_store_n(&turns, turns + 1, __ATOMIC_RELAXED);
    goc_waitgroup_done(&turns_wg);
}
START_TEST(back_from_a_blocking_call_it_gets_in_line)
{
    int stop = 0;
    goc_gomaxprocs(1);
    goc_waitgroup_add(&turns_wg, 1);
    go(sleeps_then_loops, &stop);
    for (int still = 0; still < 20;) {
        long seen = __atomic_load_n(&turns, __ATOMIC_RELAXED);
        for (volatile int i = 0; i < 300000; i++)
            ;
        still = seen && seen == __atomic_load_n(&turns, __ATOMIC_RELAXED) ? still + 1 : 0;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    goc_waitgroup_wait(&turns_wg);
}
END_TEST

static void blocks(void *arg)
{
    while (n < 10)
        usleep(1000);
    errno = ENOTTY;
}
static void ticks(void)
{
    for (int i = 0; i < 20; i++) {
        goc_sleep(GOC_MILLISECOND);
        n++;
    }
}
START_TEST(blocking)
{
    goc_gomaxprocs(1);
    go(ticks);
    goc_blocking(blocks, NULL);
    ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

static void locked(void)
{
    goc_lock_os_thread();
    goc_lock_os_thread();
    long id = syscall(SYS_gettid);
    for (int i = 0; i < 50; i++) {
        if (i % 10)
            goc_gosched();
        else
            goc_sleep(100 * GOC_MICROSECOND);
        if (syscall(SYS_gettid) != id)
            abort();
        if (i == 25)
            goc_unlock_os_thread();
    }
    goc_unlock_os_thread();
    n++;
}
START_TEST(locked_to_a_thread)
{
    AT_ALL_PS
    {
        n = 0;
        for (int i = 0; i < 5; i++)
            go(locked);
        until(5);
    }
}
END_TEST

/* Who ends without having unlocked takes the thread along; one that has unlocked leaves it. */
static void spoils_its_thread(int *tid)
{
    goc_lock_os_thread();
    goc_gosched();
    *tid = gettid();
    n++;
}
static bool thread_is_there(int tid)
{
    return syscall(SYS_tgkill, getpid(), tid, 0) == 0;
}
START_TEST(a_spoilt_thread_ends)
{
    static int tid[200];
    AT_ALL_PS
    {
        n = 0;
        for (int i = 0; i < 200; i++) {
            go(spoils_its_thread, &tid[i]);
            if (i % 10 == 9)
                until(i + 1);
        }
        for (int i = 0; i < 200; i++)
            while (tid[i] != getpid() && thread_is_there(tid[i]))
                goc_sleep(GOC_MILLISECOND);
    }
}
END_TEST
static void errno_stays(int value)
{
    errno = value;
    for (int i = 0; i < 100; i++) {
        goc_gosched();
        if (errno != value)
            abort();
    }
    n++;
}
START_TEST(errno_is_the_goroutines)
{
    AT_ALL_PS
    {
        n = 0;
        for (int i = 0; i < 20; i++)
            go(errno_stays, i);
        until(20);
    }
}
END_TEST

/* --- memory that was needed once ---------------------------------------------------------------- */

static size_t resident(void)
{
    unsigned long all, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert(f && fscanf(f, "%lu %lu", &all, &pages) == 2);
    fclose(f);
    return pages * 4096;
}
static __attribute__((noinline)) void touch(size_t n)
{
    char room[n];
    memset(room, 1, n);
    __asm__ volatile("" ::"r"(room) : "memory");
}
static void was_deep(goc_chan(int) gate, goc_waitgroup *wg)
{
    touch(60 << 10);
    goc_recv(gate);
    goc_waitgroup_done(wg);
}

/* However long it takes, the pages that deep stacks had come back: while the program sleeps, and while
   it has something to do. */
START_TEST(pages_of_stacks_come_back)
{
    enum { N = 5000 };
    for (int busy = 0; busy < 2; busy++) {
        goc_waitgroup wg = {0};
        goc_chan(int) gate = goc_chan_make(int, 0);
        goc_waitgroup_add(&wg, N);
        for (int i = 0; i < N; i++)
            go(was_deep, gate, &wg);
        while (resident() < (size_t)N * (56 << 10))
            goc_sleep(GOC_MILLISECOND);
        goc_close(gate);
        goc_waitgroup_wait(&wg);
        while (resident() > (size_t)N * (16 << 10))
            if (busy)
                goc_gosched();
            else
                goc_sleep(2 * GOC_SECOND);
        goc_chan_free(gate);
    }
}
END_TEST

/* How many turns there are in the distances from one stack to the next, which the scheduler guesses
   the next ones by. */
enum { RELAY = 2000 };
static uintptr_t page_of[RELAY];
static void relay(int i, goc_chan(int) left, goc_chan(int) right)
{
    char here;
    page_of[i] = (uintptr_t)&here / 4096;
    goc_send(left, 1 + goc_recv(right));
}
START_TEST(stacks_stay_in_order)
{
    int turns = 0;
    goc_gomaxprocs(1);
    for (int round = 0; round < 100; round++) {
        goc_chan(int) c[RELAY + 1];
        for (int i = 0; i <= RELAY; i++)
            c[i] = goc_chan_make(int, 0);
        for (int i = 0; i < RELAY; i++)
            go(relay, i, c[i], c[i + 1]);
        goc_send(c[RELAY], 0);
        ck_assert_int_eq(goc_recv(c[0]), RELAY);
        turns = 0;
        for (int i = 2; i < RELAY; i++)
            turns += page_of[i] - page_of[i - 1] != page_of[i - 1] - page_of[i - 2];
        for (int i = 0; i <= RELAY; i++)
            goc_chan_free(c[i]);
    }
    ck_assert_int_lt(turns, RELAY / 4); /* about 60, and 24 in the first round */
}
END_TEST

/* --- rounding ----------------------------------------------------------------------------------- */

static int rounded_otherwise;
static void rounds(int how, goc_waitgroup *wg)
{
    if (how >= 0)
        fesetround(how);
    int want = how >= 0 ? how : FE_TONEAREST;
    for (int i = 0; i < 300; i++) {
        if (fegetround() != want)
            __atomic_fetch_add(&rounded_otherwise, 1, __ATOMIC_RELAXED);
        if (i % 3)
            goc_gosched();
        else
            goc_sleep(GOC_MICROSECOND);
    }
    goc_waitgroup_done(wg); /* and ends like that */
}
static void rounds_alone(goc_waitgroup *wg)
{
    fesetround(FE_DOWNWARD);
    for (goc_time begin = goc_now(); goc_now() - begin < 40 * GOC_MILLISECOND;)
        for (volatile int i = 0; i < 1000000; i++) /* is interrupted here */
            ;
    rounds(FE_DOWNWARD, wg);
}
START_TEST(rounding_is_the_goroutines)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        goc_waitgroup_add(&wg, 31);
        for (int i = 0; i < 10; i++) {
            go(rounds, FE_UPWARD, &wg);
            go(rounds, -1, &wg);
            go(rounds, FE_TOWARDZERO, &wg);
        }
        go(rounds_alone, &wg);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(fegetround(), FE_TONEAREST);
        ck_assert_int_eq(rounded_otherwise, 0);
    }
}
END_TEST

/* --- foreign threads --- */

static void *foreign(void *arg)
{
    goc_chan(int) ch = arg;
    goc_send(ch, goc_recv(ch) + 1);
    go(none);
    goc_sleep(100 * GOC_MICROSECOND);
    goc_gosched();
    return NULL;
}
static void *calls_in(void *arg)
{
    goc_send(*(goc_chan(int) *)arg, 1);
    return NULL;
}

/* The program is not dead while a thread is about to call in for the first time. */
START_TEST(a_thread_calls_in_while_all_sleep)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_gomaxprocs(2);
    go(goc_gosched);
    for (int i = 0; i < 1000; i++) {
        pthread_t t;
        ck_assert_int_eq(pthread_create(&t, NULL, calls_in, &ch), 0);
        ck_assert_int_eq(goc_recv(ch), 1);
        ck_assert_int_eq(pthread_join(t, NULL), 0);
    }
    goc_chan_free(ch);
}
END_TEST

START_TEST(foreign_threads)
{
    AT_ALL_PS
    {
        n = 0;
        pthread_t t[4];
        goc_chan(int) ch[4];
        for (int i = 0; i < 4; i++) {
            ch[i] = goc_chan_make(int, 0);
            pthread_create(&t[i], NULL, foreign, ch[i]);
        }
        for (int i = 0; i < 4; i++) {
            goc_send(ch[i], i);
            ck_assert_int_eq(goc_recv(ch[i]), i + 1);
        }
        for (int i = 0; i < 4; i++)
            pthread_join(t[i], NULL);
        until(4);
        while (goc_numgoroutine() != 1)
            goc_gosched();
    }
}
END_TEST

/* --- fork --- */

static void late(goc_chan(int) ch)
{
    goc_sleep(100 * GOC_MILLISECOND);
    goc_send(ch, 7);
}
START_TEST(a_child_has_what_was_parked)
{
    AT_ALL_PS
    {
        goc_chan(int) ch = goc_chan_make(int, 0);
        go(late, ch);
        until_blocked(); /* it is parked: one that runs on another thread is lost in a fork */
        pid_t child = fork();
        if (!child) {
            for (int i = 0; i < 100; i++)
                go(none);
            _exit(goc_recv(ch) == 7 ? 3 : 4);
        }
        int status;
        ck_assert_int_eq(goc_recv(ch), 7);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(WEXITSTATUS(status), 3);
    }
}
END_TEST

/* A program does everything at once, and several of its goroutines start children meanwhile, in each of
   the ways. Whatever a thread held at that instant, the child comes to its exec. */
static void computes(atomic_bool *stop)
{
    for (volatile unsigned i = 0; !*stop; i++)
        ;
    n--;
}
static void in_libc(atomic_bool *stop)
{
    while (!*stop)
        usleep(2000);
    n--;
}
static void talks(goc_chan(int) in, goc_chan(int) out)
{
    for (int v; goc_recv_ok(in, &v);)
        goc_send(out, v);
    goc_close(out);
    n--;
}
static void has_timers(atomic_bool *stop)
{
    while (!*stop) {
        goc_timer *t = goc_timer_new(50 * GOC_MICROSECOND);
        free(malloc(100));
        goc_recv(goc_timer_chan(t));
        goc_timer_free(t);
        go(goc_gosched);
    }
    n--;
}
static void *thread_calls_in(void *stop)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    while (!*(atomic_bool *)stop) {
        goc_send(ch, 1);
        goc_recv(ch);
        goc_gosched();
    }
    goc_chan_free(ch);
    return NULL;
}
static void starts_children(int who, atomic_int *wrong)
{
    for (int i = 0; i < 20; i++) {
        int want = 1 + (who * 20 + i) % 100, status = -1;
        char command[32];
        snprintf(command, sizeof command, "exit %d", want);
        const char *argv[] = {"sh", "-c", command, NULL};
        pid_t child = -1;
        if (i % 4 == 3) { /* a vfork in libc's hands */
            if (posix_spawn(&child, "/bin/sh", NULL, NULL, (char **)argv, environ))
                ++*wrong;
        } else {
            child = fork();
            if (!child) {
                if (i % 4 == 1) { /* as a child does that prepares something */
                    goc_now();
                    fcntl(1, F_GETFD);
                }
                execv("/bin/sh", (char **)argv);
                _exit(127);
            }
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != want)
            ++*wrong;
    }
    n--;
}
START_TEST(children_exec_from_a_busy_program)
{
    AT_ALL_PS
    {
        atomic_bool stop = false;
        atomic_int wrong = 0;
        goc_chan(int) ring[10];
        pthread_t t[3];
        n = 2 + 4 + 9 + 4;
        for (int i = 0; i < 10; i++)
            ring[i] = goc_chan_make(int, 0);
        for (int i = 0; i < 2; i++)
            go(computes, &stop);
        for (int i = 0; i < 4; i++)
            go(in_libc, &stop);
        for (int i = 0; i < 9; i++)
            go(talks, ring[i], ring[i + 1]);
        for (int i = 0; i < 4; i++)
            go(has_timers, &stop);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(pthread_create(&t[i], NULL, thread_calls_in, &stop), 0);
        n += 3;
        for (int i = 0; i < 3; i++)
            go(starts_children, i, &wrong);
        for (int i = 0; n > 2 + 4 + 9 + 4; i++) {
            goc_send(ring[0], i);
            ck_assert_int_eq(goc_recv(ring[9]), i);
        }
        stop = true;
        goc_close(ring[0]);
        int rest;
        ck_assert(!goc_recv_ok(ring[9], &rest));
        for (int i = 0; i < 3; i++)
            pthread_join(t[i], NULL);
        while (n)
            goc_sleep(GOC_MILLISECOND);
        ck_assert_int_eq(wrong, 0);
        for (int i = 0; i < 10; i++)
            goc_chan_free(ring[i]);
    }
}
END_TEST

UNIT_MAIN("go", 60, go_passes_arguments, go_from_goroutines, last_spawned_runs_next, go_nil, counts,
          gomaxprocs_changes_under_load, gomaxprocs_lowered_stops_the_others, runnext_does_not_starve, a_loop_is_preempted,
          preemption_keeps_registers, a_blocking_call_does_not_stop_others,
          back_from_a_blocking_call_it_gets_in_line, blocking, locked_to_a_thread,
          a_spoilt_thread_ends, errno_is_the_goroutines, foreign_threads,
          rounding_is_the_goroutines, a_thread_calls_in_while_all_sleep, pages_of_stacks_come_back,
          stacks_stay_in_order, a_child_has_what_was_parked, children_exec_from_a_busy_program)
