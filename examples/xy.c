/*
 * Two goroutines, each writes one variable and prints the other.
 *
 *   goc-race run examples/xy.c
 *
 * The outputs "0 1", "1 0" and "1 1" can be reasoned out; "0 0" cannot, and can happen. There are
 * exactly two races, one on x and one on y, and both are reported, with the stacks of both accesses
 * and the two places where the goroutines were started.
 */
#include <goc.h>
#include <stdio.h>

static int x, y;

static void set_x(void)
{
    x = 1;
    printf("y = %d\n", y);
}

static void set_y(void)
{
    y = 1;
    printf("x = %d\n", x);
}

int main(void)
{
    go(set_x);
    go(set_y);
    while (goc_numgoroutine() > 1) /* gives them time, and orders nothing */
        goc_gosched();
}
