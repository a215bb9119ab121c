/*
 * leak_receive.c mended: the worker is started when it is clear that there is work for it.
 */
#include <goc.h>
#include <stdio.h>

static void worker(goc_recv_chan(int) orders)
{
    printf("order %d\n", goc_recv(orders));
}

static bool serve(bool open)
{
    if (!open)
        return false;
    goc_chan(int) orders = goc_chan_make(int, 0);
    go(worker, orders);
    goc_send(orders, 1);
    return true;
}

int main(void)
{
    printf("%s\n", serve(false) ? "served" : "closed");
    goc_sleep(20 * GOC_MILLISECOND);
}
