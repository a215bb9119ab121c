// status: 66
// says: Found 1 sync misuse(s)
/* Done more often than Add. */
#include <goc.h>

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 1);
    goc_waitgroup_done(&wg);
    goc_waitgroup_done(&wg);
}
