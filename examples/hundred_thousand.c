/*
 * 100,000 goroutines alive at once, then a million one after the other.
 *
 * A goroutine is a small record and a page or so of stack; a finished one's stack goes to the next.
 * Blocked on a channel it costs memory and nothing else.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static void wait_for(goc_recv_chan(goc_unit) start, goc_waitgroup *wg)
{
    goc_recv(start); /* returns when start is closed, in all of them */
    goc_waitgroup_done(wg);
}

static atomic_int lived;

static void live(void)
{
    atomic_fetch_add_explicit(&lived, 1, memory_order_relaxed);
}

int main(int argc, char **argv)
{
    int at_once = argc > 1 ? atoi(argv[1]) : 100000;
    int over_time = argc > 2 ? atoi(argv[2]) : 1000000;

    goc_chan(goc_unit) start = goc_chan_make(goc_unit, 0);
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, at_once);
    for (int i = 0; i < at_once; i++)
        go(wait_for, start, &wg);
    printf("%d goroutines\n", goc_numgoroutine());
    goc_close(start);
    goc_waitgroup_wait(&wg);

    goc_waitgroup batch = {0};
    for (int i = 0; i < over_time; i++) {
        goc_waitgroup_go(&batch, live);
        if (i % 1000 == 999)
            goc_waitgroup_wait(&batch);
    }
    goc_waitgroup_wait(&batch);
    printf("%d goroutines came and went\n", atomic_load(&lived));
    return atomic_load(&lived) != over_time;
}
