// status: 66
/* Two spin locks in one 8-byte word are two locks. */
#include <pthread.h>
#include <unistd.h>

static pthread_spinlock_t lock[2] __attribute__((aligned(8)));
int n;

static void *one(void *arg)
{
    pthread_spin_lock(&lock[0]);
    n++;
    pthread_spin_unlock(&lock[0]);
    return arg;
}

static void *two(void *arg)
{
    usleep(30000);
    pthread_spin_lock(&lock[1]);
    n++;
    pthread_spin_unlock(&lock[1]);
    pthread_spin_lock(&lock[1]);
    pthread_spin_unlock(&lock[1]);
    return arg;
}

int main(void)
{
    pthread_spin_init(&lock[0], PTHREAD_PROCESS_PRIVATE);
    pthread_spin_init(&lock[1], PTHREAD_PROCESS_PRIVATE);
    pthread_t a, b;
    pthread_create(&a, NULL, one, NULL);
    pthread_create(&b, NULL, two, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_spin_destroy(&lock[0]);
    pthread_spin_destroy(&lock[1]);
    return 0;
}
