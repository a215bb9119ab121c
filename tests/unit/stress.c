/*
 * stress.c - each primitive under random yields and sleeps, with one, two and eight Ps. What is
 * checked are the properties that a lost or double wake-up, a stolen value or a wrong order would
 * break: sums, orders, exclusion, and that everything ends. STRESS=n makes it n times as long.
 */
#include "common.h"

#include <errno.h>
#include <goc/chan.h>
#include <goc/context.h>
#include <goc/go.h>
#include <goc/race.h>
#include <goc/select.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <stdlib.h>
#include <string.h>

static int rounds(int n)
{
    const char *s = getenv("STRESS");
    return n * (s ? atoi(s) : 1);
}

/* Under the race runtime: what is right is not reported either. */
static void nothing_found(void)
{
    ck_assert_uint_eq(goc_race_errors(), 0);
}

/* Each goroutine has its own sequence, so that a failure does not depend on the others' luck. */
static uint64_t seed(int id)
{
    return 0x9e3779b97f4a7c15u * (uint64_t)(id + 1);
}

static void jitter(uint64_t *state)
{
    uint64_t r = unit_random(state) >> 20;
    if (r % 8 == 0)
        goc_gosched();
    else if (r % 256 == 1)
        goc_sleep((int64_t)(r >> 8) % 20000);
}

/* --- channels: every value once, each sender's in order --------------------------------------- */

enum { SENDERS = 5, RECEIVERS = 4 };

struct flow {
    goc_chan(int) ch; /* sender * 2^20 + number */
    int n;
    goc_waitgroup senders, receivers;
    long sum;
    int way; /* of sending and receiving: plain, try, select */
};

static void flow_send(struct flow *f, int id)
{
    uint64_t r = seed(id);
    for (int i = 0; i < f->n; i++) {
        int v = id << 20 | i;
        jitter(&r);
        switch (f->way ? unit_random(&r) % 3 : 0) {
        case 0:
            goc_send(f->ch, v);
            break;
        case 1:
            while (!goc_try_send(f->ch, v))
                goc_gosched();
            break;
        default: {
            goc_chan(int) never = NULL;
            while (goc_select(goc_on_send(never, 0), goc_on_send(f->ch, v),
                              goc_on_timeout(20 * GOC_MICROSECOND)) != 1)
                ;
        }
        }
    }
    goc_waitgroup_done(&f->senders);
}

static void flow_recv(struct flow *f, int id)
{
    uint64_t r = seed(100 + id);
    int last[SENDERS];
    long sum = 0;
    memset(last, -1, sizeof last);
    for (bool ok = true; ok;) {
        int v = 0;
        jitter(&r);
        switch (f->way ? unit_random(&r) % 3 : 0) {
        case 0:
            ok = goc_recv_ok(f->ch, &v);
            break;
        case 1:
            if (!goc_try_recv(f->ch, &v)) {
                goc_gosched();
                continue;
            }
            break;
        default:
            if (goc_select(goc_on_recv_ok(f->ch, &v, &ok), goc_on_recv(f->ch, &v),
                           goc_on_timeout(20 * GOC_MICROSECOND)) == 2)
                continue;
            if (!v)
                ok = goc_recv_ok(f->ch, &v); /* closed, or the very first value */
        }
        if (!ok)
            break;
        ck_assert_int_gt(v & 0xfffff, last[v >> 20]);
        last[v >> 20] = v & 0xfffff;
        sum += v;
    }
    __atomic_add_fetch(&f->sum, sum, __ATOMIC_RELAXED);
    goc_waitgroup_done(&f->receivers);
}

static void flow_run(int cap, int way)
{
    struct flow f = {.ch = goc_chan_make(int, cap), .n = rounds(400), .way = way};
    long want = 0;
    goc_waitgroup_add(&f.senders, SENDERS);
    goc_waitgroup_add(&f.receivers, RECEIVERS);
    for (int i = 0; i < RECEIVERS; i++)
        go(flow_recv, &f, i);
    for (int i = 0; i < SENDERS; i++) {
        go(flow_send, &f, i);
        for (int k = 0; k < f.n; k++)
            want += i << 20 | k;
    }
    goc_waitgroup_wait(&f.senders);
    goc_close(f.ch);
    goc_waitgroup_wait(&f.receivers);
    ck_assert_int_eq(f.sum, want);
    goc_chan_free(f.ch);
}

START_TEST(channels)
{
    AT_ALL_PS
    {
        static const int caps[] = {0, 1, 3, 64};
        for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
            for (int way = 0; way < 2; way++)
                flow_run(caps[i], way);
    }
    nothing_found();
}
END_TEST

/* --- select: tokens wander over a ring of channels, each goroutine both sends and receives ---- */

enum { RING = 6, TOKENS = 3 };

struct ring {
    goc_chan(int) ch[RING];
    goc_chan(goc_unit) stop;
    goc_waitgroup wg;
    long moves;
};

