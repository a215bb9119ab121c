// status: 0
/* Readers may meet; a reader that writes races with them. */
#include <pthread.h>
#include <unistd.h>

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
int value, sum[4];

static void *reader(void *arg)
{
    int *mine = arg;
    for (int i = 0; i < 100; i++) {
        pthread_rwlock_rdlock(&rw);
        *mine += value;
        pthread_rwlock_unlock(&rw);
    }
    return NULL;
}

static void *writer(void *arg)
{
    for (int i = 0; i < 100; i++) {
        pthread_rwlock_wrlock(&rw);
        value++;
        pthread_rwlock_unlock(&rw);
    }
    return arg;
}

int main(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, i % 2 ? reader : writer, &sum[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    pthread_rwlock_destroy(&rw);
    return 0;
}
