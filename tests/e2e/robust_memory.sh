# Memory: none left for the shadow, heaps of all sizes, stacks of every kind, libraries by the thousand, a program
# with a great deal of debugging information.
. tests/e2e/lib
cat >"$work/stacks.c" <<'END'
/* WHAT [fixed]: code on stacks that are not the thread's. */
#define _GNU_SOURCE
#include "turns.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

int shared;
static int fixed, turns;
static char *count;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static ucontext_t from, to[3];

static void add(void)
{
    if (fixed)
        pthread_mutex_lock(&mu);
    shared++;
    if (fixed)
        pthread_mutex_unlock(&mu);
}
/* Three take turns for ever; each is left in the middle. */
static void context(int k)
{
    for (;;) {
        volatile char here[500];
        here[turns % 500] = 1;
        if (turns++ == 3000)
            setcontext(&from);
        if (turns == 1500)
            add();
        swapcontext(&to[k], &to[(k + 1) % 3]);
    }
}
static void *contexts(void *arg)
{
    for (int round = 0; round < 20; round++) {
        turns = 0;
        for (int k = 0; k < 3; k++) {
            getcontext(&to[k]);
            to[k].uc_stack.ss_sp = malloc(1 << 16);
            to[k].uc_stack.ss_size = 1 << 16;
            makecontext(&to[k], (void (*)(void))(void *)context, 1, k);
        }
        volatile int back = 0;
        getcontext(&from);
        if (!back++)
            setcontext(&to[0]);
        for (int k = 0; k < 3; k++)
            free(to[k].uc_stack.ss_sp);
    }
    turn_done();
    return arg;
}
static sigjmp_buf env;
static void handler(int sig)
{
    add();
    if (sig == SIGUSR2)
        siglongjmp(env, 1);
}
static void *handlers(void *arg)
{
    stack_t s = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16}, off = {.ss_flags = SS_DISABLE};
    sigaltstack(&s, NULL);
    struct sigaction a = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGUSR2, &a, NULL);
    for (int i = 0; i < 200; i++) {
        raise(SIGUSR1);
        if (!sigsetjmp(env, 1))
            raise(SIGUSR2);
    }
    sigaltstack(&off, NULL);
    free(s.ss_sp);
    turn_done();
    return arg;
}
/* As many threads as the machine allows, up to as many as asked for; all there at once. */
static pthread_mutex_t all = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t come = PTHREAD_COND_INITIALIZER, go_on = PTHREAD_COND_INITIALIZER;
static int in, out;
static void *one_of_many(void *arg)
{
    pthread_mutex_lock(&all);
    in++;
    pthread_cond_signal(&come);
    while (!out)
        pthread_cond_wait(&go_on, &all);
    pthread_mutex_unlock(&all);
    return arg;
}
static void *threads(void *arg)
{
    static pthread_t t[30000];
    int n = 0, want = arg ? atoi(arg) : 1000;
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 1 << 16);
    pthread_attr_setguardsize(&a, 0);
    while (n < want && pthread_create(&t[n], &a, one_of_many, NULL) == 0)
        n++;
    pthread_mutex_lock(&all);
    while (in < n)
        pthread_cond_wait(&come, &all);
    out = 1;
    pthread_cond_broadcast(&go_on);
    pthread_mutex_unlock(&all);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    printf("%d threads of %d\n", n, want);
    add();
    turn_done();
    return arg;
}
int main(int argc, char **argv)
{
    pthread_t t;
    fixed = argc > 2;
    count = argv[2];
    pthread_create(&t, NULL, argv[1][0] == 'c' ? contexts : argv[1][0] == 'h' ? handlers : threads, count);
    turn_await(1);
    add();
    pthread_join(t, NULL);
    puts("end");
    return 0;
}
END
cat >"$work/limits.c" <<'END'
/* A program that limits itself means its own memory: what it had, it has under detection. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
static void *uses(void *arg)
{
    char *p = malloc(1 << 20);
    return p ? memset(p, 1, 1 << 20) : arg;
}
int main(int argc, char **argv)
{
    int what = argv[1][0] == 'd' ? RLIMIT_DATA : RLIMIT_AS;
    struct rlimit l = {1ul << 30, 2ul << 30}, is;
    pthread_t t;
    void *p = NULL;
    if (setrlimit(what, &l) || getrlimit(what, &is))
        return 9;
    if (pthread_create(&t, NULL, uses, NULL) == 0)
        pthread_join(t, &p);
    printf("%ld of %ld, %s, 16 GB %s\n", (long)is.rlim_cur >> 20, (long)is.rlim_max >> 20, p ? "used" : "not used",
           malloc(16ul << 30) ? "had" : "refused");
    return argc - 2;
}
END
cat >"$work/library.c" <<'END'
int cell;
char much[100000];
void touch(void)
{
    cell++;
    for (int i = 0; i < 100000; i += 64)
        much[i]++;
}
void poke(int *p)
{
    *p = 1;
}
END
cat >"$work/loads.c" <<'END'
/* LIBRARY TIMES [dlmopen]: each time threads touch it while it is there; the last time one after the other with
   nothing between. How much memory is there in the middle and at the end? */
