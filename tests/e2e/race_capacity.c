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
    permits = goc_chan_make(goc_unit, 2);
    go(enter, (goc_duration)0);
    go(enter, 20 * GOC_MILLISECOND);
    goc_sleep(40 * GOC_MILLISECOND);
}
