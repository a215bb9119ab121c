/*
 * shared.c - what two threads read at once, for `SECTIONS=shared tests/bench/peers`. ROW is one of
 *
 *   flag     an acquiring load of a word that was released once
 *   relaxed  the same word, relaxed
 *   plain    an atomic that nobody releases, with acquire
 *   table    a table that nobody writes any more
 *   lazy     the flag and then the table: lazy initialisation
 *
 * Each word has a cache line to itself, so what is measured is the detector, not the bus.
 */
#include "cpu/cpu.h"

#include <pthread.h>
#include <stdatomic.h>

enum row { flag, relaxed, plain, table, lazy };
#ifndef ROW
#define ROW flag
#endif

#define LINE _Alignas(64)
static LINE atomic_int released;
static LINE atomic_long alone;
static LINE atomic_int here;
static LINE long cells[1024];

static void prepare(void)
{
    for (int i = 0; i < 1024; i++)
        cells[i] = i;
    atomic_store_explicit(&alone, 1, memory_order_relaxed); /* or it is known for a constant */
    atomic_store_explicit(&released, 1, memory_order_release);
}

static void *reader(void *arg)
{
    long n = *(long *)arg, s = 0;
    atomic_fetch_add_explicit(&here, 1, memory_order_relaxed);
    while (atomic_load_explicit(&here, memory_order_relaxed) < 2)
        ;
    for (long i = 0; i < n; i++) {
        if (ROW == flag || ROW == lazy)
            s += atomic_load_explicit(&released, memory_order_acquire);
        if (ROW == relaxed)
            s += atomic_load_explicit(&released, memory_order_relaxed);
        if (ROW == plain)
            s += atomic_load_explicit(&alone, memory_order_acquire);
        if (ROW == table || ROW == lazy)
            s += cells[i & 1023];
    }
    return (void *)s;
}

static long work(long n)
{
    long s = 0;
    void *result;
    pthread_t t[2];
    n = n * 1000 + 1000;
    here = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, reader, &n);
    for (int i = 0; i < 2; i++) {
        pthread_join(t[i], &result);
        s += (long)result;
    }
    return s;
}
