// status: 66
/* Closing a descriptor that another thread uses: its number may be somebody else's by then. */
#include <pthread.h>
#include <unistd.h>
#include "turns.h"

int ends[2];

static void *writes(void *arg)
{
    write(ends[1], "x", 1);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pipe(ends);
    pthread_create(&t, NULL, writes, NULL);
    turn_await(1);
    close(ends[1]);
    pthread_join(t, NULL);
    return 0;
}
