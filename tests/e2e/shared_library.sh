#!/bin/sh
# libgoc-race.so under a program that was built without it, and libraries that come and go.
set -eu
BUILD=$(cd "${BUILD:-build}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
race=$BUILD/bin/goc-race
fail() {
    echo "$*"
    exit 1
}

cat >main.c <<'END'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int shared;
static void *add(void *arg)
{
    shared++;
    return arg;
}
static void *bump(void *f)
{
    ((void (*)(void))f)();
    return NULL;
}
int main(int argc, char **argv)
{
    pthread_t t;
    for (int i = 2; i < argc; i++) {
        void *lib = dlopen(argv[i], RTLD_NOW);
        if (!lib)
            return puts(dlerror()), 9;
        void *f = dlsym(lib, "bump");
        pthread_create(&t, NULL, bump, f);
        if (strcmp(argv[1], "library") == 0) {
            usleep(20000);
            bump(f);
        }
        pthread_join(t, NULL);
        dlclose(lib);
    }
    pthread_create(&t, NULL, add, NULL);
    if (strcmp(argv[1], "main") == 0) {
        usleep(20000);
        shared++;
    }
    pthread_join(t, NULL);
    return 0;
}
END
cat >lib.c <<'END'
#include <string.h>
int counter;
static char table[5000];
__attribute__((constructor)) static void start(void)
{
    memset(table, 1, sizeof table);
}
void bump(void)
{
    table[++counter]++;
}
END

# The program's own calls of __tsan_*, met by the library.
gcc -g -O1 -fsanitize=thread -c main.c -o main.o
gcc main.o -o shared -L"$BUILD/lib" -l:libgoc-race.so -pthread -ldl
mkdir lib
ln -s "$BUILD/lib/libgoc-race.so" lib/libgoc.so.0
for how in "env LD_LIBRARY_PATH=$tmp/lib" "env LD_PRELOAD=$BUILD/lib/libgoc-race.so" \
    "env LD_LIBRARY_PATH=$tmp/lib $race"; do
    status=0
    $how ./shared main 2>err || status=$?
    [ $status = 66 ] || fail "$how: status $status, not 66: $(cat err)"
    grep -q 'Found 1 data race' err || fail "$how: no report: $(cat err)"
    $how ./shared none 2>err || fail "$how: the fixed run ended with $?: $(cat err)"
    [ ! -s err ] || fail "$how: the fixed run said: $(cat err)"
done

# Instrumented libraries, one after another at one address, leave nothing behind.
"$race" cc -g -O1 -shared -fPIC lib.c -o one.so
cp one.so two.so
"$race" cc -g -O1 main.c -o static
"$race" ./static none ./one.so ./two.so ./one.so ./two.so 2>err || fail "libraries: $(cat err)"
status=0
"$race" ./static library ./one.so 2>err || status=$?
[ $status = 66 ] || fail "a race in a library: status $status: $(cat err)"
grep -q "global 'counter'" err || fail "a race in a library: $(cat err)"
