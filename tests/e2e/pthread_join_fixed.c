// status: 0
/* A thread's end is ordered before what follows the join, and before nothing else. */
#include <pthread.h>
#include <unistd.h>

static int result;

static void *work(void *arg)
{
    result = 42;
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    pthread_join(t, NULL);
    int seen = result;
    return seen != 42;
}
