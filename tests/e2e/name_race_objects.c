// status: 66
// procs: 1 2
/* Races on objects as such: a channel, a WaitGroup in a block, and the mutex of a block that one side
   holds. */
#include <goc.h>
#include <stdlib.h>
#include "turns.h"

static struct bank {
    int balance;
    goc_chan(int) requests;
} bank;
struct team {
    int size;
    goc_mutex lock;
    goc_waitgroup all;
};
static struct team *team;

static void request(void)
{
    goc_send(bank.requests, 1);
}

static void join(void)
{
    goc_mutex_lock(&team->lock);
    team->size++;
    goc_mutex_unlock(&team->lock);
    goc_waitgroup_add(&team->all, 1);
    goc_waitgroup_done(&team->all);
}

int main(void)
{
    bank.requests = goc_chan_make(int, 1);
    team = calloc(1, sizeof *team);
    go(request);
    until_left(1);
    goc_close(bank.requests);
    go(join);
    until_left(1);
    goc_sleep(GOC_MILLISECOND);
    team->size++;
    goc_waitgroup_wait(&team->all);
}
