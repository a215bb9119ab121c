// status: 0
/* A post publishes what came before it. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static sem_t ready;
static int data;

static void *produce(void *arg)
{
    usleep(10000);
    data = 1;
    sem_post(&ready);
    return arg;
}

int main(void)
{
    pthread_t t;
    sem_init(&ready, 0, 0);
    pthread_create(&t, NULL, produce, NULL);
    sem_wait(&ready);
    int seen = data;
    pthread_join(t, NULL);
    sem_destroy(&ready);
    return seen != 1;
}
