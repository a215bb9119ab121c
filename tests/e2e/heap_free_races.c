// status: 66
/* A free that is not ordered with the last use. */
#include <pthread.h>
#include <stdlib.h>
#include "turns.h"

static char *block;

static void *uses(void *arg)
{
    block[77] = 1;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    block = malloc(100);
    pthread_create(&t, NULL, uses, NULL);
    turn_await(1);
    free(block);
    pthread_join(t, NULL);
    return 0;
}
