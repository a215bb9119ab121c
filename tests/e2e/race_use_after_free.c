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
    goc_waitgroup wg = {0};
    block = calloc(4, sizeof *block);
    goc_waitgroup_go(&wg, drop);
    goc_waitgroup_go(&wg, look);
    goc_waitgroup_wait(&wg);
}
