/* Lock orders that could deadlock though they do not; deadlock_pairs.c says what a pair is. */
#include "deadlock_pairs.h"

static void two_locks(void)
{
    goc_waitgroup_go(&done, nested_in_turn, &a, &b, 0);
    goc_waitgroup_go(&done, nested_in_turn, fixed ? &a : &b, fixed ? &b : &a, 1);
    goc_waitgroup_wait(&done);
}

static void three_locks(void)
{
    goc_waitgroup_go(&done, nested_in_turn, &a, &b, 0);
    goc_waitgroup_go(&done, nested_in_turn, &b, &c, 1);
    goc_waitgroup_go(&done, nested_in_turn, fixed ? &a : &c, fixed ? &c : &a, 2);
    goc_waitgroup_wait(&done);
}

static void gated(goc_mutex *x, goc_mutex *y, bool early, int turn)
{
    turn_wait(turn);
    goc_mutex_lock(&gate);
    goc_mutex_lock(x);
    if (early)
        goc_mutex_unlock(&gate);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
    if (!early)
        goc_mutex_unlock(&gate);
    turn_end();
}
static void gate_left_early(void)
{
    goc_waitgroup_go(&done, gated, &a, &b, !fixed, 0);
    goc_waitgroup_go(&done, gated, &b, &a, !fixed, 1);
    goc_waitgroup_wait(&done);
}

static void order_by_join(void)
{
    goc_waitgroup_go(&done, nested_in_turn, &a, &b, 0);
    if (fixed)
        goc_waitgroup_wait(&done);
    goc_waitgroup_go(&done, nested_in_turn, &b, &a, 1);
    goc_waitgroup_wait(&done);
}

static void nested_then_send(goc_mutex *x, goc_mutex *y, goc_chan(int) ch)
{
    if (!fixed)
        goc_send(ch, 1);
    nested_in_turn(x, y, 0);
    if (fixed)
        goc_send(ch, 1);
}
static void nested_after_receive(goc_mutex *x, goc_mutex *y, goc_chan(int) ch)
{
    goc_recv(ch);
    nested_in_turn(x, y, 1);
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
        nested_in_turn(&a, &b, 0);
    goc_waitgroup_go(&done, nested_in_turn, &b, &a, 1);
    if (!fixed)
        nested_in_turn(&a, &b, 0);
    goc_waitgroup_wait(&done);
}

static void tries(goc_mutex *x, goc_mutex *y, int turn)
{
    turn_wait(turn);
    goc_mutex_lock(x);
    bool have = true;
    if (fixed)
        have = goc_mutex_trylock(y);
    else
        goc_mutex_lock(y);
    if (have)
        goc_mutex_unlock(y);
    goc_mutex_unlock(x);
    turn_end();
}
static void trylock(void)
{
    goc_waitgroup_go(&done, nested_in_turn, &a, &b, 0);
    goc_waitgroup_go(&done, tries, &b, &a, 1);
    goc_waitgroup_wait(&done);
}

static void read_read(goc_rwmutex *x, goc_rwmutex *y, int turn)
{
    turn_wait(turn);
    goc_rwmutex_rlock(x);
    goc_rwmutex_rlock(y);
    goc_rwmutex_runlock(y);
    goc_rwmutex_runlock(x);
    turn_end();
}
static void readers_with_writers(void)
{
    goc_waitgroup_go(&done, read_read, &rw, &rw2, 0);
    goc_waitgroup_go(&done, read_read, &rw2, &rw, 1);
    if (!fixed) {
        goc_waitgroup_go(&done, write_in_turn, &rw, 2);
        goc_waitgroup_go(&done, write_in_turn, &rw2, 3);
    }
    goc_waitgroup_wait(&done);
}

static void read_twice(void)
{
    goc_waitgroup_go(&done, read_read, &rw, fixed ? &rw2 : &rw, 0);
    goc_waitgroup_go(&done, write_in_turn, &rw, 1);
    goc_waitgroup_wait(&done);
}

