/*
 * Fan-out: several goroutines receive from one channel, and each value goes to one of them. Fan-in:
 * they send to one channel, which the last to finish closes (here: a goroutine that waits for all).
 */
#include <goc.h>
#include <stdio.h>

static void source(goc_send_chan(int) out)
{
    for (int i = 1; i <= 1000; i++)
        goc_send(out, i);
    goc_close(out);
}

static void doubler(goc_recv_chan(int) in, goc_send_chan(int) out)
{
    goc_range(v, in)
        goc_send(out, 2 * v);
}

static void closer(goc_waitgroup *wg, goc_send_chan(int) out)
{
    goc_waitgroup_wait(wg);
    goc_close(out);
}

int main(void)
{
    goc_chan(int) in = goc_chan_make(int, 0), out = goc_chan_make(int, 0);
    goc_waitgroup wg = {0};
    go(source, in);
    for (int i = 0; i < 4; i++)
        goc_waitgroup_go(&wg, doubler, in, out);
    go(closer, &wg, out);
    int sum = 0;
    goc_range(v, out)
        sum += v;
    printf("sum %d\n", sum);
    return sum != 1001000;
}
