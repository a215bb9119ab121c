// status: 66
/* Destructors of thread-specific data run in the thread, before its end. */
#include <pthread.h>
#include "turns.h"

static pthread_key_t key;
int ended;

static void destroy(void *value)
{
    static __thread int rounds;
    if (rounds++ < 2)
        pthread_setspecific(key, value);
    ended = 1;
    turn_done();
}

static void *work(void *arg)
{
    pthread_setspecific(key, &ended);
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_key_create(&key, destroy);
    pthread_create(&t, NULL, work, NULL);
    turn_await(3);
    ended = 2;
    pthread_join(t, NULL);
    return 0;
}
