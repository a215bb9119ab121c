# `goc-race cc` is the compiler: one step or many, and what it does not know it passes on.
. tests/e2e/lib
cd "$work" || exit 1
cat >main.c <<'END'
#include <stdio.h>
int twice(int);
int main(void)
{
    printf("%d\n", twice(21));
    return 0;
}
END
echo 'int twice(int v) { return 2 * v; }' >twice.c

try "$race" cc main.c twice.c -o one
want_status 0
try ./one
want_status 0
want_out 42
try "$race" cc -c main.c
want_status 0
try "$race" cc -O2 -c twice.c -o second.o
want_status 0
try "$race" cc main.o second.o -o two
want_status 0
try ./two
want_out 42
nm second.o | grep -q __tsan_ || wrong "the object is not instrumented"
try "$race" cc main.c twice.c
want_status 0
[ -x a.out ] || wrong "no a.out"

# In the middle: -E, -S, -M, a response file, standard input, assembler, an archive.
try "$race" cc -E main.c
want_out twice
try "$race" cc -S twice.c -o twice.s
grep -q __tsan_ twice.s || wrong "the assembler is not instrumented"
try "$race" cc twice.s -c -o fromasm.o
want_status 0
try "$race" cc -MMD -MF main.d -c main.c -o main2.o
want_status 0
grep -q main.c main.d || wrong "no dependencies"
echo '-O1 -c twice.c -o resp.o' >args
try "$race" cc @args
want_status 0
[ -e resp.o ] || wrong "no resp.o"
try sh -c "'$race' cc -x c -c -o stdin.o - <twice.c"
want_status 0
ar rc libtwice.a second.o
try "$race" cc main.o -L. -ltwice -o three
want_status 0
try ./three
want_out 42
try "$race" cc -shared -fPIC twice.c -o libshared.so
want_status 0
try "$race" cc main.o libshared.so -Wl,-rpath,"$work" -o four
want_status 0
try ./four
want_status 0
want_out 42
want_silence

# The compiler's own questions.
try "$race" cc --version
want_status 0
want_out "$(gcc --version | head -n 1)"
try "$race" cc -dumpmachine
want_status 0
want_out "$(gcc -dumpmachine)"
try "$race" cc -print-prog-name=ld
want_status 0

# Other optimisation levels, debug formats, compilers.
for flags in -O0 '-O3 -g' '-O2 -gdwarf-4' '-Os -fomit-frame-pointer' -fPIE '-no-pie -O1' -flto; do
    # shellcheck disable=SC2086
    try "$race" cc $flags main.c twice.c -o any
    want_status 0
    try ./any
    want_status 0
    want_out 42
    want_silence
done
for cc in clang-16 clang; do
    command -v $cc >/dev/null 2>&1 || continue
    try env GOC_CC=$cc "$race" cc -O1 -g main.c twice.c -o any
    want_status 0
    try ./any
    want_status 0
    want_out 42
    want_silence
done

# A build system's view of it.
cat >Makefile <<'END'
prog: main.o twice.o
	$(CC) $(CFLAGS) $^ -o $@
END
rm -f main.o twice.o
try make CC="$race cc" CFLAGS=-g prog
want_status 0
try ./prog
want_out 42

# The library's inner names are nobody else's business.
cat >"$work/names.c" <<'END'
#include <goc.h>
int fresh = 1, sched = 2, world = 3;
int die(void) { return 4; }
int walk(void) { return 5; }
int netpoll(void) { return 6; }
int deadlock(void) { return 7; }
int g_park(void) { return 8; }
static void add(int *sum) { *sum += fresh + sched + world + die() + walk() + netpoll() + deadlock() + g_park(); }
int main(void)
{
    goc_waitgroup wg = {0};
    int sum = 0;
    goc_waitgroup_go(&wg, add, &sum);
    goc_waitgroup_wait(&wg);
    return sum;
}
END
try "$race" cc -g -O1 "$work/names.c" -o "$work/names"
want_status 0
want_silence
try "$work/names"
want_status 36
want_silence
finish
