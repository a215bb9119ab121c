/*
 * det_lockorder.c - lock order, driven through the detector's own events.
 *
 * One thread plays all goroutines: a record each, whose locks, unlocks and synchronisations are told to
 * the detector in the order of the test. So each case is exact, and the twin of every potential
 * deadlock is the same sequence with the one thing that prevents it. A random test compares the component
 * graph with a plain search.
 */
#include "common.h"
#include "facts.h"
#include "goroutine.h"
#include "lockgraph.h"
#include "order.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t mem[4096] __attribute__((aligned(64)));
static char heap_like[1 << 20] __attribute__((aligned(64)));
#define A (&mem[0])
#define B (&mem[8])
#define C (&mem[16])
#define D (&mem[24])
#define GATE (&mem[32])
#define CHAN (&mem[40])

static struct race_g *goroutine(struct race_g *creator)
{
    static uint64_t goid = 1;
    det_init();
    struct race_g *g = g_new(creator, ++goid, 0, 0, 0);
    if (creator)
        order_pass(creator, g);
    return g;
}

/* Each place that locks has a pc of its own, so that findings differ. */
static void lock_at_pc(struct race_g *g, const void *l, int mode, uintptr_t pc)
{
    lock_event_locked(g, mode & 64 ? HOOK_OBJ_RWMUTEX : HOOK_OBJ_MUTEX, l, mode & 63, pc);
}
static void unlock(struct race_g *g, const void *l, int mode)
{
    lock_event_unlock(g, mode & 64 ? HOOK_OBJ_RWMUTEX : HOOK_OBJ_MUTEX, l, mode & 63, 1);
}
#define RW 64
#define R (64 | HOOK_READ)
#define TRY HOOK_TRY
#define LOCK(g, l, mode) lock_at_pc(g, l, mode, 0x400000 + __LINE__ * 16)
#define UNLOCK unlock

static void send(struct race_g *g, const void *ch)
{
    order_release(g, ch);
}
static void receive(struct race_g *g, const void *ch)
{
    order_acquire(g, ch);
}

static void both(struct race_g *g, const void *x, const void *y)
{
    LOCK(g, x, 0);
    LOCK(g, y, 0);
    UNLOCK(g, y, 0);
    UNLOCK(g, x, 0);
}

#define FOUND(n) ck_assert_uint_eq(det_findings(), n)

START_TEST(opposite_orders)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, A, B);
    FOUND(0);
    both(b, B, A);
    FOUND(1);
    both(b, B, A);
    both(a, A, B);
    FOUND(1);
}
END_TEST

START_TEST(one_goroutine_alone)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, A, B);
    both(a, B, A);
    FOUND(0);
    both(b, A, B);
    FOUND(1);
}
END_TEST

START_TEST(same_order)
{
    for (int i = 0; i < 10; i++)
        both(goroutine(NULL), A, B);
    FOUND(0);
}
END_TEST

START_TEST(gate)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    LOCK(a, GATE, 0);
    both(a, A, B);
    UNLOCK(a, GATE, 0);
    LOCK(b, GATE, 0);
    both(b, B, A);
    UNLOCK(b, GATE, 0);
    FOUND(0);
}
END_TEST

/* Under the gate when the first lock is taken, no longer when the second is wanted. */
START_TEST(gate_left_early)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    LOCK(a, GATE, 0);
    LOCK(a, A, 0);
    UNLOCK(a, GATE, 0);
    LOCK(a, B, 0);
    UNLOCK(a, B, 0);
    UNLOCK(a, A, 0);
    LOCK(b, GATE, 0);
    LOCK(b, B, 0);
    UNLOCK(b, GATE, 0);
    LOCK(b, A, 0);
    UNLOCK(b, A, 0);
    UNLOCK(b, B, 0);
    FOUND(1);
}
END_TEST

START_TEST(gate_of_readers_is_none)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    LOCK(a, GATE, R);
    both(a, A, B);
    UNLOCK(a, GATE, R);
    LOCK(b, GATE, R);
    both(b, B, A);
    UNLOCK(b, GATE, R);
    FOUND(1);
}
END_TEST

