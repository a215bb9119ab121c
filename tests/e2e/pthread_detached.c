// status: 66
/* A detached thread is joined by nobody. */
#include <pthread.h>
#include <semaphore.h>
#include "turns.h"

int n;

static void *work(void *arg)
{
    n = 1;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_create(&t, &attr, work, NULL);
    turn_await(1);
    n = 2;
    return 0;
}
