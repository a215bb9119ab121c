// status: 66
/* A reader learns from writers, not from the readers before it. */
#include <pthread.h>
#include "turns.h"

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
int beside;

static void *first(void *arg)
{
    beside = 1;
    pthread_rwlock_rdlock(&rw);
    pthread_rwlock_unlock(&rw);
    turn_done();
    return arg;
}

static void *second(void *arg)
{
    turn_await(1);
    pthread_rwlock_rdlock(&rw);
    pthread_rwlock_unlock(&rw);
    beside = 2;
    return arg;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, first, NULL);
    pthread_create(&b, NULL, second, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return 0;
}
