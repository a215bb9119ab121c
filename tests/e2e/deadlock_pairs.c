/*
 * Deadlocks, lock orders, leaks and misuses, each beside its quiet twin: the same program with the
 * one thing changed that prevents it. deadlock_pairs.sh builds this once and runs every case both ways.
 *
 *   deadlock_pairs              lists the cases: name, what must be found
 *   deadlock_pairs NAME bug     runs it with the fault
 *   deadlock_pairs NAME fixed   and without: nothing may be found
 *
 * Halves that must not meet are kept apart in time by sleeping, which orders nothing.
 */
#include <errno.h>
#include <goc.h>
#include <goc/race.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS GOC_MILLISECOND
#define SOON goc_sleep(5 * MS)

static bool fixed;
static goc_mutex a, b, c, d, gate;
static goc_rwmutex rw, rw2;
static goc_waitgroup done;

static void nested(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void nested_after(goc_mutex *x, goc_mutex *y, int ms)
{
    goc_sleep(ms * MS);
    nested(x, y);
}

/* --- lock order ------------------------------------------------------------------------------------ */

static void two_locks(void)
{
    goc_waitgroup_go(&done, nested_after, &a, &b, 0);
    goc_waitgroup_go(&done, nested_after, fixed ? &a : &b, fixed ? &b : &a, 5);
    goc_waitgroup_wait(&done);
}

static void three_locks(void)
{
    goc_waitgroup_go(&done, nested_after, &a, &b, 0);
    goc_waitgroup_go(&done, nested_after, &b, &c, 5);
    goc_waitgroup_go(&done, nested_after, fixed ? &a : &c, fixed ? &c : &a, 10);
    goc_waitgroup_wait(&done);
}

static void gated(goc_mutex *x, goc_mutex *y, bool early, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(&gate);
    goc_mutex_lock(x);
    if (early)
        goc_mutex_unlock(&gate);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
    if (!early)
        goc_mutex_unlock(&gate);
}
static void gate_left_early(void)
{
    goc_waitgroup_go(&done, gated, &a, &b, !fixed, 0);
    goc_waitgroup_go(&done, gated, &b, &a, !fixed, 5);
    goc_waitgroup_wait(&done);
}

static void order_by_join(void)
{
    goc_waitgroup_go(&done, nested, &a, &b);
    if (fixed)
        goc_waitgroup_wait(&done);
    else
        SOON;
    goc_waitgroup_go(&done, nested, &b, &a);
    goc_waitgroup_wait(&done);
}

static void nested_then_send(goc_mutex *x, goc_mutex *y, goc_chan(int) ch)
{
    if (!fixed)
        goc_send(ch, 1);
    nested(x, y);
    if (fixed)
        goc_send(ch, 1);
}
static void nested_after_receive(goc_mutex *x, goc_mutex *y, goc_chan(int) ch)
{
    goc_recv(ch);
    SOON;
    nested(x, y);
}
static void order_by_channel(void)
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    goc_waitgroup_go(&done, nested_then_send, &a, &b, ch);
    goc_waitgroup_go(&done, nested_after_receive, &b, &a, ch);
    goc_waitgroup_wait(&done);
}

static void order_by_go(void)
{
    if (fixed)
        nested(&a, &b);
    goc_waitgroup_go(&done, nested_after, &b, &a, 5);
    if (!fixed)
        nested(&a, &b);
    goc_waitgroup_wait(&done);
}

