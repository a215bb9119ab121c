// status: 0
/* Recursive, error-checking, timed and tried locks are locks. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t recursive, checking;
static int a, b;

static void *work(void *arg)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 10;
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&recursive);
        pthread_mutex_lock(&recursive);
        a++;
        pthread_mutex_unlock(&recursive);
        a++;
        pthread_mutex_unlock(&recursive);
        if (i & 1)
            pthread_mutex_timedlock(&checking, &t);
        else
            while (pthread_mutex_trylock(&checking))
                usleep(1);
        if (pthread_mutex_lock(&checking) != EDEADLK)
            b = -1000000;
        b++;
        pthread_mutex_unlock(&checking);
    }
    return arg;
}

int main(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&recursive, &attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&checking, &attr);
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    pthread_mutex_destroy(&recursive);
    pthread_mutex_destroy(&checking);
    return a != 4000 || b != 2000;
}
