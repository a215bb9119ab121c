/*
 * oracle.c - which accesses of a trace race, computed as the definition says it.
 *
 * Two accesses to a byte conflict if they are by different goroutines, at least one writes, and
 * they are not both atomic. They race if neither happens before the other. Happens-before is the
 * transitive closure of program order and of the edges of Go's memory model and C11's. So:
 *
 *  1. Walk the trace in its order and find the edges, each from one event to a later one, by the
 * rule of the primitive (one small function each below).
 *  2. Every event has a plain vector: for each goroutine, how many of its events are before. It is
 *     the maximum of the vector of the event before it in its goroutine and those of its edges'
 *     sources. Memory and time are O(events × goroutines); nobody minds.
 *  3. For every access look at each byte, and at the earlier accesses to that byte one after the
 *     other, back to the last write.
 *
 * A child of fork works on a copy that was made at one instant: nothing it does can conflict with what
 * was done before it, or elsewhere, and the one goroutine it consists of does not race with itself. So
 * its events are left out, and every finding about them is wrong.
 *
 * There is nothing clever on purpose: no epochs, no shared clocks, no merging of accesses, no
 * cells; and no line of it is shared with the detector.
 *
 * Serialised traces (one P) have the order of what happened, and then exactly the pairs (last write
 * or a read since, current access) are asked for. With several P the order of two accesses is not
 * known; then every conflicting unordered pair of the trace counts, and an edge that the trace
 * cannot prove is left out. Both make the answer larger, which is the safe side for the question
 * asked there: does the detector say anything that this does not?
 *
 * Where the rules come from
 *  - channels: a send and a receive are one operation each, on a slot of the buffer; operations on
 * a slot are ordered among each other (send k, receive k, send k+C, …). Without a buffer the two
 *    that meet learn what the other knew when it began. A receive that sees a close knows the
 * close.
 *  - C11 5.1.2.4 for atomics: a release store heads a sequence that goes on through read-modify-
 *    writes and through stores of the same thread; an acquire that reads from it synchronises with
 *    its head. Fences: a release fence stands in for a release at every later store of its thread;
 *    an acquire fence for an acquire at every earlier load.
 *  - an event that learns has its vector after the edge, so an atomic operation that does both
 *    publishes what it learnt.
 */
#include "oracle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct shared *S;
static uint32_t n, ng; /* events, goroutines */
static uint32_t *vec;  /* n × ng */
static uint32_t *last; /* by goroutine: its event before, or NONE */
static struct verdict *V;
static uint32_t edge_room, access_room, race_room;

#define NONE UINT32_MAX

static void *grow(void *p, uint32_t have, uint32_t *room, size_t size)
{
    if (have < *room)
        return p;
    *room = *room ? *room * 2 : 1024;
    p = realloc(p, *room * size);
    if (!p)
        abort();
    return p;
}

static uint32_t *vector(uint32_t e)
{
    return vec + (size_t)e * ng;
}

/* from happens before to. */
static void edge(uint32_t from, uint32_t to)
{
    if (from == NONE)
        return;
    if (from >= to)
        abort(); /* the log's order is wrong */
    uint32_t *a = vector(to), *b = vector(from);
    for (uint32_t i = 0; i < ng; i++)
        if (b[i] > a[i])
            a[i] = b[i];
    V->edge = grow(V->edge, V->nedge, &edge_room, sizeof *V->edge);
    V->edge[V->nedge++] = (struct edge){from, to};
}

/* A list of events. */
struct list {
    uint32_t *at, n, room;
};
static void push(struct list *l, uint32_t e)
{
    l->at = grow(l->at, l->n, &l->room, sizeof *l->at);
    l->at[l->n++] = e;
}
static void edges(const struct list *from, uint32_t to)
{
    for (uint32_t i = 0; i < from->n; i++)
        edge(from->at[i], to);
}

/* --- goroutines, locks, groups ------------------------------------------------------------------
 */

static uint32_t go_event[MAX_INST];

static uint32_t mutex_unlock[ALL_MUTEX];
static uint32_t writer_unlock[ALL_RW];
static struct list reader_unlocks[ALL_RW];

