/*
 * exec_libgoc.c - operations on what libgoc has: channels, locks, groups, once, conditions,
 * semaphores, contexts, goroutines, annotations.
 *
 * What its guards know is what keeps the runtime from refusing an operation: who may still send on a
 * channel, who holds a lock, how many a WaitGroup counts. With one P that is exact; with several, an
 * operation that would need more than this is left out (exec.c). An event that publishes is logged
 * before the operation, one that learns after it.
 */
#include "exec.h"
#include <errno.h>
#include <goc/race.h>
#include <stdlib.h>

static _Alignas(64) uint64_t annotation[N_ANN];
static goc_mutex mutex[N_MUTEX];
static goc_rwmutex rw[N_RW];
static goc_waitgroup wg[N_WG];
static goc_once once[N_ONCE];
static goc_cond cond[N_MUTEX];
static goc_sem sem[N_SEM];
static goc_chan(uint64_t) chan[N_CHAN];
static goc_context *ctx[ALL_CTX];

/* What the guards know; exact with one P. */
static uint32_t wg_count[N_WG], wg_waiters[N_WG];
static uint32_t ctx_ended[N_CTX];
static struct {
    uint32_t state; /* 0 there is none, 1 it is being made, 2 it is there */
    int32_t parent;
    bool born_ended, cancelled;
} timed[N_TIMED];
static goc_recv_chan(goc_time) ticker[N_TICK];
static bool ticking[N_TICK]; /* somebody has it */
static uint32_t chan_closed[N_CHAN], chan_sending[N_CHAN], chan_owner[N_CHAN];

void libgoc_objects(void)
{
    for (int i = 0; i < N_CHAN; i++)
        chan[i] = goc_chan_make(uint64_t, S->cap[i]);
    for (int i = 0; i < N_SEM; i++)
        goc_sem_init(&sem[i], S->sem_size[i]);
    for (int i = 0; i < N_MUTEX; i++)
        goc_cond_init(&cond[i], &mutex[i]);
    for (int i = 0; i < N_CTX; i++)
        ctx[i] = goc_with_cancel(i ? ctx[i - 1] : goc_background());
}

/* The races Go finds on objects: the object as such is its first byte. */
static void log_object(struct run *x, const void *object, bool write)
{
    log_event(x, EV_ACCESS, write ? EV_WRITE : 0, (uintptr_t)object, 1, 0);
}

/* --- channels --------------------------------------------------------------------------------- */

