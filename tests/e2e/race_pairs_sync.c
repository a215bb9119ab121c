/* What locks, counts, timers and contexts order and what they do not. race_pairs.c says what a pair
 * is. */
#include "race_pairs.h"

static int shared;
static goc_mutex mu, other_mu;
static goc_rwmutex rw;
static goc_cond cond;
static goc_sem sem;

/* --- locks
 * ------------------------------------------------------------------------------------------------------
 */

static void locked_add_first(void)
{
    goc_mutex_lock(&mu);
    shared++;
    goc_mutex_unlock(&mu);
}
static void locked_add_second(void) /* another lock */
{
    goc_mutex *m = fixed ? &mu : &other_mu;
    goc_mutex_lock(m);
    shared++;
    goc_mutex_unlock(m);
}

static void unlocked_read_second(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
    USE(shared);
    if (fixed)
        goc_mutex_unlock(&mu);
}

static void trylock_second(void) /* what a failed attempt saw orders nothing */
{
    if (fixed ? goc_mutex_trylock(&mu) : goc_mutex_trylock(&other_mu)) {
        shared++;
        goc_mutex_unlock(fixed ? &mu : &other_mu);
    }
}
static void holds(void)
{
    goc_mutex_lock(&mu);
    shared = 1;
    turn_end();
    turn_wait(2);
    goc_mutex_unlock(&mu);
}
static void trylock_failed(void)
{
    go(holds);
    turn_wait(1);
    bool have = goc_mutex_trylock(&mu);
    turn_end();
    if (fixed) {
        others_ended();
        goc_mutex_lock(&mu);
        have = true;
    }
    shared = 2;
    if (have)
        goc_mutex_unlock(&mu);
    others_ended();
}

static void adds_after_unlock(void)
{
    goc_mutex_lock(&mu);
    if (fixed)
        shared = 1;
    goc_mutex_unlock(&mu);
    if (!fixed)
        shared = 1;
}
static void write_after_unlock(void)
{
    in_turn(adds_after_unlock, locked_add_first);
}

static void read_locked_write_first(void)
{
    (fixed ? goc_rwmutex_lock : goc_rwmutex_rlock)(&rw);
    shared = 1;
    (fixed ? goc_rwmutex_unlock : goc_rwmutex_runlock)(&rw);
}
static void read_locked_write_second(void)
{
    goc_rwmutex_rlock(&rw);
    USE(shared);
    goc_rwmutex_runlock(&rw);
}

/* Readers are ordered before the writer after them, and not before each other. */
static int lazily[2];
static void reader_to_reader_first(void)
{
    goc_rwmutex_rlock(&rw);
    lazily[0] = 1;
    goc_rwmutex_runlock(&rw);
}
static void reader_to_reader_second(void)
{
    (fixed ? goc_rwmutex_lock : goc_rwmutex_rlock)(&rw);
    USE(lazily[0]);
    (fixed ? goc_rwmutex_unlock : goc_rwmutex_runlock)(&rw);
}

static void takes_place(void) /* two places, of which both or one are taken */
{
    goc_sem_acquire(&sem, fixed ? 2 : 1);
    shared++;
    turn_end();
    if (!fixed)
        turn_wait(2); /* both have their place at once */
    goc_sem_release(&sem, fixed ? 2 : 1);
}
static void semaphore(void)
{
    goc_sem_init(&sem, 2);
    go(takes_place);
    turn_wait(1);
    go(takes_place);
    others_ended();
}

/* --- waiting
 * ----------------------------------------------------------------------------------------------------
 */

static void waits_for_ready(void)
{
    goc_mutex_lock(&mu);
    while (!lazily[1])
        goc_cond_wait(&cond);
    goc_mutex_unlock(&mu);
    USE(shared);
    turn_end();
}
static void condition(void)
{
    goc_cond_init(&cond, &mu);
    go(waits_for_ready);
    others_blocked();
    if (fixed)
        shared = 1;
    goc_mutex_lock(&mu);
    lazily[1] = 1;
    goc_mutex_unlock(&mu);
    goc_cond_broadcast(&cond);
    turn_wait(1);
    if (!fixed)
        shared = 1;
    others_ended();
}

static goc_waitgroup wg;
static void write_and_done(int *where)
{
    if (fixed)
        *where = 1;
    goc_waitgroup_done(&wg);
    if (!fixed)
        *where = 1;
    turn_end();
}
static void done_before_wait(void)
{
    goc_waitgroup_add(&wg, 2);
    go(write_and_done, &lazily[0]);
    go(write_and_done, &lazily[1]);
    turn_wait(2);
    goc_waitgroup_wait(&wg);
    USE(lazily[0] + lazily[1]);
    others_ended();
}
static void waits(void)
{
    goc_waitgroup_wait(&wg);
    if (fixed)
        USE(shared);
    else
        shared++;
    turn_end();
}
static void two_waiters(void) /* both come after the work, and in no order themselves */
{
    goc_waitgroup_add(&wg, 1);
    go(waits);
    go(waits);
    shared = 1;
    goc_waitgroup_done(&wg);
    turn_wait(2);
    others_ended();
}

