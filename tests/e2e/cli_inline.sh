# The fast path that `goc-race cc` writes into programs: whatever the options, there or not there as
# they say, and the program does and is told what it is without.
. tests/e2e/lib
[ "$(uname -m)" = x86_64 ] || { echo "the fast path is written for x86-64"; exit 77; }
cd "$work" || exit 1

inlined() { # FILE
    nm "$1" | grep -q goc_race_layout_ || wrong "$1 has no fast path"
}
not_inlined() {
    ! nm "$1" | grep -q goc_race_layout_ || wrong "$1 has a fast path"
}

# Two races and a look-alike in the program's own assembly.
cat >many.c <<'END'
#include <goc.h>
#include <stdio.h>
int a;
struct { char c[3]; short s; long l; } b;
static void asm_call(void)
{
    __asm__ volatile("jmp 1f\n\tcall __tsan_read8\n1:" ::: "memory");
}
static void __attribute__((noinline)) work(int by)
{
    for (int i = 0; i < 1000; i++) {
        a += by;
        b.c[i % 3]++;
        b.s = (short)(b.s + by);
        b.l -= by;
    }
}
int main(void)
{
    int local[50];
    for (int i = 0; i < 50; i++)
        local[i] = i;
    long sum = 0;
    for (int i = 0; i < 50; i++)
        sum += local[i];
    asm_call();
    go(work, 1);
    while (goc_numgoroutine() > 1) /* orders nothing */
        goc_gosched();
    work(2);
    printf("%ld %s\n", sum, "call\t__tsan_read8@PLT");
    return 0;
}
END
cat >other.c <<'END'
long other(long *p) { return ++*p; }
END
cat >use.c <<'END'
#include <stdio.h>
long other(long *);
long v = 41;
int main(void) { printf("%ld\n", other(&v)); return 0; }
END
cat >hand.s <<'END'
	.text
	.globl	hand
hand:
	movq	$7, %rdx
	leaq	-8(%rsp), %rdi
	jmp	1f
	call	__tsan_read8@PLT
1:	movq	%rdx, %rax
	ret
	.section .note.GNU-stack,"",@progbits
END

findings() { # what it says, the machine's and the schedule's numbers aside
    sed -e 's/0x[0-9a-f]*/0x/g' -e '/^Seen/d' "$err"
}

compilers="gcc $(for c in clang-19 clang-18 clang-16 clang-14; do command -v $c; done | head -n 2)"
newest=$(echo "$compilers" | awk '{ print $2 }')
for cc in $compilers; do
    for flags in '-O0 -g' '-O1 -g' '-O2 -g' '-O3 -g' '-Os -g' '-O2 -g -fPIC' '-O2 -g -fno-plt' \
        '-O1 -g -fno-pie -no-pie' '-O1 -g -pipe' '-O2 -g -fno-omit-frame-pointer -fverbose-asm' \
        '-O1 -gdwarf-4' '-O1 -g -ffunction-sections -fcf-protection' '-O1 -g -masm=intel' \
        '-O1 -g -mcmodel=large' '-O1 -g -march=x86-64-v3'; do
        case "$cc $flags" in # what is gcc's own, or as good as another line
        *clang*-O3* | *clang*-Os* | *clang*-fno-plt* | *clang*-pipe* | *clang*verbose* | *clang*sections* | *clang*v3*)
            continue
            ;;
        esac
        rm -f many many.calls many.o
        # shellcheck disable=SC2086
        try env GOC_CC=$cc "$race" cc $flags -c many.c -o many.o
        case $flags in
        *intel* | *large*) not_inlined many.o ;;
        *) inlined many.o ;;
        esac
        # shellcheck disable=SC2086
        try env GOC_CC=$cc "$race" cc $flags many.o -o many
        want_status 0
        want_silence
        # shellcheck disable=SC2086
        try env GOC_CC=$cc "$race" cc $flags -fno-goc-inline many.c -o many.calls
        want_status 0
        try env GOMAXPROCS=1 "$race" ./many.calls
        want_status 66
        findings >want
        try env GOMAXPROCS=1 "$race" ./many
        want_status 66
        want_out '1225 call'
        findings >got
        cmp -s want got || { wrong "$cc $flags: not what is found without the fast path:"; diff want got; }
        [ "$cc" = gcc ] || [ "$cc" = "$newest" ] || break # of an older one, the first will do
    done
done

