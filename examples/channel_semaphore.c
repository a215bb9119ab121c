/*
 * A channel as a semaphore: its capacity is the number of permits. With a capacity of one it is a
 * binary semaphore, and so a lock; the k-th receive comes before the (k+C)-th send, so what it guards is
 * ordered.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LIMIT = 3, GUESTS = 20 };

static atomic_int inside, most;
static int visits; /* guarded by door */

static void visit(goc_chan(goc_unit) permits, goc_chan(goc_unit) door)
{
    goc_send(permits, GOC_UNIT); /* acquire */
    int now = atomic_fetch_add(&inside, 1) + 1;
    for (int m = most; now > m && !atomic_compare_exchange_weak(&most, &m, now);)
        ;
    goc_sleep(GOC_MILLISECOND);

    goc_send(door, GOC_UNIT); /* lock: the binary semaphore */
    visits++;
    goc_recv(door); /* unlock */

    atomic_fetch_sub(&inside, 1);
    goc_recv(permits); /* release */
}

int main(void)
{
    goc_chan(goc_unit) permits = goc_chan_make(goc_unit, LIMIT);
    goc_chan(goc_unit) door = goc_chan_make(goc_unit, 1);
    goc_waitgroup wg = {0};
    for (int i = 0; i < GUESTS; i++)
        goc_waitgroup_go(&wg, visit, permits, door);
    goc_waitgroup_wait(&wg);
    printf("%d visits, never more than %d at once: %s\n", visits, LIMIT,
           most <= LIMIT ? "true" : "false");
    return visits != GUESTS || most > LIMIT;
}
