// status: 66
/* A thread's end is ordered before what follows the join, and before nothing else. */
#include <pthread.h>
#include "turns.h"

static int result;

static void *work(void *arg)
{
    result = 42;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    turn_await(1);
    int seen = result;
    pthread_join(t, NULL);
    return seen != 42;
}
