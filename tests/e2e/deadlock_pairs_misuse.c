/* Misuse of synchronisation objects; deadlock_pairs.c says what a pair is. */
#include "deadlock_pairs.h"

static void keep_it(goc_mutex *m)
{
    goc_mutex_lock(m);
    if (fixed)
        goc_mutex_unlock(m);
}
static void ends_holding(void)
{
    goc_waitgroup_go(&done, keep_it, &a);
    goc_waitgroup_wait(&done);
}

static void freed_while_held(void)
{
    goc_mutex *m = calloc(1, sizeof *m);
    goc_mutex_lock(m);
    if (fixed)
        goc_mutex_unlock(m);
    free(m);
}

static void unlock_unlocked(void)
{
    if (fixed)
        goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}
static void runlock_unlocked(void)
{
    if (fixed)
        goc_rwmutex_rlock(&rw);
    goc_rwmutex_runlock(&rw);
}
static void negative_waitgroup(void)
{
    if (fixed)
        goc_waitgroup_add(&done, 1);
    goc_waitgroup_done(&done);
}
static void close_closed(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_close(ch);
    if (!fixed)
        goc_close(ch);
}
static void close_nil(void)
{
    goc_chan(int) ch = fixed ? goc_chan_make(int, 0) : NULL;
    goc_close(ch);
}
static void send_closed(void)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    if (!fixed)
        goc_close(ch);
    goc_send(ch, 1);
}
static void free_waited(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    goc_waitgroup_go(&done, unrelated, ch);
    settled();
    if (fixed) {
        goc_send(ch, 1);
        goc_waitgroup_wait(&done);
    }
    goc_chan_free(ch);
}
static void cond_unlocked(void)
{
    static goc_cond cond = GOC_COND_INIT(&b);
    if (fixed)
        return;
    goc_cond_wait(&cond);
}
static void sem_over_released(void)
{
    goc_sem s = GOC_SEM_INIT(1);
    if (fixed)
        goc_sem_acquire(&s, 1);
    goc_sem_release(&s, 1);
}

/* --- memory and frames under a lock ----------------------------------------------------------------------- */

static void wait_for_group(goc_waitgroup *wg)
{
    goc_waitgroup_wait(wg);
}
static void freed_while_waited_on(void)
{
    goc_waitgroup *wg = calloc(1, sizeof *wg);
    goc_waitgroup_add(wg, 1);
    goc_waitgroup_go(&done, wait_for_group, wg);
    settled();
    if (fixed) {
        goc_waitgroup_done(wg);
        goc_waitgroup_wait(&done);
    }
    free(wg);
}

static void take_unit(goc_sem *s)
{
    goc_sem_acquire(s, 2);
}
static void semaphore_freed_while_waited_on(void)
{
    goc_sem *s = calloc(1, sizeof *s);
    goc_sem_init(s, 3);
    goc_sem_acquire(s, 2);
    goc_waitgroup_go(&done, take_unit, s);
    settled();
    if (fixed) {
        goc_sem_release(s, 2);
        goc_waitgroup_wait(&done);
    }
    free(s);
}

__attribute__((noinline)) static void lock_a_local(void)
{
    goc_mutex local = GOC_MUTEX_INIT;
    goc_mutex_lock(&local);
    if (fixed)
        goc_mutex_unlock(&local);
}
static void locks_locally(void)
{
    lock_a_local();
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}
static void frame_left_locked(void)
{
    goc_waitgroup_go(&done, locks_locally);
    goc_waitgroup_wait(&done);
}
static void frame_left_by_main(void)
{
    locks_locally();
}
static void *thread_locks_locally(void *arg)
{
    pthread_mutex_t local = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&local);
    if (fixed)
        pthread_mutex_unlock(&local);
    return NULL;
}
static void frame_left_by_a_thread(void)
{
    pthread_t t;
    pthread_create(&t, NULL, thread_locks_locally, NULL);
    pthread_join(t, NULL);
}

__attribute__((noinline)) static void start_a_waiter(void)
{
    goc_waitgroup local = {0};
    goc_waitgroup_add(&local, 1);
    go(wait_for_group, &local);
    settled();
    if (fixed) {
        goc_waitgroup_done(&local);
        settled();
    }
}
__attribute__((noinline)) static void far_down(void)
{
    volatile char room[4096];
    room[0] = 0;
    start_a_waiter();
    room[1] = room[0];
}
static void leaves_a_waiter(void)
{
    far_down();
    turn_end();
    goc_sleep(3600 * GOC_SECOND);
}
static void frame_left_while_waited_on(void)
{
    go(leaves_a_waiter);
    turn_wait_asleep(1);
    settled();
}

