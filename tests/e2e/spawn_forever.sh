# Goroutines that nobody waits for, more of them than there are ids (debug_ids: fewer than the sixteen million
# of a real run): it is said once, the program goes on, memory stays as it is, and races are found.
. tests/e2e/lib
cat >"$work/spawn.c" <<'END'
#include "turns.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static long cell[64];
static int racy;
static void forget(long i)
{
    cell[i % 64]++; /* by one at a time, and ordered by nothing: a race each, said once */
}
static void own(long i)
{
    long *p = malloc(sizeof *p);
    *p = i;
    free(p);
}
static void race(void)
{
    racy++;
}
static long resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long all = 0, pages = 0;
    if (fscanf(f, "%ld %ld", &all, &pages) != 2)
        exit(9);
    fclose(f);
    return pages * 4;
}
int main(int argc, char **argv)
{
    long n = atol(argv[1]), at = 0;
    for (long i = 0; i < n; i++) {
        if (argc > 2)
            go(forget, i);
        else
            go(own, i);
        if (i % 64 == 63)
            goc_gosched();
        if (i == n / 2)
            at = resident();
    }
    printf("grown %s\n", resident() - at < 8192 ? "little" : "much");
    go(race);
    until_left(1);
    racy++;
    return 0;
}
END
try "$race" cc -g -O1 "$work/spawn.c" -o "$work/spawn"
want_status 0
for procs in 1 2; do
    try env GOMAXPROCS=$procs GOCRACE=debug_ids=1000 "$work/spawn" 100000
    want_status 66
    want_out 'grown little'
    want_err 'Found 1 data race(s)'
    [ "$(grep -c 'goroutines have ended that nobody waited for' "$err")" = 1 ] || wrong "not said once"
    try env GOMAXPROCS=$procs GOCRACE=debug_ids=1000 "$work/spawn" 100000 shared
    want_status 66
    want_err "Location is global 'racy'"
    want_err "Location is global 'cell["
    try env GOMAXPROCS=$procs "$work/spawn" 20000
    want_no_err 'nobody waited for'
done
finish
