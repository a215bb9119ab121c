// status: 0
/* Destructors of thread-specific data run in the thread, before its end. */
#include <pthread.h>
#include <unistd.h>

static pthread_key_t key;
int ended;

static void destroy(void *value)
{
    static __thread int rounds;
    if (rounds++ < 2)
        pthread_setspecific(key, value);
    ended = 1;
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
    pthread_join(t, NULL);
    ended = 2;
    return 0;
}
