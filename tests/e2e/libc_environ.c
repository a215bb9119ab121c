// status: 66
/* getenv beside setenv may read what is being moved. */
#include <pthread.h>
#include <stdlib.h>
#include "turns.h"

static void *asks(void *arg)
{
    char *home = getenv("HOME");
    turn_done();
    return home ? arg : NULL;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, asks, NULL);
    turn_await(1);
    setenv("SOMETHING", "1", 1);
    pthread_join(t, NULL);
    return 0;
}
