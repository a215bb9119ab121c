# The hint of each pattern, and beside it a program that looks like it and must not get that hint: a
# wrong one costs more than none.
. tests/e2e/lib

cat >"$work/hints.c" <<'END'
#include "turns.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define MS GOC_MILLISECOND
static int data;
static atomic_int ready;
static goc_mutex mu, mu2;
static goc_rwmutex rw;
static goc_waitgroup wg;
static goc_chan(int) ch;
static struct list { int *items; size_t len, cap; } list;
static struct pool { int *first; long hits, misses; } pool;
static int *config, *volatile used;

/* Time passes, and nobody sleeps. */
static void pass(atomic_int *until)
{
    while (!atomic_load_explicit(until, memory_order_relaxed))
        goc_gosched();
}

/* Something has happened, and the detector sees nothing of it. */
static volatile int told;
static __attribute__((no_sanitize("thread"))) void tell(void)
{
    told = 1;
}
static __attribute__((no_sanitize("thread"))) void pass_unseen(void)
{
    while (!told)
        goc_gosched();
}
/* Sleeps once that has happened or all others have ended, and whoever is left waits. */
static __attribute__((no_sanitize("thread"))) void nap(void)
{
    while (!told && goc_numgoroutine() > 1)
        goc_gosched();
    until_blocked();
    goc_sleep(MS);
}

static void add_inside(void)
{
    goc_waitgroup_add(&wg, 1);
    tell();
    turn_await(1);
    until_blocked(); /* main waits */
    goc_waitgroup_done(&wg);
}
static void wg_inside(void)
{
    go(add_inside);
    nap();
    turn_done();
    goc_waitgroup_wait(&wg);
}
static void starts_one(void)
{
    go(add_inside);
}
static void wg_elsewhere(void)
{
    go(starts_one);
    nap();
    turn_done();
    goc_waitgroup_wait(&wg);
}

static void send_one(void)
{
    goc_send(ch, 1);
}
static void close_send(void)
{
    ch = goc_chan_make(int, 1);
    go(send_one);
    nap();
    goc_close(ch);
}
static void try_one(void)
{
    int v;
    goc_try_recv(ch, &v);
    tell();
    goc_sleep(GOC_MINUTE);
}
static void free_recv(void)
{
    ch = goc_chan_make(int, 1);
    go(try_one);
    nap();
    goc_chan_free(ch);
}

static void set_data(void)
{
    data = 1;
    tell();
}
static void slept(void)
{
    go(set_data);
    nap();
    data++;
}
static void slept_before(void)
{
    goc_sleep(5 * MS);
    go(set_data);
    pass_unseen();
    data++;
}
static void set_and_stay(void)
{
    data = 1;
    tell();
    goc_sleep(GOC_MINUTE);
}
static void slept_both(void)
{
    go(set_and_stay);
    nap();
    data++;
}

static void publish_relaxed(void)
{
    data = 42;
    atomic_store_explicit(&ready, 1, memory_order_relaxed);
}
static void weak_store(void)
{
    go(publish_relaxed);
    while (!atomic_load_explicit(&ready, memory_order_acquire))
        goc_gosched();
    data++;
}
static void publish(void)
{
    data = 42;
    atomic_store_explicit(&ready, 1, memory_order_release);
}
static void weak_load(void)
{
    go(publish);
    pass(&ready);
    data++;
}
static void publish_first(void)
{
    atomic_store_explicit(&ready, 1, memory_order_relaxed);
    data = 42;
}
static void weak_first(void)
{
    go(publish_first);
    pass(&ready);
    for (int i = 0; i < 100; i++)
        goc_gosched();
    data++;
}

static int *config_get(void)
{
    if (!config) {
        goc_mutex_lock(&mu);
        if (!config)
            config = calloc(1, sizeof *config);
        goc_mutex_unlock(&mu);
    }
    return config;
}
static void use_config(void)
{
    config_get();
}
static void checked_twice(void)
{
    go(use_config);
    nap();
    config_get();
}
static int *config_peek(void)
{
    return config;
}
static void checked_elsewhere(void)
{
    go(use_config);
    nap();
    used = config_peek();
}

