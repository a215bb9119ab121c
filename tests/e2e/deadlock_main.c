// status: 66
// says: Found 1 deadlock(s)
/* The whole program asleep. */
#include <goc.h>

static void wait_for(goc_recv_chan(int) in)
{
    goc_recv(in);
}

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, wait_for, ch);
    goc_waitgroup_wait(&wg);
}
