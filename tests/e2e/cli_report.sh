# Saved files: what `goc-race report` makes of them. The end by a signal is kept, shards are merged with
# one deduplication, and a file that is no such file is one line and 125.
. tests/e2e/lib
build clean racy
cat >"$work/crash.c" <<'END'
#include <goc.h>
#include <signal.h>
#include <stdlib.h>
int n;
static int *volatile nowhere;
static void set(int v)
{
    n = v;
}
int main(int argc, char **argv)
{
    go(set, 1);
    goc_sleep(5 * GOC_MILLISECOND);
    n = 2;
    if (argc > 1)
        raise(atoi(argv[1]));
    *nowhere = 1;
}
