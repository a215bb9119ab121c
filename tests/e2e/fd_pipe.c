// status: 66
/* What is read from a pipe was written before; what was written knows nothing of the reader. */
#include <pthread.h>
#include <unistd.h>
#include "turns.h"

int ends[2], data;

static void *sends(void *arg)
{
    write(ends[1], "x", 1);
    data = 1;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    char c;
    pipe(ends);
    pthread_create(&t, NULL, sends, NULL);
    read(ends[0], &c, 1);
    turn_await(1);
    data = 2;
    pthread_join(t, NULL);
    return 0;
}
