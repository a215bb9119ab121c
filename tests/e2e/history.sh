# The earlier side of a race has its stack, however long ago it was: hundreds of different races, each with
# thousands of other accesses of its goroutine after it. Where the log is too small for that, the race
# is told all the same, and history_size brings the stack back.
. tests/e2e/lib
awk -v n=400 'BEGIN {
    print "#include <goc.h>\n#include <stdlib.h>"
    print "static int cell[" n "];"
    for (i = 0; i < n; i++) {
        printf "__attribute__((noinline)) static void early%d(void)\n{\n    cell[%d] = %d;\n}\n", i, i, i
        printf "__attribute__((noinline)) static void late%d(void)\n{\n    cell[%d]++;\n}\n", i, i
    }
    for (k = 0; k < 2; k++) {
        printf "static void (*const %s[])(void) = {", k ? "late" : "early"
        for (i = 0; i < n; i++)
            printf "%s%d,", k ? "late" : "early", i
        print "};"
    }
    print "enum { N = " n ", GOROUTINES = 10 };"
}' >"$work/history.c"
cat >>"$work/history.c" <<'END'
static void other(long g, long n) /* accesses that no pattern makes short in the log */
{
    static volatile long limit = 1000000;           /* all read it, again and again */
    static volatile unsigned char beside[GOROUTINES]; /* and write beside each other */
    volatile long *mine = calloc(1 << 14, 8);
    unsigned long z = 1;
    for (long i = 0; i < n && i < limit; i++) {
        beside[g]++;
        z = z * 6364136223846793005ul + 1;
        mine[z >> 50]++;
        if (i % 500 == 0)
            goc_gosched();
    }
}
static void writes(long from, long gap)
{
    for (long i = from; i < N; i += GOROUTINES) {
        early[i]();
        other(from % GOROUTINES, gap);
    }
}
int main(int argc, char **argv)
{
    for (long g = 0; g < GOROUTINES; g++)
        go(writes, g, atol(argv[1]));
    while (goc_numgoroutine() > 1)
        goc_gosched();
    for (int i = 0; i < N; i++)
        late[i]();
    return 0;
}
END
try "$race" cc -g -O1 "$work/history.c" -o "$work/history"
want_status 0
told() { # AT-LEAST: that many of the 400 with the function of the earlier access
    [ "$(grep -c 'WARNING: DATA RACE' "$err")" = 400 ] ||
        wrong "$(grep -c 'WARNING: DATA RACE' "$err") races, not 400"
    known=$(grep -A1 '^Previous write' "$err" | grep -c '^  early[0-9]')
    [ "$known" -ge "$1" ] || wrong "$known of 400 with the earlier stack"
}
for procs in 1 2; do
    try env GOMAXPROCS=$procs "$work/history" 1000
    told 396
done
# Ten goroutines of 400,000 accesses each, as the default has it, and as the smallest log loses them.
try env GOMAXPROCS=1 "$work/history" 10000
told 396
try env GOMAXPROCS=1 GOCRACE=history_size=0 "$work/history" 10000
told 0
[ "$known" -lt 396 ] || wrong "the log of history_size=0 held everything: the test is too small"
finish