static void on_locked(uint32_t e, uint64_t kind, uint64_t i)
{
    if (kind == 0) {
        edge(mutex_unlock[i], e);
    } else {
        edge(writer_unlock[i], e);
        if (kind == 2)
            edges(&reader_unlocks[i], e);
    }
}
static void on_unlock(uint32_t e, uint64_t kind, uint64_t i)
{
    if (kind == 0)
        mutex_unlock[i] = e;
    else if (kind == 1)
        push(&reader_unlocks[i], e);
    else
        writer_unlock[i] = e;
}

static struct list wg_dones[ALL_WG];
static uint32_t once_ran[ALL_ONCE];

/* A wait returns because of one signal: signals wake in the order of waiting. */
static struct list waiters[N_MUTEX];
static uint32_t waiters_woken[N_MUTEX];
static uint32_t *woken_by; /* by EV_CWAIT */
static uint32_t *waiting;  /* by goroutine: its EV_CWAIT */
static void on_signal(uint32_t e, uint64_t i, bool all)
{
    if (S->par)
        return;
    while (waiters_woken[i] < waiters[i].n) {
        woken_by[waiters[i].at[waiters_woken[i]++]] = e;
        if (!all)
            return;
    }
}

/* Semaphores serve strictly in turn. An acquisition learns of the releases up to the one that let
   it through, or up to now if it did not wait. With several Ps who let whom through is not known.
 */
static struct list sem_releases[ALL_SEM], sem_queue[ALL_SEM];
static uint32_t sem_served[ALL_SEM], sem_held[ALL_SEM], sem_size[ALL_SEM];
static uint32_t *sem_granted; /* by EV_SEM_ACQUIRE */
static uint32_t *sem_left;    /* by EV_SEM_ACQUIRE: the event that says that its context ended first */

static void sem_serve(uint64_t i, uint32_t e)
{
    while (sem_served[i] < sem_queue[i].n) {
        uint32_t first = sem_queue[i].at[sem_served[i]];
        if (S->ev[first].b > sem_size[i] - sem_held[i])
            return;
        if (sem_left[first] != NONE) { /* its context has ended, and it has not left yet */
            sem_served[i]++;
            continue;
        }
        sem_held[i] += (uint32_t)S->ev[first].b;
        sem_granted[first] = e;
        sem_served[i]++;
    }
}
static void on_sem_acquire(uint32_t e, uint64_t i)
{
    sem_size[i] = i < N_SEM ? S->sem_size[i] : (uint32_t)S->op[S->ev[e].op].d >> 2;
    if (S->ev[e].b > sem_size[i]) /* it waits for its context and is in nobody's way */
        return;
    bool first = sem_served[i] == sem_queue[i].n;
    push(&sem_queue[i], e);
    if (first)
        sem_serve(i, e);
    if (sem_granted[e] == NONE && S->op[S->ev[e].op].kind == OP_SEMTRY)
        sem_queue[i].n--;
}
static void on_sem_release(uint32_t e, uint64_t i)
{
    push(&sem_releases[i], e);
    sem_held[i] -= (uint32_t)S->ev[e].b;
    sem_serve(i, e);
}
/* Those behind who left may fit. */
static void on_sem_left(uint32_t e, uint32_t acquire)
{
    uint64_t i = S->ev[acquire].a;
    struct list *q = &sem_queue[i];
    for (uint32_t k = sem_served[i]; k < q->n; k++)
        if (q->at[k] == acquire) {
            memmove(&q->at[k], &q->at[k + 1], (--q->n - k) * sizeof *q->at);
            break;
        }
    sem_serve(i, e);
}
static void on_sem_acquired(uint32_t e, uint32_t acquire)
{
    const struct list *l = &sem_releases[S->ev[acquire].a];
    for (uint32_t i = 0; i < l->n && l->at[i] <= sem_granted[acquire]; i++)
        edge(l->at[i], e);
}

/* --- tickers ------------------------------------------------------------------------------------
 */

/* Of one P. A tick is sent over a channel of capacity one by somebody who knows what its maker knew; the
   time says which came first. Who got an earlier one and has not come to say so yet was seen by the
   next tick as it was when it began to wait. */
static uint32_t tick_made[N_TICK];
static struct list tick_waits[N_TICK]; /* those of the present ticker that got one */
static uint32_t *ticked;               /* by EV_TICK_WAIT: the event that says so, or NONE */

