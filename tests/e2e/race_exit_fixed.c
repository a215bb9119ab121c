// status: 5
/* With nothing found, the status is the program's. */
#include <goc.h>
#include <stdlib.h>

static void leave(void)
{
    exit(5);
}

int main(void)
{
    go(leave);
    goc_sleep(GOC_MINUTE);
}
