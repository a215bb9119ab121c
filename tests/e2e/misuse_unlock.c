// status: 66
// says: Found 1 sync misuse(s)
/* Unlocking what is not locked. */
#include <goc.h>

static goc_mutex mu;

int main(void)
{
    goc_mutex_unlock(&mu);
}
