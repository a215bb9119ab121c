// status: 66
// says: Location is file descriptor 77
/* Closing a descriptor that another thread uses: its number may be somebody else's by then. */
#include <pthread.h>
#include <unistd.h>
#include "turns.h"

#define END 77
int ends[2];

static void *writes(void *arg)
{
    write(END, "x", 1);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pipe(ends);
    dup2(ends[1], END);
    pthread_create(&t, NULL, writes, NULL);
    turn_await(1);
    close(END);
    pthread_join(t, NULL);
    return 0;
}
