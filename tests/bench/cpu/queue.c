/*
 * A producer and a consumer. Under goc-race: goroutines and a channel of 128. Under the others,
 * which do not know those: threads and a bounded queue of 128 made of a mutex and two condition
 * variables.
 */
#include "cpu.h"

static void prepare(void)
{
}

#ifdef __has_include
#if __has_include(<goc.h>)
#define HAVE_GOC
#endif
#endif

#ifdef HAVE_GOC
#include <goc.h>

static void producer(goc_send_chan(long) out, long n)
{
    for (long i = 0; i < n; i++)
        goc_send(out, i);
    goc_close(out);
}

static long work(long n)
{
    long sum = 0;
    goc_chan(long) q = goc_chan_make(long, 128);
    go(producer, q, n * 100);
    goc_range(v, q)
        sum += v;
    return sum;
}
#else
#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static long ring[128], head, tail;

static void *producer(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        pthread_mutex_lock(&mu);
        while (head - tail == 128)
            pthread_cond_wait(&not_full, &mu);
        ring[head++ % 128] = i;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&mu);
    }
    return NULL;
}

static long work(long n)
{
    long sum = 0;
    pthread_t t;
    pthread_create(&t, NULL, producer, (void *)(n * 100));
    for (long i = 0; i < n * 100; i++) {
        pthread_mutex_lock(&mu);
        while (head == tail)
            pthread_cond_wait(&not_empty, &mu);
        sum += ring[tail++ % 128];
        pthread_cond_signal(&not_full);
        pthread_mutex_unlock(&mu);
    }
    pthread_join(t, NULL);
    return sum;
}
#endif
