// status: 66
// says: Found 1 data race(s)
/* The same race a thousand times over is one report. */
#include <goc.h>
#include "turns.h"

int cells[1000];

static void fill(int v)
{
    for (int i = 0; i < 1000; i++)
        cells[i] = v;
}

int main(void)
{
    go(fill, 1);
    until_left(1);
    go(fill, 2);
    until_left(1);
}
