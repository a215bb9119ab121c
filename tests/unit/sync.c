/*
 * sync.c - what the locks, once and condition variables promise, and what misuse says. Each test
 * runs with one, two and eight Ps. What counts instead of excluding is in groups.c.
 */
#include "common.h"

#include <goc/go.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Wait until the word has this value; the test's time limit bounds it. */
static void await(int *word, int value)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value)
        goc_gosched();
}
static void set(int *word, int value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* --- mutex ------------------------------------------------------------------------------------ */

static goc_mutex mu;
static long counter;

static void count(goc_waitgroup *wg, int n)
{
    for (int i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        long seen = counter;
        if (i % 64 == 0)
            goc_gosched(); /* hold it across a switch */
        counter = seen + 1;
        goc_mutex_unlock(&mu);
    }
    goc_waitgroup_done(wg);
}

START_TEST(mutex_excludes)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        counter = 0;
        goc_waitgroup_add(&wg, 8);
        for (int i = 0; i < 8; i++)
            go(count, &wg, 2000);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(counter, 16000);
    }
}
END_TEST

START_TEST(mutex_trylock)
{
    goc_mutex m = {0};
    ck_assert(goc_mutex_trylock(&m));
    ck_assert(!goc_mutex_trylock(&m));
    goc_mutex_unlock(&m);
    ck_assert(goc_mutex_trylock(&m));
    goc_mutex_unlock(&m);
}
END_TEST

static void unlock_it(goc_mutex *m)
{
    goc_mutex_unlock(m);
}

START_TEST(mutex_may_be_unlocked_by_another)
{
    goc_mutex m = {0};
    goc_mutex_lock(&m);
    go(unlock_it, &m);
    goc_mutex_lock(&m);
    goc_mutex_unlock(&m);
}
END_TEST

/* A mutex that one thread has locked often in a row favours that thread, which then locks and
   unlocks it by plain stores until another thread comes. Have the other come at any moment, while
   the first goes on: what both have counted must be there. */
enum { ONES = 100, OWN = 300, COME = 100 };
static struct one {
    goc_mutex mu;
    long count, counted; /* counted: by the first, told now and then */
} ones[ONES];

static int current;

