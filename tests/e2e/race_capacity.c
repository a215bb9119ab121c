// status: 66
/* A channel of capacity 2 used as a lock lets two in. */
#include <goc.h>

static goc_chan(goc_unit) permits;
static int inside;

static void enter(goc_duration after)
{
    goc_sleep(after);
    goc_send(permits, GOC_UNIT);
    inside++;
    goc_recv(permits);
}

int main(void)
{
    goc_waitgroup wg = {0};
    permits = goc_chan_make(goc_unit, 2);
    goc_waitgroup_go(&wg, enter, (goc_duration)0);
    goc_waitgroup_go(&wg, enter, 20 * GOC_MILLISECOND);
    goc_waitgroup_wait(&wg);
}
