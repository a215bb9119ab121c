/*
 * cpu.h - the main function of the detector's benchmarks. Each file beside this one is one
 * workload, the same source for every compiler and detector: `long work(long n)` does it n times
 * over. Prints "ns/op elapsed-ns cpu-ns/op peak-KiB" like rt.c; start-up is not in the time.
 */
#ifndef CPU_H
#define CPU_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static void prepare(void);
static long work(long n);

static long long clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Keeps a result from being optimised away. */
static volatile long sink;

int main(int argc, char **argv)
{
    long n = argc > 1 ? atol(argv[1]) : 1;
    prepare();
    long long cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    sink = work(n);
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%.2f %lld %.2f %ld\n", (double)wall / n, wall, (double)cpu / n, u.ru_maxrss);
    return 0;
}

#endif
