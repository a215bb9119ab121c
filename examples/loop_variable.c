/*
 * The loop variable by reference: every goroutine gets a pointer to the same `i`, which main goes
 * on changing. Most print 5 or some number twice. Mended in loop_variable_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static goc_waitgroup wg;

static void print(int *i)
{
    printf("%d\n", *i);
    goc_waitgroup_done(&wg);
}

int main(void)
{
    goc_waitgroup_add(&wg, 5);
    for (int i = 0; i < 5; i++)
        go(print, &i);
    goc_waitgroup_wait(&wg);
}
