// status: 3
// alone: yes
/* Nothing found: the program's own status, and not a word. */
#include <goc.h>

int main(void)
{
    goc_sleep(GOC_MILLISECOND);
    return 3;
}
