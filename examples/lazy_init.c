/*
 * Lazy initialisation by a NULL check: two goroutines may both find NULL and both build the table,
 * and a third may see the pointer before what it points to. A race on the pointer, and on the
 * table. Mended in lazy_init_once.c.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

static int *squares;

static void load(void)
{
    int *t = malloc(100 * sizeof *t);
    for (int i = 0; i < 100; i++)
        t[i] = i * i;
    squares = t;
}

static void lookup(int i, goc_send_chan(int) out)
{
    if (!squares)
        load();
    goc_send(out, squares[i]);
}

int main(void)
{
    goc_chan(int) out = goc_chan_make(int, 3);
    for (int i = 1; i <= 3; i++)
        go(lookup, i, out);
    int sum = 0;
    for (int i = 1; i <= 3; i++)
        sum += goc_recv(out);
    printf("sum = %d\n", sum);
}
