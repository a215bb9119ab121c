// status: 66
/* quick_exit and _exit end with the detector's status. */
#include <pthread.h>
#include <stdlib.h>
#include "turns.h"

int n;

static void *add(void *arg)
{
    n++;
    turn_done();
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t t;
    pthread_create(&t, NULL, add, NULL);
    turn_await(1);
    n++;
    pthread_join(t, NULL);
    if (argc > 5)
        _exit(0);
    quick_exit(0);
}