for cc in $compilers; do
    export GOC_CC=$cc
    # Asked not to, in each way.
    try "$race" cc -O1 -c -fno-goc-inline other.c
    not_inlined other.o
    try env GOC_CC_INLINE=0 "$race" cc -O1 -c other.c
    not_inlined other.o
    try "$race" cc -O1 -c -fno-goc-inline -fgoc-inline other.c
    inlined other.o

    # Several sources; dependency files, coverage notes and kept files are where they always are.
    mkdir -p several
    (cd several && rm -f ./*)
    cp other.c use.c several/
    cd several || exit 1
    try "$race" cc -O1 -MMD -c use.c other.c
    want_status 0
    inlined other.o
    grep -q '^other.o: other.c' other.d || wrong "no dependencies in other.d"
    try "$race" cc -O1 use.o other.o -o it
    try ./it
    want_out 42
    try "$race" cc -O1 -g --coverage -c other.c
    want_status 0
    [ -e other.gcno ] || wrong "no notes for coverage"
    rm -f other.o
    try "$race" cc -O1 -g -save-temps -c other.c
    want_status 0
    [ -e other.i ] && [ -e other.s ] || wrong "no temporary files kept"
    inlined other.o
    try "$race" cc -O1 -g -gsplit-dwarf -c other.c
    want_status 0
    [ -e other.dwo ] || wrong "no .dwo file"
    inlined other.o
    try "$race" cc -O1 -g use.c other.c -o it
    try ./it
    want_out 42
    cd ..

    # Assembler: what -S prints has calls, and it and what is written by hand stay so.
    try "$race" cc -O1 -S other.c -o other.s
    ! grep -q goc_race_layout other.s || wrong "-S shows the fast path"
    try "$race" cc -c other.s -o s.o
    want_status 0
    not_inlined s.o
    try "$race" cc -c hand.s -o hand.o
    not_inlined hand.o
    try "$race" cc -O1 -x assembler-with-cpp -c hand.s -o hand.o
    not_inlined hand.o
    cat >with.c <<'END'
#include <stdio.h>
long hand(void);
int main(void) { printf("%ld\n", hand()); return 0; }
END
    try "$race" cc -O1 with.c hand.s -o with
    want_status 0
    try ./with
    want_out 7

    # Link-time optimisation: objects without assembly.
    try "$race" cc -O2 -flto use.c other.c -o it
    want_status 0
    try ./it
    want_out 42

    # What the assembler refuses is the compiler's error, said once and of the compiler's own text.
    echo 'void f(void) { __asm__("nonsense %eax, 7"); }' >bad.c
    try "$race" cc -O1 -c bad.c
    [ "$status" -ne 0 ] || wrong "nonsense is assembled"
    want_err nonsense
    try "$race" cc -O1 -Wa,--no-such-option -c other.c
    [ "$status" -ne 0 ] || wrong "an unknown option of the assembler is taken"

    # A library opened by a program: both have the fast path.
    try "$race" cc -O1 -g -shared -fPIC other.c -o libother.so
    want_status 0
    nm -D libother.so | grep -q 'U goc_race_layout_' || wrong "the library has no fast path"
    try "$race" cc -O1 -g use.c -o it ./libother.so
    try ./it
    want_out 42
    want_silence
done
unset GOC_CC

# Standard input; C++ with exceptions, whose tables span the calls.
try sh -c "'$race' cc -O1 -x c -c -o stdin.o - <other.c"
inlined stdin.o
if command -v g++ >/dev/null 2>&1; then
    cat >throw.cc <<'END'
#include <cstdio>
#include <stdexcept>
static int depth;
struct guard { int &n; ~guard() { n--; } };
static int down(int n)
{
    guard g{++depth};
    if (n == 0)
        throw std::runtime_error("bottom");
    return down(n - 1) + depth;
}
int main()
{
    try {
        down(20);
    } catch (const std::exception &e) {
        std::printf("%s %d\n", e.what(), depth);
    }
    return 0;
}
END
    for flags in -O0 -O1 '-O2 -g'; do
        # shellcheck disable=SC2086
        try "$race" c++ $flags throw.cc -o throw
        want_status 0
        inlined throw
        try ./throw
        want_out 'bottom 0'
        want_silence
    done
fi

# An object of another layout does not link, by a name that says so.
sed 's/goc_race_layout_[0-9]*/goc_race_layout_0/' >old.s <<'END'
	.text
	.globl	other
other:
	movq	goc_race_layout_1@gottpoff(%rip), %rax
	ret
	.section .note.GNU-stack,"",@progbits
END
try "$race" cc -O1 use.c old.s -o it
[ "$status" -ne 0 ] || wrong "an object of another layout links"
want_err "undefined reference to \`goc_race_layout_0'"

finish
