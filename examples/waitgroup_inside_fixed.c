/*
 * waitgroup_inside.c mended: Add before the go statement, in the goroutine that will Wait.
 * (goc_waitgroup_go does Add, go and Done in one.)
 */
#include <goc.h>
#include <stdio.h>

static goc_waitgroup wg;
static goc_mutex mu; /* guards sum while the adders run */
static int sum;

static void add(int n)
{
    goc_mutex_lock(&mu);
    sum += n;
    goc_mutex_unlock(&mu);
    goc_waitgroup_done(&wg);
}

int main(void)
{
    for (int i = 1; i <= 5; i++) {
        goc_waitgroup_add(&wg, 1);
        go(add, i);
    }
    goc_waitgroup_wait(&wg);
    printf("sum = %d\n", sum);
    return sum != 15;
}
