// status: 139
// says: Found 1 data race(s)
/* A race, then a crash in a goroutine: the finding is printed, then the crash with its stack, and
   the status is the signal's. */
#include <goc.h>
#include "turns.h"

int n;
static int *volatile nowhere;

static void set(int v)
{
    n = v;
}

static __attribute__((noinline)) void stumble(void)
{
    *nowhere = 1;
}

static void walk(void)
{
    stumble();
    n++;
}

int main(void)
{
    go(set, 1);
    until_left(1);
    go(set, 2);
    until_left(1);
    go(walk);
    goc_sleep(GOC_MINUTE);
}
