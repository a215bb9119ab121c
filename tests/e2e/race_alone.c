// status: 66
// alone: yes
/* Started without the launcher: it reports and exits just so, whatever its own status was. */
#include <goc.h>

int n;

static void set(int v)
{
    n = v;
}

int main(void)
{
    go(set, 1);
    goc_sleep(10 * GOC_MILLISECOND);
    go(set, 2);
    goc_sleep(10 * GOC_MILLISECOND);
    return 3;
}
