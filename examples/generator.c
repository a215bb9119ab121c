/*
 * A generator is a function that returns a channel and leaves a goroutine behind that feeds it.
 * A pipeline is generators whose input is the one before: numbers → squares → their sum.
 */
#include <goc.h>
#include <stdio.h>

static void count(goc_send_chan(int) out, int n)
{
    for (int i = 1; i <= n; i++)
        goc_send(out, i);
    goc_close(out);
}

static goc_recv_chan(int) numbers(int n)
{
    goc_chan(int) out = goc_chan_make(int, 0);
    go(count, out, n);
    return out;
}

static void square(goc_send_chan(int) out, goc_recv_chan(int) in)
{
    goc_range(v, in)
        goc_send(out, v * v);
    goc_close(out);
}

static goc_recv_chan(int) squares(goc_recv_chan(int) in)
{
    goc_chan(int) out = goc_chan_make(int, 0);
    go(square, out, in);
    return out;
}

int main(void)
{
    int sum = 0;
    goc_range(v, squares(numbers(100)))
        sum += v;
    printf("sum of squares %d\n", sum);
    return sum != 338350;
}