static void on_ticked(uint32_t e, uint32_t wait)
{
    uint64_t i = S->ev[wait].a;
    edge(tick_made[i], e);
    for (uint32_t k = 0; k < tick_waits[i].n; k++) {
        uint32_t w = tick_waits[i].at[k];
        if (S->ev[w].val < S->ev[wait].val)
            edge(ticked[w] < e ? ticked[w] : w, e);
    }
}

/* --- channels ------------------------------------------------------------------------------------
 */

static struct list sends[N_CHAN]; /* those that went ahead, in the channel's order */
static uint32_t *send_number;     /* by EV_SEND: its place in that list */
static uint32_t *receiver;        /* by EV_SEND: the EV_RECV that got it */
static uint32_t *ended;           /* by EV_SEND or EV_RECV: the event that says so, or NONE */
static uint32_t close_event[ALL_CLOSE], ctx_made[ALL_CTX];

/* Before the walk: who received what, and the order of the sends. A send that waits does so in a
   queue, behind those that began earlier; so the order of those that went ahead is the order of
   their beginnings. One whose end was not seen (the program ended first) went ahead if it was
   received, or if a later one did. */
static void resolve_channels(void)
{
    for (uint32_t e = 0; e < n; e++) {
        const struct event *x = &S->ev[e];
        receiver[e] = NONE;
        send_number[e] = NONE;
        ended[e] = NONE;
        if (x->kind == EV_SENT || x->kind == EV_RECEIVED)
            ended[x->a] = e;
    }
    for (uint32_t e = 0; e < n; e++)
        if (S->ev[e].kind == EV_RECV && S->ev[e].val)
            receiver[S->ev[e].val - 1] = e;
    uint32_t last_done[N_CHAN];
    for (int i = 0; i < N_CHAN; i++)
        last_done[i] = 0;
    for (uint32_t e = 0; e < n; e++)
        if (S->ev[e].kind == EV_SEND && (ended[e] != NONE || receiver[e] != NONE))
            last_done[S->ev[e].a] = e;
    for (uint32_t e = 0; e < n; e++) {
        const struct event *x = &S->ev[e];
        if (x->kind != EV_SEND)
            continue;
        bool went = ended[e] != NONE || receiver[e] != NONE;
        if (!went && e < last_done[x->a] && S->cap[x->a] && !S->par) {
            /* Its goroutine went on without it: a select that chose another case, or an attempt. */
            bool later = false;
            for (uint32_t f = e + 1; f < n && !later; f++)
                later = S->ev[f].g == x->g && S->ev[f].op == x->op
                            ? S->ev[f].kind == EV_SENT || S->ev[f].kind == EV_RECEIVED
                            : S->ev[f].g == x->g;
            if (later || S->op[x->op].kind == OP_TRYSEND)
                continue;
            if (S->op[x->op].kind == OP_SELECT) {
                V->inconclusive = true;
                return;
            }
            went = true;
        }
        if (went) {
            send_number[e] = sends[x->a].n;
            push(&sends[x->a], e);
        }
    }
}

/* All that came earlier on the slot of send number k of channel i happens before `to`. What an
   operation learnt stands in the event of its end, if that came already; then the rest is in it. */
static void slot_edges(uint64_t i, uint32_t k, uint32_t to)
{
    if (k == NONE) /* no numbers were given from an inconclusive send on: nothing will be judged */
        return;
    for (uint32_t c = S->cap[i]; k >= c;) {
        k -= c;
        uint32_t s = sends[i].at[k], r = receiver[s];
        if (r != NONE && ended[r] < to) {
            edge(ended[r], to);
            return;
        }
        edge(r, to);
        if (ended[s] < to) {
            edge(ended[s], to);
            return;
        }
        edge(s, to);
    }
}

static void on_sent(uint32_t e, uint32_t s)
{
    uint64_t i = S->ev[s].a;
    if (S->cap[i] == 0) {
        if (receiver[s] == NONE) {
            V->inconclusive = true;
            return;
        }
        edge(receiver[s], e);
    } else if (!S->par) {
        slot_edges(i, send_number[s], e);
    }
}

static void on_received(uint32_t e, uint32_t r)
{
    uint64_t i = S->ev[r].a, msg = S->ev[r].val;
    if (S->ev[e].flags & EV_CLOSED) {
        edge(close_event[i], e);
        return;
    }
    uint32_t s = (uint32_t)msg - 1;
    edge(s, e);
    if (S->cap[i] && !S->par) {
        if (ended[s] < e)
            edge(ended[s], e);
        slot_edges(i, send_number[s], e);
    }
}