/* Holds at most one token; offers it to both neighbours and accepts from both while it has none. */
static void wander(struct ring *r, int id)
{
    uint64_t state = seed(id);
    goc_chan(int) left = r->ch[id], right = r->ch[(id + 1) % RING], none = NULL;
    int token = id < TOKENS ? id + 1 : 0, got = 0;
    for (;;) {
        jitter(&state);
        goc_chan(int) from = token ? none : left, from2 = token ? none : right;
        goc_chan(int) to = token ? left : none, to2 = token ? right : none;
        int k =
            goc_select(goc_on_recv(from, &got), goc_on_recv(from2, &got), goc_on_send(to, token),
                       goc_on_send(to2, token), goc_on_recv(r->stop, NULL));
        if (k == 4)
            break;
        if (k < 2)
            token = got;
        else
            token = 0;
        __atomic_add_fetch(&r->moves, 1, __ATOMIC_RELAXED);
    }
    if (token)
        __atomic_add_fetch(&r->moves, (long)token << 40, __ATOMIC_RELAXED);
    goc_waitgroup_done(&r->wg);
}

START_TEST(selects_that_meet)
{
    AT_ALL_PS
    {
        struct ring r = {.stop = goc_chan_make(goc_unit, 0)};
        for (int i = 0; i < RING; i++)
            r.ch[i] = goc_chan_make(int, 0);
        goc_waitgroup_add(&r.wg, RING);
        for (int i = 0; i < RING; i++)
            go(wander, &r, i);
        while ((__atomic_load_n(&r.moves, __ATOMIC_RELAXED) & 0xffffffffff) < rounds(4000))
            goc_sleep(100 * GOC_MICROSECOND);
        goc_close(r.stop);
        goc_waitgroup_wait(&r.wg);
        ck_assert_int_eq(r.moves >> 40, 1 + 2 + 3);
        for (int i = 0; i < RING; i++)
            goc_chan_free(r.ch[i]);
        goc_chan_free(r.stop);
    }
    nothing_found();
}
END_TEST

/* --- locks ------------------------------------------------------------------------------------ */

struct locks {
    goc_mutex mu;
    goc_rwmutex rw;
    goc_sem sem;
    goc_waitgroup wg;
    int n;
    long by_mutex, by_rw[2];
    int in_mutex, in_write, in_read, in_sem;
};

static void lock_all_ways(struct locks *l, int id)
{
    uint64_t r = seed(id);
    for (int i = 0; i < l->n; i++) {
        jitter(&r);
        if (unit_random(&r) % 4 == 0) {
            while (!goc_mutex_trylock(&l->mu))
                goc_gosched();
        } else {
            goc_mutex_lock(&l->mu);
        }
        ck_assert_int_eq(l->in_mutex++, 0);
        l->by_mutex++;
        jitter(&r);
        l->in_mutex--;
        goc_mutex_unlock(&l->mu);

        if (unit_random(&r) % 4 == 0) {
            goc_rwmutex_lock(&l->rw);
            ck_assert_int_eq(__atomic_add_fetch(&l->in_write, 1, __ATOMIC_SEQ_CST), 1);
            ck_assert_int_eq(__atomic_load_n(&l->in_read, __ATOMIC_SEQ_CST), 0);
            l->by_rw[0]++;
            jitter(&r);
            l->by_rw[1]++;
            __atomic_sub_fetch(&l->in_write, 1, __ATOMIC_SEQ_CST);
            goc_rwmutex_unlock(&l->rw);
        } else {
            goc_rwmutex_rlock(&l->rw);
            __atomic_add_fetch(&l->in_read, 1, __ATOMIC_SEQ_CST);
            ck_assert_int_eq(__atomic_load_n(&l->in_write, __ATOMIC_SEQ_CST), 0);
            ck_assert_int_eq(l->by_rw[0], l->by_rw[1]);
            jitter(&r);
            __atomic_sub_fetch(&l->in_read, 1, __ATOMIC_SEQ_CST);
            goc_rwmutex_runlock(&l->rw);
        }

        int weight = 1 + (int)(unit_random(&r) % 5);
        goc_context *ctx = NULL;
        if (unit_random(&r) % 8 == 0)
            ctx = goc_with_timeout(goc_background(), (int64_t)(unit_random(&r) % 50000));
        if (ctx ? goc_sem_acquire_ctx(ctx, &l->sem, weight) : goc_sem_acquire(&l->sem, weight)) {
            ck_assert_int_eq(goc_context_err(ctx), ETIMEDOUT);
        } else {
            ck_assert_int_le(__atomic_add_fetch(&l->in_sem, weight, __ATOMIC_SEQ_CST), 7);
            jitter(&r);
            __atomic_sub_fetch(&l->in_sem, weight, __ATOMIC_SEQ_CST);
            goc_sem_release(&l->sem, weight);
        }
        if (ctx)
            goc_context_free(ctx);
    }
    goc_waitgroup_done(&l->wg);
}

