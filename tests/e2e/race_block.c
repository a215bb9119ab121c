// status: 66
// says: Found 3 data race(s)
/* A block is filled at one stroke: of the many words in it that three others wrote, each of the
   three is told once, the one with a single word at the end too. */
#include <goc.h>
#include <string.h>
#include "turns.h"

long block[512];

static void even(void)
{
    for (int i = 0; i < 511; i += 2)
        block[i] = i;
    turn_done();
}

static void odd(void)
{
    for (int i = 1; i < 511; i += 2)
        block[i] = i;
    turn_done();
}

static void last(void)
{
    block[511] = 1;
    turn_done();
}

int main(void)
{
    go(even);
    go(odd);
    go(last);
    turn_await(3);
    memset(block, 0, sizeof block);
    return 0;
}
