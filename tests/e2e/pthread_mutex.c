// status: 66
/* A lock orders those who take it. */
#include <pthread.h>
#include "turns.h"

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static int balance;

static void *deposit(void *arg)
{
    pthread_mutex_lock(&mu);
    balance += 10;
    pthread_mutex_unlock(&mu);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, deposit, NULL);
    turn_await(1);
    balance += 5;
    pthread_join(t, NULL);
    return balance != 15;
}