static void tries(goc_mutex *x, goc_mutex *y, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(x);
    bool have = true;
    if (fixed)
        have = goc_mutex_trylock(y);
    else
        goc_mutex_lock(y);
    if (have)
        goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void trylock(void)
{
    goc_waitgroup_go(&done, nested_after, &a, &b, 0);
    goc_waitgroup_go(&done, tries, &b, &a, 5);
    goc_waitgroup_wait(&done);
}

static void read_read(goc_rwmutex *x, goc_rwmutex *y, int ms)
{
    goc_sleep(ms * MS);
    goc_rwmutex_rlock(x);
    goc_rwmutex_rlock(y);
    goc_rwmutex_runlock(y);
    goc_rwmutex_runlock(x);
}
static void write_once(goc_rwmutex *x, int ms)
{
    goc_sleep(ms * MS);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
}
static void readers_with_writers(void)
{
    goc_waitgroup_go(&done, read_read, &rw, &rw2, 0);
    goc_waitgroup_go(&done, read_read, &rw2, &rw, 5);
    if (!fixed) {
        goc_waitgroup_go(&done, write_once, &rw, 10);
        goc_waitgroup_go(&done, write_once, &rw2, 15);
    }
    goc_waitgroup_wait(&done);
}

static void read_twice(void)
{
    goc_waitgroup_go(&done, read_read, &rw, fixed ? &rw2 : &rw, 0);
    goc_waitgroup_go(&done, write_once, &rw, 5);
    goc_waitgroup_wait(&done);
}

static void read_then_lock(goc_rwmutex *x, goc_mutex *y, int ms)
{
    goc_sleep(ms * MS);
    goc_rwmutex_rlock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_rwmutex_runlock(x);
}
static void lock_then_write(goc_mutex *y, goc_rwmutex *x, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(y);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
    goc_mutex_unlock(y);
}
static void lock_then_read(goc_mutex *y, goc_rwmutex *x, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(y);
    goc_rwmutex_rlock(x);
    goc_rwmutex_runlock(x);
    goc_mutex_unlock(y);
}
static void rwmutex_and_mutex(void)
{
    goc_waitgroup_go(&done, read_then_lock, &rw, &a, 0);
    if (fixed)
        goc_waitgroup_go(&done, lock_then_read, &a, &rw, 5); /* nobody ever writes */
    else
        goc_waitgroup_go(&done, lock_then_write, &a, &rw, 5);
    goc_waitgroup_wait(&done);
}

struct account {
    goc_mutex mu;
    int id, balance;
};
static void transfer(struct account *from, struct account *to, int ms)
{
    goc_sleep(ms * MS);
    struct account *first = from, *second = to;
    if (fixed && first->id > second->id) {
        first = to;
        second = from;
    }
    goc_mutex_lock(&first->mu);
    goc_mutex_lock(&second->mu);
    from->balance--;
    to->balance++;
    goc_mutex_unlock(&second->mu);
    goc_mutex_unlock(&first->mu);
}
static struct account account[8];
static void bank_transfer(void)
{
    for (int i = 0; i < 8; i++)
        account[i].id = i;
    goc_waitgroup_go(&done, transfer, &account[2], &account[5], 0);
    goc_waitgroup_go(&done, transfer, &account[5], &account[2], 5);
    goc_waitgroup_wait(&done);
}

enum { PHILOSOPHERS = 5 };
static goc_mutex fork_of[PHILOSOPHERS];
static void philosopher(int i, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex *left = &fork_of[i], *right = &fork_of[(i + 1) % PHILOSOPHERS];
    if (fixed && i == PHILOSOPHERS - 1)
        nested(right, left);
    else
        nested(left, right);
}
static void philosophers(void)
{
    for (int i = 0; i < PHILOSOPHERS; i++)
        goc_waitgroup_go(&done, philosopher, i, 4 * i);
    goc_waitgroup_wait(&done);
}

struct node {
    goc_mutex mu;
    struct node *next, *prev;
};
static struct node list[10];
static void walk(bool backwards, int ms)
{
    goc_sleep(ms * MS);
    struct node *n = backwards ? &list[9] : &list[0];
    goc_mutex_lock(&n->mu);
    for (;;) {
        struct node *next = backwards ? n->prev : n->next;
        if (!next)
            break;
        goc_mutex_lock(&next->mu);
        goc_mutex_unlock(&n->mu);
        n = next;
    }
    goc_mutex_unlock(&n->mu);
}
static void hand_over_hand(void)
{
    for (int i = 0; i < 9; i++) {
        list[i].next = &list[i + 1];
        list[i + 1].prev = &list[i];
    }
    goc_waitgroup_go(&done, walk, false, 0);
    goc_waitgroup_go(&done, walk, !fixed, 5);
    goc_waitgroup_wait(&done);
}

static void heap_pair(bool reverse)
{
    goc_mutex *m = calloc(2, sizeof *m);
    if (reverse)
        nested(&m[1], &m[0]);
    else
        nested(&m[0], &m[1]);
    free(m);
}
static void heap_lives(int ms, bool reverse)
{
    goc_sleep(ms * MS);
    heap_pair(reverse);
}
static goc_mutex *shared_pair;
static void on_shared(int ms, bool reverse)
{
    goc_sleep(ms * MS);
    nested(&shared_pair[reverse], &shared_pair[!reverse]);
}
/* fixed: the same address, but another lock each time */
static void another_life(void)
{
    shared_pair = calloc(2, sizeof *shared_pair);
    if (fixed)
        free(shared_pair);
    for (int i = 0; i < 2; i++)
        if (fixed)
            goc_waitgroup_go(&done, heap_lives, 5 * i, i == 1);
        else
            goc_waitgroup_go(&done, on_shared, 5 * i, i == 1);
    goc_waitgroup_wait(&done);
    if (!fixed)
        free(shared_pair);
}

static pthread_mutex_t pa = PTHREAD_MUTEX_INITIALIZER, pb = PTHREAD_MUTEX_INITIALIZER;
static void *pthread_nested(void *arg)
{
    bool reverse = arg != NULL;
    usleep(reverse ? 10000 : 0);
    pthread_mutex_lock(reverse ? &pb : &pa);
    pthread_mutex_lock(reverse ? &pa : &pb);
    pthread_mutex_unlock(&pa);
    pthread_mutex_unlock(&pb);
    return NULL;
}
static void pthread_mutexes(void)
{
    pthread_t t[2];
    pthread_create(&t[0], NULL, pthread_nested, NULL);
    pthread_create(&t[1], NULL, pthread_nested, fixed ? NULL : &pa);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
}

static goc_sem weight_one = GOC_SEM_INIT(1), weight_two = GOC_SEM_INIT(2);
static void sem_then_lock(goc_sem *s, int ms)
{
    goc_sleep(ms * MS);
    goc_sem_acquire(s, 1);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
    goc_sem_release(s, 1);
}
static void lock_then_sem(goc_sem *s, int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(&a);
    goc_sem_acquire(s, 1);
    goc_sem_release(s, 1);
    goc_mutex_unlock(&a);
}
static void semaphore_as_lock(void)
{
    goc_sem *s = fixed ? &weight_two : &weight_one;
    goc_waitgroup_go(&done, sem_then_lock, s, 0);
    goc_waitgroup_go(&done, lock_then_sem, s, 5);
    goc_waitgroup_wait(&done);
}

static goc_chan(goc_unit) token;
static void chan_then_lock(int ms)
{
    goc_sleep(ms * MS);
    goc_send(token, GOC_UNIT);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
    goc_recv(token);
}
static void lock_then_chan(int ms)
{
    goc_sleep(ms * MS);
    goc_mutex_lock(&a);
    goc_send(token, GOC_UNIT);
    goc_recv(token);
    goc_mutex_unlock(&a);
}
static void channel_as_lock(void)
{
    token = goc_chan_make(goc_unit, 1);
    goc_waitgroup_go(&done, chan_then_lock, 0);
    if (fixed)
        goc_waitgroup_go(&done, chan_then_lock, 5);
    else
        goc_waitgroup_go(&done, lock_then_chan, 5);
    goc_waitgroup_wait(&done);
}

static goc_once once;
static void init_locks(void)
{
    nested(&a, &b);
}
static void once_then_reverse(int ms)
{
    goc_sleep(ms * MS);
    if (fixed)
        goc_once_do(&once, init_locks);
    nested(&b, &a);
}
static void run_once(void)
{
    if (fixed)
        goc_once_do(&once, init_locks);
    else
        init_locks();
}
static void order_by_once(void)
{
    goc_waitgroup_go(&done, run_once);
    goc_waitgroup_go(&done, once_then_reverse, 5);
    goc_waitgroup_wait(&done);
}

/* --- deadlocks that happen --------------------------------------------------------------------------- */

static void both_slowly(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    SOON;
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void locks_meet(void)
{
    goc_waitgroup_go(&done, both_slowly, &a, &b);
    goc_waitgroup_go(&done, both_slowly, fixed ? &a : &b, fixed ? &b : &a);
    goc_waitgroup_wait(&done);
}

/* The rest of the program goes on, and its end is its own. */
static void locks_meet_while_others_run(void)
{
    go(both_slowly, &a, &b);
    go(both_slowly, fixed ? &a : &b, fixed ? &b : &a);
    goc_sleep(30 * MS);
}

static void lock_itself(void)
{
    goc_mutex_lock(&a);
    if (fixed)
        goc_mutex_unlock(&a);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}
static void self_deadlock(void)
{
    go(lock_itself);
    goc_sleep(15 * MS);
}

/* A mutex as a signal: whoever has locked it waits for another's unlock. For a tenth of a second this looks
   like a lock taken twice. */
static void unlock_later(goc_mutex *x)
{
    goc_sleep(fixed ? 100 * MS : 600 * MS);
    if (fixed)
        goc_mutex_unlock(x);
}
static void unlocked_by_another(void)
{
    goc_mutex_lock(&a);
    go(unlock_later, &a);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}

static void runlock_later(goc_rwmutex *x)
{
    goc_sleep(fixed ? 100 * MS : 600 * MS);
    if (fixed)
        goc_rwmutex_runlock(x);
}
static void runlocked_by_another(void)
{
    goc_rwmutex_rlock(&rw);
    go(runlock_later, &rw);
    goc_rwmutex_lock(&rw);
    goc_rwmutex_unlock(&rw);
}

/* Two hold a lock each and want the other's; a third lets go of one of them for them. */
static void wants_both(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    SOON;
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    if (!fixed || x == &a)
        goc_mutex_unlock(x); /* b of the other one is given away */
    goc_waitgroup_done(&done);
}
static void cycle_undone_by_another(void)
{
    goc_waitgroup_add(&done, 2);
    go(wants_both, &a, &b);
    go(wants_both, &b, &a);
    go(unlock_later, &b);
    goc_waitgroup_wait(&done);
}

static void three_meet(void)
{
    go(both_slowly, &a, &b);
    go(both_slowly, &b, &c);
    go(both_slowly, fixed ? &a : &c, fixed ? &c : &a);
    goc_sleep(40 * MS);
}

static void upgrade(void)
{
    goc_rwmutex_rlock(&rw);
    if (fixed)
        goc_rwmutex_runlock(&rw);
    goc_rwmutex_lock(&rw);
    goc_rwmutex_unlock(&rw);
}
static void upgrade_deadlock(void)
{
    go(upgrade);
    goc_sleep(15 * MS);
}

static void reader_twice_slowly(void)
{
    goc_rwmutex_rlock(&rw);
    goc_sleep(10 * MS);
    goc_rwmutex_rlock(fixed ? &rw2 : &rw);
    goc_rwmutex_runlock(fixed ? &rw2 : &rw);
    goc_rwmutex_runlock(&rw);
}
static void reader_writer_reader(void)
{
    go(reader_twice_slowly);
    go(write_once, &rw, 5);
    goc_sleep(40 * MS);
}

static void wait_for_nobody(void)
{
    goc_waitgroup_add(&done, fixed ? 1 : 2);
    go(goc_waitgroup_done, &done);
    goc_waitgroup_wait(&done);
}

static void receive_from_nobody(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    if (fixed)
        goc_close(ch);
    goc_recv(ch);
}

static void send_to_nobody(void)
{
    goc_chan(int) ch = goc_chan_make(int, fixed ? 1 : 0);
    goc_send(ch, 1);
}

static void channel_held_lock(goc_chan(int) ch)
{
    goc_mutex_lock(&a);
    if (!fixed)
        goc_send(ch, 1);
    goc_mutex_unlock(&a);
    if (fixed)
        goc_send(ch, 1);
}
static void mutex_and_channel(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(channel_held_lock, ch);
    SOON;
    goc_mutex_lock(&a);
    goc_recv(ch);
    goc_mutex_unlock(&a);
}

static void ask(goc_chan(int) out, goc_chan(int) in, bool first)
{
    if (first)
        goc_send(out, 1);
    goc_recv(in);
    if (!first)
        goc_send(out, 1);
}
static void partners(void)
{
    goc_chan(int) x = goc_chan_make(int, 0), y = goc_chan_make(int, 0);
    go(ask, x, y, fixed);
    go(ask, y, x, false);
    SOON;
}
/* Two wait for each other, in a helper whose frame is gone; the rest runs on. */
static void channels_wait_for_each_other(void)
{
    partners();
    goc_sleep(20 * MS);
}

static void cond_without_signal(void)
{
    static goc_cond cond = GOC_COND_INIT(&a);
    goc_mutex_lock(&a);
    if (!fixed)
        goc_cond_wait(&cond);
    goc_mutex_unlock(&a);
}

static void select_nobody(void)
{
    goc_chan(int) x = goc_chan_make(int, fixed ? 1 : 0), y = goc_chan_make(int, 0);
    goc_select(goc_on_send(x, 1), goc_on_recv(y, NULL));
}

static void sem_too_much(void)
{
    goc_sem s = GOC_SEM_INIT(2);
    goc_sem_acquire(&s, 1);
    goc_sem_acquire(&s, fixed ? 1 : 2);
}

static void context_without_cancel(void)
{
    goc_context *ctx = goc_with_cancel(goc_background());
    if (fixed)
        goc_cancel(ctx);
    goc_recv(goc_context_done(ctx));
    goc_context_free(ctx);
}

static void nil_channel(void)
{
    goc_chan(int) none = NULL, one = goc_chan_make(int, 1);
    goc_send(one, 1);
    goc_recv(fixed ? one : none);
}

/* --- leaks --------------------------------------------------------------------------------------------- */

static void send_one(goc_send_chan(int) ch)
{
    goc_sleep(10 * MS);
    goc_send(ch, 1);
}
static int fetch(void)
{
    goc_chan(int) answer = goc_chan_make(int, fixed ? 1 : 0);
    int v = 0;
    go(send_one, answer);
    goc_select(goc_on_recv(answer, &v), goc_on_timeout(2 * MS));
    return v;
}
static void timed_out_fetch(void)
{
    fetch();
    goc_sleep(30 * MS);
}

static void range_all(goc_recv_chan(int) ch)
{
    int sum = 0;
    goc_range(v, ch)
        sum += v;
}
static void produce(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(range_all, ch);
    for (int i = 0; i < 3; i++)
        goc_send(ch, i);
    if (fixed)
        goc_close(ch);
}
static void range_never_closed(void)
{
    produce();
    SOON;
}

static void start_workers(void)
{
    goc_chan(int) jobs = goc_chan_make(int, 0);
    for (int i = 0; i < 4; i++)
        go(range_all, jobs);
    for (int i = 0; i < 8; i++)
        goc_send(jobs, i);
    if (fixed)
        goc_close(jobs);
}
static void workers_left(void)
{
    start_workers();
    SOON;
}

static void first_of(int n)
{
    goc_chan(int) ch = goc_chan_make(int, fixed ? 8 : 0);
    for (int i = 0; i < n; i++)
        go(send_one, ch);
    goc_recv(ch);
}
static void first_answer_only(void)
{
    first_of(3);
    goc_sleep(30 * MS);
}

static void wait_done(goc_context *ctx)
{
    goc_recv(goc_context_done(ctx));
}
static void start_watcher(void)
{
    goc_context *ctx = goc_with_cancel(goc_background());
    go(wait_done, ctx);
    SOON;
    if (fixed)
        goc_cancel(ctx);
}
static void context_never_cancelled(void)
{
    start_watcher();
    SOON;
}

static void wait_group(goc_waitgroup *wg)
{
    goc_waitgroup_wait(wg);
}
static void start_waiter(void)
{
    goc_waitgroup *wg = calloc(1, sizeof *wg);
    goc_waitgroup_add(wg, 1);
    go(wait_group, wg);
    SOON;
    if (fixed)
        goc_waitgroup_done(wg);
}
static void waitgroup_never_done(void)
{
    start_waiter();
    SOON;
}

static void wait_cond(goc_cond *cond)
{
    goc_mutex_lock(cond->goc_mu);
    goc_cond_wait(cond);
    goc_mutex_unlock(cond->goc_mu);
}
static void start_cond(void)
{
    struct both {
        goc_mutex mu;
        goc_cond cond;
    } *x = calloc(1, sizeof *x);
    goc_cond_init(&x->cond, &x->mu);
    go(wait_cond, &x->cond);
    SOON;
    if (fixed)
        goc_cond_signal(&x->cond);
}
static void cond_never_signalled(void)
{
    start_cond();
    SOON;
}

static void take_two(goc_sem *s)
{
    goc_sem_acquire(s, 2);
}
static void start_sem(void)
{
    goc_sem *s = calloc(1, sizeof *s);
    goc_sem_init(s, 2);
    goc_sem_acquire(s, 1);
    go(take_two, s);
    SOON;
    if (fixed)
        goc_sem_release(s, 1);
}
static void semaphore_never_released(void)
{
    start_sem();
    SOON;
}

static void stage(goc_recv_chan(int) in, goc_send_chan(int) out)
{
    goc_range(v, in)
        goc_send(out, v);
    goc_close(out);
}
static void feed(goc_chan(int) in)
{
    for (int i = 0; i < 5; i++)
        goc_send(in, i);
    goc_close(in);
}
static void run_pipeline(void)
{
    goc_chan(int) x = goc_chan_make(int, 0), y = goc_chan_make(int, 0);
    go(feed, x);
    go(stage, x, y);
    goc_recv(y);
    if (fixed)
        while (goc_recv_ok(y, &(int){0}))
            ;
}
static void pipeline_left_early(void)
{
    run_pipeline();
    SOON;
}

static void select_two(goc_recv_chan(int) x, goc_recv_chan(int) y)
{
    goc_select(goc_on_recv(x, NULL), goc_on_recv(y, NULL));
}
static void start_select(void)
{
    goc_chan(int) x = goc_chan_make(int, 0), y = goc_chan_make(int, 0);
    go(select_two, x, y);
    SOON;
    if (fixed)
        goc_close(y);
}
static void select_never_served(void)
{
    start_select();
    SOON;
}

static void keep_lock(goc_mutex *m, goc_chan(int) ch)
{
    goc_mutex_lock(m);
    goc_recv(ch);
    goc_mutex_unlock(m);
}
static void want_lock(goc_mutex *m)
{
    goc_mutex_lock(m);
    goc_mutex_unlock(m);
}
static void start_stuck_owner(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(keep_lock, &a, ch);
    SOON;
    go(want_lock, &a);
    SOON;
    if (fixed)
        goc_send(ch, 1);
}
/* The lock is a global, within everybody's reach, but its owner is stuck. */
static void owner_is_stuck(void)
{
    start_stuck_owner();
    SOON;
}

static void ticks(goc_ticker *t, goc_chan(int) quit)
{
    goc_recv(quit);
    goc_ticker_stop(t);
}
static void start_ticker(void)
{
    goc_chan(int) quit = goc_chan_make(int, 0);
    goc_ticker *t = goc_ticker_new(2 * MS);
    go(ticks, t, quit);
    SOON;
    if (fixed)
        goc_close(quit);
}
/* A ticker that nobody receives from wakes nobody. */
static void ticker_keeps_nobody_alive(void)
{
    start_ticker();
    goc_sleep(10 * MS);
}

static void unrelated(goc_chan(int) ch)
{
    goc_recv(ch);
}
static void verify_helper(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    SOON;
    if (fixed)
        goc_send(ch, 1);
}
static void verified(void)
{
    verify_helper();
    SOON;
    size_t n = goc_verify_no_leaks();
    if (n != (fixed ? 0 : 1))
        printf("%zu found\n", n);
}

/* While the program runs on: found by the look that is made now and then. */
static void found_while_running(void)
{
    verify_helper();
    if (fixed)
        return;
    for (int i = 0; i < 60 && goc_race_errors() == 0; i++)
        goc_sleep(100 * MS);
    if (goc_race_errors() == 0)
        printf("not found in time\n");
    _exit(0);
}

/* --- quiet only: what looks stuck and is not; the faulty one is the same without the way back ------------ */

goc_chan(int) global_chan;
static void monitor(void)
{
    goc_chan(int) local = goc_chan_make(int, 0);
    if (fixed)
        global_chan = local;
    go(unrelated, local);
    SOON;
}
/* A monitor that idles on a channel which a global leads to. */
static void monitor_idles(void)
{
    monitor();
    SOON;
}

struct holder {
    struct holder *next;
    goc_chan(int) ch;
};
static struct holder *chain;
static void chained(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    for (int i = 0; i < 10; i++) {
        struct holder *h = calloc(1, sizeof *h);
        h->next = chain;
        h->ch = i == 0 && fixed ? ch : NULL;
        chain = h;
    }
    go(unrelated, ch);
    SOON;
}
static void reached_through_the_heap(void)
{
    chained();
    SOON;
}

static void wakes_later(goc_chan(int) ch)
{
    if (!fixed)
        ch = NULL;
    goc_sleep(3600 * GOC_SECOND);
    if (ch)
        goc_send(ch, 1);
}
static void start_sleeper(void)
{
    if (!fixed)
        go(wakes_later, NULL);
    SOON;
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    if (fixed)
        go(wakes_later, ch);
    SOON;
}
static void sleeper_will_wake(void)
{
    start_sleeper();
    SOON;
}

static void fire(void *ch)
{
    goc_close((goc_chan(int))ch);
}
static void start_timer(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    SOON;
    if (fixed)
        goc_after_func(3600 * GOC_SECOND, fire, ch);
}
static void timer_will_wake(void)
{
    start_timer();
    SOON;
}

static void recv_time(goc_recv_chan(goc_time) ch)
{
    goc_recv(ch);
}
static void start_after(void)
{
    goc_timer *t = goc_timer_new(3600 * GOC_SECOND);
    go(recv_time, goc_timer_chan(t));
    SOON;
    if (!fixed)
        goc_timer_stop(t);
}
static void waits_for_a_timer(void)
{
    start_after();
    SOON;
}

static void *waker(void *ch)
{
    sleep(fixed ? 3600 : 0);
    if (fixed)
        goc_send((goc_chan(int))ch, 1);
    return NULL;
}
static void start_waker(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    pthread_t t;
    pthread_create(&t, NULL, waker, ch);
    pthread_detach(t);
    SOON;
}
/* A thread that the runtime did not start is about to wake it. */
static void foreign_thread_will_wake(void)
{
    start_waker();
    goc_sleep(20 * MS);
}

static int pipe_fd[2];
static void reads(goc_chan(int) ch)
{
    char x;
    if (fixed && goc_read(pipe_fd[0], &x, 1) == 1)
        goc_send(ch, 1);
}
static void start_reader(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    go(reads, ch);
    SOON;
}
static void io_waiter_will_wake(void)
{
    if (pipe(pipe_fd))
        return;
    start_reader();
    SOON;
}

static void spins(goc_chan(int) ch, volatile int *stop)
{
    while (!*stop && fixed)
        ;
    if (fixed)
        goc_send(ch, 1);
}
static volatile int stop_spinning;
static void start_spinner(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    SOON;
    go(spins, ch, &stop_spinning);
}
/* It is in the registers of one that runs. */
static void running_goroutine_will_wake(void)
{
    start_spinner();
    SOON;
}

static void timeout_select(goc_recv_chan(int) ch)
{
    if (fixed)
        goc_select(goc_on_recv(ch, NULL), goc_on_timeout(3600 * GOC_SECOND));
    else
        goc_select(goc_on_recv(ch, NULL));
}
static void start_timeout_select(void)
{
    go(timeout_select, goc_chan_make(int, 0));
    SOON;
}
static void select_has_a_timeout(void)
{
    start_timeout_select();
    SOON;
}

/* --- misuse ---------------------------------------------------------------------------------------------- */

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
    SOON;
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

/* --- the table --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *finds;
    void (*fn)(void);
} cases[] = {
#define CASE(name, finds) {#name, finds, name}
    CASE(two_locks, "POTENTIAL DEADLOCK"),
    CASE(three_locks, "POTENTIAL DEADLOCK"),
    CASE(gate_left_early, "POTENTIAL DEADLOCK"),
    CASE(order_by_join, "POTENTIAL DEADLOCK"),
    CASE(order_by_channel, "POTENTIAL DEADLOCK"),
    CASE(order_by_go, "POTENTIAL DEADLOCK"),
    CASE(order_by_once, "POTENTIAL DEADLOCK"),
    CASE(trylock, "POTENTIAL DEADLOCK"),
    CASE(readers_with_writers, "POTENTIAL DEADLOCK"),
    CASE(read_twice, "POTENTIAL DEADLOCK"),
    CASE(rwmutex_and_mutex, "POTENTIAL DEADLOCK"),
    CASE(bank_transfer, "POTENTIAL DEADLOCK"),
    CASE(philosophers, "POTENTIAL DEADLOCK"),
    CASE(hand_over_hand, "POTENTIAL DEADLOCK"),
    CASE(another_life, "POTENTIAL DEADLOCK"),
    CASE(pthread_mutexes, "POTENTIAL DEADLOCK"),
    CASE(semaphore_as_lock, "POTENTIAL DEADLOCK"),
    CASE(channel_as_lock, "POTENTIAL DEADLOCK"),
    CASE(locks_meet, "DEADLOCK"),
    CASE(locks_meet_while_others_run, "DEADLOCK"),
    CASE(self_deadlock, "DEADLOCK"),
    CASE(unlocked_by_another, "DEADLOCK"),
    CASE(runlocked_by_another, "DEADLOCK"),
    CASE(cycle_undone_by_another, "DEADLOCK"),
    CASE(three_meet, "DEADLOCK"),
    CASE(upgrade_deadlock, "DEADLOCK"),
    CASE(reader_writer_reader, "DEADLOCK"),
    CASE(wait_for_nobody, "DEADLOCK"),
    CASE(receive_from_nobody, "DEADLOCK"),
    CASE(send_to_nobody, "DEADLOCK"),
    CASE(mutex_and_channel, "DEADLOCK"),
    CASE(channels_wait_for_each_other, "DEADLOCK"),
    CASE(cond_without_signal, "DEADLOCK"),
    CASE(select_nobody, "DEADLOCK"),
    CASE(sem_too_much, "DEADLOCK"),
    CASE(context_without_cancel, "DEADLOCK"),
    CASE(nil_channel, "DEADLOCK"),
    CASE(timed_out_fetch, "GOROUTINE LEAK"),
    CASE(range_never_closed, "GOROUTINE LEAK"),
    CASE(workers_left, "GOROUTINE LEAK"),
    CASE(first_answer_only, "GOROUTINE LEAK"),
    CASE(context_never_cancelled, "GOROUTINE LEAK"),
    CASE(waitgroup_never_done, "GOROUTINE LEAK"),
    CASE(cond_never_signalled, "GOROUTINE LEAK"),
    CASE(semaphore_never_released, "GOROUTINE LEAK"),
    CASE(pipeline_left_early, "GOROUTINE LEAK"),
    CASE(select_never_served, "GOROUTINE LEAK"),
    CASE(owner_is_stuck, "GOROUTINE LEAK"),
    CASE(ticker_keeps_nobody_alive, "GOROUTINE LEAK"),
    CASE(verified, "GOROUTINE LEAK"),
    CASE(found_while_running, "GOROUTINE LEAK"),
    CASE(monitor_idles, "GOROUTINE LEAK"),
    CASE(reached_through_the_heap, "GOROUTINE LEAK"),
    CASE(sleeper_will_wake, "GOROUTINE LEAK"),
    CASE(timer_will_wake, "GOROUTINE LEAK"),
    CASE(waits_for_a_timer, "GOROUTINE LEAK"),
    CASE(foreign_thread_will_wake, "GOROUTINE LEAK"),
    CASE(io_waiter_will_wake, "GOROUTINE LEAK"),
    CASE(running_goroutine_will_wake, "GOROUTINE LEAK"),
    CASE(select_has_a_timeout, "GOROUTINE LEAK"),
    CASE(ends_holding, "SYNC MISUSE"),
    CASE(freed_while_held, "SYNC MISUSE"),
    CASE(unlock_unlocked, "SYNC MISUSE"),
    CASE(runlock_unlocked, "SYNC MISUSE"),
    CASE(negative_waitgroup, "SYNC MISUSE"),
    CASE(close_closed, "SYNC MISUSE"),
    CASE(close_nil, "SYNC MISUSE"),
    CASE(send_closed, "SYNC MISUSE"),
    CASE(free_waited, "SYNC MISUSE"),
    CASE(cond_unlocked, "SYNC MISUSE"),
    CASE(sem_over_released, "SYNC MISUSE"),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc < 3) {
            printf("%s %s\n", cases[i].name, cases[i].finds);
        } else if (strcmp(argv[1], cases[i].name) == 0) {
            fixed = strcmp(argv[2], "fixed") == 0;
            cases[i].fn();
            return 0;
        }
    }
    return argc < 3 ? 0 : 1;
}
