// status: 66
/* The earlier access is a goroutine's that has ended, its stack long given to others. */
#include <goc.h>

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
    goc_sleep(10 * GOC_MILLISECOND);
    for (int i = 0; i < 10; i++)
        go(other);
    goc_sleep(10 * GOC_MILLISECOND);
    go(late);
    goc_sleep(10 * GOC_MILLISECOND);
}
