// status: 66
/* exit() from a goroutine, with a status of its own; buffered output still comes out. */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>
#include "turns.h"

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
    until_left(1);
    go(set, 2);
    until_left(1);
    go(leave);
    goc_sleep(GOC_MINUTE);
}
