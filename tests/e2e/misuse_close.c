// status: 66
// says: Found 1 sync misuse(s)
/* Closing twice. */
#include <goc.h>

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_close(ch);
    goc_close(ch);
}
