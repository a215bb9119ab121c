// status: 0
/* race_finished, ordered by a channel. */
#include <goc.h>

int shared;

static void early(goc_send_chan(goc_unit) done)
{
    shared = 1;
    goc_send(done, GOC_UNIT);
}

static void late(goc_recv_chan(goc_unit) start)
{
    goc_recv(start);
    shared = 2;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_chan(goc_unit) ch = goc_chan_make(goc_unit, 1);
    goc_waitgroup_go(&wg, early, ch);
    goc_waitgroup_go(&wg, late, ch);
    goc_waitgroup_wait(&wg);
}
