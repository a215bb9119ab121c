// status: 0
/* Closing through a Once. */
#include <goc.h>

static goc_chan(int) ch;
static goc_once once;

static void shut(void)
{
    goc_close(ch);
}

int main(void)
{
    ch = goc_chan_make(int, 0);
    goc_once_do(&once, shut);
    goc_once_do(&once, shut);
}
