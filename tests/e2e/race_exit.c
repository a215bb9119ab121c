// status: 66
/* exit() from a goroutine, with a status of its own; buffered output still comes out. */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

int n;

static void set(int v)
{
    n = v;
}

static void leave(void)
{
    exit(5);
}

int main(void)
{
    printf("written before the end");
    go(set, 1);
    goc_sleep(10 * GOC_MILLISECOND);
    go(set, 2);
    goc_sleep(10 * GOC_MILLISECOND);
    go(leave);
    goc_sleep(GOC_SECOND);
}
