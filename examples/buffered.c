/*
 * A buffered channel is a queue: a send waits only when it is full, a receive only when it is
 * empty.
 */
#include <goc.h>
#include <stdio.h>

static void produce(goc_send_chan(int) out, int n)
{
    for (int i = 0; i < n; i++)
        goc_send(out, i);
    goc_close(out);
}

int main(void)
{
    goc_chan(int) q = goc_chan_make(int, 3);
    goc_send(q, 1);
    goc_send(q, 2);
    printf("%zu of %zu\n", (size_t)goc_len(q), (size_t)goc_cap(q)); /* nobody has waited so far */
    goc_send(q, 3);
    printf("a fourth would wait: %s\n", goc_try_send(q, 4) ? "no" : "yes");
    int sum = goc_recv(q) + goc_recv(q) + goc_recv(q);

    go(produce, q, 100);
    goc_range(v, q)
        sum += v;
    printf("sum %d\n", sum);
    return sum != 6 + 4950;
}
