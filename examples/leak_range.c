/*
 * A leak: range ends when the channel is closed, and nobody closes it. Mended in
 * leak_range_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static void logger(goc_recv_chan(int) lines)
{
    goc_range(line, lines)
        printf("line %d\n", line);
}

static void work(void)
{
    goc_chan(int) lines = goc_chan_make(int, 0);
    go(logger, lines);
    for (int i = 1; i <= 3; i++)
        goc_send(lines, i);
}

int main(void)
{
    work();
    for (int i = 0; i < 10; i++) /* the others get their turns */
        goc_sleep(5 * GOC_MILLISECOND);
}