static goc_once once;
static void initialise(void)
{
    shared = 1;
}
static void uses_once(void)
{
    if (fixed)
        goc_once_do(&once, initialise);
    else if (!shared)
        initialise();
    USE(shared);
    turn_end();
}
static void once_and_nil_check(void)
{
    go(uses_once);
    turn_wait(1);
    go(uses_once);
    others_ended();
}

static int in_group(void *arg)
{
    shared++;
    turn_end();
    return 0;
}
static void errgroup(void)
{
    goc_errgroup g;
    goc_errgroup_init(&g, NULL);
    goc_errgroup_go(&g, in_group, NULL);
    turn_wait(1);
    if (fixed)
        goc_errgroup_wait(&g);
    USE(shared);
    if (!fixed)
        goc_errgroup_wait(&g);
}

static goc_sized_waitgroup sized;
static void in_sized(void)
{
    shared++;
    turn_end();
    if (!fixed)
        turn_wait(2);
    goc_sized_waitgroup_done(&sized);
}
static void sized_waitgroup(void) /* a limit of one makes them take turns */
{
    goc_sized_waitgroup_init(&sized, fixed ? 1 : 2);
    for (int i = 0; i < 2; i++) {
        goc_sized_waitgroup_add(&sized);
        go(in_sized);
        turn_wait(i + 1);
    }
    goc_sized_waitgroup_wait(&sized);
    others_ended();
}

/* --- contexts
 * ---------------------------------------------------------------------------------------------------
 */

static void write_and_cancel(goc_context *ctx)
{
    if (fixed)
        shared = 1;
    goc_cancel(ctx);
    if (!fixed)
        shared = 1;
    turn_end();
}
static void cancel_before_done(void)
{
    goc_context *parent = goc_with_cancel(goc_background()),
                *ctx = goc_with_value(parent, "k", "v");
    go(write_and_cancel, parent);
    turn_wait(1);
    goc_recv(goc_context_done(ctx));
    USE(shared);
    others_ended();
    goc_context_free(ctx);
    goc_context_free(parent);
}
static void
cancel_before_err(void) /* who has seen that it was cancelled comes after who cancelled */
{
    goc_context *ctx = goc_with_cancel(goc_background());
    go(write_and_cancel, ctx);
    turn_wait(1);
    while (!goc_context_err(ctx))
        goc_gosched();
    USE(shared);
    others_ended();
    goc_context_free(ctx);
}

/* --- time
 * -------------------------------------------------------------------------------------------------------
 */

static void fires(void *arg)
{
    USE(shared);
    turn_end();
}
static void after_func(void)
{
    if (fixed)
        shared = 1;
    goc_timer *t = goc_after_func(0, fires, NULL);
    turn_wait(1);
    if (!fixed)
        shared = 1;
    others_ended();
    goc_timer_free(t);
}
static void timer_reset(void)
{
    goc_timer *t = goc_after_func(GOC_SECOND * 3600, fires, NULL);
    if (fixed)
        shared = 1;
    goc_timer_reset(t, 0);
    turn_wait(1);
    if (!fixed)
        shared = 1;
    others_ended();
    goc_timer_free(t);
}
static void sleep_first(void)
{
    shared = 1;
    goc_sleep(MS);
}
static void sleep_second(void) /* neither time nor a yield orders anything */
{
    goc_sleep(MS);
    goc_gosched();
    if (fixed)
        USE(lazily[0]);
    else
        USE(shared);
}

static void blocks(void *arg)
{
    usleep(1);
    shared = 1;
}
static void calls_blocking(void)
{
    goc_blocking(blocks, NULL);
    USE(shared);
    turn_end();
}
static void blocking_call(void)
{
    go(calls_blocking);
    turn_wait(1);
    if (!fixed)
        USE(shared);
    others_ended();
}

/* --- annotations
 * ------------------------------------------------------------------------------------------------
 */

static void releases(void)
{
    shared = 1;
    if (fixed)
        goc_race_release(&shared);
}
static void acquires(void)
{
    if (fixed)
        goc_race_acquire(&shared);
    USE(shared);
}
static void annotated(void)
{
    in_turn(releases, acquires);
}
static char buffer[8];
static void range_first(void)
{
    goc_race_write_range(buffer, 5);
}
static void range_second(void)
{
    goc_race_read_range(buffer + (fixed ? 5 : 4), 3);
}

#define unlocked_read_first locked_add_first
#define trylock_first locked_add_first
const struct pair sync_pairs[] = {
    HALVES(locked_add),
    HALVES(unlocked_read),
    HALVES(trylock),
    PAIR(trylock_failed),
    PAIR(write_after_unlock),
    HALVES(read_locked_write),
    HALVES(reader_to_reader),
    PAIR(semaphore),
    PAIR(condition),
    PAIR(done_before_wait),
    PAIR(two_waiters),
    PAIR(once_and_nil_check),
    PAIR(errgroup),
    PAIR(sized_waitgroup),
    PAIR(cancel_before_done),
    PAIR(cancel_before_err),
    PAIR(after_func),
    PAIR(timer_reset),
    HALVES(sleep),
    PAIR(blocking_call),
    PAIR(annotated),
    HALVES(range),
    {0},
};