static void *stay(void *arg)
{
    for (int i = 0; i < ONES; i++) {
        struct one *o = &ones[i];
        long n = 0;
        for (; __atomic_load_n(&current, __ATOMIC_RELAXED) <= i; n++) {
            goc_mutex_lock(&o->mu);
            o->count++;
            if (n % 512 == 500)
                goc_gosched(); /* perhaps to another thread, so that not the favoured one unlocks */
            goc_mutex_unlock(&o->mu);
            if (n >= OWN)
                __atomic_store_n(&o->counted, n, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&o->counted, n, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void stay_as_goroutine(goc_waitgroup *wg)
{
    stay(NULL);
    goc_waitgroup_done(wg);
}

static void come(void)
{
    for (int i = 0; i < ONES; i++) {
        struct one *o = &ones[i];
        while (!__atomic_load_n(&o->counted, __ATOMIC_RELAXED))
            goc_gosched();
        for (int k = 0; k < COME; k++) {
            if (k % 2 || !goc_mutex_trylock(&o->mu))
                goc_mutex_lock(&o->mu);
            o->count++;
            goc_mutex_unlock(&o->mu);
        }
        set(&current, i + 1);
    }
}

static void favour_begin(void)
{
    current = 0;
    memset(ones, 0, sizeof ones);
}

static void favour_sums(void)
{
    for (int i = 0; i < ONES; i++)
        ck_assert_int_eq(ones[i].count, ones[i].counted + COME);
}

START_TEST(mutex_favour_ends)
{
    AT_ALL_PS
    {
        pthread_t t; /* surely another thread */
        favour_begin();
        ck_assert_int_eq(pthread_create(&t, NULL, stay, NULL), 0);
        come();
        pthread_join(t, NULL);
        favour_sums();

        goc_waitgroup wg = {0};
        favour_begin();
        goc_waitgroup_add(&wg, 1);
        go(stay_as_goroutine, &wg);
        come();
        goc_waitgroup_wait(&wg);
        favour_sums();
    }
}
END_TEST

/* The favour is a thread's: others on the same thread, and threads that the runtime did not start.
 */
static void *visit(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        goc_mutex_lock(&mu);
        counter++;
        goc_mutex_unlock(&mu);
    }
    return NULL;
}

START_TEST(mutex_favours_any_thread)
{
    counter = 0;
    for (int i = 0; i < 8; i++) {
        pthread_t t;
        visit(NULL);
        ck_assert_int_eq(pthread_create(&t, NULL, visit, NULL), 0);
        if (i % 2)
            visit(NULL);
        pthread_join(t, NULL); /* a favour of a thread that is no more */
    }
    ck_assert_int_eq(counter, 20000);
}
END_TEST

/* One that keeps taking the lock, with hardly a moment between, must not starve another for long.
 */
static void hog(goc_mutex *m, int *stop)
{
    while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
        goc_mutex_lock(m);
        int64_t until = goc_now() + 100 * GOC_MICROSECOND;
        while (goc_now() < until)
            goc_gosched();
        goc_mutex_unlock(m);
    }
    set(stop, 2);
}

START_TEST(mutex_does_not_starve)
{
    AT_ALL_PS
    {
        goc_mutex m = {0};
        int stop = 0;
        go(hog, &m, &stop);
        goc_sleep(2 * GOC_MILLISECOND);
        for (int i = 0; i < 10; i++) {
            int64_t t = goc_now();
            goc_mutex_lock(&m);
            ck_assert_int_lt(goc_now() - t, 30 * GOC_SECOND);
            goc_mutex_unlock(&m);
            goc_sleep(100 * GOC_MICROSECOND);
        }
        set(&stop, 1);
        await(&stop, 2);
    }
}
END_TEST

/* The next owner may free the mutex as soon as it has it: the memory is overwritten at once here.
 */
static void unlock_and_forget(goc_mutex *m, int *ready)
{
    goc_mutex_lock(m);
    set(ready, 1);
    goc_gosched();
    goc_mutex_unlock(m);
}

START_TEST(mutex_memory_may_go_after_unlock)
{
    AT_ALL_PS
    {
        for (int i = 0; i < 2000; i++) {
            goc_mutex *m = calloc(1, sizeof *m);
            int ready = 0;
            go(unlock_and_forget, m, &ready);
            await(&ready, 1);
            goc_mutex_lock(m);
            goc_mutex_unlock(m);
            memset(m, 0xff, sizeof *m);
            for (size_t k = 0; k < sizeof *m; k++)
                ck_assert_int_eq(((unsigned char *)m)[k], 0xff);
            free(m);
        }
    }
}
END_TEST

/* --- rwmutex ---------------------------------------------------------------------------------- */

static goc_rwmutex rw;
static int inside, peak;

static void read_inside(goc_waitgroup *wg)
{
    goc_rwmutex_rlock(&rw);
    int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (n > __atomic_load_n(&peak, __ATOMIC_SEQ_CST))
        set(&peak, n);
    while (__atomic_load_n(&peak, __ATOMIC_SEQ_CST) < 2) /* the other comes in meanwhile */
        goc_gosched();
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    goc_rwmutex_runlock(&rw);
    goc_waitgroup_done(wg);
}

START_TEST(readers_share)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        peak = 0;
        for (int i = 0; i < 10; i++) {
            goc_waitgroup_add(&wg, 1);
            go(read_inside, &wg);
        }
        goc_waitgroup_wait(&wg);
    }
}
END_TEST

static long plain[4];

static void rw_reader(goc_waitgroup *wg, int n)
{
    for (int i = 0; i < n; i++) {
        goc_rwmutex_rlock(&rw);
        long v = plain[0];
        if (i % 32 == 0)
            goc_gosched();
        for (int k = 1; k < 4; k++)
            ck_assert_int_eq(plain[k], v);
        goc_rwmutex_runlock(&rw);
    }
    goc_waitgroup_done(wg);
}
static void rw_writer(goc_waitgroup *wg, int n)
{
    for (int i = 0; i < n; i++) {
        goc_rwmutex_lock(&rw);
        for (int k = 0; k < 4; k++) {
            plain[k]++;
            if (i % 32 == 0)
                goc_gosched();
        }
        goc_rwmutex_unlock(&rw);
    }
    goc_waitgroup_done(wg);
}

