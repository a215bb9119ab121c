// status: 0
/* The sender closes. */
#include <goc.h>

static void send(goc_send_chan(int) out)
{
    goc_send(out, 1);
    goc_close(out);
}

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    go(send, ch);
    goc_sleep(20 * GOC_MILLISECOND);
    return goc_recv(ch) != 1;
}
