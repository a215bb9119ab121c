# A goroutine that needs more stack than it may have: a message that names the limit, its trace, status 2; in C
# and C++, plain and under detection, in libc, by one large frame. What fits runs, up to a limit of 1 GB. A
# thread of the program's own that overflows dies as it would without the library.
. tests/e2e/lib
cat >"$work/stack.c" <<'END'
#include <goc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static goc_chan(int) done;
#define NOINLINE __attribute__((noinline))
NOINLINE static int endless(int n)
{
    volatile char frame[300];
    frame[0] = (char)n;
    return endless(n + 1) + frame[0];
}
NOINLINE static int prints(int n)
{
    char frame[2000];
    snprintf(frame, sizeof frame, "%*d", 1900, n);
    return prints(n + 1) + frame[0];
}
NOINLINE static void uses(volatile char *p)
{
    p[0] = 1;
}
NOINLINE static void wide(size_t n)
{
    uses((volatile char *)__builtin_alloca(n));
    goc_send(done, 1);
}
NOINLINE static int large_frames(int n) /* a page or two of each is touched */
{
    volatile char frame[96 << 10];
    frame[0] = (char)n;
    return n ? 1 + large_frames(n - 1) + 0 * frame[0] : 0;
}
static void overflows(void)
{
    goc_send(done, endless(0));
}
static void overflows_in_libc(void)
{
    goc_send(done, prints(0));
}
static void goes_deep(void *arg)
{
    (void)arg;
    goc_send(done, large_frames(10000));
}
static void nothing(void)
{
}
static void *thread(void *arg)
{
    goc_gosched();
    endless(0);
    return arg;
}
int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    done = goc_chan_make(int, 0);
    go(nothing);
    if (!strcmp(what, "recursion"))
        go(overflows);
    else if (!strcmp(what, "libc"))
        go(overflows_in_libc);
    else if (!strcmp(what, "alloca"))
        go(wide, 1 << 20);
    else if (!strcmp(what, "fits"))
        go(wide, 100 << 10);
    else if (!strcmp(what, "environment"))
        goc_go(goes_deep, NULL);
    else if (!strcmp(what, "spawn"))
        goc_go_stack((size_t)1 << 30, goes_deep, NULL);
    else if (!strcmp(what, "main"))
        endless(0);
    else if (!strcmp(what, "thread")) {
        pthread_t t;
        pthread_create(&t, NULL, thread, NULL);
        pthread_join(t, NULL);
    }
    printf("%d\n", goc_recv(done));
    return 0;
}
END
cp "$work/stack.c" "$work/stack.cc"
libs="-L$BUILD/lib -lgoc -Wl,-rpath,$BUILD/lib"
builds='plain race'
gcc -O1 -g -w -fstack-clash-protection -I"$BUILD/include" "$work/stack.c" -o "$work/plain" $libs -pthread || exit 1
gcc -O1 -g -w -I"$BUILD/include" "$work/stack.c" -o "$work/plain_sparse" $libs -pthread || exit 1
"$race" cc -O1 -g -w "$work/stack.c" -o "$work/race" || exit 1
"$race" cc -O1 -g -w -fno-stack-clash-protection "$work/stack.c" -o "$work/race_sparse" || exit 1
if command -v g++ >/dev/null 2>&1; then
    g++ -O1 -g -w -fstack-clash-protection -I"$BUILD/include" "$work/stack.cc" -o "$work/cc" $libs -pthread || exit 1
    builds='plain race cc'
fi
limit='fatal error: goroutine stack exceeds 262144-byte limit'
for build in $builds; do
    for how in recursion libc alloca; do
        try "$work/$build" $how
        want_status 2
        want_err "$limit"
        want_err 'goroutine 3 [running]:'
    done
    want_err 'wide'
    try "$work/$build" fits
    want_status 0
    try "$work/$build" main
    want_status 2
    want_err 'goroutine stack exceeds'
    want_err 'goroutine 1 [running]:'
    try "$work/$build" thread
    [ "$status" -eq 139 ] || wrong "exit status $status, not that of SIGSEGV"
    want_no_err 'goroutine stack exceeds'
done
# What a gigabyte of stack costs is what is touched of it.
for build in plain_sparse race_sparse; do
    try "$work/$build" spawn
    want_status 0
    want_out 10000
    try env GOC_STACK=1g "$work/$build" environment
    want_status 0
    want_out 10000
done
finish
