// status: 0
/* race_stack with the writes in a row: the second is started when the first has been waited for. */
#include <goc.h>

static void set(int *p, int v)
{
    *p = v;
}

int main(void)
{
    int total = 0;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, set, &total, 1);
    goc_waitgroup_wait(&wg);
    goc_waitgroup_go(&wg, set, &total, 2);
    goc_waitgroup_wait(&wg);
    return total != 2;
}
