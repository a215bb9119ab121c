// status: 66
// says: Found 1 data race(s)
/* Closing a channel that another goroutine sends on, unordered: here the send came first; the other
   way round it is a panic. */
#include <goc.h>
#include "turns.h"

static void send(goc_send_chan(int) out)
{
    goc_send(out, 1);
}

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    go(send, ch);
    until_left(1);
    goc_close(ch);
}
