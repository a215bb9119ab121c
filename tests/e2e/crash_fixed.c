// status: 0
/* It looks before it leaps. */
#include <goc.h>

static int *volatile nowhere;

static void walk(void)
{
    if (nowhere)
        *nowhere = 1;
}

int main(void)
{
    go(walk);
    goc_sleep(10 * GOC_MILLISECOND);
}
