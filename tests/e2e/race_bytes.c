// status: 66
/* Four bytes written as one, and one of them alone: they overlap in a byte. */
#include <goc.h>
#include <stdint.h>
#include "turns.h"

union {
    uint32_t all;
    uint8_t byte[4];
} word;

static void whole(void)
{
    word.all = 1;
}

static void part(void)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    word.byte[2] = 1;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, whole);
    goc_waitgroup_go(&wg, part);
    goc_waitgroup_wait(&wg);
}