/* --- atomics ------------------------------------------------------------------------------ */

/* What an acquire that reads this value synchronises with: at most one event a goroutine, since a
   later one of the same goroutine includes the earlier. */
struct heads {
    uint32_t *g, *e, n, room, room2;
};
static void head_add(struct heads *h, uint32_t g, uint32_t e)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (h->g[i] == g) {
            if (e > h->e[i])
                h->e[i] = e;
            return;
        }
    h->g = grow(h->g, h->n, &h->room, sizeof *h->g);
    h->e = grow(h->e, h->n, &h->room2, sizeof *h->e);
    h->g[h->n] = g;
    h->e[h->n++] = e;
}

static struct location {
    uint64_t addr;
    struct heads heads;
} * location;
static uint32_t nlocation, location_room;
static struct list *pending;    /* by goroutine: heads its relaxed loads have read from */
static uint32_t *release_fence; /* by goroutine: its last one */
static uint32_t *fence_at;      /* by EV_ATOMIC: the release fence before it */
static uint32_t *atomic_done;   /* by EV_ATOMIC */

static bool acquires(uint64_t order)
{
    return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
           order == __ATOMIC_SEQ_CST;
}
static bool releases(uint64_t order)
{
    return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static struct location *location_at(uint64_t addr)
{
    for (uint32_t i = 0; i < nlocation; i++)
        if (location[i].addr == addr)
            return &location[i];
    location = grow(location, nlocation, &location_room, sizeof *location);
    location[nlocation] = (struct location){.addr = addr};
    return &location[nlocation++];
}
static void locations_forget(uint64_t addr, uint64_t size)
{
    for (uint32_t i = 0; i < nlocation; i++)
        if (location[i].addr >= addr && location[i].addr < addr + size)
            location[i].heads.n = 0;
}

static void head_edge(uint32_t g, uint32_t from, uint32_t to, bool acquire)
{
    if (acquire)
        edge(from, to);
    else
        push(&pending[g], from);
}

/* With several P: the value tells which write was read, and that one, if it was a
   read-modify-write, which it had read. Stores of the same thread that continue a sequence cannot
   be told. */
static void read_by_tag(uint32_t g, uint64_t tag, uint32_t e, bool acquire)
{
    while (tag) {
        uint32_t w = (uint32_t)tag - 1, done = atomic_done[w];
        if (tag > n || S->ev[w].kind != EV_ATOMIC || w >= e)
            abort();
        uint32_t from = done < e ? done : w;
        if (releases(S->ev[w].c & 0xff))
            head_edge(g, from, e, acquire);
        if (fence_at[w] != NONE)
            head_edge(g, fence_at[w], e, acquire);
        if (!(S->ev[w].flags & EV_RMW))
            return;
        if (done == NONE) { /* the program ended before it could say what it had read */
            V->inconclusive = true;
            return;
        }
        tag = S->ev[done].val;
    }
}

static void on_atomic_done(uint32_t e)
{
    const struct event *d = &S->ev[e], *b = &S->ev[d->a];
    uint64_t order = b->c & 0xff;
    if (d->flags & EV_LOAD && b->flags & EV_RMW)
        order = b->c >> 8; /* a failed compare-exchange is a load */
    bool reads = d->flags & (EV_LOAD | EV_RMW), writes = d->flags & (EV_STORE | EV_RMW);
    if (S->par) {
        if (reads)
            read_by_tag(d->g, d->val, e, acquires(order));
        return;
    }
    struct location *l = location_at(b->a);
    if (reads)
        for (uint32_t i = 0; i < l->heads.n; i++)
            head_edge(d->g, l->heads.e[i], e, acquires(order));
    if (!writes)
        return;
    if (d->flags & EV_STORE) { /* what others headed ends here */
        uint32_t keep = 0;
        for (uint32_t i = 0; i < l->heads.n; i++)
            if (l->heads.g[i] == d->g) {
                l->heads.g[0] = d->g;
                l->heads.e[0] = l->heads.e[i];
                keep = 1;
            }
        l->heads.n = keep;
    }
    if (releases(order))
        head_add(&l->heads, d->g, e);
    if (release_fence[d->g] != NONE)
        head_add(&l->heads, d->g, release_fence[d->g]);
}

static void on_fence(uint32_t e, uint32_t g, uint64_t order)
{
    if (acquires(order)) {
        edges(&pending[g], e);
        pending[g].n = 0; /* they are known now */
    }
    if (releases(order))
        release_fence[g] = e;
}

/* --- the walk ----------------------------------------------------------------------------- */

static struct list annotation[ALL_ANN];

static void access_add(uint32_t e, uint32_t time, uint64_t addr, uint64_t size, int flags)
{
    const struct event *x = &S->ev[e];
    V->access = grow(V->access, V->naccess, &access_room, sizeof *V->access);
    V->access[V->naccess++] = (struct access){
        .g = x->g,
        .op = x->op,
        .event = e,
        .time = time,
        .addr = addr,
        .size = (uint32_t)size,
        .write = flags & EV_WRITE,
        .atomic = flags & EV_IS_ATOMIC,
        .free = flags & EV_FREE,
    };
}

/* Memory that begins a new life: no access before counts. */
#define FRESH ACCESS_FRESH
static void fresh(uint32_t e, uint64_t addr, uint64_t size)
{
    access_add(e, FRESH, addr, size, 0);
}

/* A goroutine's stack begins a new life as a whole: also where one that had it before, and has ended, kept
   its buffer, to which there still are pointers. Two stacks are further apart than a program's frames. */
enum { FRAMES = 12000 };
static uint64_t buffer_of[MAX_INST];
static void fresh_stack(uint32_t e, uint32_t g, uint64_t addr, uint64_t size)
{
    for (uint32_t i = 0; i < ng; i++)
        if (buffer_of[i] && buffer_of[i] - addr + FRAMES < 2 * FRAMES) {
            fresh(e, buffer_of[i], size);
            buffer_of[i] = 0;
        }
    fresh(e, addr, size);
    buffer_of[g] = addr;
}

static void walk(uint32_t e)
{
    const struct event *x = &S->ev[e];
    uint32_t *v = vector(e);
    if (last[x->g] != NONE)
        memcpy(v, vector(last[x->g]), ng * sizeof *v);
    v[x->g]++;
    last[x->g] = e;
    switch ((enum event_kind)x->kind) {
    case EV_START:
        if (x->g)
            edge(go_event[x->g], e);
        fresh_stack(e, x->g, x->a, x->b);
        break;
    case EV_GO:
        go_event[x->a] = e;
        break;
    case EV_ACCESS:
        if (x->flags & EV_FREE)
            locations_forget(x->a, x->b);
        access_add(e, v[x->g], x->a, x->b, x->flags);
        break;
    case EV_MALLOC:
        locations_forget(x->a, x->b);
        fresh(e, x->a, x->b);
        break;
    case EV_ATOMIC:
        fence_at[e] = release_fence[x->g];
        if (atomic_done[e] == NONE) { /* the program ended within it: it may have been either */
            access_add(e, v[x->g], x->a, x->b, EV_IS_ATOMIC);
            if (!(x->flags & EV_LOAD))
                access_add(e, v[x->g], x->a, x->b, EV_IS_ATOMIC | EV_WRITE);
        }
        break;
    case EV_ATOMIC_DONE: {
        on_atomic_done(e);
        const struct event *b = &S->ev[x->a];
        access_add(e, vector((uint32_t)x->a)[x->g], b->a, b->b,
                   EV_IS_ATOMIC | (x->flags & EV_LOAD ? 0 : EV_WRITE));
        break;
    }
    case EV_FENCE:
        on_fence(e, x->g, x->c);
        break;
    case EV_LOCKED:
        on_locked(e, x->c, x->a);
        break;
    case EV_UNLOCK:
        on_unlock(e, x->c, x->a);
        break;
    case EV_SENT:
        on_sent(e, (uint32_t)x->a);
        break;
    case EV_RECEIVED:
        on_received(e, (uint32_t)x->a);
        break;
    case EV_CLOSE:
        close_event[x->a] = e;
        break;
    case EV_WG_DONE:
        push(&wg_dones[x->a], e);
        break;
    case EV_WG_WAITED:
        edges(&wg_dones[x->a], e);
        break;
    case EV_ONCE_RAN:
        once_ran[x->a] = e;
        break;
    case EV_ONCE_DONE:
        edge(once_ran[x->a], e);
        break;
    case EV_CWAIT:
        on_unlock(e, 0, x->a);
        woken_by[e] = NONE;
        waiting[x->g] = e;
        push(&waiters[x->a], e);
        break;
    case EV_CWAITED:
        on_locked(e, 0, x->a);
        edge(woken_by[waiting[x->g]], e);
        break;
    case EV_CSIGNAL:
    case EV_CBROADCAST:
        on_signal(e, x->a, x->kind == EV_CBROADCAST);
        break;
    case EV_SEM_ACQUIRE:
        if (!S->par)
            on_sem_acquire(e, x->a);
        break;
    case EV_SEM_RELEASE:
        if (!S->par)
            on_sem_release(e, x->a);
        break;
    case EV_SEM_LEFT:
        if (!S->par)
            on_sem_left(e, (uint32_t)x->a);
        break;
    case EV_SEM_ACQUIRED:
        if (!S->par)
            on_sem_acquired(e, (uint32_t)x->a);
        break;
    case EV_RELEASE:
        annotation[x->a].n = 0;
        push(&annotation[x->a], e);
        break;
    case EV_RELEASE_MERGE:
        push(&annotation[x->a], e);
        break;
    case EV_ACQUIRE:
        edges(&annotation[x->a], e);
        break;
    case EV_CTX_SEEN:
        edge(x->c ? ctx_made[x->a] : close_event[CLOSE_CTX + x->a], e);
        break;
    case EV_CTX_MADE:
        ctx_made[x->a] = e;
        break;
    case EV_TICK_MADE:
        tick_made[x->a] = e;
        tick_waits[x->a].n = 0;
        break;
    case EV_TICK_WAIT:
        if (x->val) /* the log tells already that it will get one */
            push(&tick_waits[x->a], e);
        break;
    case EV_TICKED:
        on_ticked(e, (uint32_t)x->a);
        break;
    case EV_NONE:
    case EV_FORK:
    case EV_FINISH:
    case EV_SEND:
    case EV_RECV:
        break;
    }
}

bool oracle_ordered(uint32_t a, uint32_t b)
{
    const struct access *p = &V->access[a], *c = &V->access[b];
    return p->g == c->g || vector(c->event)[p->g] >= p->time;
}

/* --- the verdicts ------------------------------------------------------------------------- */

static struct byte {
    uint64_t addr;
    struct list accesses;
} * bytes;
enum { NBYTES = 1 << 18 }; /* more than the stacks of MAX_INST and all else */
static uint32_t *byte_used, nbyte_used, byte_used_room;

static struct byte *byte_at(uint64_t addr)
{
    uint32_t h = (uint32_t)((addr * 0x9e3779b97f4a7c15ull) >> 46);
    while (bytes[h].addr && bytes[h].addr != addr)
        h = (h + 1) % NBYTES;
    if (!bytes[h].addr) {
        byte_used = grow(byte_used, nbyte_used, &byte_used_room, sizeof *byte_used);
        byte_used[nbyte_used++] = h;
        bytes[h].addr = addr;
    }
    return &bytes[h];
}

static void judge(uint32_t cur, struct byte *b)
{
    const struct access *c = &V->access[cur];
    for (uint32_t i = b->accesses.n; i-- > 0;) {
        uint32_t prev = b->accesses.at[i];
        const struct access *p = &V->access[prev];
        if (p->time == FRESH) {
            if (S->par)
                continue;
            return;
        }
        if ((p->write || c->write) && !(p->atomic && c->atomic) && !oracle_ordered(prev, cur) &&
            !(S->par && oracle_ordered(cur, prev))) {
            V->race = grow(V->race, V->nrace, &race_room, sizeof *V->race);
            V->race[V->nrace++] = (struct race){b->addr, cur, prev};
        }
        if (p->write && !S->par)
            return;
    }
}

/* An event that an edge leads from has published something. */
static void number_epochs(void)
{
    uint32_t *epoch = calloc(ng, sizeof *epoch);
    uint8_t *source = calloc(n + 1, 1);
    if (!epoch || !source)
        abort();
    for (uint32_t i = 0; i < V->nedge; i++)
        source[V->edge[i].from] = 1;
    uint32_t a = 0;
    for (uint32_t e = 0; e < n; e++) {
        for (; a < V->naccess && V->access[a].event == e; a++)
            V->access[a].epoch = epoch[V->access[a].g];
        if (S->ev[e].kind != EV_NONE)
            epoch[S->ev[e].g] += source[e];
    }
    free(epoch);
    free(source);
}

static uint32_t *numbers(size_t count, uint32_t value)
{
    uint32_t *p = malloc((count + 1) * sizeof *p);
    if (!p)
        abort();
    for (size_t i = 0; i < count; i++)
        p[i] = value;
    return p;
}

/* Of each goroutine or event. */
static uint32_t **const tables[] = {&last,     &woken_by,      &waiting,  &send_number, &receiver,
                                    &ended,    &release_fence, &fence_at, &atomic_done, &sem_granted,
                                    &sem_left, &ticked};
enum { TABLES = sizeof tables / sizeof *tables };

static void forget(void)
{
    free(vec);
    vec = NULL;
    for (int i = 0; i < TABLES; i++) {
        free(*tables[i]);
        *tables[i] = NULL;
    }
    for (uint32_t i = 0; pending && i < ng; i++)
        free(pending[i].at);
    free(pending);
    pending = NULL;
    for (uint32_t i = 0; i < nlocation; i++) {
        free(location[i].heads.g);
        free(location[i].heads.e);
    }
    nlocation = 0;
    for (; nbyte_used; nbyte_used--)
        free(bytes[byte_used[nbyte_used - 1]].accesses.at);
    free(bytes);
    bytes = NULL;
    for (int i = 0; i < ALL_RW; i++)
        reader_unlocks[i].n = 0;
    for (int i = 0; i < ALL_WG; i++)
        wg_dones[i].n = 0;
    for (int i = 0; i < N_MUTEX; i++)
        waiters[i].n = waiters_woken[i] = 0;
    for (int i = 0; i < ALL_SEM; i++)
        sem_releases[i].n = sem_queue[i].n = sem_served[i] = sem_held[i] = 0;
    for (int i = 0; i < N_CHAN; i++)
        sends[i].n = 0;
    for (int i = 0; i < ALL_ANN; i++)
        annotation[i].n = 0;
    memset(mutex_unlock, 0xff, sizeof mutex_unlock);
    memset(writer_unlock, 0xff, sizeof writer_unlock);
    memset(once_ran, 0xff, sizeof once_ran);
    memset(close_event, 0xff, sizeof close_event);
    memset(ctx_made, 0xff, sizeof ctx_made);
    for (int i = 0; i < N_TICK; i++)
        tick_waits[i].n = 0;
    memset(tick_made, 0xff, sizeof tick_made);
    memset(go_event, 0xff, sizeof go_event);
}

void oracle_judge(const struct shared *s, struct verdict *v)
{
    S = s;
    V = v;
    v->naccess = v->nrace = v->nedge = 0;
    v->inconclusive = false;
    n = s->nevents < MAX_EVENTS ? s->nevents : MAX_EVENTS;
    forget();
    ng = s->ninst ? s->ninst : 1;
    if (ng > MAX_INST)
        ng = MAX_INST;
    vec = calloc((size_t)n * ng + 1, sizeof *vec);
    pending = calloc(ng, sizeof *pending);
    bytes = calloc(NBYTES, sizeof *bytes);
    if (!vec || !pending || !bytes)
        abort();
    for (int i = 0; i < TABLES; i++)
        *tables[i] = numbers(n > ng ? n : ng, NONE);
    for (uint32_t e = 0; e < n; e++) {
        const struct event *x = &s->ev[e];
        if (x->kind == EV_ATOMIC_DONE)
            atomic_done[x->a] = e;
        else if (x->kind == EV_SEM_LEFT)
            sem_left[x->a] = e;
        else if (x->kind == EV_TICKED)
            ticked[x->a] = e;
    }
    resolve_channels();
    for (uint32_t e = 0; e < n; e++)
        if (s->ev[e].kind != EV_NONE && s->ev[e].child == 0)
            walk(e);
    number_epochs();
    for (uint32_t i = 0; i < v->naccess; i++) {
        for (uint32_t k = 0; k < v->access[i].size; k++) {
            struct byte *b = byte_at(v->access[i].addr + k);
            if (v->access[i].time != FRESH)
                judge(i, b);
            push(&b->accesses, i);
        }
    }
}
