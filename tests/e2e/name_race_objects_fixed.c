// status: 0
/* The sender is waited for before the close, Add comes before the go statement, both sides lock. */
#include <goc.h>
#include <stdlib.h>

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

static void work(void)
{
    goc_send(bank.requests, 1);
    goc_mutex_lock(&team->lock);
    team->size++;
    goc_mutex_unlock(&team->lock);
    goc_waitgroup_done(&team->all);
}

int main(void)
{
    bank.requests = goc_chan_make(int, 1);
    team = calloc(1, sizeof *team);
    goc_waitgroup_add(&team->all, 1);
    go(work);
    goc_mutex_lock(&team->lock);
    team->size++;
    goc_mutex_unlock(&team->lock);
    goc_waitgroup_wait(&team->all);
    goc_close(bank.requests);
}
