// status: 66
/* Read after another goroutine has freed it, unordered. */
#include <goc.h>
#include <stdlib.h>

static int *block;

static void drop(void)
{
    free(block);
}

static void look(void)
{
    goc_sleep(20 * GOC_MILLISECOND);
    volatile int *p = block;
    (void)*p;
}

int main(void)
{
    block = calloc(4, sizeof *block);
    go(drop);
    go(look);
    goc_sleep(40 * GOC_MILLISECOND);
}
