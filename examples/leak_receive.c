/*
 * A leak: the worker waits for an order that never comes, for the only one who could send it has
 * returned early. Mended in leak_receive_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static void worker(goc_recv_chan(int) orders)
{
    printf("order %d\n", goc_recv(orders));
}

static bool serve(bool open)
{
    goc_chan(int) orders = goc_chan_make(int, 0);
    go(worker, orders);
    if (!open)
        return false; /* and nobody knows of the worker any more */
    goc_send(orders, 1);
    return true;
}

int main(void)
{
    printf("%s\n", serve(false) ? "served" : "closed");
    for (int i = 0; i < 10; i++) /* the others get their turns */
        goc_sleep(5 * GOC_MILLISECOND);
}
