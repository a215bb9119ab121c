// status: 66
/* Reading a block that another thread has freed. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int *block;

static void *reads(void *arg)
{
    usleep(30000);
    return *block == 5 ? NULL : arg;
}

int main(void)
{
    pthread_t t;
    block = malloc(100 * sizeof *block);
    *block = 5;
    pthread_create(&t, NULL, reads, NULL);
    free(block);
    pthread_join(t, NULL);
    return 0;
}