#define _GNU_SOURCE
#include "turns.h"
#include <dlfcn.h>
#include <pthread.h>
static void *run(void *f)
{
    ((void (*)(void))f)();
    turn_done();
    return NULL;
}
int mine;
static void (*poke)(int *);
static void *pokes(void *arg)
{
    poke(&mine);
    turn_done();
    return arg;
}
static long resident(void)
{
    long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (fscanf(f, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(f);
    return pages * 4;
}
int main(int argc, char **argv)
{
    int times = atoi(argv[2]);
    long middle = 0, end;
    for (int i = 0; i < times; i++) {
        void *lib = argc > 3 ? dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) : dlopen(argv[1], RTLD_NOW);
        if (!lib)
            return puts(dlerror()), 9;
        pthread_t t;
        void *touch = dlsym(lib, "touch");
        pthread_create(&t, NULL, run, touch);
        if (i == times - 1) {
            turn_await(times);
            run(touch);
        }
        pthread_join(t, NULL);
        dlclose(lib);
        if (i == times / 2)
            middle = resident();
    }
    end = resident();
    /* What a library did that has gone since. */
    void *lib = dlopen(argv[1], RTLD_NOW);
    poke = (void (*)(int *))dlsym(lib, "poke");
    pthread_t t;
    pthread_create(&t, NULL, pokes, NULL);
    turn_await(times + 2);
    dlclose(lib);
    mine = 2;
    pthread_join(t, NULL);
    printf("%ld KiB more: %s\n", end - middle, end - middle < 4096 ? "flat" : "it grows");
    return 0;
}
END
build stacks limits loads
for with in "$race" env; do
    for does in contexts handlers; do
        try "$with" "$work/stacks" $does
        want_status 66
        want_err 'add()'
        want_out end
        try "$with" "$work/stacks" $does fixed
        want_status 0
        want_silence
        want_out end
    done
    for does in v d; do
        try "$with" "$work/limits" $does
        want_status 0
        want_out '1024 of 2048, used, 16 GB refused'
        want_silence
    done
done
many=30000 # or a quarter of what there may be, which others need as well
for max in $(cat /sys/fs/cgroup/pids.max /proc/sys/kernel/threads-max 2>/dev/null) $(awk '/^Max processes/ { print $3 }' /proc/self/limits) \
    $(($(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo) / 64)); do
    case $max in *[!0-9]*) continue ;; esac
    [ $((max / 4)) -ge $many ] || many=$((max / 4))
done
try "$race" "$work/stacks" threads $many
want_status 0
want_silence
grep threads "$out"
try "$race" "$work/stacks" threads
want_status 66
want_err 'add()'

# A library that comes and goes: no memory stays, and its frames have names when it is gone.
try "$race" cc -g -O1 -shared -fPIC "$work/library.c" -o "$work/library.so"
want_status 0
try "$race" "$work/loads" "$work/library.so" 1000
want_status 66
want_out flat
want_err 'touch()'
want_err 'library.c:5'
want_err 'poke()'
want_err 'library.c:11'
want_err "Location is global 'mine'"
grep KiB "$out"
try "$race" "$work/loads" "$work/library.so" 3 dlmopen # in a namespace of its own, with a libc of its own
[ "$status" = 9 ] || [ "$status" = 66 ] || wrong "status $status"
cat "$out"

# Fifty megabytes of debugging information: how long until the first line of the report? Told, not judged.
awk 'BEGIN {
    for (i = 0; i < 1000; i++) {
        printf "struct s%d { int a, b[%d]; struct s%d *next; union { long l; double d[%d]; char c[9]; } u; };\n", i, i % 7 + 1, i, i % 5 + 1
        printf "static int f%d(struct s%d *p, int n) { struct s%d here = *p; int m = n + here.a; p->b[0] += m; return m ? p->b[0] : n; }\n", i, i, i
        printf "static int h%d(int n) { static struct s%d s; int k = n + %d; return f%d(&s, k) + s.a; }\n", i, i, i, i
    }
    print "int (*const all[])(int) = {"
    for (i = 0; i < 1000; i++)
        printf "h%d,", i
    print "};"
}' >"$work/part.c"
cat >"$work/large.c" <<'END'
#include <pthread.h>
int x;
static void *add(void *p)
{
    x++;
    return p;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, add, 0);
    add(0);
    pthread_join(t, 0);
    return 0;
}
END
gcc -g3 -O0 -c "$work/part.c" -o "$work/part.o" || wrong "part.c"
i=0
while [ $i -lt 60 ]; do
    objcopy --redefine-sym all=all$i "$work/part.o" "$work/part$i.o" || wrong "objcopy"
    i=$((i + 1))
done
try "$race" cc -g -O1 "$work/large.c" "$work"/part[0-9]*.o -o "$work/large"
want_status 0
rm -f "$work"/part*.o
start=$(date +%s%N)
{ "$race" "$work/large" 2>&1; echo $? >"$work/ended"; } | { read -r line; echo "$line $(date +%s%N)" >"$work/first"; cat >"$work/rest"; }
echo "a program of $(($(wc -c <"$work/large") >> 20)) MiB, nearly all for the debugger: the first line after $((($(sed 's/.* //' "$work/first") - start) / 1000000)) ms"
[ "$(cat "$work/ended")" = 66 ] || wrong "status $(cat "$work/ended")"
grep -q "Location is global 'x' of type 'int'" "$work/rest" || wrong "no name"
rm -f "$work/large"
finish
