// status: 66
/* A cycle of three locks in three goroutines that never meet. */
#include <goc.h>
#include "turns.h"

static goc_mutex a, b, c;

static void take(goc_mutex *first, goc_mutex *second, int left)
{
    until_left(left);
    goc_mutex_lock(first);
    goc_mutex_lock(second);
    goc_mutex_unlock(second);
    goc_mutex_unlock(first);
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, take, &a, &b, 4);
    goc_waitgroup_go(&wg, take, &b, &c, 3);
    goc_waitgroup_go(&wg, take, &c, &a, 2);
    goc_waitgroup_wait(&wg);
}
