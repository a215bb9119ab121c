// status: 66
/* A channel of capacity 2 used as a lock lets two in. */
#include <goc.h>
#include "turns.h"

static goc_chan(goc_unit) permits;
static int inside;

static void enter(int left)
{
    until_left(left);
    goc_sleep(GOC_MILLISECOND);
    goc_send(permits, GOC_UNIT);
    inside++;
    goc_recv(permits);
}

int main(void)
{
    goc_waitgroup wg = {0};
    permits = goc_chan_make(goc_unit, 2);
    goc_waitgroup_go(&wg, enter, 3);
    goc_waitgroup_go(&wg, enter, 2);
    goc_waitgroup_wait(&wg);
}
