// status: 66
/* A timer's function runs in a thread that nobody joins. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include "turns.h"

int prepared, seen;

static void expire(union sigval v)
{
    seen = prepared + v.sival_int;
    turn_done();
}

int main(void)
{
    struct sigevent how = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = expire};
    struct itimerspec when = {.it_value.tv_nsec = 1000000};
    timer_t t;
    how.sigev_value.sival_int = 2;
    if (timer_create(CLOCK_MONOTONIC, &how, &t))
        return 1;
    prepared = 1;
    timer_settime(t, 0, &when, NULL);
    turn_await(1);
    return seen != 3;
}
