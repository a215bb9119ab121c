/*
 * scale.c - does it get slower, or larger, the more goroutines there are?
 *
 *     scale WORK GOROUTINES OPS          prints ns an operation, with so many goroutines alive
 *     scale alive N                      bytes a goroutine, N of them blocked after an access
 *     scale touched one|eight|readers    bytes of tables and maps for each byte of 64 MiB, written by
 *                                        bytes or by words, or read by ten more
 *     scale cold GOROUTINES OPS          ns an operation: no goroutines, but what a turn of a lock
 *                                        touches of one, 32 cache lines in eight pages
 *     scale ended N                      KiB the process grew while N were started one after the other
 *
 * Each piece of work is one thing that a detector does, done while GOROUTINES wait:
 *
 *     access   a write to a word that another goroutine wrote last, ordered by a lock: two goroutines
 *              take turns
 *     reread   a read of a word that all have read
 *     acquire  a lock that a different one of them all released last: a turn round all of them
 *     gather   an atomic that all of them add to, and then a send to the one that hears of all
 *     meet     an unbuffered send to the next of them all
 *     spawn    a go statement, and waiting for its end
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long cells[64], shared;
static long count, ops;
static goc_mutex mu;
static goc_waitgroup wg, ready;
static goc_chan(goc_unit) stay;
static goc_chan(long) *ring, results;
static long total;

static long resident(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[128];
    long kib = 0, part;
    while (f && fgets(line, sizeof line, f)) /* page tables are part of the price */
        if (sscanf(line, "VmRSS: %ld", &part) == 1 || sscanf(line, "VmPTE: %ld", &part) == 1)
            kib += part;
    if (f)
        fclose(f);
    return kib;
}

static void waits(long i)
{
    goc_mutex_lock(&mu);
    cells[i % 64]++; /* everybody is somebody to the detector */
    goc_mutex_unlock(&mu);
    volatile long v = shared;
    (void)v;
    goc_waitgroup_done(&ready);
    goc_recv(stay);
}

static void takes_turns(long n)
{
    for (long i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        for (int k = 0; k < 64; k++)
            cells[k]++;
        goc_mutex_unlock(&mu);
        goc_gosched();
    }
    goc_waitgroup_done(&wg);
}

static void relays(long i, long n)
{
    long v;
    while ((v = goc_recv(ring[i])) > 0) {
        shared++; /* the token orders it */
        goc_send(ring[(i + 1) % n], v - 1);
    }
    goc_close(stay);
}

static void ends(void)
{
    shared++;
    goc_waitgroup_done(&wg);
}

static void locks(long n)
{
    goc_waitgroup_done(&ready);
    goc_recv(stay);
    for (long i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        shared++;
        goc_mutex_unlock(&mu);
        goc_gosched();
    }
    goc_waitgroup_done(&wg);
}

static void adds(long n)
{
    goc_waitgroup_done(&ready);
    goc_recv(stay);
    for (long i = 0; i < n; i++) {
        __atomic_fetch_add(&total, 1, __ATOMIC_ACQ_REL);
        goc_send(results, i);
    }
}

static void settle(long n)
{
    stay = goc_chan_make(goc_unit, 0);
    goc_waitgroup_add(&ready, n);
    for (long i = 0; i < n; i++)
        go(waits, i);
    goc_waitgroup_wait(&ready);
}

/* Of this process's own time: what else the machine does is left out. */
static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