static void read_then_lock(goc_rwmutex *x, goc_mutex *y, int turn)
{
    turn_wait(turn);
    goc_rwmutex_rlock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_rwmutex_runlock(x);
    turn_end();
}
static void lock_then_write(goc_mutex *y, goc_rwmutex *x, int turn)
{
    turn_wait(turn);
    goc_mutex_lock(y);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
    goc_mutex_unlock(y);
    turn_end();
}
static void lock_then_read(goc_mutex *y, goc_rwmutex *x, int turn)
{
    turn_wait(turn);
    goc_mutex_lock(y);
    goc_rwmutex_rlock(x);
    goc_rwmutex_runlock(x);
    goc_mutex_unlock(y);
    turn_end();
}
static void rwmutex_and_mutex(void)
{
    goc_waitgroup_go(&done, read_then_lock, &rw, &a, 0);
    if (fixed)
        goc_waitgroup_go(&done, lock_then_read, &a, &rw, 1); /* nobody ever writes */
    else
        goc_waitgroup_go(&done, lock_then_write, &a, &rw, 1);
    goc_waitgroup_wait(&done);
}

struct account {
    goc_mutex mu;
    int id, balance;
};
static void transfer(struct account *from, struct account *to, int turn)
{
    turn_wait(turn);
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
    turn_end();
}
static struct account account[8];
static void bank_transfer(void)
{
    for (int i = 0; i < 8; i++)
        account[i].id = i;
    goc_waitgroup_go(&done, transfer, &account[2], &account[5], 0);
    goc_waitgroup_go(&done, transfer, &account[5], &account[2], 1);
    goc_waitgroup_wait(&done);
}

enum { PHILOSOPHERS = 5 };
static goc_mutex fork_of[PHILOSOPHERS];
static void philosopher(int i, int turn)
{
    turn_wait(turn);
    goc_mutex *left = &fork_of[i], *right = &fork_of[(i + 1) % PHILOSOPHERS];
    if (fixed && i == PHILOSOPHERS - 1)
        nested(right, left);
    else
        nested(left, right);
    turn_end();
}
static void philosophers(void)
{
    for (int i = 0; i < PHILOSOPHERS; i++)
        goc_waitgroup_go(&done, philosopher, i, i);
    goc_waitgroup_wait(&done);
}

