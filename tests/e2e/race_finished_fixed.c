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
    goc_chan(goc_unit) ch = goc_chan_make(goc_unit, 1);
    go(early, ch);
    go(late, ch);
    goc_sleep(20 * GOC_MILLISECOND);
}