static long work(const char *what)
{
    long from = now();
    if (strcmp(what, "access") == 0) {
        goc_waitgroup_add(&wg, 2);
        go(takes_turns, ops / 128);
        go(takes_turns, ops / 128);
        goc_waitgroup_wait(&wg);
    } else if (strcmp(what, "reread") == 0) {
        for (long i = 0; i < ops / 64; i++) {
            goc_mutex_lock(&mu); /* a new epoch */
            goc_mutex_unlock(&mu);
            for (int k = 0; k < 64; k++) {
                volatile long v = shared;
                (void)v;
            }
        }
    } else if (strcmp(what, "acquire") == 0) {
        stay = goc_chan_make(goc_unit, 0);
        goc_waitgroup_add(&ready, count);
        goc_waitgroup_add(&wg, count);
        for (long i = 0; i < count; i++)
            go(locks, ops / count);
        goc_waitgroup_wait(&ready);
        from = now();
        goc_close(stay);
        goc_waitgroup_wait(&wg);
    } else if (strcmp(what, "gather") == 0) {
        stay = goc_chan_make(goc_unit, 0);
        results = goc_chan_make(long, 16);
        goc_waitgroup_add(&ready, count);
        for (long i = 0; i < count; i++)
            go(adds, ops / count);
        goc_waitgroup_wait(&ready);
        from = now();
        goc_close(stay);
        for (long i = 0; i < ops / count * count; i++)
            shared += goc_recv(results);
    } else if (strcmp(what, "meet") == 0) {
        ring = malloc((size_t)count * sizeof *ring);
        stay = goc_chan_make(goc_unit, 0);
        for (long i = 0; i < count; i++)
            ring[i] = goc_chan_make(long, 0);
        for (long i = 0; i < count; i++)
            go(relays, i, count);
        goc_gosched();
        from = now();
        goc_send(ring[0], ops);
        goc_recv(stay);
    } else if (strcmp(what, "spawn") == 0) {
        for (long i = 0; i < ops; i++) {
            goc_waitgroup_add(&wg, 1);
            go(ends);
            goc_waitgroup_wait(&wg);
        }
    }
    return now() - from;
}

#define TOUCHED (64l << 20)
static char *touched;

static void reads(void)
{
    for (long i = 0; i < TOUCHED; i += 8)
        (void)*(volatile long *)(touched + i);
    goc_waitgroup_done(&wg);
}

static double touch(const char *how)
{
    touched = malloc(TOUCHED);
    long before = resident();
    long step = strcmp(how, "one") == 0 ? 1 : 8;
    for (long i = 0; i < TOUCHED; i += step)
        if (step == 1)
            ((volatile char *)touched)[i] = 1;
        else
            *(volatile long *)(touched + i) = i;
    if (strcmp(how, "readers") == 0) {
        goc_waitgroup_add(&wg, 10);
        for (int i = 0; i < 10; i++)
            go(reads);
        goc_waitgroup_wait(&wg);
    }
    return (double)((resident() - before) * 1024 - TOUCHED) / TOUCHED;
}

/* Pages of a kind lie beside each other, as in tables; the lines are not the same in each. */
static double cold(long n)
{
    enum { PAGES = 8, LINES = 4 };
    char *at = calloc((size_t)n * PAGES, 512);
    long from = now();
    for (long i = 0; i < ops; i++)
        for (long p = 0; p < PAGES; p++)
            for (long l = 0; l < LINES; l++)
                ((volatile char *)at)[(p * n + i % n) * 512 + (l * 2 + p % 2) * 64]++;
    return (double)(now() - from) / (double)ops;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "touched") == 0) {
        printf("%.2f\n", touch(argv[2]));
        fflush(stdout);
        _Exit(0);
    }
    count = atol(argv[2]);
    if (strcmp(argv[1], "alive") == 0) {
        long before = resident();
        settle(count);
        printf("%ld\n", (resident() - before) * 1024 / count);
        fflush(stdout);
        _Exit(0);
    }
    if (strcmp(argv[1], "ended") == 0) {
        ops = count / 10;
        work("spawn");
        long before = resident();
        ops = count - ops;
        work("spawn");
        printf("%ld\n", resident() - before);
        return 0;
    }
    ops = argc > 3 ? atol(argv[3]) : 1000000;
    if (strcmp(argv[1], "cold") == 0) {
        printf("%.1f\n", cold(count));
        return 0;
    }
    if (strcmp(argv[1], "acquire") && strcmp(argv[1], "meet") && strcmp(argv[1], "gather"))
        settle(count);
    printf("%.1f\n", (double)work(argv[1]) / (double)ops);
    fflush(stdout);
    _Exit(0);
}
