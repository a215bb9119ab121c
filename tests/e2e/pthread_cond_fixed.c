// status: 0
/* A condition's wait gives the lock up and takes it again. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t full = PTHREAD_COND_INITIALIZER, empty = PTHREAD_COND_INITIALIZER;
int have, item, total;

static void *produce(void *arg)
{
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mu);
        while (have)
            pthread_cond_wait(&empty, &mu);
        item = i;
        have = 1;
        pthread_cond_signal(&full);
        pthread_mutex_unlock(&mu);
    }
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, produce, NULL);
    for (int i = 0; i < 50; i++) {
        pthread_mutex_lock(&mu);
        while (!have)
            pthread_cond_wait(&full, &mu);
        total += item;
        have = 0;
        pthread_mutex_unlock(&mu);
        pthread_cond_signal(&empty);
    }
    pthread_join(t, NULL);
    pthread_cond_destroy(&full);
    pthread_cond_destroy(&empty);
    return 0;
}
