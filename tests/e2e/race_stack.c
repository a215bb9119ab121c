// status: 66
// says: Location is 
/* A local of main's frame that two goroutines write through a pointer. */
#include <goc.h>

static void set(int *p, int v, goc_duration after)
{
    goc_sleep(after);
    *p = v;
}

int main(void)
{
    goc_waitgroup wg = {0};
    int total = 0;
    goc_waitgroup_go(&wg, set, &total, 1, (goc_duration)0);
    goc_waitgroup_go(&wg, set, &total, 2, 20 * GOC_MILLISECOND);
    goc_waitgroup_wait(&wg);
}
