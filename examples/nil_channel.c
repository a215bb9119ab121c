/*
 * A NULL channel blocks for ever, and that is of use: in a select, setting a channel variable to
 * NULL turns its case off. Here two streams are merged, and each is switched off when it has ended.
 */
#include <goc.h>
#include <stdio.h>

static void count(goc_send_chan(int) out, int from, int to)
{
    for (int i = from; i < to; i++)
        goc_send(out, i);
    goc_close(out);
}

int main(void)
{
    goc_chan(int) a = goc_chan_make(int, 0), b = goc_chan_make(int, 0);
    go(count, a, 0, 10);
    go(count, b, 100, 110);
    int sum = 0;
    while (a || b) {
        int v = 0;
        bool ok = true;
        switch (goc_select(goc_on_recv_ok(a, &v, &ok), goc_on_recv_ok(b, &v, &ok))) {
        case 0:
            if (!ok)
                a = NULL;
            break;
        case 1:
            if (!ok)
                b = NULL;
            break;
        }
        if (ok)
            sum += v;
    }
    printf("sum %d\n", sum);
    return sum != 45 + 1045;
}