static void under_one(void)
{
    goc_mutex_lock(&mu);
    data++;
    goc_mutex_unlock(&mu);
}
static void two_locks(void)
{
    go(under_one);
    nap();
    goc_mutex_lock(&mu2);
    data++;
    goc_mutex_unlock(&mu2);
}
static void lone_read(void)
{
    go(under_one);
    nap();
    data++;
}

/* Wait before Add: finds zero. `added` after it. */
static volatile int waited;
static __attribute__((no_sanitize("thread"))) void tell_waited(void)
{
    waited = 1;
}
static __attribute__((no_sanitize("thread"))) void pass_waited(void)
{
    while (!waited)
        goc_gosched();
}
static void add_late(void)
{
    pass_waited();
    goc_waitgroup_add(&wg, 1);
    data++;
    goc_waitgroup_done(&wg);
    tell();
}
static void wait_empty(void)
{
    go(add_late);
    goc_waitgroup_wait(&wg);
    tell_waited();
    pass_unseen();
    data++;
}
static void wait_empty_first(void) /* what main does after the Wait comes first */
{
    go(add_late);
    goc_waitgroup_wait(&wg);
    data++;
    tell_waited();
    pass_unseen();
}
static void wait_after(void) /* the access was before the Wait */
{
    go(add_late);
    data++;
    goc_waitgroup_wait(&wg);
    tell_waited();
    pass_unseen();
}
static void wait_round(void) /* the Wait was that of the round before */
{
    goc_waitgroup_wait(&wg);
    tell_waited();
    go(add_late);
    pass_unseen();
    data++;
}

static void append(int v)
{
    static int room[8];
    list.items = room;
    list.items[list.len++] = v;
}
static void append_one(void)
{
    append(1);
    tell();
}
static void slice(void)
{
    go(append_one);
    pass_unseen();
    list.len++;
}
static void miss_one(void)
{
    pool.misses++;
    tell();
}
static void no_slice(void)
{
    go(miss_one);
    pass_unseen();
    pool.misses++;
}

static void set_soon(void)
{
    data = 1;
    tell();
}
static __attribute__((no_sanitize("thread"))) void nap_by(int (*f)(void))
{
    while (goc_numgoroutine() > 1)
        goc_gosched();
    until_blocked();
    f();
}
static int by_nanosleep(void)
{
    return nanosleep(&(struct timespec){0, 1000000}, NULL);
}
static int by_clock(void)
{
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 1000000}, NULL);
}
static int by_usleep(void)
{
    return usleep(1000);
}
static int by_thrd(void)
{
    return thrd_sleep(&(struct timespec){0, 1000000}, NULL);
}
static void slept_by(int (*f)(void))
{
    go(set_soon);
    nap_by(f);
    data++;
}
static void slept_nano(void)
{
    slept_by(by_nanosleep);
}
static void slept_clock(void)
{
    slept_by(by_clock);
}
static void slept_u(void)
{
    slept_by(by_usleep);
}
static void slept_thrd(void)
{
    slept_by(by_thrd);
}

static void under_read(void)
{
    goc_rwmutex_rlock(&rw);
    data++;
    goc_rwmutex_runlock(&rw);
}
static void read_locked(void)
{
    go(under_read);
    nap();
    under_read();
}

static void through(int *p)
{
    ++*p;
}
static void own_local(void)
{
    int mine = 0;
    go(through, &mine);
    mine++;
    nap();
}
static void others_local(void)
{
    int theirs = 0;
    go(through, &theirs);
    go(through, &theirs);
    nap();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } all[] = {
#define T(f) {#f, f},
        T(wg_inside) T(wg_elsewhere) T(close_send) T(free_recv) T(slept) T(slept_before)
        T(slept_both) T(weak_store) T(weak_load) T(weak_first) T(checked_twice)
        T(lone_read) T(wait_empty) T(wait_empty_first) T(wait_after) T(wait_round)
        T(slice) T(no_slice) T(slept_nano) T(slept_clock) T(slept_u) T(slept_thrd)
        T(checked_elsewhere) T(two_locks) T(read_locked) T(own_local) T(others_local)
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (argc > 1 && strcmp(argv[1], all[i].name) == 0)
            all[i].fn();
    return 0;
}
END
"$race" cc -g -O1 "$work/hints.c" -o "$work/hints" || exit 1