START_TEST(writers_exclude)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        memset(plain, 0, sizeof plain);
        goc_waitgroup_add(&wg, 8);
        for (int i = 0; i < 6; i++)
            go(rw_reader, &wg, 1000);
        for (int i = 0; i < 2; i++)
            go(rw_writer, &wg, 1000);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(plain[3], 2000);
    }
}
END_TEST

static void write_once(int *stage)
{
    set(stage, 1);
    goc_rwmutex_lock(&rw);
    set(stage, 2);
    goc_rwmutex_unlock(&rw);
}
static void read_once(int *stage, int *writer)
{
    set(stage, 1);
    goc_rwmutex_rlock(&rw);
    ck_assert_int_eq(__atomic_load_n(writer, __ATOMIC_SEQ_CST), 2);
    set(stage, 2);
    goc_rwmutex_runlock(&rw);
}

START_TEST(waiting_writer_holds_new_readers_back)
{
    AT_ALL_PS
    {
        int writer = 0, reader = 0;
        goc_rwmutex_rlock(&rw);
        go(write_once, &writer);
        while (goc_rwmutex_tryrlock(&rw)) { /* until the writer has announced itself */
            goc_rwmutex_runlock(&rw);
            goc_gosched();
        }
        go(read_once, &reader, &writer);
        await(&reader, 1);
        goc_sleep(GOC_MILLISECOND);
        ck_assert_int_eq(__atomic_load_n(&reader, __ATOMIC_SEQ_CST), 1);
        goc_rwmutex_runlock(&rw);
        await(&reader, 2);
        ck_assert_int_eq(writer, 2);
        goc_rwmutex_lock(&rw); /* both are gone from it now */
        goc_rwmutex_unlock(&rw);
    }
}
END_TEST

START_TEST(rwmutex_try)
{
    goc_rwmutex r = {0};
    ck_assert(goc_rwmutex_tryrlock(&r));
    ck_assert(goc_rwmutex_tryrlock(&r));
    ck_assert(!goc_rwmutex_trylock(&r));
    goc_rwmutex_runlock(&r);
    goc_rwmutex_runlock(&r);
    ck_assert(goc_rwmutex_trylock(&r));
    ck_assert(!goc_rwmutex_trylock(&r));
    ck_assert(!goc_rwmutex_tryrlock(&r));
    goc_rwmutex_unlock(&r);
    goc_rwmutex_rlock(&r);
    goc_rwmutex_runlock(&r);
}
END_TEST

/* Whom the leaving writer lets in may be the last to use the lock: a reader that waited for it, one
   that comes, the next writer. The memory is overwritten at once here. */
static void write_and_forget(goc_rwmutex *l, int *ready)
{
    goc_rwmutex_lock(l);
    set(ready, 1);
    goc_gosched();
    goc_rwmutex_unlock(l);
}
static void read_and_go(goc_rwmutex *l, goc_waitgroup *wg)
{
    goc_rwmutex_rlock(l);
    goc_rwmutex_runlock(l);
    goc_waitgroup_done(wg);
}

START_TEST(rwmutex_memory_may_go_after_unlock)
{
    AT_ALL_PS
    {
        for (int i = 0; i < 4000; i++) {
            goc_rwmutex *l = calloc(1, sizeof *l);
            goc_waitgroup wg = {0};
            int ready = 0;
            go(write_and_forget, l, &ready);
            await(&ready, 1);
            switch (i % 4) {
            case 0:
                goc_rwmutex_rlock(l);
                goc_rwmutex_runlock(l);
                break;
            case 1:
                while (!goc_rwmutex_tryrlock(l))
                    if (i % 64 != 5) /* else it is interrupted first, which takes its time */
                        goc_gosched();
                goc_rwmutex_runlock(l);
                break;
            case 2:
                goc_rwmutex_lock(l);
                goc_rwmutex_unlock(l);
                break;
            default: /* readers and a writer at once */
                goc_waitgroup_add(&wg, 2);
                go(read_and_go, l, &wg);
                go(read_and_go, l, &wg);
                goc_rwmutex_lock(l);
                goc_rwmutex_unlock(l);
                goc_waitgroup_wait(&wg);
            }
            memset(l, 0xff, sizeof *l);
            for (volatile int k = 0; k < 20; k++)
                ;
            for (size_t k = 0; k < sizeof *l; k++)
                ck_assert_int_eq(((unsigned char *)l)[k], 0xff);
            free(l);
        }
    }
}
END_TEST

