// status: 0
/* Of capacity 1, one. */
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
    permits = goc_chan_make(goc_unit, 1);
    go(enter, (goc_duration)0);
    go(enter, 20 * GOC_MILLISECOND);
    goc_sleep(40 * GOC_MILLISECOND);
}
