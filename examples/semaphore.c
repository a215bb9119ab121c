/*
 * A weighted semaphore: ten units of memory; small jobs take one, large ones five. First come first
 * served, so a large one is not starved by small ones. Acquiring can be given up with a context.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

enum { UNITS = 10 };

static goc_sem memory = GOC_SEM_INIT(UNITS);
static atomic_int in_use, most;

static void job(int weight)
{
    goc_sem_acquire(&memory, weight);
    int now = atomic_fetch_add(&in_use, weight) + weight;
    for (int m = most; now > m && !atomic_compare_exchange_weak(&most, &m, now);)
        ;
    goc_sleep(GOC_MILLISECOND);
    atomic_fetch_sub(&in_use, weight);
    goc_sem_release(&memory, weight);
}

int main(void)
{
    goc_waitgroup wg = {0};
    for (int i = 0; i < 30; i++)
        goc_waitgroup_go(&wg, job, i % 3 == 0 ? 5 : 1);
    goc_waitgroup_wait(&wg);
    printf("never more than %d units: %s\n", UNITS, most <= UNITS ? "true" : "false");

    goc_sem_acquire(&memory, UNITS);
    goc_context *soon = goc_with_timeout(goc_background(), 5 * GOC_MILLISECOND);
    bool gave_up = goc_sem_acquire_ctx(soon, &memory, 1) != 0;
    printf("gave up waiting: %s; without waiting: %s\n", gave_up ? "yes" : "no",
           goc_sem_try_acquire(&memory, 1) ? "got it" : "nothing left");
    goc_context_free(soon);
    goc_sem_release(&memory, UNITS);
    return most > UNITS || !gave_up;
}
