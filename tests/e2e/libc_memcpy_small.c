// status: 66
/* A copy of a few bytes is a read and a write of them. */
#include <pthread.h>
#include <string.h>
#include "turns.h"

struct point {
    char name[12], mark[12];
} from = {"here", "x"}, to;

static void *copy(void *arg)
{
    memcpy(to.mark, from.mark, sizeof to.mark);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, copy, NULL);
    turn_await(1);
    to.mark[11] = 1;
    pthread_join(t, NULL);
    return 0;
}
