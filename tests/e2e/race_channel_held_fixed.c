// status: 0
// repeat: 5
/* race_channel_held.c mended: the other one takes the lock as well. */
#include <goc.h>

static goc_chan(goc_unit) lock;
static int x;

static void bump(void)
{
    goc_send(lock, GOC_UNIT);
    x++;
    goc_recv(lock);
}

int main(void)
{
    lock = goc_chan_make(goc_unit, 1);
    goc_ticker *ticker = goc_ticker_new(GOC_MILLISECOND);
    goc_waitgroup wg = {0};
    goc_recv(goc_ticker_chan(ticker));
    goc_recv(goc_after(1));
    for (int i = 0; i < 2; i++) {
        goc_send(lock, GOC_UNIT);
        goc_recv(lock);
    }
    goc_send(lock, GOC_UNIT);
    goc_waitgroup_go(&wg, bump);
    x++;
    goc_recv(lock);
    goc_waitgroup_wait(&wg);
    goc_ticker_stop(ticker);
    goc_chan_free(lock);
}
