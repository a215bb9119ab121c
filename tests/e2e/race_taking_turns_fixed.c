// status: 0
// repeat: 10
/* The turn is handed over by channel. */
#include <goc.h>

static int turns;
static goc_waitgroup wg;

static void turn(goc_recv_chan(goc_unit) mine, goc_send_chan(goc_unit) yours)
{
    for (int i = 0; i < 10; i++) {
        goc_recv(mine);
        turns++;
        goc_send(yours, GOC_UNIT);
    }
    goc_waitgroup_done(&wg);
}

int main(void)
{
    goc_chan(goc_unit) a = goc_chan_make(goc_unit, 1), b = goc_chan_make(goc_unit, 1);
    goc_waitgroup_add(&wg, 2);
    go(turn, a, b);
    go(turn, b, a);
    goc_send(a, GOC_UNIT);
    goc_waitgroup_wait(&wg);
    return turns != 20;
}
