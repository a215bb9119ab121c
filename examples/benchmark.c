/*
 * Measuring, as Go's testing package does: the function is run with a growing b->n until it takes a
 * second, and the line printed is the one that benchstat reads.
 */
#include <goc.h>
#include <goc/testing.h>
#include <stdio.h>

static void nothing(void)
{
}

static void spawn(goc_b *b)
{
    goc_waitgroup wg = {0};
    for (long i = 0; i < b->n; i++) {
        goc_waitgroup_go(&wg, nothing);
        goc_waitgroup_wait(&wg);
    }
}

static void uncontended(goc_b *b)
{
    goc_mutex mu = {0};
    for (long i = 0; i < b->n; i++) {
        goc_mutex_lock(&mu);
        goc_mutex_unlock(&mu);
    }
}

static void echo(goc_recv_chan(int) in, goc_send_chan(int) out)
{
    goc_range(v, in)
        goc_send(out, v);
}

static void ping_pong(goc_b *b)
{
    goc_chan(int) there = goc_chan_make(int, 0), back = goc_chan_make(int, 0);
    go(echo, there, back);
    for (long i = 0; i < b->n; i++) {
        goc_send(there, 1);
        goc_recv(back);
    }
    goc_close(there);
}

int main(void)
{
    goc_benchmark("Spawn", spawn);
    goc_benchmark("Mutex", uncontended);
    goc_benchmark("PingPong", ping_pong);
}
