// status: 0
/* _exit ends with the detector's status. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

int n;

static void *add(void *arg)
{
    n++;
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, add, NULL);
    pthread_join(t, NULL);
    _exit(0);
}
