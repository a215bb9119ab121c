// status: 0
/* A detached thread is joined by nobody. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

int n;
static sem_t done;

static void *work(void *arg)
{
    n = 1;
    sem_post(&done);
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sem_init(&done, 0, 0);
    pthread_create(&t, &attr, work, NULL);
    sem_wait(&done);
    n = 2;
    return 0;
}
