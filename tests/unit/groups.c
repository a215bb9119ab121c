/*
 * groups.c - what WaitGroups, semaphores, sized WaitGroups and errgroups promise, and what misuse
 * says: the primitives that count. Each test runs with one, two and eight Ps.
 */
#include "../e2e/turns.h"
#include "common.h"

#include <errno.h>
#include <goc/context.h>
#include <goc/go.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <malloc.h>

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

static int inside, peak;

/* --- waitgroup -------------------------------------------------------------------------------- */

static int finished;

static void finish(goc_waitgroup *wg)
{
    goc_gosched();
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    goc_waitgroup_done(wg);
}
static void wait_too(goc_waitgroup *wg, goc_waitgroup *waiters, int want)
{
    goc_waitgroup_wait(wg);
    ck_assert_int_eq(__atomic_load_n(&finished, __ATOMIC_SEQ_CST), want);
    goc_waitgroup_done(waiters);
}

START_TEST(waitgroup_waits_for_all_and_wakes_all)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0}, waiters = {0};
        goc_waitgroup_wait(&wg);
        for (int round = 0; round < 50; round++) {
            finished = 0;
            goc_waitgroup_add(&wg, 20);
            goc_waitgroup_add(&waiters, 5);
            for (int i = 0; i < 5; i++)
                go(wait_too, &wg, &waiters, 20);
            for (int i = 0; i < 20; i++)
                go(finish, &wg);
            goc_waitgroup_wait(&wg);
            ck_assert_int_eq(finished, 20);
            goc_waitgroup_wait(&waiters);
        }
    }
}
END_TEST

static void sum_args(long *sum, int a, unsigned char b, bool c, long d, const char *e)
{
    __atomic_add_fetch(sum, a + b + c + d + e[0], __ATOMIC_RELAXED);
}
static void nothing(void)
{
}
static void exits(int *word)
{
    set(word, 1);
    goc_goexit();
}

START_TEST(waitgroup_go)
{
    AT_ALL_PS
    {
        goc_waitgroup wg = {0};
        long sum = 0;
        int word = 0;
        for (int i = 0; i < 100; i++)
            goc_waitgroup_go(&wg, sum_args, &sum, -i, 200, true, 1L << 40, "\1");
        goc_waitgroup_go(&wg, nothing);
        goc_waitgroup_go(&wg, exits, &word);
        goc_waitgroup_wait(&wg);
        ck_assert_int_eq(sum, -4950 + 100 * (200 + 1 + (1L << 40) + 1));
        ck_assert_int_eq(word, 1);
    }
}
END_TEST

/* --- semaphores ------------------------------------------------------------------------------- */

static void use_sem(goc_sem *s, goc_waitgroup *wg, int weight)
{
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(goc_sem_acquire(s, weight), 0);
        int n = __atomic_add_fetch(&inside, weight, __ATOMIC_SEQ_CST);
        ck_assert_int_le(n, 10);
        goc_gosched();
        __atomic_sub_fetch(&inside, weight, __ATOMIC_SEQ_CST);
        goc_sem_release(s, weight);
    }
    goc_waitgroup_done(wg);
}

START_TEST(sem_bounds_the_sum)
{
    AT_ALL_PS
    {
        goc_sem s = GOC_SEM_INIT(10);
        goc_waitgroup wg = {0};
        inside = 0;
        for (int i = 1; i <= 10; i++) {
            goc_waitgroup_add(&wg, 1);
            go(use_sem, &s, &wg, i);
        }
        goc_waitgroup_wait(&wg);
        ck_assert(goc_sem_try_acquire(&s, 10));
        ck_assert(!goc_sem_try_acquire(&s, 1));
        ck_assert(goc_sem_try_acquire(&s, 0));
        goc_sem_release(&s, 10);
    }
}
END_TEST

static void acquire_and_note(goc_sem *s, int n, int *stage)
{
    set(stage, 1);
    goc_sem_acquire(s, n);
    set(stage, 2);
    goc_sem_release(s, n);
}

START_TEST(sem_first_come_first_served)
{
    AT_ALL_PS
    {
        goc_sem s;
        int large = 0, small = 0;
        goc_sem_init(&s, 4);
        goc_sem_acquire(&s, 2);
        go(acquire_and_note, &s, 4, &large);
        await(&large, 1);
        until_blocked();
        ck_assert(!goc_sem_try_acquire(&s, 1)); /* would fit, but there is a queue */
        go(acquire_and_note, &s, 1, &small);
        until_blocked();
        ck_assert_int_eq(small, 1);
        goc_sem_release(&s, 2);
        await(&small, 2);
        ck_assert_int_eq(large, 2);
        while (!goc_sem_try_acquire(&s, 4))
            goc_gosched();
    }
}
END_TEST

