/* Four threads and one counter under a mutex. pthreads, so that every detector knows them. */
#include "cpu.h"
#include <pthread.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static long counter;

static void prepare(void)
{
}

static void *count(void *n)
{
    for (long i = 0; i < (long)n; i++) {
        pthread_mutex_lock(&mu);
        counter++;
        pthread_mutex_unlock(&mu);
    }
    return NULL;
}

static long work(long n)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, count, (void *)(n * 25));
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    return counter;
}
