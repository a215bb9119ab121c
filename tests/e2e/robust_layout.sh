# Whatever the address space looks like, and whatever of it the program uses in its own way.
. tests/e2e/lib
cat >"$work/stack.c" <<'END'
#include <goc.h>
#include <stdio.h>
#include <sys/resource.h>
int x, added;
static void add(void)
{
    x++;
    __atomic_store_n(&added, 1, __ATOMIC_RELAXED);
}
static int deep(int n)
{
    volatile char b[4096];
    b[0] = 0;
    return n ? deep(n - 1) + b[0] : 1;
}
int main(void)
{
    struct rlimit r;
    getrlimit(RLIMIT_STACK, &r);
    go(add);
    while (!__atomic_load_n(&added, __ATOMIC_RELAXED)) /* which orders nothing */
        goc_gosched();
    x++;
    printf("%s stack, %d deep\n", r.rlim_cur == RLIM_INFINITY ? "unlimited" : "limited",
           r.rlim_cur == RLIM_INFINITY ? 30000 * deep(30000) : 0);
    return 0;
}
END
cat >"$work/maps.c" <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NEW (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
static char of_data[1 << 16] __attribute__((aligned(4096)));
static int wrong;

static char *checked(const char *what, void *p)
{
    if (p == MAP_FAILED) {
        puts(what);
        wrong = 1;
        return of_data;
    }
    return p;
}
static void *use_stack(void *arg)
{
    volatile char a[2000];
    for (int i = 0; i < 2000; i++)
        a[i] = (char)i;
    return arg;
}
static char *shared;
static int written; /* orders nothing */
static void *write_shared(void *arg)
{
    shared[7] = 1;
    __atomic_store_n(&written, 1, __ATOMIC_RELAXED);
    return arg;
}

static void *move_break(void *arg)
{
    char *p = sbrk(1 << 20);
    p[100] = 1;
    if (sbrk(1 << 20) != p + (1 << 20) || brk(p + 4096))
        wrong = 1;
    sbrk(-4096);
    __atomic_fetch_add(&written, 1, __ATOMIC_RELAXED);
    return arg;
}
static void *keep_break(void *arg)
{
    static char *kept;
    if (!kept)
        kept = sbrk(1 << 20);
    kept[100] = 1;
    __atomic_fetch_add(&written, 1, __ATOMIC_RELAXED);
    return arg;
}

int main(int argc, char **argv)
{
    /* Where no malloc would be, and over the detector's own. */
    checked("low", mmap((void *)0x20000000, 1 << 20, RW, NEW | MAP_FIXED, -1, 0))[5] = 1;
    checked("hint", mmap((void *)0x300000000000, 1 << 20, RW, NEW, -1, 0))[5] = 1;
    /* Huge, and touched at a few places. */
    size_t n = 64ull << 30;
    char *huge = checked("huge", mmap(NULL, n, RW, NEW | MAP_NORESERVE, -1, 0));
    for (size_t i = 0; i < n; i += 256 << 20)
        huge[i] = 1;
    /* A part of it begins a new life: what the thread wrote there is not what we write. */
    pthread_t t;
    shared = huge + 4096;
    pthread_create(&t, NULL, write_shared, NULL);
    pthread_detach(t);
    while (!__atomic_load_n(&written, __ATOMIC_RELAXED))
        usleep(100);
    if (argc < 2 || argv[1][0] != 's')
        checked("fixed", mmap(huge, 1 << 20, RW, NEW | MAP_FIXED, -1, 0));
    shared[7] = 2;
    munmap(huge, n);
    /* Over the detector's own maps: wishes are met elsewhere, a fixed place is refused, nothing is lost. */
    for (size_t at = 0x108000000000; at < 0x3d0000000000; at += 0x10000000000) {
        checked("wish", mmap((void *)at, 1 << 20, RW, NEW, -1, 0))[5] = 1;
        if (argc == 2 && argv[1][0] == 'f' && at < 0x3c0000000000 &&
            mmap((void *)at, 1 << 20, RW, NEW | MAP_FIXED, -1, 0) != MAP_FAILED)
            return 8;
    }
    /* A wish for what has the same shadow as a library: two mappings are never one. */
    char *w = checked("wish", mmap((void *)((unsigned long)&printf & 0xfffffff0000), 1 << 20, RW, NEW, -1, 0));
    if (((unsigned long)w ^ (unsigned long)&printf) >> 44 && !(((unsigned long)w ^ (unsigned long)&printf) & 0xfffffffff00))
        return 7;
    /* Grown, moved, shrunk. */
    char *m = checked("grow", mmap(NULL, 1 << 20, RW, NEW, -1, 0));
    for (int i = 0; i < 8; i++) {
        m[(1 << 20) - 1] = 1;
        m = checked("moved", mremap(m, 1 << 20, 4 << 20, MREMAP_MAYMOVE));
        m[(4 << 20) - 1] = 1;
        m = checked("shrunk", mremap(m, 4 << 20, 1 << 20, 0));
    }
    /* The end of the data, by threads that nothing orders: each gets memory without a past. */
    for (int i = 2; i <= 5; i++) { /* the first has written */
        pthread_create(&t, NULL, argc == 2 && argv[1][0] == 'b' ? keep_break : move_break, NULL);
        pthread_detach(t);
        while (__atomic_load_n(&written, __ATOMIC_RELAXED) < i)
            usleep(100);
    }
    /* Stacks that the program makes of data, of a mapping, of the heap, one life after the other. */
    char *s[3] = {of_data, checked("stack", mmap(NULL, 1 << 16, RW, NEW, -1, 0)),
                  aligned_alloc(4096, 1 << 16)};
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 3; i++) {
            pthread_attr_t a;
            pthread_attr_init(&a);
            pthread_attr_setstack(&a, s[i], 1 << 16);
            if (pthread_create(&t, &a, use_stack, NULL))
                return 9;
            pthread_join(t, NULL);
            s[i][60000] = 1;
        }
    return wrong;
}
END
cat >"$work/probe.c" <<'END'
/* A layout of 32 random bits may put a mapping anywhere: at each of a thousand places all over the 47 bits
   either nothing can be mapped, or a race there is found. */
