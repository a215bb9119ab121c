/*
 * lazy_init.c mended with Once: the first one builds the table, the others wait for it, and what it
 * did comes before every return from goc_once_do.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

static int *squares;
static goc_once once;

static void load(void)
{
    squares = malloc(100 * sizeof *squares);
    for (int i = 0; i < 100; i++)
        squares[i] = i * i;
}

static void lookup(int i, goc_send_chan(int) out)
{
    goc_once_do(&once, load);
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
    free(squares);
    return sum != 14;
}