START_TEST(locks)
{
    AT_ALL_PS
    {
        struct locks l = {.sem = GOC_SEM_INIT(7), .n = rounds(300)};
        goc_waitgroup_add(&l.wg, 12);
        for (int i = 0; i < 12; i++)
            go(lock_all_ways, &l, i);
        goc_waitgroup_wait(&l.wg);
        ck_assert_int_eq(l.by_mutex, 12L * l.n);
        ck_assert_int_eq(l.by_rw[0], l.by_rw[1]);
        ck_assert(goc_mutex_trylock(&l.mu));
        ck_assert(goc_rwmutex_trylock(&l.rw));
        ck_assert(goc_sem_try_acquire(&l.sem, 7));
        goc_mutex_unlock(&l.mu);
        goc_rwmutex_unlock(&l.rw);
        goc_sem_release(&l.sem, 7);
    }
    nothing_found();
}
END_TEST

/* --- cond: a bounded buffer with one signal for each change ----------------------------------- */

struct buffer {
    goc_mutex mu;
    goc_cond not_full, not_empty;
    int slot[4], n, head;
    bool over;
    goc_waitgroup producers, consumers;
    long sum;
    int rounds;
};

static void produce(struct buffer *b, int id)
{
    uint64_t r = seed(id);
    for (int i = 0; i < b->rounds; i++) {
        jitter(&r);
        goc_mutex_lock(&b->mu);
        while (b->n == 4)
            goc_cond_wait(&b->not_full);
        b->slot[(b->head + b->n++) % 4] = i;
        if (i % 2)
            goc_cond_signal(&b->not_empty);
        goc_mutex_unlock(&b->mu);
        if (i % 2 == 0)
            goc_cond_signal(&b->not_empty); /* without the mutex is as good */
    }
    goc_waitgroup_done(&b->producers);
}

static void consume(struct buffer *b, int id)
{
    uint64_t r = seed(50 + id);
    goc_mutex_lock(&b->mu);
    for (;;) {
        while (!b->n && !b->over)
            goc_cond_wait(&b->not_empty);
        if (!b->n)
            break;
        b->sum += b->slot[b->head];
        b->head = (b->head + 1) % 4;
        b->n--;
        goc_cond_signal(&b->not_full);
        goc_mutex_unlock(&b->mu);
        jitter(&r);
        goc_mutex_lock(&b->mu);
    }
    goc_mutex_unlock(&b->mu);
    goc_waitgroup_done(&b->consumers);
}

START_TEST(cond_never_loses_a_signal)
{
    AT_ALL_PS
    {
        struct buffer b = {.rounds = rounds(500)};
        goc_cond_init(&b.not_full, &b.mu);
        goc_cond_init(&b.not_empty, &b.mu);
        goc_waitgroup_add(&b.producers, 4);
        goc_waitgroup_add(&b.consumers, 4);
        for (int i = 0; i < 4; i++) {
            go(consume, &b, i);
            go(produce, &b, i);
        }
        goc_waitgroup_wait(&b.producers);
        goc_mutex_lock(&b.mu);
        b.over = true;
        goc_cond_broadcast(&b.not_empty);
        goc_mutex_unlock(&b.mu);
        goc_waitgroup_wait(&b.consumers);
        ck_assert_int_eq(b.sum, 4L * b.rounds * (b.rounds - 1) / 2);
    }
    nothing_found();
}
END_TEST

/* --- waitgroup and once: on memory that goes away as soon as it may --------------------------- */

struct round {
    goc_waitgroup wg, left;
    goc_once once;
    int value;
};

static struct round *current;
static void set_value(void)
{
    goc_gosched();
    current->value = 1;
}

static void take_part(struct round *r, int id)
{
    uint64_t state = seed(id);
    jitter(&state);
    goc_once_do(&r->once, set_value);
    ck_assert_int_eq(r->value, 1);
    goc_waitgroup_done(&r->wg);
}
static void wait_for(struct round *r)
{
    goc_waitgroup_wait(&r->wg);
    goc_waitgroup_done(&r->left);
}

START_TEST(waitgroups_and_onces_that_are_freed)
{
    AT_ALL_PS
    {
        for (int i = 0; i < rounds(300); i++) {
            struct round *r = current = calloc(1, sizeof *r);
            goc_waitgroup_add(&r->wg, 6);
            goc_waitgroup_add(&r->left, 2);
            for (int k = 0; k < 6; k++)
                go(take_part, r, i * 6 + k);
            go(wait_for, r);
            go(wait_for, r);
            goc_waitgroup_wait(&r->wg);
            goc_waitgroup_wait(&r->left);
            memset(r, 0xff, sizeof *r);
            free(r);
        }
    }
    nothing_found();
}
END_TEST

UNIT_MAIN("stress", 120, channels, selects_that_meet, locks, cond_never_loses_a_signal,
          waitgroups_and_onces_that_are_freed)
