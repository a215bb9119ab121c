/*
 * A call that blocks in the kernel blocks its thread, not the others: goc_blocking gives the P away
 * for the time of the call, and a plain blocking call (`usleep` below) loses it to the monitor
 * thread within 20 ms. Run with GOMAXPROCS=1: the ticks go on all the while.
 */
#include <goc.h>
#include <stdio.h>
#include <unistd.h>

static void nap(void *us)
{
    usleep(*(useconds_t *)us);
}

static void declared(goc_send_chan(int) done)
{
    useconds_t us = 200000;
    goc_blocking(nap, &us);
    goc_send(done, 1);
}

static void undeclared(goc_send_chan(int) done)
{
    usleep(200000);
    goc_send(done, 2);
}

int main(void)
{
    goc_chan(int) done = goc_chan_make(int, 0);
    go(declared, done);
    go(undeclared, done);
    goc_ticker *tick = goc_ticker_new(10 * GOC_MILLISECOND);
    int ticks = 0, sleepers = 2;
    while (sleepers > 0) {
        switch (goc_select(goc_on_recv(goc_ticker_chan(tick), NULL), goc_on_recv(done, NULL))) {
        case 0:
            ticks++;
            break;
        case 1:
            sleepers--;
            break;
        }
    }
    goc_ticker_stop(tick);
    printf("the clock ticked while two calls blocked: %s\n", ticks >= 5 ? "yes" : "no");
    return ticks < 5;
}
