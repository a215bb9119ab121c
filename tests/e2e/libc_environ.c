// status: 66
/* getenv beside setenv may read what is being moved. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void *asks(void *arg)
{
    return getenv("HOME") ? arg : NULL;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, asks, NULL);
    usleep(20000);
    setenv("SOMETHING", "1", 1);
    pthread_join(t, NULL);
    return 0;
}
