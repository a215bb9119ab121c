// status: 0
/* What looks like cycles and cannot close: within one goroutine, under a common gate, kept apart by
   the program's own order, and through trylock. */
#include <goc.h>

static goc_mutex a, b, gate;

static void take(goc_mutex *first, goc_mutex *second)
{
    goc_mutex_lock(first);
    goc_mutex_lock(second);
    goc_mutex_unlock(second);
    goc_mutex_unlock(first);
}

static void gated(goc_mutex *first, goc_mutex *second)
{
    goc_mutex_lock(&gate);
    take(first, second);
    goc_mutex_unlock(&gate);
}

static void trying(goc_mutex *first, goc_mutex *second)
{
    goc_mutex_lock(first);
    if (goc_mutex_trylock(second))
        goc_mutex_unlock(second);
    goc_mutex_unlock(first);
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_mutex one = {0}, other = {0};
    take(&one, &other);
    take(&other, &one); /* one goroutine */

    goc_waitgroup_go(&wg, gated, &a, &b);
    goc_waitgroup_go(&wg, gated, &b, &a);
    goc_waitgroup_wait(&wg);

    goc_mutex c = {0}, d = {0};
    goc_waitgroup_go(&wg, take, &c, &d);
    goc_waitgroup_wait(&wg); /* the first has ended before the second starts */
    goc_waitgroup_go(&wg, take, &d, &c);
    goc_waitgroup_wait(&wg);

    goc_mutex e = {0}, f = {0};
    goc_waitgroup_go(&wg, take, &e, &f);
    goc_waitgroup_go(&wg, trying, &f, &e);
    goc_waitgroup_wait(&wg);
}
