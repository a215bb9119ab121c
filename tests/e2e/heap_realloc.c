// status: 66
/* realloc moves the block: a write of it, and an end of the old one. */
#include <pthread.h>
#include <stdlib.h>
#include "turns.h"

static char *list;

static void *grows(void *arg)
{
    list[0] = 1;
    list = realloc(list, 100000);
    list[50000] = 2;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    list = malloc(100);
    list[99] = 1;
    char *p = list;
    pthread_create(&t, NULL, grows, NULL);
    turn_await(1);
    int seen = p[99];
    pthread_join(t, NULL);
    free(list);
    return seen == 77;
}
