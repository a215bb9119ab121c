/*
 * A chain of 10,000 goroutines: each receives from its right neighbour, adds one, and hands the sum
 * to its left. A number sent in at the right end comes out 10,000 larger at the left one.
 *
 *   goc-race run examples/relay_chain.c
 *
 * Such a chain would want 10,000 threads, and 80 GB of address space for their stacks, with
 * pthreads; here it is a few dozen megabytes and one or two microseconds a hop, and it is clean
 * under detection: every hop is ordered by its channel.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

static void relay(goc_send_chan(int) left, goc_recv_chan(int) right)
{
    goc_send(left, 1 + goc_recv(right));
}

int main(int argc, char **argv)
{
    int hops = argc > 1 ? atoi(argv[1]) : 10000;
    goc_chan(int) leftmost = goc_chan_make(int, 0);
    goc_chan(int) right = leftmost;
    for (int i = 0; i < hops; i++) {
        goc_chan(int) left = right;
        right = goc_chan_make(int, 0);
        go(relay, left, right);
    }
    goc_time start = goc_now();
    goc_send(right, 0);
    int sum = goc_recv(leftmost);
    printf("%d hops, %.0f ns each\n", sum, (double)(goc_now() - start) / hops);
    return sum != hops;
}
