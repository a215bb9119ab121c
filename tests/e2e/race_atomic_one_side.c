// status: 66
/* Atomic on one side only. */
#include <goc.h>
#include <stdatomic.h>

static int hits;

static void count(void)
{
    __atomic_fetch_add(&hits, 1, __ATOMIC_SEQ_CST);
}

static void reset(void)
{
    goc_sleep(20 * GOC_MILLISECOND);
    hits = 0;
}

int main(void)
{
    go(count);
    go(reset);
    goc_sleep(40 * GOC_MILLISECOND);
}