START_TEST(long_cycle)
{
    enum { N = 300 };
    struct race_g *g[N];
    for (int i = 0; i < N; i++)
        g[i] = goroutine(NULL);
    for (int i = 0; i < N - 1; i++)
        both(g[i], &mem[8 * i], &mem[8 * i + 8]);
    FOUND(0);
    both(g[N - 1], &mem[8 * (N - 1)], &mem[0]);
    FOUND(1);
}
END_TEST

START_TEST(philosophers_with_one_left_handed)
{
    enum { N = 50 };
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < N; i++) {
            struct race_g *g = goroutine(NULL);
            if (i == N - 1)
                both(g, &mem[0], &mem[8 * i]);
            else
                both(g, &mem[8 * i], &mem[8 * i + 8]);
        }
    FOUND(0);
}
END_TEST

/* Kept apart by the go statement: the first half is over when the second one is started. */
START_TEST(ordered_by_go)
{
    struct race_g *a = goroutine(NULL);
    both(a, A, B);
    struct race_g *b = goroutine(a);
    both(b, B, A);
    FOUND(0);
    both(a, A, B); /* but this one is not */
    FOUND(1);
}
END_TEST

START_TEST(ordered_by_channel)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, A, B);
    send(a, CHAN);
    receive(b, CHAN);
    both(b, B, A);
    FOUND(0);
}
END_TEST

START_TEST(ordered_the_wrong_way)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    send(a, CHAN);
    both(a, A, B);
    receive(b, CHAN);
    both(b, B, A);
    FOUND(1);
}
END_TEST

/* A third one carries the order on; the lock's own hand-over orders nothing. */
START_TEST(ordered_through_others)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL), *c = goroutine(NULL);
    both(a, A, B);
    send(a, CHAN);
    receive(c, CHAN);
    send(c, CHAN + 1);
    receive(b, CHAN + 1);
    both(b, B, A);
    FOUND(0);
    both(c, A, B);
    FOUND(1);
}
END_TEST

/* The dominated instance is forgotten, the one that can still meet is not. */
START_TEST(repeats_keep_the_last)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    for (int i = 0; i < 1000; i++) {
        both(a, A, B);
        send(a, CHAN);
    }
    receive(b, CHAN);
    both(b, B, A);
    FOUND(0);
    both(a, A, B);
    FOUND(1);
}
END_TEST

START_TEST(try_lock_waits_for_nobody)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL), *c = goroutine(NULL);
    both(a, A, B);
    LOCK(b, B, 0);
    LOCK(b, A, TRY);
    UNLOCK(b, A, 0);
    UNLOCK(b, B, 0);
    FOUND(0);
    /* Held by trylock it is held all the same. */
    LOCK(c, B, TRY);
    LOCK(c, A, 0);
    UNLOCK(c, A, 0);
    UNLOCK(c, B, 0);
    FOUND(1);
}
END_TEST

/* b's try of C stands between: A is wanted while B is held. */
START_TEST(try_lock_in_the_middle)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, A, B);
    LOCK(b, B, 0);
    LOCK(b, C, TRY);
    LOCK(b, A, 0);
    FOUND(1);
}
END_TEST

START_TEST(readers_without_writer)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL), *w = goroutine(NULL);
    LOCK(a, A, R);
    LOCK(a, B, R);
    UNLOCK(a, B, R);
    UNLOCK(a, A, R);
    LOCK(b, B, R);
    LOCK(b, A, R);
    UNLOCK(b, A, R);
    UNLOCK(b, B, R);
    FOUND(0);
    /* A writer of one of them does not make a deadlock: the other one's readers never wait. */
    LOCK(w, A, RW);
    UNLOCK(w, A, RW);
    FOUND(0);
    LOCK(w, B, RW);
    UNLOCK(w, B, RW);
    FOUND(1);
}
END_TEST

