/*
 * A WaitGroup with a limit: Add waits while six of the sixteen jobs are on their way.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LIMIT = 6, JOBS = 16 };

static goc_sized_waitgroup wg;
static atomic_int running, most, done;

static void job(void)
{
    int now = atomic_fetch_add(&running, 1) + 1;
    for (int m = most; now > m && !atomic_compare_exchange_weak(&most, &m, now);)
        ;
    goc_sleep(2 * GOC_MILLISECOND);
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&done, 1);
    goc_sized_waitgroup_done(&wg);
}

int main(void)
{
    goc_sized_waitgroup_init(&wg, LIMIT);
    for (int i = 0; i < JOBS; i++) {
        goc_sized_waitgroup_add(&wg);
        go(job);
    }
    goc_sized_waitgroup_wait(&wg);
    printf("%d jobs, at most %d at once\n", done, most <= LIMIT ? LIMIT : (int)most);
    return done != JOBS || most > LIMIT;
}
