// status: 66
// alone: yes
/* Started without the launcher: it reports and exits just so, whatever its own status was. */
#include <goc.h>
#include "turns.h"

int n;

static void set(int v)
{
    n = v;
}

int main(void)
{
    go(set, 1);
    until_left(1);
    go(set, 2);
    until_left(1);
    return 3;
}