START_TEST(readers_preferred)
{
    struct race_g *a = goroutine(NULL), *w = goroutine(NULL);
    LOCK(w, A, RW | LOCK_PREFERS_READERS);
    UNLOCK(w, A, RW);
    LOCK(a, A, R | LOCK_PREFERS_READERS);
    LOCK(a, A, R | LOCK_PREFERS_READERS);
    UNLOCK(a, A, R);
    UNLOCK(a, A, R);
    FOUND(0);
}
END_TEST

START_TEST(read_twice)
{
    struct race_g *a = goroutine(NULL), *w = goroutine(NULL);
    LOCK(a, A, R);
    LOCK(a, A, R);
    UNLOCK(a, A, R);
    UNLOCK(a, A, R);
    FOUND(0);
    LOCK(w, A, RW);
    UNLOCK(w, A, RW);
    FOUND(1);
}
END_TEST

START_TEST(read_twice_after_the_writer)
{
    struct race_g *w = goroutine(NULL), *a = goroutine(NULL);
    LOCK(w, A, RW);
    UNLOCK(w, A, RW);
    LOCK(a, A, R);
    LOCK(a, B, 0);
    LOCK(a, A, R);
    FOUND(1);
}
END_TEST

/* The only writer is over before the readers start. */
START_TEST(read_twice_writer_over)
{
    struct race_g *w = goroutine(NULL);
    LOCK(w, A, RW);
    UNLOCK(w, A, RW);
    struct race_g *a = goroutine(w);
    LOCK(a, A, R);
    LOCK(a, A, R);
    FOUND(0);
}
END_TEST

START_TEST(another_life)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, A, B);
    lock_event_forget((uintptr_t)A, 8, true, 1);
    both(b, B, A);
    FOUND(0);
    both(a, A, B);
    FOUND(1);
}
END_TEST

START_TEST(another_life_in_a_big_block)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    both(a, heap_like + 4096, heap_like + 500008);
    lock_event_forget((uintptr_t)heap_like, sizeof heap_like, true, 1);
    both(b, heap_like + 500008, heap_like + 4096);
    FOUND(0);
}
END_TEST

/* Passed from one goroutine to another, a mutex is a signal. */
START_TEST(passed_on)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    LOCK(a, A, 0);
    UNLOCK(b, A, 0);
    both(a, A, B);
    both(b, B, A);
    FOUND(0);
}
END_TEST

START_TEST(hand_over_hand)
{
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    struct race_g *g[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        LOCK(g[k], &mem[0], 0);
        for (int i = 1; i < 400; i++) {
            LOCK(g[k], &mem[8 * i], 0);
            UNLOCK(g[k], &mem[8 * i - 8], 0);
        }
        UNLOCK(g[k], &mem[8 * 399], 0);
    }
    FOUND(0);
    /* Backwards in one place. */
    struct race_g *c = goroutine(NULL);
    both(c, &mem[8 * 200], &mem[8 * 199]);
    FOUND(1);
}
END_TEST

START_TEST(thousands_held)
{
    enum { N = 5000 };
    char *m = heap_like;
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    double t = unit_now();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++)
            LOCK(a, m + 64 * i, 0);
        for (int i = 0; i < N; i++)
            UNLOCK(a, m + 64 * (round ? i : N - 1 - i), 0);
    }
    FOUND(0);
    both(b, m + 64 * (N - 1), m + 64 * 17);
    FOUND(1);
    ck_assert_double_lt(unit_now() - t, 5);
}
END_TEST

START_TEST(a_million_instances)
{
    enum { N = 1000000 };
    char *m = det_map((size_t)N * 16);
    ck_assert(det_app((uintptr_t)m));
    struct race_g *a = goroutine(NULL), *b = goroutine(NULL);
    double t = unit_now();
    for (int i = 0; i < N; i++)
        both(a, A, m + 16 * i);
    for (int i = 0; i < N; i++)
        both(b, m + 16 * i, B);
    FOUND(0);
    printf("%.0f ns an acquisition of a new lock\n", (unit_now() - t) * 1e9 / (2 * N));
    t = unit_now();
    both(b, B, A);
    FOUND(0);
    both(a, m + 16 * 7, A);
    FOUND(0);
    both(b, m + 16 * 7, A);
    FOUND(1);
    printf("%.0f ms the cycle\n", (unit_now() - t) * 1e3);
    lock_event_forget((uintptr_t)m, (size_t)N * 16, false, 1);
}
END_TEST

