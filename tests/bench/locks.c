/*
 * locks.c - what lock order and wait-for cost, for tests/bench/deadlock: the same program with and without
 * them (GOCRACE=detect=race).
 *
 *   locks NAME N     do NAME N times; print "ns/op elapsed-ns cpu-ns/op peak-KiB"
 *   locks            list the names
 *
 *   goc, pthread             one mutex, locked and unlocked around an addition
 *   goc_8, pthread_4         the same by eight goroutines, four threads
 *   nested                   two locks, one inside the other, always in the same order
 *   known_10 … known_100000  the same when the program has made so many other pairs of locks
 */
#include <goc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int64_t wall, cpu;

static int64_t now(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}
static void start(void)
{
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    wall = now(CLOCK_MONOTONIC);
}
static void stop(void)
{
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

static goc_mutex mu, inner;
static pthread_mutex_t pmu = PTHREAD_MUTEX_INITIALIZER;
static goc_waitgroup done;
static long counter;

static void add(long n)
{
    for (long i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        counter++;
        goc_mutex_unlock(&mu);
    }
}
static void *add_pthread(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        pthread_mutex_lock(&pmu);
        counter++;
        pthread_mutex_unlock(&pmu);
    }
    return NULL;
}

static void goc(long n)
{
    start();
    add(n);
    stop();
}
static void goc_8(long n)
{
    start();
    for (int i = 0; i < 8; i++)
        goc_waitgroup_go(&done, add, n / 8);
    goc_waitgroup_wait(&done);
    stop();
}
static void pthread(long n)
{
    start();
    add_pthread((void *)n);
    stop();
}
static void pthread_4(long n)
{
    pthread_t t[4];
    start();
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, add_pthread, (void *)(n / 4));
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    stop();
}

static void nest(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    goc_mutex_lock(y);
    counter++;
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void nested(long n)
{
    start();
    for (long i = 0; i < n; i++)
        nest(&mu, &inner);
    stop();
}
static void known(long others, long n)
{
    goc_mutex *m = calloc((size_t)others + 1, sizeof *m);
    for (long i = 0; i < others; i++)
        nest(&m[i], &m[i + 1]);
    nested(n);
    free(m);
}
static void known_10(long n)
{
    known(10, n);
}
static void known_1000(long n)
{
    known(1000, n);
}
static void known_100000(long n)
{
    known(100000, n);
}

static const struct row {
    const char *name;
    void (*fn)(long);
} rows[] = {
    {"goc", goc},           {"goc_8", goc_8},           {"pthread", pthread},
    {"pthread_4", pthread_4}, {"nested", nested},       {"known_10", known_10},
    {"known_1000", known_1000}, {"known_100000", known_100000},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (argc < 3) {
            puts(rows[i].name);
        } else if (strcmp(argv[1], rows[i].name) == 0) {
            long n = atol(argv[2]);
            struct rusage use;
            rows[i].fn(n);
            getrusage(RUSAGE_SELF, &use);
            printf("%.2f %lld %.2f %ld\n", (double)wall / n, (long long)wall, (double)cpu / n,
                   use.ru_maxrss);
        }
    }
    return 0;
}
