/*
 * loop_variable.c mended: the value is the argument, evaluated at the go statement.
 */
#include <goc.h>
#include <stdio.h>

static goc_waitgroup wg;

static void print(int i)
{
    printf("%d\n", i);
    goc_waitgroup_done(&wg);
}

int main(void)
{
    goc_waitgroup_add(&wg, 5);
    for (int i = 0; i < 5; i++)
        go(print, i);
    goc_waitgroup_wait(&wg);
}
