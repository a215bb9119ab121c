// status: 66
/* Atomic on one side only. */
#include <goc.h>
#include <stdatomic.h>
#include "turns.h"

static int hits;

static void count(void)
{
    __atomic_fetch_add(&hits, 1, __ATOMIC_SEQ_CST);
}

static void reset(void)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    hits = 0;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, count);
    goc_waitgroup_go(&wg, reset);
    goc_waitgroup_wait(&wg);
}