START_TEST(sem_gives_up_with_its_context)
{
    AT_ALL_PS
    {
        goc_sem s = GOC_SEM_INIT(2);
        int small = 0;
        goc_sem_acquire(&s, 1);
        goc_context *ctx = goc_with_timeout(goc_background(), 5 * GOC_MILLISECOND);
        go(acquire_and_note, &s, 1, &small);
        await(&small, 2);
        errno = 0;
        ck_assert_int_eq(goc_sem_acquire_ctx(ctx, &s, 2), -1);
        ck_assert_int_eq(errno, ETIMEDOUT);
        ck_assert_int_eq(goc_sem_acquire_ctx(ctx, &s, 1), -1); /* it has ended, free or not */
        goc_context_free(ctx);

        ctx = goc_with_cancel(goc_background());
        ck_assert_int_eq(goc_sem_acquire_ctx(ctx, &s, 1), 0);
        goc_sem_release(&s, 1);
        goc_context *sub = goc_with_timeout(ctx, 2 * GOC_MILLISECOND);
        ck_assert_int_eq(goc_sem_acquire_ctx(sub, &s, 3), -1); /* more than there is */
        ck_assert_int_eq(errno, ETIMEDOUT);
        goc_context_free(sub);
        goc_context_free(ctx);
        goc_sem_release(&s, 1);
        ck_assert(goc_sem_try_acquire(&s, 2));
    }
}
END_TEST

static void sized_work(goc_sized_waitgroup *wg)
{
    int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    if (n > __atomic_load_n(&peak, __ATOMIC_SEQ_CST))
        set(&peak, n);
    while (__atomic_load_n(&peak, __ATOMIC_SEQ_CST) < 6)
        goc_gosched();
    goc_sleep(GOC_MILLISECOND); /* for a seventh to come in */
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    goc_sized_waitgroup_done(wg);
}

START_TEST(sized_waitgroup_limits)
{
    AT_ALL_PS
    {
        goc_sized_waitgroup wg;
        goc_sized_waitgroup_init(&wg, 6);
        inside = peak = 0;
        for (int i = 0; i < 16; i++) {
            goc_sized_waitgroup_add(&wg);
            go(sized_work, &wg);
        }
        goc_sized_waitgroup_wait(&wg);
        ck_assert_int_eq(peak, 6);
        ck_assert_int_eq(inside, 0);

        goc_context *ctx = goc_with_timeout(goc_background(), GOC_MILLISECOND);
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(goc_sized_waitgroup_add_ctx(&wg, goc_background()), 0);
        ck_assert_int_eq(goc_sized_waitgroup_add_ctx(&wg, ctx), -1);
        ck_assert_int_eq(errno, ETIMEDOUT);
        for (int i = 0; i < 6; i++)
            goc_sized_waitgroup_done(&wg);
        goc_sized_waitgroup_wait(&wg);
        goc_context_free(ctx);

        goc_sized_waitgroup free_for_all = {0};
        for (int i = 0; i < 100; i++)
            goc_sized_waitgroup_add(&free_for_all);
        for (int i = 0; i < 100; i++)
            goc_sized_waitgroup_done(&free_for_all);
        goc_sized_waitgroup_wait(&free_for_all);
    }
}
END_TEST

/* --- errgroup --------------------------------------------------------------------------------- */

static goc_errgroup *group;

