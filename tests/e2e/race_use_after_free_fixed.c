// status: 0
/* The look is over before the block is freed. */
#include <goc.h>
#include <stdlib.h>

static int *block;

static void look(goc_send_chan(goc_unit) done)
{
    volatile int *p = block;
    (void)*p;
    goc_send(done, GOC_UNIT);
}

static void drop(goc_recv_chan(goc_unit) done)
{
    goc_recv(done);
    free(block);
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 1);
    block = calloc(4, sizeof *block);
    goc_waitgroup_go(&wg, look, done);
    goc_waitgroup_go(&wg, drop, done);
    goc_waitgroup_wait(&wg);
}
