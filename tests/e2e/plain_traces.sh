# The traces of a plain program that dies: Go's two lines a frame, with the line of source, of every
# goroutine, on whatever thread it is. Without the tool, or with one that is of no use, symbols and offsets.
. tests/e2e/lib
unset GOCRACE_TOOL
cat >"$work/end.c" <<'END'
#include <goc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static goc_chan(int) ch;
static int pipes[2];
static volatile int yes = 1, spinning, reading;
static inline __attribute__((always_inline)) int take(void)
{
    return goc_recv(ch); /* line 11 */
}
static __attribute__((noinline)) int deep(int n)
{
    int r = n ? deep(n - 1) : take(); /* line 15 */
    __asm__ volatile("" ::: "memory");
    return r + 1;
}
static void waits(void)
{
    deep(2); /* line 21 */
}
static void spins(void)
{
    while ((spinning = yes)) /* line 25 */
        ;
}
static void reads(void)
{
    char buf[16];
    FILE *f = fdopen(pipes[0], "r");
    for (reading = 1; fgets(buf, sizeof buf, f);) /* line 32 */
        ;
}
static __attribute__((noinline)) void fault(int *p)
{
    *p = 1; /* line 37 */
}
static void faults(void)
{
    fault((int *)8); /* line 41 */
    __asm__ volatile("");
}
static __attribute__((noinline)) int eats(int n)
{
    volatile char room[200];
    room[0] = (char)n;
    return eats(n + 1) + room[0]; /* line 48 */
}
static void eater(void)
{
    eats(0); /* line 52 */
    __asm__ volatile("");
}
static __attribute__((noinline)) void jumps(void)
{
    volatile char far[1 << 20]; /* the other stacks are next to this one */
    far[0] = 1;
}
int main(int argc, char **argv)
{
    const char *how = argv[1];
    ch = goc_chan_make(int, 0);
    if (pipe(pipes))
        return 3;
    go(waits); /* line 66 */
    goc_gosched();
    if (!strcmp(how, "asleep"))
        goc_recv(goc_chan_make(int, 0)); /* line 69 */
    if (!strcmp(how, "eats"))
        eats(0); /* line 71 */
    if (!strcmp(how, "eater"))
        go(eater);
    if (!strcmp(how, "fault"))
        go(faults); /* line 75 */
    if (!strcmp(how, "jumps"))
        go(jumps);
    go(reads);
    go(spins); /* line 79 */
    while (!spinning || !reading)
        goc_sleep(30 * GOC_MILLISECOND);
    if (!strcmp(how, "panic"))
        goc_panic("over"); /* line 83 */
    if (!strcmp(how, "quit"))
        kill(getpid(), SIGQUIT);
    goc_sleep(GOC_MINUTE);
}
END
# shellcheck disable=SC2046
gcc -g -O1 $(PKG_CONFIG_PATH=$BUILD/lib/pkgconfig pkg-config --cflags --libs goc) "$work/end.c" \
    -L"$BUILD/lib" -lgoc -Wl,-rpath,"$BUILD/lib" -o "$work/end" ||
    exit 1
src=$work/end.c
frame() { # NAME LINE [OFFSET]: the two lines of a frame stand one after the other
    grep -A 1 -F -x -e "$1" "$err" | grep -q -e "^	$src:$2${3- +0x[0-9a-f]*}\$" ||
        wrong "no frame $1 at line $2"
}

for p in 1 2; do
    try env GOMAXPROCS=$p "$work/end" asleep
    want_status 2
    [ "$(head -n 1 "$err")" = 'fatal error: all goroutines are asleep - deadlock!' ] &&
        [ -z "$(sed -n 2p "$err")" ] && [ "$(sed -n 3p "$err")" = 'goroutine 1 [chan receive]:' ] ||
        wrong "not Go's first three lines"
    frame 'main()' 69
    frame 'take(...)' 11 ''
    frame 'deep()' 15
    frame 'waits()' 21
    frame 'created by main in goroutine 1' 66
    # One frame for each call, nothing of the runtime or of what called main.
    [ "$(grep -c '^deep()$' "$err")" = 3 ] || wrong "deep() is not there three times"
    [ "$(wc -l <"$err")" -eq 19 ] || wrong "not 19 lines"

    # Goroutines on other threads: in a loop, and in libc with a stream's lock held.
    for how in panic quit; do
        try env GOMAXPROCS=$((p + 1)) "$work/end" $how
        want_status 2
        frame 'spins()' '2[56]'
        frame 'created by main in goroutine 1' 79
        frame 'reads()' 32
        want_no_err 'stack unavailable'
    done
    try env GOMAXPROCS=$p "$work/end" panic
    frame 'main()' 83

    try env GOMAXPROCS=$p "$work/end" fault
    want_status 139
    want_err '[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x'
    frame 'fault()' 37
    frame 'faults()' 41
    frame 'created by main in goroutine 1' 75

    try env GOMAXPROCS=$p "$work/end" eater
    want_status 2
    want_err 'fatal error: goroutine stack exceeds 262144-byte limit'
    frame 'eats()' 48
    frame 'eater()' 52
    grep -q '^\.\.\.[0-9]* frames elided\.\.\.$' "$err" || wrong "nothing elided"
    [ "$(wc -l <"$err")" -lt 220 ] || wrong "the whole stack"

    try env GOMAXPROCS=$p "$work/end" jumps
    want_status 2
    want_err 'fatal error: goroutine stack exceeds 262144-byte limit'
    frame 'jumps()' '[56][0-9]'

    # The process's own stack, whatever its limit is here.
    try sh -c 'ulimit -s 1024 && exec "$0" eats' "$work/end"
    want_status 2
    want_err 'fatal error: goroutine stack exceeds 1048576-byte limit'
    frame 'main()' 71
done

# A tool that is not there, that ends at once, that talks nonsense: the trace is whole all the same.
printf '#!/bin/sh\necho nonsense >&$2\n' >"$work/babbler"
chmod +x "$work/babbler"
for tool in '' /nowhere/goc-race /bin/true "$work/babbler"; do
    try env GOCRACE_TOOL="$tool" "$work/end" asleep
    want_status 2
    want_err 'main()'
    want_err 'waits()'
    want_err "	$work/end +0x"
    want_no_err "$src"
    want_no_err nonsense
done
finish
