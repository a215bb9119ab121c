// status: 66
// says: Found 2 goroutine leak
/* A channel that only a thread's own variables name: of a thread that the program made and that
   never calls the runtime, and of whichever thread runs a goroutine. */
#include <goc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include "turns.h"

static const bool fixed = false;
static __thread void *volatile kept[4096]; /* far from the thread's other variables */
static unsigned long hidden;      /* not a pointer */
static sem_t there, never;

static void wait_for(void *ch)
{
    goc_recv((goc_recv_chan(int))ch);
}

static void *thread(void *arg)
{
    kept[5] = fixed ? (void *)~hidden : NULL;
    sem_post(&there);
    sem_wait(&never);
    return arg;
}

static void in_thread(void *done)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    hidden = ~(unsigned long)ch;
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    sem_wait(&there);
    goc_go(wait_for, ch);
    goc_waitgroup_done(done);
}

static __attribute__((noinline)) void in_goroutine(void *done)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_go(wait_for, ch);
    kept[7] = fixed ? ch : NULL;
    goc_waitgroup_done(done);
}

int main(void)
{
    goc_waitgroup done = {0};
    sem_init(&there, 0, 0);
    sem_init(&never, 0, 0);
    goc_waitgroup_add(&done, 2);
    goc_go(in_thread, &done);
    goc_go(in_goroutine, &done);
    goc_waitgroup_wait(&done);
    until_blocked();
}
