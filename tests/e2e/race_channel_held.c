// status: 66
// procs: 1
// repeat: 5
/* "Mutexes held" names a channel that serves as a lock, and not the ticker's, which it only receives from. */
#include <goc.h>

static goc_chan(goc_unit) lock;
static int x;

static void bump(void)
{
    x++;
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
