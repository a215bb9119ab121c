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
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, take, &a, &b, (goc_duration)0);
    goc_waitgroup_go(&wg, take, &b, &c, 10 * GOC_MILLISECOND);
    goc_waitgroup_go(&wg, take, &c, &a, 20 * GOC_MILLISECOND);
    goc_waitgroup_wait(&wg);
}
