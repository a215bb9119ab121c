// status: 66
/* What runs at exit knows what was done before it was asked for, not what came after. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include "turns.h"

int prepared, later;

static void at_end(void)
{
    prepared++;
    later++;
}

static void *work(void *arg)
{
    prepared = 1;
    atexit(at_end);
    later = 1;
    turn_done();
    for (;;)
        pause();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    turn_await(1);
    return 0;
}
