// status: 66
// procs: 1 2
/* Leaks: the variable has gone with the function that made the channel, and is known all the same. */
#include <goc.h>
#include "turns.h"

static int sum;

static void consume(goc_chan(int) results)
{
    goc_range(v, results)
        sum += v;
}

static void answer(goc_chan(long) reply)
{
    goc_send(reply, 42L);
}

static void produce(void)
{
    goc_chan(int) results = goc_chan_make(int, 0);
    go(consume, results);
    goc_send(results, 1);
}

static void ask(void)
{
    goc_chan(long) reply, other;
    other = goc_chan_make(long, 1);
    reply = goc_chan_make(long, 0);
    go(answer, reply);
    goc_send(other, 1);
    goc_recv(other);
}

int main(void)
{
    produce();
    ask();
    until_blocked();
}
