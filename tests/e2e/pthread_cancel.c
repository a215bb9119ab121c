// status: 66
/* A thread cancelled in a wait has its lock again when its clean-up runs. */
#include <pthread.h>
#include "turns.h"

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
int state;

static void tidy(void *arg)
{
    state = 2;
    pthread_mutex_unlock(&mu);
    state = 3;
    turn_done();
}

static void *waits(void *arg)
{
    pthread_mutex_lock(&mu);
    pthread_cleanup_push(tidy, NULL);
    state = 1;
    turn_done();
    for (;;)
        pthread_cond_wait(&never, &mu);
    pthread_cleanup_pop(0);
    return arg;
}

int main(void)
{
    pthread_t t;
    void *end;
    pthread_create(&t, NULL, waits, NULL);
    turn_await(1);
    pthread_cancel(t);
    turn_await(2);
    pthread_mutex_lock(&mu);
    state = 4;
    pthread_mutex_unlock(&mu);
    pthread_join(t, &end);
    return end != PTHREAD_CANCELED;
}
