// status: 0
/* The channel is closed, and has room for an answer that nobody wants. */
#include <goc.h>

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

int main(void)
{
    goc_chan(int) results = goc_chan_make(int, 0);
    goc_chan(long) reply = goc_chan_make(long, 1);
    go(consume, results);
    goc_send(results, 1);
    goc_close(results);
    go(answer, reply);
    goc_sleep(20 * GOC_MILLISECOND);
}
