// status: 0
/* A timer's function runs in a thread that nobody joins. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int prepared, seen;
static sem_t done;

static void expire(union sigval v)
{
    seen = prepared + v.sival_int;
    sem_post(&done);
}

int main(void)
{
    struct sigevent how = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = expire};
    struct itimerspec when = {.it_value.tv_nsec = 1000000};
    timer_t t;
    how.sigev_value.sival_int = 2;
    sem_init(&done, 0, 0);
    if (timer_create(CLOCK_MONOTONIC, &how, &t))
        return 1;
    prepared = 1;
    timer_settime(t, 0, &when, NULL);
    sem_wait(&done);
    return seen != 3;
}