static int succeed(void *arg)
{
    goc_gosched();
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static int fail_at(void *arg)
{
    goc_sleep((intptr_t)arg * GOC_MILLISECOND);
    return (int)(intptr_t)arg;
}
static int until_cancelled(void *arg)
{
    goc_recv(goc_context_done(goc_errgroup_context(group)));
    return 99;
}
static int limited(void *arg)
{
    int n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    ck_assert_int_le(n, 3);
    goc_gosched();
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static int leaves(void *arg)
{
    goc_goexit();
}

/* A group that is only waited for leaves nothing behind. */
START_TEST(errgroup_without_free)
{
    AT_ALL_PS
    {
        goc_errgroup g;
        size_t before = 0;
        for (int i = 0; i < 2000; i++) {
            if (i == 100)
                before = mallinfo2().uordblks;
            ck_assert_int_eq(goc_errgroup_init(&g, NULL), 0);
            goc_errgroup_go(&g, succeed, NULL);
            goc_errgroup_go(&g, fail_at, (void *)1);
            ck_assert_int_eq(goc_errgroup_wait(&g), 1);
            ck_assert_int_eq(goc_errgroup_wait(&g), 1);
        }
        ck_assert_uint_lt(mallinfo2().uordblks, before + 20000);
        ck_assert_int_eq(goc_context_err(goc_errgroup_context(&g)), ECANCELED);
        goc_errgroup_free(&g);
    }
}
END_TEST

START_TEST(errgroup_first_failure)
{
    AT_ALL_PS
    {
        goc_errgroup g;
        group = &g;
        finished = 0;
        ck_assert_int_eq(goc_errgroup_init(&g, NULL), 0);
        for (int i = 0; i < 10; i++)
            goc_errgroup_go(&g, succeed, NULL);
        ck_assert_int_eq(goc_context_err(goc_errgroup_context(&g)), 0); /* seen: it stays */
        ck_assert_int_eq(goc_errgroup_wait(&g), 0);
        ck_assert_int_eq(finished, 10);
        ck_assert_int_eq(goc_context_err(goc_errgroup_context(&g)), ECANCELED);
        goc_errgroup_free(&g);

        goc_context *ctx = goc_with_cancel(goc_background());
        ck_assert_int_eq(goc_errgroup_init(&g, ctx), 0);
        goc_errgroup_go(&g, until_cancelled, NULL);
        goc_errgroup_go(&g, fail_at, (void *)2);
        goc_errgroup_go(&g, fail_at, (void *)30);
        goc_errgroup_go(&g, leaves, NULL);
        ck_assert_int_eq(goc_errgroup_wait(&g), 2);
        ck_assert_int_eq(goc_context_err(ctx), 0);
        goc_errgroup_free(&g);
        goc_context_free(ctx);

        goc_errgroup plain_group = {0};
        goc_errgroup_go(&plain_group, fail_at, (void *)1);
        ck_assert_ptr_null(goc_errgroup_context(&plain_group));
        ck_assert_int_eq(goc_errgroup_wait(&plain_group), 1);
    }
}
END_TEST

START_TEST(errgroup_limit)
{
    AT_ALL_PS
    {
        goc_errgroup g = {0};
        inside = 0;
        goc_errgroup_set_limit(&g, 3);
        for (int i = 0; i < 50; i++)
            goc_errgroup_go(&g, limited, NULL);
        ck_assert_int_eq(goc_errgroup_wait(&g), 0);
        goc_errgroup_set_limit(&g, 1);
        ck_assert(goc_errgroup_try_go(&g, fail_at, (void *)5));
        ck_assert(!goc_errgroup_try_go(&g, succeed, NULL));
        ck_assert_int_eq(goc_errgroup_wait(&g), 5);
        goc_errgroup_set_limit(&g, 0);
        ck_assert(!goc_errgroup_try_go(&g, succeed, NULL));
        goc_errgroup_set_limit(&g, -1);
        ck_assert(goc_errgroup_try_go(&g, succeed, NULL));
        goc_errgroup_wait(&g);
    }
}
END_TEST

/* --- endings ---------------------------------------------------------------------------------- */

static void negative_waitgroup(void *arg)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 1);
    goc_waitgroup_done(&wg);
    goc_waitgroup_done(&wg);
}
static void wait_on(goc_waitgroup *wg)
{
    goc_waitgroup_wait(wg);
}
static void reused_waitgroup(void *arg)
{
    goc_waitgroup wg = {0};
    goc_gomaxprocs(1);
    goc_waitgroup_add(&wg, 1);
    go(wait_on, &wg);
    goc_gosched();
    goc_waitgroup_done(&wg);
    goc_waitgroup_add(&wg, 1); /* the waiter has been woken and has not yet run */
    goc_sleep(GOC_MINUTE);
}
static void sem_over_release(void *arg)
{
    goc_sem s = GOC_SEM_INIT(3);
    goc_sem_acquire(&s, 1);
    goc_sem_release(&s, 2);
}
static void sem_negative(void *arg)
{
    goc_sem s = GOC_SEM_INIT(3);
    goc_sem_acquire(&s, -1);
}
static void errgroup_relimit(void *arg)
{
    goc_errgroup g = {0};
    goc_errgroup_go(&g, succeed, NULL);
    goc_errgroup_set_limit(&g, 1);
}
static void wait_for_ever(void *arg)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 1);
    goc_waitgroup_wait(&wg);
}
static void sem_for_ever(void *arg)
{
    goc_sem s = {0};
    goc_sem_acquire(&s, 1);
}

static const struct unit_ending endings[] = {
    {negative_waitgroup, "panic: sync: negative WaitGroup counter"},
    {reused_waitgroup, "panic: sync: WaitGroup is reused before previous Wait has returned"},
    {sem_over_release, "panic: semaphore: released more than held"},
    {sem_negative, "panic: semaphore: negative weight"},
    {errgroup_relimit,
     "panic: errgroup: modify limit while 1 goroutines in the group are still active"},
    {wait_for_ever, "\ngoroutine 1 [sync.WaitGroup.Wait]:"},
    {sem_for_ever, "\ngoroutine 1 [semacquire]:"},
};

UNIT_ENDS_WITH(endings)

UNIT_MAIN("groups", 60, waitgroup_waits_for_all_and_wakes_all, waitgroup_go, sem_bounds_the_sum,
          sem_first_come_first_served, sem_gives_up_with_its_context, sized_waitgroup_limits,
          errgroup_first_failure, errgroup_without_free, errgroup_limit, ends_with)
