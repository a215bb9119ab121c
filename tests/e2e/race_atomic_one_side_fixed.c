// status: 0
/* Atomic on both sides. */
#include <goc.h>

static int hits;

static void count(void)
{
    __atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
}

static void reset(void)
{
    goc_sleep(20 * GOC_MILLISECOND);
    __atomic_store_n(&hits, 0, __ATOMIC_RELAXED);
}

int main(void)
{
    go(count);
    go(reset);
    goc_sleep(40 * GOC_MILLISECOND);
}
