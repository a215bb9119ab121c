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
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, count);
    goc_waitgroup_go(&wg, reset);
    goc_waitgroup_wait(&wg);
}