/* A channel that may be closed has one sender. */
static bool may_send(struct run *x, int i)
{
    if (__atomic_load_n(&chan_closed[i], __ATOMIC_RELAXED))
        return false;
    if (!par || i < N_CHAN - 2)
        return true;
    uint32_t nobody = 0;
    return __atomic_compare_exchange_n(&chan_owner[i], &nobody, x->inst + 1, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
           nobody == x->inst + 1;
}

static void run_send(struct run *x, int i, bool attempt)
{
    if (!may_send(x, i))
        return;
    log_object(x, chan[i], false);
    uint32_t e = log_event(x, EV_SEND, 0, (uint64_t)i, 0, 0);
    __atomic_fetch_add(&chan_sending[i], 1, __ATOMIC_RELAXED);
    bool sent = true;
    if (attempt)
        sent = goc_try_send(chan[i], (uint64_t)e + 1);
    else
        goc_send(chan[i], (uint64_t)e + 1);
    __atomic_fetch_sub(&chan_sending[i], 1, __ATOMIC_RELAXED);
    if (sent)
        log_event(x, EV_SENT, 0, e, 0, 0);
}

static void run_recv(struct run *x, int i, bool attempt)
{
    uint32_t e = log_event(x, EV_RECV, 0, (uint64_t)i, 0, 0);
    uint64_t *to = &S->ev[e].val;
    if (attempt) {
        if (goc_try_recv(chan[i], to))
            log_event(x, EV_RECEIVED, 0, e, 0, 0);
        else if (chan_closed[i] && !par) /* it has seen that */
            log_event(x, EV_RECEIVED, EV_CLOSED, e, 0, 0);
    } else {
        bool ok = goc_recv_ok(chan[i], to);
        log_event(x, EV_RECEIVED, ok ? 0 : EV_CLOSED, e, 0, 0);
    }
}

static void run_select(struct run *x, const struct op *o)
{
    goc_case c[2 * N_CHAN + 1];
    uint32_t ev[2 * N_CHAN], n = 0, receives;
    bool ok[N_CHAN];
    for (int i = 0; i < N_CHAN; i++) /* before anything of it is published */
        if (o->b >> i & 1 && may_send(x, i))
            log_object(x, chan[i], false);
    for (int i = 0; i < N_CHAN; i++) {
        if (!(o->a >> i & 1))
            continue;
        ev[n] = log_event(x, EV_RECV, 0, (uint64_t)i, 0, 0);
        c[n] = goc_on_recv_ok(chan[i], &S->ev[ev[n]].val, &ok[n]);
        n++;
    }
    receives = n;
    int sending = 0;
    for (int i = 0; i < N_CHAN; i++) {
        if (!(o->b >> i & 1) || !may_send(x, i))
            continue;
        ev[n] = log_event(x, EV_SEND, 0, (uint64_t)i, 0, 0);
        c[n] = goc_on_send(chan[i], (uint64_t)ev[n] + 1);
        n++;
        sending |= 1 << i;
    }
    if (n == 0)
        return;
    if (o->c)
        c[n] = o->c == 2 ? goc_on_timeout(20 * GOC_MICROSECOND) : goc_on_default();
    for (int i = 0; i < N_CHAN; i++)
        if (sending >> i & 1)
            __atomic_fetch_add(&chan_sending[i], 1, __ATOMIC_RELAXED);
    uint32_t got = (uint32_t)goc_select_n(c, n + (o->c != 0));
    for (int i = 0; i < N_CHAN; i++)
        if (sending >> i & 1)
            __atomic_fetch_sub(&chan_sending[i], 1, __ATOMIC_RELAXED);
    if (got >= n)
        return;
    if (got < receives)
        log_event(x, EV_RECEIVED, ok[got] ? 0 : EV_CLOSED, ev[got], 0, 0);
    else
        log_event(x, EV_SENT, 0, ev[got], 0, 0);
}

static void run_close(struct run *x, int i)
{
    if (!may_send(x, i) || (par && i < N_CHAN - 2))
        return;
    if (__atomic_load_n(&chan_sending[i], __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&chan_closed[i], 1, __ATOMIC_RELAXED);
    log_object(x, chan[i], true);
    log_event(x, EV_CLOSE, 0, (uint64_t)i, 0, 0);
    goc_close(chan[i]);
}

/* --- locks and once --------------------------------------------------------------------------- */

static void run_lock(struct run *x, int kind, int i, bool attempt)
{
    uint32_t bit = 1u << i;
    if (kind == MUTEX ? x->mutex & bit : (x->rlocked | x->wlocked) & bit)
        return;
    bool ok = true;
    switch (kind) {
    case MUTEX:
        if (attempt)
            ok = goc_mutex_trylock(&mutex[i]);
        else
            goc_mutex_lock(&mutex[i]);
        break;
    case READER:
        if (attempt)
            ok = goc_rwmutex_tryrlock(&rw[i]);
        else
            goc_rwmutex_rlock(&rw[i]);
        break;
    case WRITER:
        if (attempt)
            ok = goc_rwmutex_trylock(&rw[i]);
        else
            goc_rwmutex_lock(&rw[i]);
        break;
    }
    if (!ok)
        return;
    log_event(x, EV_LOCKED, 0, (uint64_t)i, 0, (uint64_t)kind);
    *(kind == MUTEX ? &x->mutex : kind == READER ? &x->rlocked : &x->wlocked) |= bit;
}

static void run_unlock(struct run *x, int kind, int i)
{
    uint32_t bit = 1u << i;
    uint32_t *held = kind == MUTEX ? &x->mutex : kind == READER ? &x->rlocked : &x->wlocked;
    if (!(*held & bit))
        return;
    *held &= ~bit;
    log_event(x, EV_UNLOCK, 0, (uint64_t)i, 0, (uint64_t)kind);
    if (kind == MUTEX)
        goc_mutex_unlock(&mutex[i]);
    else if (kind == READER)
        goc_rwmutex_runlock(&rw[i]);
    else
        goc_rwmutex_unlock(&rw[i]);
}

static void once_body(int i)
{
    struct run *x = run_here();
    uint32_t off = 20 * 8 + (uint32_t)i * 8;
    write_global(x, off, S->arena >= 8 ? 8 : 1);
    if (S->seed & 1)
        goc_gosched();
    log_event(x, EV_ONCE_RAN, 0, (uint64_t)i, 0, 0);
}
static void once0(void)
{
    once_body(0);
}
static void once1(void)
{
    once_body(1);
}
static void once2(void)
{
    once_body(2);
}
static void once3(void)
{
    once_body(3);
}
static void (*const once_fn[N_ONCE])(void) = {once0, once1, once2, once3};

/* --- goroutines and groups -------------------------------------------------------------------- */

static __attribute__((noinline)) void goroutine(void *arg)
{
    struct start *s = arg;
    /* The buffer lies at the same distance from the stack's top in every goroutine. */
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.inst = s->inst, .body = s->body, .buffer = buffer};
    __asm__ volatile("" : : "r"(buffer) : "memory");
    run_begins(&x);
    if (s->feeds)
        feed(&x, s->feeds - 1);
    if (s->limited && s->how == GROUP_ERR)
        log_event(&x, EV_SEM_ACQUIRED, 0, s->acquire, 0, 0);
    run_all(&x);
    run_ends(&x);
    if (s->group) {
        if (s->limited)
            log_event(&x, EV_SEM_RELEASE, 0, SEM_OF + s->group->inst, 1, 0);
        log_event(&x, EV_WG_DONE, 0, WG_OF + s->group->inst, 0, 0);
        if (s->how == GROUP_WAIT)
            goc_waitgroup_done(&s->group->group);
        else if (s->how == GROUP_SIZED)
            goc_sized_waitgroup_done(&s->group->sized);
    }
    log_event(&x, EV_FINISH, 0, 0, 0, 0);
}
/* The group gives the slot back and counts down when this returns. */
static int in_errgroup(void *arg)
{
    goroutine(arg);
    return ((struct start *)arg)->inst % 3 == 0;
}

void start_later(struct run *x, struct start *s, uint32_t pipe)
{
    unseen_blocks = true;
    s->feeds = pipe + 1;
    log_event(x, EV_GO, 0, s->inst, 0, 0);
    goc_after_func(30 * GOC_MICROSECOND, goroutine, s);
}

static void run_group(struct run *x, const struct op *o)
{
    int how = o->d & 3, limit = o->d >> 2;
    bool any = false;
    if (how == GROUP_SIZED)
        goc_sized_waitgroup_init(&x->sized, limit);
    if (how == GROUP_ERR) {
        unseen_blocks = true;
        goc_errgroup_init(&x->errgroup, ctx[1]);
        if (!par && ctx_ended[1]) /* who makes a child of a context that has ended, sees that */
            log_event(x, EV_CTX_SEEN, 0, 1, 0, 0);
        goc_errgroup_set_limit(&x->errgroup, limit ? limit : -1);
    }
    for (int i = 0; i < o->b && (uint32_t)o->c < S->nbodies; i++) {
        struct start *s = new_instance((uint32_t)o->c);
        if (!s)
            break;
        s->group = x;
        s->how = how;
        s->limited = limit && how != GROUP_WAIT;
        uint32_t e = 0;
        if (s->limited)
            e = log_event(x, EV_SEM_ACQUIRE, 0, SEM_OF + x->inst, 1, 0);
        s->acquire = e;
        if (how == GROUP_ERR) { /* it may start, knowing of the slot, before this returns */
            log_event(x, EV_GO, 0, s->inst, 0, 0);
            goc_errgroup_go(&x->errgroup, in_errgroup, s);
        } else if (how == GROUP_SIZED) {
            goc_sized_waitgroup_add(&x->sized);
        } else {
            goc_waitgroup_add(&x->group, 1);
        }
        if (s->limited)
            log_event(x, EV_SEM_ACQUIRED, 0, e, 0, 0);
        if (how != GROUP_ERR) {
            log_event(x, EV_GO, 0, s->inst, 0, 0);
            goc_go(goroutine, s);
        }
        any = true;
    }
    if (any && how == GROUP_WAIT)
        goc_waitgroup_wait(&x->group);
    else if (any && how == GROUP_SIZED)
        goc_sized_waitgroup_wait(&x->sized);
    else if (how == GROUP_ERR)
        goc_errgroup_wait(&x->errgroup);
    if (any)
        log_event(x, EV_WG_WAITED, 0, WG_OF + x->inst, 0, 0);
    if (how == GROUP_ERR)
        goc_errgroup_free(&x->errgroup);
}

/* --- contexts --------------------------------------------------------------------------------- */

static goc_context *context(int i)
{
    return i < N_CTX || __atomic_load_n(&timed[i - N_CTX].state, __ATOMIC_ACQUIRE) == 2 ? ctx[i] : NULL;
}

/* The end of context i was seen, with this error: whose doing was it? */
static void saw_end(struct run *x, int i, int err)
{
    bool made = false;
    if (i >= N_CTX) {
        int k = i - N_CTX;
        made = err == ETIMEDOUT || timed[k].born_ended;
        if (!made && !timed[k].cancelled)
            i = timed[k].parent;
    }
    log_event(x, EV_CTX_SEEN, 0, (uint64_t)i, 0, made);
}

/* Of one that expires this is not simple with several Ps: it has no parent then, and nobody cancels it. */
static void run_ctxmake(struct run *x, const struct op *o)
{
    int k = o->a - N_CTX, p = par ? -1 : o->b;
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&timed[k].state, &none, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return;
    unseen_blocks = unseen_stacks = true;
    timed[k].parent = p;
    timed[k].born_ended = p >= 0 && ctx_ended[p];
    if (timed[k].born_ended) /* who makes a child of a context that has ended, sees that */
        log_event(x, EV_CTX_SEEN, 0, (uint64_t)p, 0, 0);
    log_event(x, EV_CTX_MADE, 0, (uint64_t)o->a, 0, 0);
    goc_context *parent = p < 0 ? goc_background() : ctx[p];
    goc_duration d = o->c * GOC_MICROSECOND;
    ctx[o->a] = o->d ? goc_with_deadline(parent, goc_now() + d) : goc_with_timeout(parent, d);
    __atomic_store_n(&timed[k].state, 2, __ATOMIC_RELEASE);
}

static void run_cancel(struct run *x, int i)
{
    uint32_t was = 0;
    if (i >= N_CTX) {
        if (par || !context(i))
            return;
        int err = goc_context_err(ctx[i]);
        if (err) {
            saw_end(x, i, err);
            return;
        }
        timed[i - N_CTX].cancelled = true;
        log_event(x, EV_CLOSE, 0, CLOSE_CTX + (uint64_t)i, 0, 0);
        goc_cancel(ctx[i]);
        return;
    }
    if (par && (i > 0 || !__atomic_compare_exchange_n(&ctx_ended[0], &was, 1, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)))
        return; /* who of several was the first could not be told */
    for (int k = i; k < N_CTX; k++)
        if (par || !ctx_ended[k]) {
            log_event(x, EV_CLOSE, 0, CLOSE_CTX + (uint64_t)k, 0, 0);
            ctx_ended[k] = 1;
        }
    goc_cancel(ctx[i]);
}

static void run_ctxwait(struct run *x, int i, int how)
{
    unseen_blocks = true;
    if (!context(i))
        return;
    goc_case c[2] = {goc_on_recv(goc_context_done(ctx[i]), NULL), goc_on_default()};
    if (how == 1)
        c[1] = goc_on_timeout(20 * GOC_MICROSECOND);
    if (goc_select_n(c, how == 0 ? 1 : 2) == 0)
        saw_end(x, i, i < N_CTX ? ECANCELED : goc_context_err(ctx[i]));
}

static void run_semctx(struct run *x, const struct op *o)
{
    if (!context(o->c) || x->sem[o->a])
        return;
    int err = goc_context_err(ctx[o->c]);
    if (err) { /* it then does not look at the semaphore */
        saw_end(x, o->c, err);
        if (goc_sem_acquire_ctx(ctx[o->c], &sem[o->a], o->b) == 0)
            abort();
        return;
    }
    uint32_t e = log_event(x, EV_SEM_ACQUIRE, 0, (uint64_t)o->a, (uint64_t)o->b, 0);
    if (goc_sem_acquire_ctx(ctx[o->c], &sem[o->a], o->b) == 0) {
        log_event(x, EV_SEM_ACQUIRED, 0, e, 0, 0);
        x->sem[o->a] = (uint32_t)o->b;
    } else {
        err = errno;
        log_event(x, EV_SEM_LEFT, 0, e, 0, 0);
        saw_end(x, o->c, err);
    }
}

/* --- timers ----------------------------------------------------------------------------------- */

static void tick(struct run *x, int i, goc_recv_chan(goc_time) from)
{
    uint32_t e = log_event(x, EV_TICK_WAIT, 0, (uint64_t)i, 0, 0);
    if (goc_recv_ok(from, (goc_time *)&S->ev[e].val))
        log_event(x, EV_TICKED, 0, e, 0, 0);
}

/* One operation makes it, waits for it and stops it, so that no ticker hides that nobody can go on; a
   ticker's channel is everybody's meanwhile. Of other timers only the last time is left to wait for. */
static void run_tick(struct run *x, const struct op *o)
{
    goc_duration d = (o->b + 1) * GOC_MICROSECOND;
    if (ticking[o->a] || par)
        return;
    ticking[o->a] = unseen_blocks = true;
    log_event(x, EV_TICK_MADE, 0, (uint64_t)o->a, 0, 0);
    if (o->d == TICK_TICKER) {
        goc_ticker *t = goc_ticker_new(d);
        ticker[o->a] = goc_ticker_chan(t);
        for (int k = 0; k < o->c; k++) {
            if (k % 2 == 0) /* the next one is there then, and not promised to anybody */
                goc_sleep(2 * d);
            tick(x, o->a, ticker[o->a]);
        }
        ticker[o->a] = NULL;
        goc_ticker_stop(t);
    } else if (o->d == TICK_AFTER) {
        tick(x, o->a, goc_after(d));
    } else {
        goc_timer *t = goc_timer_new(d);
        tick(x, o->a, goc_timer_chan(t));
        log_event(x, EV_TICK_MADE, 0, (uint64_t)o->a, 0, 0);
        goc_timer_reset(t, d);
        tick(x, o->a, goc_timer_chan(t));
        goc_timer_free(t);
    }
    ticking[o->a] = false;
}

/* --- all of them ------------------------------------------------------------------------------ */

bool libgoc_op(struct run *x, const struct op *o)
{
    struct start *s;
    uint32_t e;
    int err;
    switch ((enum op_kind)o->kind) {
    case OP_LOCK:
    case OP_TRYLOCK:
        run_lock(x, MUTEX, o->a, o->kind == OP_TRYLOCK);
        break;
    case OP_UNLOCK:
        run_unlock(x, MUTEX, o->a);
        break;
    case OP_RLOCK:
    case OP_TRYRLOCK:
        run_lock(x, READER, o->a, o->kind == OP_TRYRLOCK);
        break;
    case OP_RUNLOCK:
        run_unlock(x, READER, o->a);
        break;
    case OP_WLOCK:
    case OP_TRYWLOCK:
        run_lock(x, WRITER, o->a, o->kind == OP_TRYWLOCK);
        break;
    case OP_WUNLOCK:
        run_unlock(x, WRITER, o->a);
        break;
    case OP_SEND:
    case OP_TRYSEND:
        run_send(x, o->a, o->kind == OP_TRYSEND);
        break;
    case OP_RECV:
    case OP_TRYRECV:
        run_recv(x, o->a, o->kind == OP_TRYRECV);
        break;
    case OP_CLOSE:
        run_close(x, o->a);
        break;
    case OP_SELECT:
        run_select(x, o);
        break;
    case OP_WGADD:
        if (par || (wg_count[o->a] == 0 && wg_waiters[o->a]))
            break;
        if (wg_count[o->a] == 0) /* the first one must come before a Wait */
            log_object(x, &wg[o->a], false);
        wg_count[o->a] += (uint32_t)o->b;
        goc_waitgroup_add(&wg[o->a], o->b);
        break;
    case OP_WGDONE:
        if (par || wg_count[o->a] == 0)
            break;
        wg_count[o->a]--;
        log_event(x, EV_WG_DONE, 0, (uint64_t)o->a, 0, 0);
        goc_waitgroup_done(&wg[o->a]);
        break;
    case OP_WGWAIT:
        if (par)
            break;
        if (wg_count[o->a] && wg_waiters[o->a] == 0)
            log_object(x, &wg[o->a], true);
        wg_waiters[o->a]++;
        goc_waitgroup_wait(&wg[o->a]);
        wg_waiters[o->a]--;
        log_event(x, EV_WG_WAITED, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_GROUP:
        run_group(x, o);
        break;
    case OP_ONCE:
        goc_once_do(&once[o->a], once_fn[o->a]);
        log_event(x, EV_ONCE_DONE, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_CWAIT:
        if (!(x->mutex >> o->a & 1))
            break;
        log_event(x, EV_CWAIT, 0, (uint64_t)o->a, 0, 0);
        goc_cond_wait(&cond[o->a]);
        log_event(x, EV_CWAITED, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_CSIGNAL:
        log_event(x, EV_CSIGNAL, 0, (uint64_t)o->a, 0, 0);
        goc_cond_signal(&cond[o->a]);
        break;
    case OP_CBROADCAST:
        log_event(x, EV_CBROADCAST, 0, (uint64_t)o->a, 0, 0);
        goc_cond_broadcast(&cond[o->a]);
        break;
    case OP_SEMACQ:
    case OP_SEMTRY:
        if ((uint32_t)o->b > S->sem_size[o->a] || x->sem[o->a])
            break;
        e = log_event(x, EV_SEM_ACQUIRE, 0, (uint64_t)o->a, (uint64_t)o->b, 0);
        if (o->kind == OP_SEMACQ)
            goc_sem_acquire(&sem[o->a], o->b);
        else if (!goc_sem_try_acquire(&sem[o->a], o->b))
            break;
        log_event(x, EV_SEM_ACQUIRED, 0, e, 0, 0);
        x->sem[o->a] = (uint32_t)o->b;
        break;
    case OP_SEMREL:
        if (!x->sem[o->a])
            break;
        log_event(x, EV_SEM_RELEASE, 0, (uint64_t)o->a, x->sem[o->a], 0);
        goc_sem_release(&sem[o->a], x->sem[o->a]);
        x->sem[o->a] = 0;
        break;
    case OP_SEMCTX:
        run_semctx(x, o);
        break;
    case OP_TICK:
        run_tick(x, o);
        break;
    case OP_TICKTRY: /* one that is stopped meanwhile is not to be touched: only where a time is there */
        for (int k = 0; k < 300 && ticker[o->a] && !goc_chan_len(ticker[o->a]); k++)
            goc_gosched();
        if (ticker[o->a] && goc_chan_len(ticker[o->a]))
            tick(x, o->a, ticker[o->a]);
        break;
    case OP_CTXMAKE:
        run_ctxmake(x, o);
        break;
    case OP_CANCEL:
        run_cancel(x, o->a);
        break;
    case OP_CTXERR:
        if (context(o->a) && (err = goc_context_err(ctx[o->a])))
            saw_end(x, o->a, err);
        break;
    case OP_CTXWAIT:
        run_ctxwait(x, o->a, o->b);
        break;
    case OP_SPAWN:
    case OP_AFTER:
        if ((uint32_t)o->a >= S->nbodies || !(s = new_instance((uint32_t)o->a)))
            break;
        log_event(x, EV_GO, 0, s->inst, 0, 0);
        if (o->kind == OP_SPAWN)
            goc_go(goroutine, s);
        else
            goc_after_func(o->b * GOC_MICROSECOND, goroutine, s);
        break;
    case OP_YIELD:
        goc_gosched();
        break;
    case OP_SLEEP:
        goc_sleep(o->a * GOC_MICROSECOND);
        break;
    case OP_ANNACQ:
        goc_race_acquire(&annotation[o->a]);
        log_event(x, EV_ACQUIRE, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_ANNREL:
    case OP_ANNMERGE:
        if (par)
            break;
        log_event(x, o->kind == OP_ANNREL ? EV_RELEASE : EV_RELEASE_MERGE, 0, (uint64_t)o->a, 0, 0);
        if (o->kind == OP_ANNREL)
            goc_race_release(&annotation[o->a]);
        else
            goc_race_release_merge(&annotation[o->a]);
        break;
    default:
        return false;
    }
    return true;
}
