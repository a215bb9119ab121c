// status: 66
/* Read after another goroutine has freed it, unordered. */
#include <goc.h>
#include <stdlib.h>
#include "turns.h"

static int *block;

static void drop(void)
{
    free(block);
}

static void look(void)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    volatile int *p = block;
    (void)*p;
}

int main(void)
{
    goc_waitgroup wg = {0};
    block = calloc(4, sizeof *block);
    goc_waitgroup_go(&wg, drop);
    goc_waitgroup_go(&wg, look);
    goc_waitgroup_wait(&wg);
}