/* --- once ------------------------------------------------------------------------------------- */

static goc_once once;
static int once_runs, once_ready;

static void nothing(void)
{
}
static void once_fn(void)
{
    once_runs++;
    goc_sleep(2 * GOC_MILLISECOND);
    once_ready = 1;
}
static void use_once(goc_waitgroup *wg)
{
    goc_once_do(&once, once_fn);
    ck_assert_int_eq(once_ready, 1);
    goc_waitgroup_done(wg);
}

START_TEST(once_runs_once_and_all_wait)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        memset(&once, 0, sizeof once);
        once_runs = once_ready = 0;
        goc_waitgroup_add(&wg, 20);
        for (int i = 0; i < 20; i++)
            go(use_once, &wg);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(once_runs, 1);
    }
}
END_TEST

static void once_panics(void)
{
    once_runs++;
    goc_panic("no");
}
static void do_panicking(void *arg)
{
    goc_once_do(arg, once_panics);
}

START_TEST(once_counts_as_done_after_a_panic)
{
    goc_once o = {0};
    once_runs = 0;
    ck_assert_str_eq(goc_pcall(do_panicking, &o), "no");
    ck_assert(!goc_pcall(do_panicking, &o));
    ck_assert_int_eq(once_runs, 1);
}
END_TEST

/* --- cond ------------------------------------------------------------------------------------- */

static goc_mutex cond_mu;
static goc_cond cond = GOC_COND_INIT(&cond_mu);
static int tokens, order[64], order_n, waiting;

static void take_token(goc_waitgroup *wg, int id)
{
    goc_mutex_lock(&cond_mu);
    waiting++;
    while (!tokens)
        goc_cond_wait(&cond);
    tokens--;
    order[order_n++] = id;
    goc_mutex_unlock(&cond_mu);
    goc_waitgroup_done(wg);
}

static void await_waiting(int n)
{
    for (;;) {
        goc_mutex_lock(&cond_mu);
        bool done = waiting == n;
        goc_mutex_unlock(&cond_mu);
        if (done)
            return;
        goc_gosched();
    }
}

START_TEST(cond_signal_wakes_the_longest_waiting)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        waiting = order_n = 0;
        goc_waitgroup_add(&wg, 10);
        for (int i = 0; i < 10; i++) {
            go(take_token, &wg, i);
            await_waiting(i + 1);
        }
        for (int i = 0; i < 10; i++) {
            goc_mutex_lock(&cond_mu);
            tokens++;
            goc_mutex_unlock(&cond_mu);
            goc_cond_signal(&cond);
            for (bool got = false; !got; goc_gosched()) {
                goc_mutex_lock(&cond_mu);
                got = order_n == i + 1;
                goc_mutex_unlock(&cond_mu);
            }
        }
        goc_waitgroup_wait(&wg);
        for (int i = 0; i < 10; i++)
            ck_assert_int_eq(order[i], i);
    }
}
END_TEST

START_TEST(cond_broadcast_wakes_all)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        goc_cond_signal(&cond); /* nobody waits: it is not kept */
        waiting = order_n = 0;
        goc_waitgroup_add(&wg, 30);
        for (int i = 0; i < 30; i++)
            go(take_token, &wg, i);
        await_waiting(30);
        goc_mutex_lock(&cond_mu);
        tokens = 30;
        goc_cond_broadcast(&cond);
        goc_mutex_unlock(&cond_mu);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(order_n, 30);
    }
}
END_TEST

/* --- endings ---------------------------------------------------------------------------------- */

