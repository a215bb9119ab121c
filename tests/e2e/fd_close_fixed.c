// status: 0
/* Closing a descriptor that another thread uses: its number may be somebody else's by then. */
#include <pthread.h>
#include <unistd.h>

int ends[2];

static void *writes(void *arg)
{
    write(ends[1], "x", 1);
    return arg;
}

int main(void)
{
    pthread_t t;
    pipe(ends);
    pthread_create(&t, NULL, writes, NULL);
    pthread_join(t, NULL);
    close(ends[1]);
    return 0;
}