hint() { # CASE TEXT [TEXT]: the hint of one of its findings begins so, and has that in it
    for p in 1 2; do
        try env GOMAXPROCS=$p "$race" --detect=race --strip_path_prefix="$work/" "$work/hints" "$1"
        want_status 66
        want_err "Hint: $2"
        in_order
        [ $# -lt 3 ] || grep '^Hint: ' "$err" | grep -qF -e "$3" || wrong "no '$3' in the hint"
    done
}
# What stands in a report, in that order (text.c: nothing of ours between Go's lines).
in_order() {
    awk '/^==================$/ { last = 0 }
        { k = 0 }
        /^WARNING: / { k = 1 }
        /^(Read|Write|Atomic read|Atomic write) at / { k = 2 }
        /^Previous / { k = 3 }
        / created at:$/ { k = 4 }
        /^Location is / { k = 5 }
        /^Mutexes held: / { k = 6 }
        /^Hint: / { k = 7 }
        /^Found / { k = 8 }
        /^exit status / { k = 9 }
        k { if (k < last) { print; bad = 1 } last = k }
        END { exit bad }' "$err" || wrong "the lines of the report are not in order"
}
no_hint() { # CASE TEXT: none of its hints contains that
    for p in 1 2; do
        try env GOMAXPROCS=$p "$race" --detect=race "$work/hints" "$1"
        want_status 66
        ! grep '^Hint: ' "$err" | grep -qF -e "$2" || wrong "a hint with '$2'"
    done
}

hint wg_inside 'call goc_waitgroup_add before the go statement'
no_hint wg_elsewhere 'before the go statement'
hint wg_elsewhere 'nothing orders this goc_waitgroup_add'
hint close_send "nothing orders the send of goroutine 2 before the close of channel 'ch'"
hint free_recv "channel 'ch' is freed while goroutine 2 may still receive"
no_hint free_recv close
hint slept 'between the two main goroutine slept (hints.c:'
hint slept_both 'between the two main goroutine slept (hints.c:'
no_hint slept_before slept
hint weak_store "'ready' is stored with memory_order_relaxed"
hint weak_load "'ready' is stored with release order after the one access, but main goroutine loads it"
no_hint weak_first memory_order
hint checked_twice "'config' is read before 'mu' is locked"
no_hint checked_elsewhere 'is read before'
hint two_locks "the two hold different locks ('mu2' and 'mu')"
hint read_locked "'rw' is held for reading on both sides"
no_hint two_locks reading
hint lone_read "only goroutine 2 holds 'mu' (locked at hints.c:"
hint lone_read "only goroutine 2 holds 'mu'" "if that is what guards 'data', main goroutine must hold it as well"
no_hint two_locks 'only '
no_hint read_locked 'only '
no_hint slept 'only '
hint wait_empty "main goroutine waited for 'wg' (hints.c:" 'when it was at zero, and goroutine 2 added to it later'
hint wait_empty_first "main goroutine waited for 'wg' (hints.c:"
no_hint wait_after 'at zero'
no_hint wait_round 'at zero'
no_hint wg_inside 'at zero'
hint slice "'list.len' is part of the header of a slice ('list')"
no_hint no_slice slice
for s in slept_nano slept_clock slept_u slept_thrd; do
    hint $s 'between the two main goroutine slept (hints.c:'
done
hint own_local "'mine' is a local of main goroutine that goroutine 2 reaches by reference"
no_hint others_local 'is a local of'
finish
