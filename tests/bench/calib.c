/*
 * calib.c - what it costs this machine, today, to wake a thread on another CPU: two pinned threads
 * hand a token back and forth. Prints nanoseconds a wake-up. Every figure with GOMAXPROCS=2 has
 * some of these in it, and they differ more from machine to machine than any runtime does.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum { TURNS = 5000 };
static sem_t there, back;

static void pin(int which)
{
    cpu_set_t mine, all;
    sched_getaffinity(0, sizeof all, &all);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all) && which-- == 0) {
            CPU_ZERO(&mine);
            CPU_SET(cpu, &mine);
            pthread_setaffinity_np(pthread_self(), sizeof mine, &mine);
            return;
        }
    }
}

static void *other(void *arg)
{
    pin(1);
    for (int i = 0; i < TURNS; i++) {
        sem_wait(&there);
        sem_post(&back);
    }
    return arg;
}

int main(void)
{
    sem_init(&there, 0, 0);
    sem_init(&back, 0, 0);
    pthread_t t;
    pthread_create(&t, NULL, other, NULL);
    pin(0);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < TURNS; i++) {
        sem_post(&there);
        sem_wait(&back);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    pthread_join(t, NULL);
    printf("%.0f\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / TURNS / 2);
    return 0;
}
