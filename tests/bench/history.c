/*
 * history.c - how far back does the log of a goroutine reach?
 *
 *     history GOROUTINES ACCESSES EVERY      at most a thousand goroutines
 *
 * Each goroutine writes a cell of its own in a function of its own, then makes ACCESSES accesses in an order that no
 * run in the log makes short, and takes and gives a lock of its own after each EVERY of them (0: never), so that
 * what it repeats is new again. Then main writes all the cells: as many races as goroutines, each
 * with a write that long ago. tests/bench/history counts those whose earlier stack is told.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CELLS = 1 << 13 };
static long *cell;
static long accesses, every;
static atomic_long ended;

/* A pair of functions for each goroutine, early_<n> and late_<n>, or their races would all be one. */
#define PAIR(n)                                       \
    __attribute__((noinline)) static void early_##n(void) \
    {                                                 \
        cell[n - 1000] = 1;                           \
    }                                                 \
    __attribute__((noinline)) static void late_##n(void)  \
    {                                                 \
        cell[n - 1000]++;                             \
    }
#define TEN(X, n) X(n##0) X(n##1) X(n##2) X(n##3) X(n##4) X(n##5) X(n##6) X(n##7) X(n##8) X(n##9)
#define HUNDRED(X, n)                                                                              \
    TEN(X, n##0) TEN(X, n##1) TEN(X, n##2) TEN(X, n##3) TEN(X, n##4)                               \
    TEN(X, n##5) TEN(X, n##6) TEN(X, n##7) TEN(X, n##8) TEN(X, n##9)
#define THOUSAND(X)                                                                                \
    HUNDRED(X, 10) HUNDRED(X, 11) HUNDRED(X, 12) HUNDRED(X, 13) HUNDRED(X, 14)                     \
    HUNDRED(X, 15) HUNDRED(X, 16) HUNDRED(X, 17) HUNDRED(X, 18) HUNDRED(X, 19)
THOUSAND(PAIR)
#define EARLY(n) early_##n,
#define LATE(n) late_##n,
static void (*const early[])(void) = {THOUSAND(EARLY)};
static void (*const late[])(void) = {THOUSAND(LATE)};

static void goroutine(long i)
{
    goc_mutex m = GOC_MUTEX_INIT;
    volatile long *mine = calloc(CELLS, sizeof *mine);
    unsigned long z = (unsigned long)i;
    early[i]();
    for (long k = 1; k <= accesses / 2; k++) {
        z = z * 6364136223846793005ul + 1442695040888963407ul;
        mine[z >> 51]++; /* two accesses */
        if (every && k % (every / 2) == 0) {
            goc_mutex_lock(&m);
            goc_mutex_unlock(&m);
        }
    }
    atomic_fetch_add_explicit(&ended, 1, memory_order_relaxed); /* orders nothing */
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    long n = atol(argv[1]);
    if (n > 1000)
        return 2;
    accesses = atol(argv[2]);
    every = atol(argv[3]);
    cell = calloc((size_t)n, sizeof *cell);
    for (long i = 0; i < n; i++)
        go(goroutine, i);
    while (atomic_load_explicit(&ended, memory_order_relaxed) < n)
        goc_sleep(GOC_MILLISECOND);
    for (long i = 0; i < n; i++)
        late[i]();
    return 0;
}
