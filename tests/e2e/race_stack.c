// status: 66
/* A local of main's frame that two goroutines write through a pointer. */
#include <goc.h>

static void set(int *p, int v, goc_duration after)
{
    goc_sleep(after);
    *p = v;
}

int main(void)
{
    int total = 0;
    go(set, &total, 1, (goc_duration)0);
    go(set, &total, 2, 20 * GOC_MILLISECOND);
    goc_sleep(40 * GOC_MILLISECOND);
}
