// status: 66
/* An atomic read after a plain one of the same word does not stand for it: the store races with the plain. */
#include <goc.h>
#include "turns.h"

static int hits;
static volatile int sink;

static void look(void)
{
    sink = hits;
    sink = __atomic_load_n(&hits, __ATOMIC_RELAXED);
    turn_done();
}

static void count(void)
{
    turn_await(1);
    __atomic_store_n(&hits, 1, __ATOMIC_RELAXED);
}

int main(void)
{
    goc_waitgroup wg = {0};
    hits = 0;
    goc_waitgroup_go(&wg, look);
    goc_waitgroup_go(&wg, count);
    goc_waitgroup_wait(&wg);
}
