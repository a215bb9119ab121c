// status: 0
/* The halves do not overlap. */
#include <goc.h>
#include <stdlib.h>

static void fill(int *a, int from, int to)
{
    for (int i = from; i <= to; i++)
        a[i] = i;
}

int main(void)
{
    int *squares = malloc(100 * sizeof *squares);
    go(fill, squares, 0, 49);
    goc_sleep(5 * GOC_MILLISECOND);
    go(fill, squares, 50, 99);
    goc_sleep(5 * GOC_MILLISECOND);
}
