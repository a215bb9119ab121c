/*
 * xy.c with one mutex for both variables: whoever comes second sees what the first one wrote, so
 * "0 0" cannot be printed. The loop has given way to a WaitGroup, which waits for the end of both.
 */
#include <goc.h>
#include <stdio.h>

static goc_mutex mu; /* guards x and y */
static int x, y;

static void set_x(void)
{
    goc_mutex_lock(&mu);
    x = 1;
    printf("y = %d\n", y);
    goc_mutex_unlock(&mu);
}

static void set_y(void)
{
    goc_mutex_lock(&mu);
    y = 1;
    printf("x = %d\n", x);
    goc_mutex_unlock(&mu);
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, set_x);
    goc_waitgroup_go(&wg, set_y);
    goc_waitgroup_wait(&wg);
}