static void unlock_unlocked(void *arg)
{
    goc_mutex m = {0};
    goc_mutex_unlock(&m);
}
static void unlock_unlocked_favoured(void *arg)
{
    visit(NULL);
    goc_mutex_unlock(&mu);
}
static void lock_twice_favoured(void *arg)
{
    visit(NULL);
    goc_mutex_lock(&mu);
    goc_mutex_lock(&mu);
}
static void rw_unlock_unlocked(void *arg)
{
    goc_rwmutex r = {0};
    goc_rwmutex_unlock(&r);
}
static void rw_unlock_read(void *arg)
{
    goc_rwmutex r = {0};
    goc_rwmutex_rlock(&r);
    goc_rwmutex_unlock(&r);
}
static void runlock_unlocked(void *arg)
{
    goc_rwmutex r = {0};
    goc_rwmutex_runlock(&r);
}
static void runlock_write(void *arg)
{
    goc_rwmutex r = {0};
    goc_rwmutex_lock(&r);
    goc_rwmutex_runlock(&r);
}
static void once_recursive_fn(void)
{
    goc_once_do(&once, nothing);
}
static void once_recursive(void *arg)
{
    goc_once_do(&once, once_recursive_fn);
}
static void cond_unlocked(void *arg)
{
    goc_cond_wait(&cond);
}
static void cond_copied(void *arg)
{
    goc_cond_signal(&cond);
    goc_cond copy = cond;
    goc_cond_signal(&copy);
}
static void cond_no_mutex(void *arg)
{
    goc_cond c = {0};
    goc_cond_wait(&c);
}
static void null_mutex(void *arg)
{
    goc_mutex *m = NULL;
    __asm__("" : "+r"(m));
    goc_mutex_lock(m);
}
static void lock_twice(void *arg)
{
    goc_mutex_lock(&mu);
    goc_mutex_lock(&mu);
}
static void rlock_write(void *arg)
{
    goc_rwmutex_lock(&rw);
    goc_rwmutex_rlock(&rw);
}
static void write_rlocked(void *arg)
{
    goc_rwmutex_rlock(&rw);
    goc_rwmutex_lock(&rw);
}
static void cond_for_ever(void *arg)
{
    goc_mutex_lock(&cond_mu);
    goc_cond_wait(&cond);
}

static const struct unit_ending endings[] = {
    {unlock_unlocked, "fatal error: sync: unlock of unlocked mutex"},
    {unlock_unlocked_favoured, "fatal error: sync: unlock of unlocked mutex"},
    {rw_unlock_unlocked, "fatal error: sync: Unlock of unlocked RWMutex"},
    {rw_unlock_read, "fatal error: sync: Unlock of unlocked RWMutex"},
    {runlock_unlocked, "fatal error: sync: RUnlock of unlocked RWMutex"},
    {runlock_write, "fatal error: sync: RUnlock of unlocked RWMutex"},
    {once_recursive, "goroutine 1 [sync.Once.Do]:"},
    {cond_unlocked, "fatal error: sync: unlock of unlocked mutex"},
    {cond_copied, "panic: sync.Cond is copied"},
    {cond_no_mutex, "panic: goc_cond_wait: invalid memory address or nil pointer dereference"},
    {null_mutex, "panic: goc_mutex_lock: invalid memory address or nil pointer dereference"},
    {lock_twice, "\ngoroutine 1 [sync.Mutex.Lock]:"},
    {lock_twice_favoured, "\ngoroutine 1 [sync.Mutex.Lock]:"},
    {rlock_write, "\ngoroutine 1 [sync.RWMutex.RLock]:"},
    {write_rlocked, "\ngoroutine 1 [sync.RWMutex.Lock]:"},
    {cond_for_ever, "\ngoroutine 1 [sync.Cond.Wait]:"},
};

UNIT_ENDS_WITH(endings)

UNIT_MAIN("sync", 60, mutex_excludes, mutex_trylock, mutex_may_be_unlocked_by_another,
          mutex_favour_ends, mutex_favours_any_thread, mutex_does_not_starve,
          mutex_memory_may_go_after_unlock, readers_share, writers_exclude,
          waiting_writer_holds_new_readers_back, rwmutex_try, rwmutex_memory_may_go_after_unlock,
          once_runs_once_and_all_wait, once_counts_as_done_after_a_panic, cond_signal_wakes_the_longest_waiting,
          cond_broadcast_wakes_all, ends_with)
