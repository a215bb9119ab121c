/*
 * Sleep, After, timers, tickers, AfterFunc. Time is monotonic, in nanoseconds.
 */
#include <goc.h>
#include <stdio.h>

static void ring(void *bell)
{
    goc_send((goc_chan(int))bell, 1);
}

int main(void)
{
    goc_time start = goc_now();
    goc_sleep(20 * GOC_MILLISECOND);
    printf("slept: %s\n", goc_now() - start >= 20 * GOC_MILLISECOND ? "long enough" : "too short");

    goc_recv(goc_after(10 * GOC_MILLISECOND));
    printf("after 10 ms\n");

    goc_timer *t = goc_timer_new(GOC_MINUTE);
    printf("stopped in time: %s\n", goc_timer_stop(t) ? "yes" : "no");
    goc_timer_reset(t, 10 * GOC_MILLISECOND);
    goc_recv(goc_timer_chan(t));
    printf("reset, and fired\n");
    goc_timer_free(t);

    goc_chan(int) bell = goc_chan_make(int, 1);
    goc_timer *f = goc_after_func(10 * GOC_MILLISECOND, ring, bell);
    goc_recv(bell);
    printf("the function was called\n");
    goc_timer_free(f);

    goc_ticker *tick = goc_ticker_new(5 * GOC_MILLISECOND);
    for (int i = 1; i <= 3; i++) {
        goc_recv(goc_ticker_chan(tick));
        printf("tick %d\n", i);
    }
    goc_ticker_stop(tick);
}
