// status: 66
/* _exit ends with the detector's status. */
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

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, add, NULL);
    turn_await(1);
    n++;
    pthread_join(t, NULL);
    _exit(0);
}
