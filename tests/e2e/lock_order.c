// status: 66
/* A cycle of three locks in three goroutines that never meet. */
#include <goc.h>

static goc_mutex a, b, c;

static void take(goc_mutex *first, goc_mutex *second, goc_duration after)
{
    goc_sleep(after);
    goc_mutex_lock(first);
    goc_mutex_lock(second);
    goc_mutex_unlock(second);
    goc_mutex_unlock(first);
}

int main(void)
{
    go(take, &a, &b, (goc_duration)0);
    go(take, &b, &c, 10 * GOC_MILLISECOND);
    go(take, &c, &a, 20 * GOC_MILLISECOND);
    goc_sleep(40 * GOC_MILLISECOND);
}