#include <goc.h>
#include <goc/race.h>
#include <stdio.h>
#include <sys/mman.h>
static int wrote; /* orders nothing */
static void early(long *p)
{
    *p = 1;
    __atomic_store_n(&wrote, 1, __ATOMIC_RELAXED);
}
int main(void)
{
    int mapped = 0;
    for (unsigned long i = 0; i <= 1024; i++) {
        unsigned long at = !i ? 0x10000 : i < 1024 ? i << 37 : (1ul << 47) - (1 << 20);
        long *p = mmap((void *)at, 65536, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (p == MAP_FAILED)
            continue;
        mapped++;
        wrote = 0;
        long before = goc_race_errors();
        go(early, p);
        while (!__atomic_load_n(&wrote, __ATOMIC_RELAXED))
            goc_gosched();
        *p = 2;
        if (goc_race_errors() == before)
            printf("no race seen at %lx\n", at);
    }
    printf("mapped %s\n", mapped > 300 ? "many" : "few");
    return 0;
}
END
build() {
    try "$race" cc -g -O1 "$work/$1.c" -o "$work/$1"
    want_status 0
}
build stack
build maps

# Libraries from below, as an unlimited stack or setarch -L has it: started anew, and the limit given back.
if [ "$(ulimit -Hs)" = unlimited ]; then
    for with in "" "$race"; do
        try sh -c "ulimit -s unlimited; exec $with $work/stack"
        want_status 66
        want_out 'unlimited stack, 30000 deep'
        want_err 'Found 1 data race(s)'
    done
fi
if setarch -L true 2>/dev/null; then
    for with in "" "$race"; do
        try setarch -L $with "$work/stack"
        want_status 66
        want_err 'Found 1 data race(s)'
    done
fi
# As the kernel throws the dice.
for i in 1 2 3 4 5 6 7 8 9 10; do
    try "$work/stack"
    want_status 66
done
for with in "setarch -R" ""; do
    try $with "$work/maps"
    want_status 0
    want_silence
    try $with "$work/maps" same-life
    want_status 66
    want_err 'Found 1 data race(s)'
    try $with "$work/maps" break
    want_status 66
    want_err 'keep_break()'
    try $with "$work/maps" fixed
    want_status 0
    want_err 'was refused'
    want_err_lines 1
done

# Its mappings anywhere, itself at the bottom or at the top of where code without -fpic can lie.
for how in -fpie "-fno-pie -no-pie -Wl,-Ttext-segment=0x10000" "-fno-pie -no-pie -Wl,-Ttext-segment=0x78000000"; do
    # shellcheck disable=SC2086
    try "$race" cc -g -O1 $how "$work/probe.c" -o "$work/probe"
    want_status 0
    try env GOCRACE=debug_all=1 "$work/probe"
    want_status 66
    want_out 'mapped many'
    ! grep 'no race seen' "$out" || wrong "built with $how"
done

# Too little of it: one line, before the program starts.
for limit in "v:the address space" "d:a program's data"; do
    for with in "" "$race"; do
        try sh -c "ulimit -${limit%%:*} 1000000; exec $with $work/stack"
        want_status 125
        want_err_lines 1
        want_err "shadow memory cannot be reserved: ${limit#*:} is limited to 976 MiB"
        [ ! -s "$out" ] || wrong "the program ran"
    done
done

# Nobody reads the records: the program goes on, and its status still tells.
try sh -c "{ GOCRACE_FD=9 GOCRACE_LAUNCHED=1 $work/stack 9>&1 >$work/said; echo \$? >$work/told; } | true"
grep -q deep "$work/said" || wrong "the program did not go on"
[ "$(cat "$work/told")" = 66 ] || wrong "its status was $(cat "$work/told")"
finish
