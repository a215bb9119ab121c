# However it was built: each level, LTO, frame pointers or none, position-independent or not, static asked
# for, gcc's and clang's objects together, ten thousand globals, libraries that come and go.
. tests/e2e/lib
cat >"$work/main.c" <<'END'
#include "turns.h"
#include <stdio.h>
#include <string.h>
extern int x;
void add(void);
static goc_mutex mu;
static void locked(void)
{
    goc_mutex_lock(&mu);
    add();
    goc_mutex_unlock(&mu);
}
int main(int argc, char **argv)
{
    for (int i = 0; i < 3; i++) {
        if (argc > 1) {
            go(locked);
            locked();
        } else {
            go(add);
            add();
        }
        goc_gosched();
    }
    until_left(1);
    if (argc > 1)
        goc_mutex_lock(&mu);
    printf("%d\n", x);
    if (argc > 1)
        goc_mutex_unlock(&mu);
    return 0;
}
END
cat >"$work/add.c" <<'END'
int x;
void add(void)
{
    x++;
}
END
both() { # WHAT: $work/program races on x, and with an argument does not
    for i in 1 2; do
        try "$race" "$work/program"
        [ "$status" = 66 ] || wrong "$1: status $status"
        want_err 'add.c:4'
        try "$race" "$work/program" locked
        [ "$status" = 0 ] || wrong "$1, locked: status $status"
        want_silence
    done
}
for how in -O0 -O1 -O2 -O3 -Os "-O2 -flto" "-O2 -fomit-frame-pointer" "-O2 -fno-pie -no-pie" \
    "-O2 -static" "-O2 -static-pie" "-O2 -gdwarf-4"; do
    for compiler in gcc clang; do
        command -v $compiler >/dev/null 2>&1 || continue
        try env GOC_CC=$compiler "$race" cc -g $how "$work/main.c" "$work/add.c" -o "$work/program"
        want_status 0
        case $how in
        *static*) want_err '-static is left out' && want_err_lines 1 ;;
        esac
        both "$compiler $how"
    done
done
# What else is asked of a compiler, by one or the other in turn.
turn=gcc
for how in "-Og -fsanitize=undefined" "-O2 -fcf-protection=full" "-O2 -march=native" "-O1 -gsplit-dwarf" \
    "-O1 -ffunction-sections -fdata-sections -Wl,--gc-sections" "-O2 -Wl,-z,now" "-O2 -fno-omit-frame-pointer" \
    "-O1 -gdwarf-5 -gz" "-O2 -fstack-protector-all -D_FORTIFY_SOURCE=2" "-O1 --coverage" "-O2 -flto -ffat-lto-objects" \
    "-O2 -flto=thin"; do
    compiler=$turn
    case $how in # only one knows it
    *fat*) compiler=gcc ;;
    *thin*) compiler=clang ;;
    esac
    command -v clang >/dev/null 2>&1 && [ $turn = gcc ] && turn=clang || turn=gcc
    command -v $compiler >/dev/null 2>&1 || continue
    # shellcheck disable=SC2086
    try env GOC_CC=$compiler "$race" cc -g $how "$work/main.c" "$work/add.c" -o "$work/program"
    case $how,$status in *thin*,[!0]*) continue ;; esac # no linker for it here
    want_status 0
    both "$compiler $how"
done
# Stripped: no names, the module and the place in it.
try "$race" cc -O1 -s "$work/main.c" "$work/add.c" -o "$work/program"
try "$race" "$work/program"
want_status 66
want_err "$work/program +0x"
try "$race" "$work/program" locked
want_status 0
want_silence
# Without its own inlining, and linked with objects that have it.
try "$race" cc -g -O2 -fno-goc-inline -c "$work/add.c" -o "$work/add.o"
want_status 0
try "$race" cc -g -O2 "$work/main.c" "$work/add.o" -o "$work/program"
both "not inlined, and inlined"

# LTO objects of their own, linked after.
try "$race" cc -g -O2 -flto -c "$work/main.c" -o "$work/main.o"
try "$race" cc -g -O2 -flto -c "$work/add.c" -o "$work/add.o"
try "$race" cc -O2 -flto "$work/main.o" "$work/add.o" -o "$work/program"
want_status 0
both "LTO objects"
if command -v clang >/dev/null 2>&1; then
    try env GOC_CC=clang "$race" cc -g -O2 -c "$work/add.c" -o "$work/add.o"
    want_status 0
    try "$race" cc "$work/main.o" "$work/add.o" -o "$work/program"
    want_status 0
    both "gcc and clang"
fi

# Ten thousand globals: those that race are named.
i=0
while [ $i -lt 10000 ]; do
    echo "int g$i; struct s$i { int a, b[4]; } t$i;"
    i=$((i + 1))
done >"$work/globals.c"
cat >>"$work/globals.c" <<'END'
#include <pthread.h>
static void *all(void *arg)
{
    g17++;
    t9998.b[2]++;
    return arg;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, all, 0);
    all(0);
    pthread_join(t, 0);
    return 0;
}
END
try "$race" cc -g -O1 "$work/globals.c" -o "$work/globals"
want_status 0
try "$race" "$work/globals"
want_status 66
want_err "Location is global 'g17' of type 'int'"
want_err "Location is global 't9998.b[2]' of type 'int'"

# A library that goes and comes again at the same addresses: its variables begin a new life.
cat >"$work/library.c" <<'END'
int cell[1000];
void touch(void)
{
    for (int i = 0; i < 1000; i++)
        cell[i]++;
}
END
cat >"$work/loads.c" <<'END'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static int left; /* the library: how many have; it orders nothing */
static void *run(void *f)
{
    ((void (*)(void))f)();
    __atomic_fetch_add(&left, 1, __ATOMIC_RELAXED);
    return NULL;
}
int main(int argc, char **argv)
{
    void *before = NULL;
    int again = 0;
    for (int i = 0; i < 10; i++) {
        void *lib = dlopen(argv[1], RTLD_NOW);
        if (!lib)
            return 9;
        again += dlsym(lib, "cell") == before;
        before = dlsym(lib, "cell");
        pthread_t t;
        pthread_create(&t, NULL, run, dlsym(lib, "touch"));
        pthread_detach(t);
        while (__atomic_load_n(&left, __ATOMIC_RELAXED) <= i)
            usleep(100);
        if (argc < 3)
            dlclose(lib);
    }
    printf("again %d\n", again > 0);
    return 0;
}
END
try "$race" cc -g -O1 -shared -fPIC "$work/library.c" -o "$work/library.so"
want_status 0
try "$race" cc -g -O1 "$work/loads.c" -ldl -o "$work/loads"
want_status 0
try "$race" "$work/loads" "$work/library.so"
want_status 0
want_out 'again 1'
want_silence
try "$race" "$work/loads" "$work/library.so" stay
want_status 66
want_err 'touch()'
finish
