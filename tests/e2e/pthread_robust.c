// status: 66
/* Who finds a lock that a dead thread held knows what that thread did. */
#include <errno.h>
#include <pthread.h>
#include "turns.h"

static pthread_mutex_t mu;
int inside, outside;

static void *dies(void *arg)
{
    pthread_mutex_lock(&mu);
    inside = 1;
    turn_done();
    return arg;
}

int main(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mu, &attr);
    pthread_t t;
    pthread_create(&t, NULL, dies, NULL);
    turn_await(1);
    inside = 2;
    int r = pthread_mutex_lock(&mu);
    if (r != EOWNERDEAD)
        return 1;
    inside += 1;
    pthread_mutex_consistent(&mu);
    pthread_mutex_unlock(&mu);
    outside = inside;
    pthread_join(t, NULL);
    return 0;
}
