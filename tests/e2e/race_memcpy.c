// status: 66
/* The write is libc's. */
#include <goc.h>
#include <string.h>
#include "turns.h"

char text[32] = "before";
char copy[32];

static void write_text(size_t n)
{
    memcpy(text, "after, and longer", n);
}

static void read_text(size_t n)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    memcpy(copy, text, n);
}

int main(int argc, char **argv)
{
    goc_waitgroup wg = {0};
    size_t n = 16 + argc - 1; /* not known to the compiler, so that the calls stay calls */
    goc_waitgroup_go(&wg, write_text, n);
    goc_waitgroup_go(&wg, read_text, n);
    goc_waitgroup_wait(&wg);
}
