/*
 * A call that blocks in the kernel blocks its thread, not the others: goc_blocking gives the P away
 * for the time of the call, and a plain blocking call loses it to the monitor thread within 20 ms.
 * Run with GOMAXPROCS=1: both calls wait for main, and the clock ticks on all the while.
 */
#include <goc.h>
#include <stdio.h>
#include <unistd.h>

static int gate[2]; /* a pipe */

static void wait_at_gate(void *unused)
{
    char c;
    if (read(gate[0], &c, 1) != 1)
        perror("read");
}

static void declared(goc_send_chan(int) done)
{
    goc_blocking(wait_at_gate, NULL);
    goc_send(done, 1);
}

static void undeclared(goc_send_chan(int) done)
{
    wait_at_gate(NULL);
    goc_send(done, 2);
}

int main(void)
{
    if (pipe(gate))
        return 1;
    goc_chan(int) done = goc_chan_make(int, 0);
    go(declared, done);
    go(undeclared, done);
    goc_ticker *tick = goc_ticker_new(10 * GOC_MILLISECOND);
    for (int i = 0; i < 5; i++)
        goc_recv(goc_ticker_chan(tick));
    goc_ticker_stop(tick);
    bool open = write(gate[1], "go", 2) == 2;
    int who = goc_recv(done) + goc_recv(done);
    printf("the clock ticked while two calls blocked\n");
    return !open || who != 3;
}
