/*
 * Goroutines that nothing can wake, and, as their twins, such as only look like it; deadlock_pairs.c says
 * what a pair is.
 */
#include "deadlock_pairs.h"

static void answers_too_late(goc_send_chan(int) ch)
{
    turn_wait(1);
    goc_send(ch, 1);
}
static int fetch(void)
{
    goc_chan(int) answer = goc_chan_make(int, fixed ? 1 : 0);
    int v = 0;
    go(answers_too_late, answer);
    goc_select(goc_on_recv(answer, &v), goc_on_timeout(2 * MS));
    turn_end();
    return v;
}
static void timed_out_fetch(void)
{
    fetch();
    settled();
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
    settled();
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
    settled();
}

static void send_one(goc_send_chan(int) ch)
{
    goc_send(ch, 1);
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
    settled();
}

static void wait_done(goc_context *ctx)
{
    goc_recv(goc_context_done(ctx));
}
static void start_watcher(void)
{
    goc_context *ctx = goc_with_cancel(goc_background());
    go(wait_done, ctx);
    settled();
    if (fixed)
        goc_cancel(ctx);
}
static void context_never_cancelled(void)
{
    start_watcher();
    settled();
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
    settled();
    if (fixed)
        goc_waitgroup_done(wg);
}
static void waitgroup_never_done(void)
{
    start_waiter();
    settled();
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
    settled();
    if (fixed)
        goc_cond_signal(&x->cond);
}
static void cond_never_signalled(void)
{
    start_cond();
    settled();
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
    settled();
    if (fixed)
        goc_sem_release(s, 1);
}
static void semaphore_never_released(void)
{
    start_sem();
    settled();
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
    settled();
}

static void select_two(goc_recv_chan(int) x, goc_recv_chan(int) y)
{
    goc_select(goc_on_recv(x, NULL), goc_on_recv(y, NULL));
}
static void start_select(void)
{
    goc_chan(int) x = goc_chan_make(int, 0), y = goc_chan_make(int, 0);
    go(select_two, x, y);
    settled();
    if (fixed)
        goc_close(y);
}
static void select_never_served(void)
{
    start_select();
    settled();
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
    settled();
    go(want_lock, &a);
    settled();
    if (fixed)
        goc_send(ch, 1);
}
/* The lock is a global, within everybody's reach, but its owner is stuck. */
static void owner_is_stuck(void)
{
    start_stuck_owner();
    settled();
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
    settled();
    if (fixed)
        goc_close(quit);
}
/* A ticker that nobody receives from wakes nobody. */
static void ticker_keeps_nobody_alive(void)
{
    start_ticker();
    settled();
}

static void verify_helper(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    settled();
    if (fixed)
        goc_send(ch, 1);
}
static void verified(void)
{
    verify_helper();
    settled();
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
    for (int i = 0; i < 500 && goc_race_errors() == 0; i++)
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
    settled();
}
/* A monitor that idles on a channel which a global leads to. */
static void monitor_idles(void)
{
    monitor();
    settled();
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
    settled();
}
static void reached_through_the_heap(void)
{
    chained();
    settled();
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
    settled();
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    if (fixed)
        go(wakes_later, ch);
    settled();
}
static void sleeper_will_wake(void)
{
    start_sleeper();
    settled();
}

static void fire(void *ch)
{
    goc_close((goc_chan(int))ch);
}
static void start_timer(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(unrelated, ch);
    settled();
    if (fixed)
        goc_after_func(3600 * GOC_SECOND, fire, ch);
}
static void timer_will_wake(void)
{
    start_timer();
    settled();
}

static void recv_time(goc_recv_chan(goc_time) ch)
{
    goc_recv(ch);
}
static void start_after(void)
{
    goc_timer *t = goc_timer_new(3600 * GOC_SECOND);
    go(recv_time, goc_timer_chan(t));
    settled();
    if (!fixed)
        goc_timer_stop(t);
}
static void waits_for_a_timer(void)
{
    start_after();
    settled();
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
    settled();
}
/* A thread that the runtime did not start is about to wake it. */
static void foreign_thread_will_wake(void)
{
    start_waker();
    settled();
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
    settled();
}
static void io_waiter_will_wake(void)
{
    if (pipe(pipe_fd))
        return;
    start_reader();
    settled();
}

static void spins(goc_chan(int) ch, volatile int *stop)
{
    turn_end();
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
    settled();
    go(spins, ch, &stop_spinning);
}
/* It is in the registers of one that runs. */
static void running_goroutine_will_wake(void)
{
    start_spinner();
    turn_wait(1);
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
    settled();
}
static void select_has_a_timeout(void)
{
    start_timeout_select();
    settled();
}

/* Whoever reports its state goes on after those who listen were told to stop. */
static void reports(goc_chan(int) state, goc_recv_chan(goc_unit) stop)
{
    for (int i = 0; i < 3; i++) {
        if (fixed) {
            if (goc_select(goc_on_send(state, i), goc_on_recv(stop, NULL)) == 1)
                return;
        } else {
            goc_send(state, i);
        }
    }
}
static void listen_a_while(void)
{
    goc_chan(int) state = goc_chan_make(int, 0);
    goc_chan(goc_unit) stop = goc_chan_make(goc_unit, 0);
    go(reports, state, stop);
    goc_recv(state);
    goc_close(stop);
}
static void reports_after_the_stop(void)
{
    listen_a_while();
    settled();
}

const struct pair leak_pairs[] = {
    PAIR(timed_out_fetch, "GOROUTINE LEAK"),
    PAIR(range_never_closed, "GOROUTINE LEAK"),
    PAIR(workers_left, "GOROUTINE LEAK"),
    PAIR(first_answer_only, "GOROUTINE LEAK"),
    PAIR(context_never_cancelled, "GOROUTINE LEAK"),
    PAIR(waitgroup_never_done, "GOROUTINE LEAK"),
    PAIR(cond_never_signalled, "GOROUTINE LEAK"),
    PAIR(semaphore_never_released, "GOROUTINE LEAK"),
    PAIR(pipeline_left_early, "GOROUTINE LEAK"),
    PAIR(select_never_served, "GOROUTINE LEAK"),
    PAIR(owner_is_stuck, "GOROUTINE LEAK"),
    PAIR(ticker_keeps_nobody_alive, "GOROUTINE LEAK"),
    PAIR(verified, "GOROUTINE LEAK"),
    PAIR(found_while_running, "GOROUTINE LEAK"),
    PAIR(monitor_idles, "GOROUTINE LEAK"),
    PAIR(reached_through_the_heap, "GOROUTINE LEAK"),
    PAIR(sleeper_will_wake, "GOROUTINE LEAK"),
    PAIR(timer_will_wake, "GOROUTINE LEAK"),
    PAIR(waits_for_a_timer, "GOROUTINE LEAK"),
    PAIR(foreign_thread_will_wake, "GOROUTINE LEAK"),
    PAIR(io_waiter_will_wake, "GOROUTINE LEAK"),
    PAIR(running_goroutine_will_wake, "GOROUTINE LEAK"),
    PAIR(select_has_a_timeout, "GOROUTINE LEAK"),
    PAIR(reports_after_the_stop, "GOROUTINE LEAK"),
    {0},
};
