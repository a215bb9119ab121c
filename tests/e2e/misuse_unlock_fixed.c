// status: 0
/* Locked by one, unlocked by another: allowed, as in Go. */
#include <goc.h>

static goc_mutex mu;

static void unlock(goc_send_chan(goc_unit) done)
{
    goc_mutex_unlock(&mu);
    goc_send(done, GOC_UNIT);
}

int main(void)
{
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 0);
    goc_mutex_lock(&mu);
    go(unlock, done);
    goc_recv(done);
    goc_mutex_lock(&mu);
    goc_mutex_unlock(&mu);
}
