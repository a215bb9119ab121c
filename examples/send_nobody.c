/*
 * A send on an unbuffered channel with nobody there to receive: main waits, nothing can wake it,
 * and the program says so instead of hanging: "all goroutines are asleep - deadlock!". Mended in send_nobody_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_send(ch, 1);
    printf("%d\n", goc_recv(ch));
}
