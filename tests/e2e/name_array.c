// status: 66
/* An element of an array in the heap has the name of the pointer that it was allocated to. */
#include <goc.h>
#include <stdlib.h>
#include "turns.h"

static void fill(int *a, int from, int to)
{
    for (int i = from; i <= to; i++)
        a[i] = i;
}

int main(void)
{
    int *squares = malloc(100 * sizeof *squares);
    go(fill, squares, 0, 50);
    until_left(1);
    go(fill, squares, 50, 99);
    until_left(1);
}
