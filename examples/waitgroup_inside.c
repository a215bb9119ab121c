/*
 * The WaitGroup mistake: Add inside the goroutine. Wait may come before any of them has run, finds
 * a count of zero, and goes on; the sum is then read while they still add to it. goc-race reports
 * the Add that is not ordered with the Wait, and the sum.
 * Mended in waitgroup_inside_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static goc_waitgroup wg;
static goc_mutex mu; /* guards sum - but not in main, which trusts the WaitGroup */
static int sum;

static void add(int n)
{
    goc_waitgroup_add(&wg, 1); /* too late */
    goc_mutex_lock(&mu);
    sum += n;
    goc_mutex_unlock(&mu);
    goc_waitgroup_done(&wg);
}

int main(void)
{
    for (int i = 1; i <= 5; i++)
        go(add, i);
    goc_waitgroup_wait(&wg);
    printf("sum = %d\n", sum);
    while (goc_numgoroutine() > 1) /* gives them time, and orders nothing */
        goc_gosched();
}