struct node {
    goc_mutex mu;
    struct node *next, *prev;
};
static struct node list[10];
static void walk(bool backwards, int turn)
{
    turn_wait(turn);
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
    turn_end();
}
static void hand_over_hand(void)
{
    for (int i = 0; i < 9; i++) {
        list[i].next = &list[i + 1];
        list[i + 1].prev = &list[i];
    }
    goc_waitgroup_go(&done, walk, false, 0);
    goc_waitgroup_go(&done, walk, !fixed, 1);
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
static void heap_lives(int turn, bool reverse)
{
    turn_wait(turn);
    heap_pair(reverse);
    turn_end();
}
static goc_mutex *shared_pair;
static void on_shared(int turn, bool reverse)
{
    turn_wait(turn);
    nested(&shared_pair[reverse], &shared_pair[!reverse]);
    turn_end();
}
/* fixed: the same address, but another lock each time */
static void another_life(void)
{
    shared_pair = calloc(2, sizeof *shared_pair);
    if (fixed)
        free(shared_pair);
    for (int i = 0; i < 2; i++)
        if (fixed)
            goc_waitgroup_go(&done, heap_lives, i, i == 1);
        else
            goc_waitgroup_go(&done, on_shared, i, i == 1);
    goc_waitgroup_wait(&done);
    if (!fixed)
        free(shared_pair);
}

static pthread_mutex_t pa = PTHREAD_MUTEX_INITIALIZER, pb = PTHREAD_MUTEX_INITIALIZER;
static void *pthread_nested(void *arg)
{
    bool reverse = arg != NULL;
    turn_wait(reverse ? 1 : 0);
    pthread_mutex_lock(reverse ? &pb : &pa);
    pthread_mutex_lock(reverse ? &pa : &pb);
    pthread_mutex_unlock(&pa);
    pthread_mutex_unlock(&pb);
    turn_end();
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
static void sem_then_lock(goc_sem *s, int turn)
{
    turn_wait(turn);
    goc_sem_acquire(s, 1);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
    goc_sem_release(s, 1);
    turn_end();
}
static void lock_then_sem(goc_sem *s, int turn)
{
    turn_wait(turn);
    goc_mutex_lock(&a);
    goc_sem_acquire(s, 1);
    goc_sem_release(s, 1);
    goc_mutex_unlock(&a);
    turn_end();
}
static void semaphore_as_lock(void)
{
    goc_sem *s = fixed ? &weight_two : &weight_one;
    goc_waitgroup_go(&done, sem_then_lock, s, 0);
    goc_waitgroup_go(&done, lock_then_sem, s, 1);
    goc_waitgroup_wait(&done);
}

static goc_chan(goc_unit) token;
static void chan_then_lock(int turn)
{
    turn_wait(turn);
    goc_send(token, GOC_UNIT);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
    goc_recv(token);
    turn_end();
}
static void lock_then_chan(int turn)
{
    turn_wait(turn);
    goc_mutex_lock(&a);
    goc_send(token, GOC_UNIT);
    goc_recv(token);
    goc_mutex_unlock(&a);
    turn_end();
}
static void channel_as_lock(void)
{
    token = goc_chan_make(goc_unit, 1);
    goc_waitgroup_go(&done, chan_then_lock, 0);
    if (fixed)
        goc_waitgroup_go(&done, chan_then_lock, 1);
    else
        goc_waitgroup_go(&done, lock_then_chan, 1);
    goc_waitgroup_wait(&done);
}

static goc_once once;
static void init_locks(void)
{
    nested(&a, &b);
}
static void once_then_reverse(int turn)
{
    turn_wait(turn);
    if (fixed)
        goc_once_do(&once, init_locks);
    nested(&b, &a);
    turn_end();
}
static void run_once(void)
{
    if (fixed)
        goc_once_do(&once, init_locks);
    else
        init_locks();
    turn_end();
}
static void order_by_once(void)
{
    goc_waitgroup_go(&done, run_once);
    goc_waitgroup_go(&done, once_then_reverse, 1);
    goc_waitgroup_wait(&done);
}

/* fixed: the locals of two goroutines that had one stack after the other, or of two calls of one
   function, are two locks each. */
__attribute__((noinline)) static void local_outside(goc_mutex *other)
{
    goc_mutex local = GOC_MUTEX_INIT;
    nested(fixed ? &local : &a, other);
}
__attribute__((noinline)) static void local_inside(goc_mutex *other)
{
    goc_mutex local = GOC_MUTEX_INIT;
    nested(other, fixed ? &local : &a);
}
static void stack_used_again(void)
{
    for (int i = 0; i < 8; i++) {
        goc_waitgroup_go(&done, local_outside, &b);
        settled();
        goc_waitgroup_go(&done, local_inside, &b);
        settled();
    }
    goc_waitgroup_wait(&done);
}
static goc_mutex slot;
static void in_slot(bool inside, int turn)
{
    turn_wait(turn);
    goc_race_disable();
    if (fixed)
        slot = (goc_mutex)GOC_MUTEX_INIT;
    goc_race_enable();
    if (inside)
        nested(&b, &slot);
    else
        nested(&slot, &b);
    turn_end();
}
static void slot_used_again(void)
{
    goc_waitgroup_go(&done, in_slot, false, 0);
    goc_waitgroup_go(&done, in_slot, true, 1);
    goc_waitgroup_wait(&done);
}

const struct pair order_pairs[] = {
    PAIR(two_locks, "POTENTIAL DEADLOCK"),
    PAIR(three_locks, "POTENTIAL DEADLOCK"),
    PAIR(gate_left_early, "POTENTIAL DEADLOCK"),
    PAIR(order_by_join, "POTENTIAL DEADLOCK"),
    PAIR(order_by_channel, "POTENTIAL DEADLOCK"),
    PAIR(order_by_go, "POTENTIAL DEADLOCK"),
    PAIR(order_by_once, "POTENTIAL DEADLOCK"),
    PAIR(trylock, "POTENTIAL DEADLOCK"),
    PAIR(readers_with_writers, "POTENTIAL DEADLOCK"),
    PAIR(read_twice, "POTENTIAL DEADLOCK"),
    PAIR(rwmutex_and_mutex, "POTENTIAL DEADLOCK"),
    PAIR(bank_transfer, "POTENTIAL DEADLOCK"),
    PAIR(philosophers, "POTENTIAL DEADLOCK"),
    PAIR(hand_over_hand, "POTENTIAL DEADLOCK"),
    PAIR(another_life, "POTENTIAL DEADLOCK"),
    PAIR(pthread_mutexes, "POTENTIAL DEADLOCK"),
    PAIR(semaphore_as_lock, "POTENTIAL DEADLOCK"),
    PAIR(channel_as_lock, "POTENTIAL DEADLOCK"),
    PAIR(stack_used_again, "POTENTIAL DEADLOCK"),
    PAIR(slot_used_again, "POTENTIAL DEADLOCK"),
    {0},
};
