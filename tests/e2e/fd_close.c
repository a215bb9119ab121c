// status: 66
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
    usleep(20000);
    close(ends[1]);
    pthread_join(t, NULL);
    return 0;
}
