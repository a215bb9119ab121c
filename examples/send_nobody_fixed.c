/*
 * send_nobody.c mended: somebody else receives. (A buffer of one would do as well.)
 */
#include <goc.h>
#include <stdio.h>

static void receive(goc_recv_chan(int) ch, goc_send_chan(goc_unit) done)
{
    printf("%d\n", goc_recv(ch));
    goc_send(done, GOC_UNIT);
}

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 0);
    go(receive, ch, done);
    goc_send(ch, 1);
    goc_recv(done);
}