START_TEST(repeat_is_cheap)
{
    struct race_g *a = goroutine(NULL);
    both(a, A, B);
    double t = unit_now();
    enum { N = 1000000 };
    for (int i = 0; i < N; i++)
        both(a, A, B);
    printf("%.0f ns for two nested locks and unlocks\n", (unit_now() - t) * 1e9 / N);
    t = unit_now();
    for (int i = 0; i < N; i++) {
        LOCK(a, A, 0);
        UNLOCK(a, A, 0);
    }
    printf("%.0f ns for one\n", (unit_now() - t) * 1e9 / N);
}
END_TEST

START_TEST(many_goroutines_come_and_go)
{
    for (int i = 0; i < 200000; i++) {
        struct race_g *g = goroutine(NULL);
        both(g, A, B);
        lock_event_end(g);
        g_end(g);
    }
    FOUND(0);
    struct race_g *b = goroutine(NULL);
    both(b, B, A);
    FOUND(1);
}
END_TEST

/* The component graph against the definition. */
START_TEST(graph_at_random)
{
    enum { N = 24 };
    uint64_t rnd = 88172645463325252ull;
    for (int run = 0; run < 100; run++) {
        static bool reach[N][N];
        u32 lock[N];
        struct race_g *g = goroutine(NULL);
        for (int i = 0; i < N; i++) {
            LOCK(g, heap_like + 64 * i, 0);
            UNLOCK(g, heap_like + 64 * i, 0);
            lock[i] = lock_find((uintptr_t)heap_like + 64 * (unsigned)i);
            for (int j = 0; j < N; j++)
                reach[i][j] = i == j;
        }
        if (run == 0)
            both(g, A, B); /* sets the graph up */
        int edges = 5 + (int)(unit_random(&rnd) % 40);
        for (int k = 0; k < edges; k++) {
            int x = (int)(unit_random(&rnd) % N), y = (int)(unit_random(&rnd) % N);
            bool cyclic = lockgraph_edge(lock[x], lock[y]);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    reach[i][j] |= reach[i][x] && reach[y][j];
            if (x != y)
                ck_assert_int_eq(cyclic, reach[y][x]);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    if (i != j)
                        ck_assert_int_eq(lockgraph_cyclic(lock[i], lock[j]),
                                         reach[i][j] && reach[j][i]);
        }
        if (run % 50 == 49)
            ck_assert(lockgraph_valid());
        lock_event_forget((uintptr_t)heap_like, 64 * N, false, 1);
    }
}
END_TEST

int main(int argc, char **argv)
{
    /* Findings go nowhere; they are counted. */
    if (!getenv("UNIT_FINDINGS")) {
        char fd[16];
        snprintf(fd, sizeof fd, "%d", open("/dev/null", O_WRONLY));
        setenv("GOCRACE_FD", fd, 1);
        setenv("UNIT_FINDINGS", "1", 1);
        execv("/proc/self/exe", argv);
    }
    const TTest *tests[] = {opposite_orders, one_goroutine_alone, same_order, gate, gate_left_early,
                            gate_of_readers_is_none, long_cycle, philosophers_with_one_left_handed,
                            ordered_by_go, ordered_by_channel, ordered_the_wrong_way,
                            ordered_through_others, repeats_keep_the_last,
                            try_lock_waits_for_nobody, try_lock_in_the_middle,
                            readers_without_writer, readers_preferred, read_twice,
                            read_twice_after_the_writer, read_twice_writer_over, another_life,
                            another_life_in_a_big_block, passed_on, hand_over_hand, thousands_held,
                            a_million_instances, repeat_is_cheap, many_goroutines_come_and_go,
                            graph_at_random};
    return unit_main("lock order", 30, tests, sizeof tests / sizeof *tests);
}
