// status: 66
/* The earlier access is a goroutine's that has ended, its stack long given to others. */
#include <goc.h>
#include "turns.h"

int shared;

static void early(void)
{
    shared = 1;
}

static void other(void)
{
}

static void late(void)
{
    shared = 2;
}

int main(void)
{
    go(early);
    until_left(1);
    for (int i = 0; i < 10; i++)
        go(other);
    until_left(1);
    go(late);
    until_left(1);
}