/* --- copies --------------------------------------------------------------------------------------------------- */

struct guarded {
    goc_mutex mu;
    int value;
};
static struct guarded one, other;
__attribute__((noinline)) static int read_it(struct guarded g)
{
    goc_mutex_lock(&g.mu);
    int v = g.value;
    goc_mutex_unlock(&g.mu);
    return v;
}
__attribute__((noinline)) static int read_there(struct guarded *g)
{
    goc_mutex_lock(&g->mu);
    int v = g->value;
    goc_mutex_unlock(&g->mu);
    return v;
}
static void passed_by_value(void)
{
    read_there(&one);
    if (fixed)
        read_there(&one);
    else
        read_it(one);
}
static void assigned(void)
{
    read_there(&one);
    read_there(&other);
    if (fixed)
        other.value = one.value;
    else
        other = one;
    read_there(&other);
}
static goc_rwmutex rw_copy;
static void rwmutex_copied(void)
{
    goc_rwmutex_rlock(&rw);
    goc_rwmutex_runlock(&rw);
    if (!fixed)
        memcpy(&rw_copy, &rw, sizeof rw);
    goc_rwmutex_lock(&rw_copy);
    goc_rwmutex_unlock(&rw_copy);
}
/* A block that grows takes its locks with it; growing a copy of it does not. */
static void moved_or_copied(void)
{
    struct guarded *v = calloc(4, sizeof *v), *w = NULL;
    for (int i = 0; i < 4; i++)
        read_there(&v[i]);
    if (fixed) {
        w = realloc(v, 4096 * sizeof *w);
        v = NULL;
    } else {
        w = malloc(4096 * sizeof *w);
        memcpy(w, v, 4 * sizeof *w);
    }
    for (int i = 0; i < 4; i++)
        read_there(&w[i]);
    free(v);
    free(w);
}
static void set_anew_while_held(void)
{
    goc_mutex_lock(&a);
    if (fixed)
        goc_mutex_unlock(&a);
    memset(&a, 0, sizeof a);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}

/* --- the end --------------------------------------------------------------------------------------------------- */

static void main_ends_holding(void)
{
    goc_mutex_lock(&a);
    if (fixed)
        goc_mutex_unlock(&a);
}
static void exits_holding(void)
{
    static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&m);
    if (fixed)
        pthread_mutex_unlock(&m);
    exit(0);
}
static void holds_for_long(void)
{
    goc_mutex_lock(&a);
    goc_sleep(3600 * GOC_SECOND);
}
/* fixed: another one is in the middle of something, and _exit runs nothing that could need a lock. */
static void at_once_or_not(void)
{
    go(holds_for_long);
    settled();
    goc_mutex_lock(&b);
    if (fixed)
        _exit(0);
}

const struct pair misuse_pairs[] = {
    PAIR(ends_holding, "SYNC MISUSE"),
    PAIR(freed_while_held, "SYNC MISUSE"),
    PAIR(unlock_unlocked, "SYNC MISUSE"),
    PAIR(runlock_unlocked, "SYNC MISUSE"),
    PAIR(negative_waitgroup, "SYNC MISUSE"),
    PAIR(close_closed, "SYNC MISUSE"),
    PAIR(close_nil, "SYNC MISUSE"),
    PAIR(send_closed, "SYNC MISUSE"),
    PAIR(free_waited, "SYNC MISUSE"),
    PAIR(cond_unlocked, "SYNC MISUSE"),
    PAIR(sem_over_released, "SYNC MISUSE"),
    PAIR(freed_while_waited_on, "SYNC MISUSE"),
    PAIR(semaphore_freed_while_waited_on, "SYNC MISUSE"),
    PAIR(frame_left_locked, "SYNC MISUSE"),
    PAIR(frame_left_by_main, "SYNC MISUSE"),
    PAIR(frame_left_by_a_thread, "SYNC MISUSE"),
    PAIR(frame_left_while_waited_on, "SYNC MISUSE"),
    PAIR(passed_by_value, "SYNC MISUSE"),
    PAIR(assigned, "SYNC MISUSE"),
    PAIR(rwmutex_copied, "SYNC MISUSE"),
    PAIR(moved_or_copied, "SYNC MISUSE"),
    PAIR(set_anew_while_held, "SYNC MISUSE"),
    PAIR(main_ends_holding, "SYNC MISUSE"),
    PAIR(exits_holding, "SYNC MISUSE"),
    PAIR(at_once_or_not, "SYNC MISUSE"),
    {0},
};
