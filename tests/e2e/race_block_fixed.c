// status: 0
/* The same, and who fills the block has waited for the three. */
#include <goc.h>
#include <string.h>

long block[512];

static void even(void)
{
    for (int i = 0; i < 511; i += 2)
        block[i] = i;
}

static void odd(void)
{
    for (int i = 1; i < 511; i += 2)
        block[i] = i;
}

static void last(void)
{
    block[511] = 1;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, even);
    goc_waitgroup_go(&wg, odd);
    goc_waitgroup_go(&wg, last);
    goc_waitgroup_wait(&wg);
    memset(block, 0, sizeof block);
    return 0;
}
