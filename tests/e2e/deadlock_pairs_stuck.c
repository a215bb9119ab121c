/* Deadlocks that happen; deadlock_pairs.c says what a pair is. */
#include "deadlock_pairs.h"

/* One of n that meet while each holds its first lock. */
static void both_meet(goc_mutex *x, goc_mutex *y, int n)
{
    goc_mutex_lock(x);
    if (!fixed)
        meet(n);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void locks_meet(void)
{
    goc_waitgroup_go(&done, both_meet, &a, &b, 2);
    goc_waitgroup_go(&done, both_meet, fixed ? &a : &b, fixed ? &b : &a, 2);
    goc_waitgroup_wait(&done);
}

/* The rest of the program goes on, and its end is its own. */
static void locks_meet_while_others_run(void)
{
    go(both_meet, &a, &b, 2);
    go(both_meet, fixed ? &a : &b, fixed ? &b : &a, 2);
    settled();
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
    settled();
}

/* A mutex as a signal: whoever has locked it waits for another's unlock. Until then this looks
   like a lock taken twice. However long it takes: the other one knows, so it may. */
static void unlock_later(goc_mutex *x)
{
    goc_sleep(fixed ? 1500 * MS : 100 * MS);
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
    goc_sleep(fixed ? 1500 * MS : 100 * MS);
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
static void unlock_soon(goc_mutex *x)
{
    meet(3);
    if (fixed)
        goc_mutex_unlock(x);
}
static void wants_both(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    meet(3);
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
    go(unlock_soon, &b);
    goc_waitgroup_wait(&done);
}

static void three_meet(void)
{
    go(both_meet, &a, &b, 3);
    go(both_meet, &b, &c, 3);
    go(both_meet, fixed ? &a : &c, fixed ? &c : &a, 3);
    settled();
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
    settled();
}

static void reader_twice_slowly(void)
{
    goc_rwmutex_rlock(&rw);
    turn_end();
    turn_wait(2); /* the writer waits */
    goc_rwmutex_rlock(fixed ? &rw2 : &rw);
    goc_rwmutex_runlock(fixed ? &rw2 : &rw);
    goc_rwmutex_runlock(&rw);
}
static void reader_writer_reader(void)
{
    go(reader_twice_slowly);
    go(write_in_turn, &rw, 1);
    turn_wait(1);
    settled();
    turn_end();
    settled();
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
    turn_end();
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
    turn_wait(1);
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
    settled();
}
/* Two wait for each other, in a helper whose frame is gone; the rest runs on. */
static void channels_wait_for_each_other(void)
{
    partners();
    settled();
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

/* --- while others run --------------------------------------------------------------------------------- */

static void until_found(void)
{
    for (int i = 0; i < 300 && goc_race_errors() == 0; i++)
        goc_sleep(fixed ? MS : 100 * MS);
    if (!fixed && goc_race_errors() == 0)
        printf("not found in time\n");
    _exit(0);
}

static goc_mutex account_a, account_b, logging;
static void log_it(void)
{
    goc_mutex_lock(&logging);
    goc_mutex_unlock(&logging);
}
static void transfers(goc_mutex *from, goc_mutex *to)
{
    goc_mutex_lock(from);
    log_it();
    if (!fixed)
        meet(2);
    goc_mutex_lock(to);
    goc_mutex_unlock(to);
    goc_mutex_unlock(from);
}
static void transfers_meet_and_others_run(void)
{
    go(transfers, &account_a, &account_b);
    go(transfers, fixed ? &account_a : &account_b, fixed ? &account_b : &account_a);
    until_found();
}

/* Others run, and nobody has been told that the lock is to be unlocked. */
static void lock_twice_and_others_run(void)
{
    go(lock_itself);
    until_found();
}
static void lock_logs_and_locks(void)
{
    goc_mutex_lock(&a);
    log_it();
    if (fixed)
        goc_mutex_unlock(&a);
    goc_mutex_lock(&a);
    goc_mutex_unlock(&a);
}
/* It has published something, but nobody has read it when the program ends. */
static void lock_twice_told_to_nobody(void)
{
    go(lock_logs_and_locks);
    settled();
    goc_sleep(600 * MS);
}

/* The one who will unlock has been there all the time, and is told through a channel; the program ends
   before he has done it. */
static void unlocks_when_told(goc_chan(goc_mutex *) ch)
{
    goc_mutex *x = goc_recv(ch);
    if (x)
        goc_sleep(3600 * GOC_SECOND);
    if (x)
        goc_mutex_unlock(x);
}
static void tells_and_waits(goc_chan(goc_mutex *) ch)
{
    goc_mutex_lock(&a);
    if (fixed)
        goc_send(ch, &a);
    goc_mutex_lock(&a);
}
static void told_to_unlock(void)
{
    goc_chan(goc_mutex *) ch = goc_chan_make(goc_mutex *, 0);
    go(unlocks_when_told, ch);
    go(tells_and_waits, ch);
    settled();
    goc_sleep(700 * MS);
    if (!fixed)
        goc_send(ch, NULL);
}

/* --- as they were found in servers ----------------------------------------------------------------------- */

/* All are counted at once, and each is waited for before the next is started. */
static void wait_inside_the_loop(void)
{
    goc_waitgroup_add(&done, 3);
    for (int i = 0; i < 3; i++) {
        go(goc_waitgroup_done, &done);
        if (!fixed)
            goc_waitgroup_wait(&done);
    }
    goc_waitgroup_wait(&done);
}

/* The signal comes before the wait, and what it says is kept nowhere. */
static bool is_ready;
static goc_cond ready_cond = GOC_COND_INIT(&a);
static void makes_ready(void)
{
    goc_mutex_lock(&a);
    is_ready = true;
    goc_cond_signal(&ready_cond);
    goc_mutex_unlock(&a);
    turn_end();
}
static void signal_before_wait(void)
{
    go(makes_ready);
    turn_wait(1);
    goc_mutex_lock(&a);
    while (!fixed || !is_ready)
        goc_cond_wait(&ready_cond);
    goc_mutex_unlock(&a);
}

/* The way out for an error forgets the unlock; it is the next call that hangs. */
static int put(bool error)
{
    goc_mutex_lock(&a);
    if (error && !fixed)
        return -1;
    goc_mutex_unlock(&a);
    return error ? -1 : 0;
}
static void puts_twice(void)
{
    put(true);
    put(false);
}
static void unlock_forgotten_on_error(void)
{
    go(puts_twice);
    settled();
}

/* The results are to be received when all workers have ended, who cannot end before. */
static void work_and_send(goc_chan(int) results)
{
    goc_send(results, 1);
    goc_waitgroup_done(&done);
}
static void waits_before_it_receives(void)
{
    goc_chan(int) results = goc_chan_make(int, fixed ? 3 : 0);
    goc_waitgroup_add(&done, 3);
    for (int i = 0; i < 3; i++)
        go(work_and_send, results);
    goc_waitgroup_wait(&done);
    for (int i = 0; i < 3; i++)
        goc_recv(results);
}

/* Whoever would signal first wants to be rid of a value, and the one who waits would take it afterwards. */
static goc_cond taken = GOC_COND_INIT(&b);
static bool is_taken;
static void sends_then_signals(goc_chan(int) ch)
{
    goc_send(ch, 1);
    goc_mutex_lock(&b);
    is_taken = true;
    goc_cond_signal(&taken);
    goc_mutex_unlock(&b);
}
static void channel_and_cond(void)
{
    goc_chan(int) ch = goc_chan_make(int, fixed ? 1 : 0);
    go(sends_then_signals, ch);
    goc_mutex_lock(&b);
    while (!is_taken)
        goc_cond_wait(&taken);
    goc_mutex_unlock(&b);
    goc_recv(ch);
}

/* A reader that waits for a message, whose sender wants to write first. */
static void writes_then_sends(goc_chan(int) ch)
{
    turn_wait(1);
    goc_rwmutex_lock(&rw);
    goc_rwmutex_unlock(&rw);
    goc_send(ch, 1);
}
static void rwmutex_and_channel(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(writes_then_sends, ch);
    goc_rwmutex_rlock(&rw);
    turn_end();
    if (fixed)
        goc_rwmutex_runlock(&rw);
    goc_recv(ch);
    if (!fixed)
        goc_rwmutex_runlock(&rw);
}

/* The last one ends without having told: counted, and gone by the way out for an error. */
static void tells_unless_it_fails(bool fails)
{
    if (fails && !fixed)
        return;
    goc_waitgroup_done(&done);
}
static void done_forgotten_on_error(void)
{
    goc_waitgroup_add(&done, 2);
    go(tells_unless_it_fails, false);
    go(tells_unless_it_fails, true);
    goc_waitgroup_wait(&done);
}

const struct pair stuck_pairs[] = {
    PAIR(locks_meet, "DEADLOCK"),
    PAIR(locks_meet_while_others_run, "DEADLOCK"),
    PAIR(self_deadlock, "DEADLOCK"),
    PAIR(unlocked_by_another, "DEADLOCK"),
    PAIR(runlocked_by_another, "DEADLOCK"),
    PAIR(cycle_undone_by_another, "DEADLOCK"),
    PAIR(three_meet, "DEADLOCK"),
    PAIR(upgrade_deadlock, "DEADLOCK"),
    PAIR(reader_writer_reader, "DEADLOCK"),
    PAIR(wait_for_nobody, "DEADLOCK"),
    PAIR(receive_from_nobody, "DEADLOCK"),
    PAIR(send_to_nobody, "DEADLOCK"),
    PAIR(mutex_and_channel, "DEADLOCK"),
    PAIR(channels_wait_for_each_other, "DEADLOCK"),
    PAIR(cond_without_signal, "DEADLOCK"),
    PAIR(select_nobody, "DEADLOCK"),
    PAIR(sem_too_much, "DEADLOCK"),
    PAIR(context_without_cancel, "DEADLOCK"),
    PAIR(nil_channel, "DEADLOCK"),
    PAIR(transfers_meet_and_others_run, "DEADLOCK"),
    PAIR(lock_twice_and_others_run, "DEADLOCK"),
    PAIR(lock_twice_told_to_nobody, "DEADLOCK"),
    PAIR(told_to_unlock, "DEADLOCK"),
    PAIR(wait_inside_the_loop, "DEADLOCK"),
    PAIR(signal_before_wait, "DEADLOCK"),
    PAIR(unlock_forgotten_on_error, "DEADLOCK"),
    PAIR(waits_before_it_receives, "DEADLOCK"),
    PAIR(channel_and_cond, "DEADLOCK"),
    PAIR(rwmutex_and_channel, "DEADLOCK"),
    PAIR(done_forgotten_on_error, "DEADLOCK"),
    {0},
};
