// status: 66
/* Only the case of a select that went ahead orders anything. */
#include <goc.h>
#include "turns.h"

static int a, b;

static void send(int *p, goc_send_chan(int) out)
{
    *p = 1;
    goc_send(out, 1);
}

int main(void)
{
    goc_chan(int) one = goc_chan_make(int, 1), two = goc_chan_make(int, 1);
    go(send, &a, one);
    go(send, &b, two);
    until_left(1);
    goc_sleep(GOC_MILLISECOND);
    goc_chan(int) off = NULL;
    goc_select(goc_on_recv(one, NULL), goc_on_recv(off, NULL));
    return a + b > 2; /* a is ordered by the receive; b is not */
}
