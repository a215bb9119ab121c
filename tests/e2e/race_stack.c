// status: 66
// says: Location is 
/* A local of main's frame that two goroutines write through a pointer. */
#include <goc.h>
#include "turns.h"

static void set(int *p, int v, int left)
{
    until_left(left);
    goc_sleep(GOC_MILLISECOND);
    *p = v;
}

int main(void)
{
    goc_waitgroup wg = {0};
    int total = 0;
    goc_waitgroup_go(&wg, set, &total, 1, 3);
    goc_waitgroup_go(&wg, set, &total, 2, 2);
    goc_waitgroup_wait(&wg);
}
