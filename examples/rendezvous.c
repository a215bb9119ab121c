/*
 * An unbuffered channel: sender and receiver meet. A send returns when the value has been taken, so
 * what the sender did before it is known to the receiver, and what the receiver did before the
 * receive is known to the sender after it.
 */
#include <goc.h>
#include <stdio.h>

static int before; /* needs no lock: written before the send, read after the receive */

static void pitch(goc_send_chan(int) ball)
{
    before = 42;
    goc_send(ball, 1);
}

int main(void)
{
    goc_chan(int) ball = goc_chan_make(int, 0);
    go(pitch, ball);
    int got = goc_recv(ball);
    printf("got %d, and before = %d\n", got, before);
    return before != 42;
}
