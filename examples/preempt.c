/*
 * A loop that never calls the runtime does not keep its P for ever: the monitor thread interrupts
 * it. Run with GOMAXPROCS=1: main is woken from its sleeps although `spin` never yields.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_bool stop;

static void spin(goc_send_chan(long) turns)
{
    long n = 0;
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        n++;
    goc_send(turns, n);
}

int main(void)
{
    goc_chan(long) turns = goc_chan_make(long, 1);
    go(spin, turns);
    for (int i = 0; i < 5; i++)
        goc_sleep(10 * GOC_MILLISECOND);
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    bool turned = goc_recv(turns) > 0;
    printf("main was woken five times beside a busy loop\n");
    return !turned;
}
