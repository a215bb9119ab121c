/*
 * select.c - the protocol of channels and select (runtime/chan.c, select.c, select_keep.c,
 * waiter.h), every interleaving of it, for small programs.
 *
 * A stress test sees the schedules that the machine happens to produce; the windows in this
 * protocol are a few instructions wide. So here the protocol is written once more as a transition
 * system: each step is what happens under one lock, or one atomic access without. What the real
 * code does on two stacks at once is two actors here: the goroutine, and the commit that still
 * unlocks channels (and reads the goroutine's frame) while the goroutine may already have been
 * woken. A timer is a third. All reachable states are visited.
 *
 * Kept waiters (select_keep.c) are looked at without locks, by their goroutine's commit and by who
 * gives the set up. So where one is taken out of a queue, its leaving the queue, the claim and the
 * word that it is dropped are steps of their own, with the channel's lock held.
 *
 * Checked in every state
 *   - a goroutine is made ready only while it waits, and once for each wait;
 *   - commit and timer touch a select's frame only while it is alive; nobody touches a set of kept
 *     waiters that was given up, nor a channel that was freed; no queue holds a waiter of either;
 *   - at most one case of a select goes ahead; values are neither lost nor doubled nor reordered;
 *   - a select with kept waiters gets in no queue in front of who waited there when it was called;
 * and in every state without a next step
 *   - nobody waits who could go on: no sender beside a receiver, no receiver beside a value or on a
 *     closed channel, no sender beside a free slot; a select with a timeout never waits; no lock is
 *     held.
 *
 * BREAK=n leaves out one precaution; the model must then find a fault (tests/model/run sees to it):
 *    1 waiters are not claimed
 *    2 the commit starts the timer after its unlocks
 *    3 the frame is left without waiting for a timer in flight
 *    4 the locks are not taken in order
 *    5 waiters are left in the queues
 *    6 the commit does not look again at its kept waiters once the pick is open
 *    7 a kept waiter is claimed before it is taken out
 *    8 who was woken does not wait for its commit's end
 *    9 a set is given up without waiting for who has taken a waiter out
 *   10 a channel is freed with kept waiters in it
 *   11 ... without waiting for who gives up a set
 *   12 a kept waiter keeps its place in front of others
 *   13 a waiter is entered anew without looking again under the lock
 *   14 the commit takes the pick back although somebody has won it
 *   15 a goroutine ends with its set in the queues
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios.h"

enum pc {
    START,
    PEEK,
    TRY,
    LOCK_ALL,
    CHOOSE,
    TRY_ALL,
    UNLOCK_ALL,
    WAIT,
    DEQUEUE,
    TIMER_DEL,
    READY,
    DONE,
    KEPT_CHECK,
    KEPT_ENTER,
    KEPT_WAIT,
    KEPT_WOKEN,
    FORGET_LOOK,
    FORGET_OUT,
    FORGET_DROPPED,
    FORGET_END,
    FREE_DROP,
    FREE_LEAVING,
    FREE_END,
};
enum {
    COMMIT_TIMER = 1,
    COMMIT_UNLOCKS,
    COMMIT_TIMER_LATE,
    COMMIT_OPEN,
    COMMIT_LOOK,
    COMMIT_BACK,
    COMMIT_END, /* with kept waiters */
};
enum { T_OFF, T_ARMED, T_TAKEN, T_WON, T_LAST };

struct proc {
    uint8_t op, pc, i, chosen;              /* i: progress; chosen: the case that went ahead */
    uint8_t frame;                          /* that is alive: 1 + its operation; 0: none */
    uint8_t readied, fired, winner, wake;   /* wake: bits of goroutines to be readied */
    uint8_t commit, commit_i, commit_frame; /* 0: it is over */
    uint8_t timer, timer_frame;
    uint8_t queued; /* bits of cases whose waiter is in a queue */
    uint8_t ended;  /* woken by close */

    uint8_t holds; /* its TRY has the lock */
    uint8_t hand;  /* 1 + the kept waiter that it has taken out, until that is claimed or dropped */
    uint8_t lost;  /* and has found to be fired */
    struct {
        uint8_t set;           /* it has one: of this operation, counted from 1 */
        uint8_t fired, winner; /* the pick */
        uint8_t in, dropped;   /* bits of cases */
        uint8_t missing, committing;
        uint8_t ahead[CASES]; /* who waited where it will, when the select was called */
    } k;
};
struct chan {
    uint8_t lock, closed, freed, count, rn, sn;
    uint8_t value[1];
    uint8_t rq[QUEUE], sq[QUEUE]; /* proc << 4 | kept << 3 | case */
};
enum { KEPT = 8 };
struct state {
    struct proc p[PROCS];
    struct chan c[CHANS];
    uint8_t leaving;
    uint8_t sent[PROCS], got[PROCS]; /* values that have left a sender; of whom one was received */
};

static const struct scenario *sc;
static int broken;
static struct state *stack;
static size_t depth, room;
static uint64_t *seen, seen_n, moves;
static const uint64_t SEEN = 1u << 22;

static void fault(const struct state *s, const char *what)
{
    printf("%s: %s\n", sc->name, what);
    for (int p = 0; p < PROCS; p++)
        printf("  goroutine %d: op %d pc %d i %d frame %d readied %d fired %d commit %d timer %d; "
               "set %d fired %d in %d dropped %d committing %d hand %d\n",
               p, s->p[p].op, s->p[p].pc, s->p[p].i, s->p[p].frame, s->p[p].readied, s->p[p].fired,
               s->p[p].commit, s->p[p].timer, s->p[p].k.set, s->p[p].k.fired, s->p[p].k.in,
               s->p[p].k.dropped, s->p[p].k.committing, s->p[p].hand);
    exit(1);
}

static void visit(const struct state *s)
{
    moves++;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof *s; i++)
        h = (h ^ ((const uint8_t *)s)[i]) * 0x100000001b3u;
    h = (h ^ h >> 29) * 0x9e3779b97f4a7c15u | 1;
    uint64_t i = h >> 20;
    for (;; i++) {
        i %= SEEN;
        if (seen[i] == h)
            return;
        if (!seen[i])
            break;
    }
    seen[i] = h;
    if (++seen_n > SEEN / 2)
        fault(s, "too many states");
    if (depth == room)
        stack = realloc(stack, (room = room ? room * 2 : 1024) * sizeof *stack);
    stack[depth++] = *s;
}

/* --- the queues, under the channel's lock ----------------------------------------------------- */

static void push(struct chan *c, bool send, int w)
{
    uint8_t *q = send ? c->sq : c->rq, *n = send ? &c->sn : &c->rn;
    q[(*n)++] = (uint8_t)w;
}

static struct proc *set_of(struct state *s, int w)
{
    if (!s->p[w >> 4].k.set)
        fault(s, "a waiter is touched whose set is gone");
    return &s->p[w >> 4];
}

static void take(struct state *s, struct chan *c, bool send, int at)
{
    uint8_t *q = send ? c->sq : c->rq, *n = send ? &c->sn : &c->rn;
    int w = q[at];
    if (w & KEPT)
        set_of(s, w)->k.in &= (uint8_t) ~(1 << (w & 7));
    else
        s->p[w >> 4].queued &= (uint8_t) ~(1 << (w & 7));
    memmove(q + at, q + at + 1, (size_t)(*n - at - 1));
    q[--*n] = 0;
}

static int place(const struct chan *c, bool send, int w)
{
    for (int at = 0; at < (send ? c->sn : c->rn); at++)
        if ((send ? c->sq : c->rq)[at] == w)
            return at;
    return -1;
}

static const struct op the_end = NONE;
static const struct op *op_of(const struct state *s, int p)
{
    return s->p[p].op < OPS ? &sc->op[p][s->p[p].op] : &the_end;
}

/* Does the goroutine still wait for this one? */
static bool waits(const struct state *s, int w)
{
    const struct proc *p = &s->p[w >> 4];
    return w & KEPT ? !p->k.fired : op_of(s, w >> 4)->kind != SELECT || !p->fired;
}

/* queue_pop by p, in steps: false while waiters that have gone elsewhere are being taken out, one
   step having been done. Else *other is who was claimed, or NOBODY. */
static bool pop(struct state *s, int p, struct chan *c, bool send, int *other)
{
    struct proc *g = &s->p[p];
    uint8_t *q = send ? c->sq : c->rq, *n = send ? &c->sn : &c->rn;
    int w;
    *other = NOBODY;
    if (g->hand) {
        w = g->hand - 1;
        struct proc *o = set_of(s, w);
        if (g->lost) { /* dropped: the last that is done with it */
            if (broken == 7)
                take(s, c, send, place(c, send, w));
            o->k.dropped |= (uint8_t)(1 << (w & 7));
            g->hand = g->lost = 0;
            return false;
        }
        if (o->k.fired && broken != 1) {
            g->lost = 1;
            return false;
        }
        if (broken == 7)
            take(s, c, send, place(c, send, w));
        g->hand = 0;
        o->k.fired = 1;
        o->k.winner = w & 7;
        *other = w >> 4;
        return true;
    }
    if (!*n)
        return true;
    w = q[0];
    if (w & KEPT) {
        if (broken != 7)
            take(s, c, send, 0);
        g->hand = (uint8_t)(w + 1);
        return false;
    }
    bool late = !waits(s, w) && broken != 1;
    take(s, c, send, 0);
    if (late)
        return false;
    if (op_of(s, w >> 4)->kind == SELECT)
        s->p[w >> 4].fired = 1;
    s->p[w >> 4].winner = w & 7;
    *other = w >> 4;
    return true;
}

/* The steps under the lock, of p's case k: one of them, or the operation as a whole. */
enum went { STEP, BLOCKS, WENT };
static enum went operate(struct state *s, int p, int k)
{
    const struct op *op = op_of(s, p);
    struct chan *c = &s->c[op->c[k].ch];
    int other;
    if (c->freed)
        fault(s, "a channel is used that was freed");
    if (op->c[k].send) {
        if (c->closed)
            return WENT; /* it panics: no value */
        if (!pop(s, p, c, false, &other))
            return STEP;
        if (other != NOBODY) {
            s->sent[p]++;
            s->got[p]++;
            s->p[other].ended = 0;
            s->p[p].wake |= (uint8_t)(1 << other);
            return WENT;
        }
        if (c->count == sc->cap[op->c[k].ch])
            return BLOCKS;
        s->sent[p]++;
        c->value[c->count++] = (uint8_t)p;
        return WENT;
    }
    if (!pop(s, p, c, true, &other))
        return STEP;
    if (c->count) {
        s->got[c->value[0]]++;
        c->count--;
        c->value[0] = 0;
        if (other != NOBODY) {
            s->sent[other]++;
            c->value[c->count++] = (uint8_t)other;
            s->p[p].wake |= (uint8_t)(1 << other);
        }
        return WENT;
    }
    if (other != NOBODY) {
        s->sent[other]++;
        s->got[other]++;
        s->p[p].wake |= (uint8_t)(1 << other);
        return WENT;
    }
    return c->closed ? WENT : BLOCKS;
}

static bool seems_ready(const struct state *s, const struct op *op, int k)
{
    const struct chan *c = &s->c[op->c[k].ch];
    if (op->c[k].send)
        return c->closed || c->count < sc->cap[op->c[k].ch] || c->rn;
    return c->closed || c->count || c->sn;
}

/* The i-th channel to lock; NOBODY behind the last. */
static int order(const struct op *op, int i, int p)
{
    int a = op->c[0].ch, b = op->n > 1 ? op->c[1].ch : a;
    if (broken == 4 && p % 2) /* as the cases stand, backwards for every second */
        return i == 0 ? (a > b ? a : b) : i == 1 && a != b ? (a < b ? a : b) : NOBODY;
    return i == 0 ? (a < b ? a : b) : i == 1 && a != b ? (a > b ? a : b) : NOBODY;
}

/* --- one goroutine's next steps --------------------------------------------------------------- */

static void finish(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    g->frame = 0;
    g->fired = g->winner = g->i = g->chosen = g->ended = 0;
    g->op++;
    g->pc = START;
    memset(g->k.ahead, 0, sizeof g->k.ahead);
    for (int q = 0; q < PROCS; q++)
        for (int k = 0; k < CASES; k++)
            s->p[q].k.ahead[k] &= (uint8_t) ~(1 << p);
}

static void make_ready(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    if ((g->pc != WAIT && g->pc != KEPT_WAIT) || g->readied)
        fault(s, "a goroutine is made ready that does not wait, or twice");
    g->readied = 1;
}

static void sleep_now(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    g->frame = (uint8_t)(g->op + 1);
    g->commit = op_of(s, p)->timeout && broken != 2 ? COMMIT_TIMER : COMMIT_UNLOCKS;
    g->commit_i = 0;
    g->commit_frame = g->frame;
    g->fired = 0;
    g->winner = NOBODY;
    g->pc = WAIT;
}

static void enter_all(struct state *s, int p)
{
    const struct op *op = op_of(s, p);
    for (int k = 0; k < op->n; k++) {
        push(&s->c[op->c[k].ch], op->c[k].send, p << 4 | k);
        s->p[p].queued |= (uint8_t)(1 << k);
    }
}

#include "kept.h" /* the steps of select_keep.c */

/* --- a step ----------------------------------------------------------------------------------- */

static void step(const struct state *now, int p)
{
    struct state t = *now, *s = &t;
    struct proc *g = &s->p[p];
    const struct op *op = op_of(s, p);
    if (op->kind == END)
        return;
    switch (g->pc) {
    case START:
        if (op->kind == FORGET) {
            if (g->k.set && s->leaving)
                return;
            s->leaving = g->k.set != 0;
            g->pc = g->k.set ? FORGET_LOOK : DONE;
        } else if (op->kind == FREE) {
            struct chan *c = &s->c[op->c[0].ch];
            if (c->lock)
                return;
            c->lock = 1;
            g->pc = FREE_DROP;
        } else if (op->keep) {
            start_kept(s, p);
        } else {
            g->pc = op->kind == SELECT ? PEEK : TRY;
        }
        visit(s);
        return;
    case PEEK: {
        bool ready = false;
        for (int k = 0; k < op->n; k++)
            if (seems_ready(now, op, k)) {
                ready = true;
                g->pc = TRY;
                g->chosen = (uint8_t)k;
                visit(s);
            }
        if (!ready) {
            g->pc = LOCK_ALL;
            visit(s);
        }
        return;
    }
    case TRY: {
        struct chan *c = &s->c[op->c[g->chosen].ch];
        if (c->lock && !g->holds)
            return;
        if (c->freed)
            fault(s, "a channel is used that was freed");
        c->lock = g->holds = 1;
        if (op->kind == CLOSE) {
            int other = NOBODY;
            c->closed = 1;
            if (c->rn || c->sn || g->hand) {
                bool send = g->hand ? op_of_set(s, g->hand - 1)->c[(g->hand - 1) & 7].send : !c->rn;
                if (pop(s, p, c, send, &other) && other != NOBODY) {
                    g->wake |= (uint8_t)(1 << other);
                    s->p[other].ended = 1;
                }
            } else {
                c->lock = g->holds = 0;
                g->pc = READY;
            }
        } else {
            enum went went = operate(s, p, g->chosen);
            if (went == WENT || (went == BLOCKS && op->kind == SELECT)) {
                c->lock = g->holds = 0;
                g->pc = went == WENT ? READY : LOCK_ALL;
            } else if (went == BLOCKS) { /* a plain wait: the commit unlocks */
                g->holds = 0;
                enter_all(s, p);
                sleep_now(s, p);
            }
        }
        visit(s);
        return;
    }
    case LOCK_ALL: {
        int c = order(op, g->i, p);
        if (c == NOBODY) {
            g->pc = CHOOSE;
            g->i = 0;
        } else if (s->c[c].lock) {
            return;
        } else {
            s->c[c].lock = 1;
            g->i++;
        }
        visit(s);
        return;
    }
    case CHOOSE: {
        bool ready = false;
        for (int k = 0; k < op->n; k++)
            if (seems_ready(now, op, k)) {
                ready = true;
                g->pc = TRY_ALL;
                g->chosen = (uint8_t)k;
                visit(s);
            }
        if (!ready) {
            enter_all(s, p);
            sleep_now(s, p);
            visit(s);
        }
        return;
    }
    case TRY_ALL: {
        enum went went = operate(s, p, g->chosen);
        if (went != STEP)
            g->pc = went == WENT ? UNLOCK_ALL : CHOOSE;
        visit(s);
        return;
    }
    case UNLOCK_ALL: {
        int c = order(op, g->i, p);
        if (c == NOBODY) {
            g->i = 0;
            g->pc = READY;
        } else {
            s->c[c].lock = 0;
            g->i++;
        }
        visit(s);
        return;
    }
    case WAIT:
        if (!g->readied)
            return;
        g->readied = 0;
        g->i = 0;
        g->pc = op->kind == SELECT ? DEQUEUE : DONE;
        visit(s);
        return;
    case DEQUEUE: {
        while (g->i < op->n && (g->i == g->winner || broken == 5))
            g->i++;
        if (g->i == op->n) {
            g->pc = TIMER_DEL;
            visit(s);
            return;
        }
        struct chan *c = &s->c[op->c[g->i].ch];
        bool send = op->c[g->i].send;
        if (c->lock)
            return;
        if (c->freed)
            fault(s, "a channel is used that was freed");
        if (place(c, send, p << 4 | g->i) >= 0)
            take(s, c, send, place(c, send, p << 4 | g->i));
        g->i++;
        visit(s);
        return;
    }
    case TIMER_DEL:
        if (g->timer == T_ARMED)
            g->timer = T_OFF;
        else if (g->timer != T_OFF && broken != 3)
            return;
        g->pc = DONE;
        visit(s);
        return;
    case READY:
        for (int q = 0; q < PROCS; q++)
            if (g->wake >> q & 1) {
                g->wake &= (uint8_t) ~(1 << q);
                make_ready(s, q);
                visit(s);
                return;
            }
        g->pc = DONE;
        visit(s);
        return;
    case DONE:
        if (g->queued)
            fault(s, "a waiter is left in a queue");
        finish(s, p);
        visit(s);
        return;
    default:
        step_kept(s, p);
    }
}

/* The commit of p: on the scheduler's stack, reading p's frame. */
static void step_commit(const struct state *now, int p)
{
    struct state t = *now, *s = &t;
    struct proc *g = &s->p[p];
    if (!g->commit)
        return;
    if (g->commit >= COMMIT_OPEN) {
        commit_kept(s, p);
        return;
    }
    if (g->commit_frame != g->frame)
        fault(s, "the commit reads a frame that is gone");
    const struct op *op = op_of(s, p);
    if (g->commit == COMMIT_UNLOCKS) {
        s->c[order(op, g->commit_i, p)].lock = 0;
        if (order(op, ++g->commit_i, p) == NOBODY)
            g->commit = broken == 2 && op->timeout ? COMMIT_TIMER_LATE : 0;
    } else {
        g->timer = T_ARMED;
        g->timer_frame = g->frame;
        g->commit = g->commit == COMMIT_TIMER ? COMMIT_UNLOCKS : 0;
    }
    if (!g->commit)
        g->commit_i = g->commit_frame = 0;
    visit(s);
}

/* The timer of p: due at any moment. */
static void step_timer(const struct state *now, int p)
{
    struct state t = *now, *s = &t;
    struct proc *g = &s->p[p];
    if (g->timer == T_OFF)
        return;
    if (g->timer != T_ARMED && g->timer_frame != g->frame)
        fault(s, "the timer touches a frame that is gone");
    switch (g->timer) {
    case T_ARMED:
        g->timer = T_TAKEN; /* out of the heap, about to fire */
        break;
    case T_TAKEN:
        g->timer = g->fired ? T_LAST : T_WON;
        g->fired = 1;
        break;
    case T_WON:
        make_ready(s, p);
        g->timer = T_LAST;
        break;
    case T_LAST:
        g->timer = T_OFF; /* `firing` becomes 0 */
        g->timer_frame = 0;
        break;
    }
    visit(s);
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check(const struct state *s)
{
    for (int c = 0; c < CHANS; c++)
        for (int send = 0; send < 2; send++)
            for (int at = 0; at < (send ? s->c[c].sn : s->c[c].rn); at++) {
                int w = (send ? s->c[c].sq : s->c[c].rq)[at];
                if (w & KEPT && !s->p[w >> 4].k.set)
                    fault(s, "a waiter is left in a queue");
            }
    for (int p = 0; p < PROCS; p++) {
        unsigned sends = 0;
        for (int o = 0; o < OPS; o++)
            sends += sc->op[p][o].kind == SEND || sc->op[p][o].kind == SELECT;
        unsigned in_buffer = 0;
        for (int c = 0; c < CHANS; c++)
            in_buffer += s->c[c].count && s->c[c].value[0] == p;
        if (s->sent[p] > sends || s->sent[p] != s->got[p] + in_buffer)
            fault(s, "a value is lost or doubled");
    }
}

static void check_end(const struct state *s)
{
    for (int c = 0; c < CHANS; c++)
        if (s->c[c].lock)
            fault(s, "stuck with a lock held");
    for (int p = 0; p < PROCS; p++) {
        const struct op *op = op_of(s, p);
        if (op->kind == END)
            continue;
        if (s->p[p].pc != WAIT && s->p[p].pc != KEPT_WAIT)
            fault(s, "stuck outside a wait");
        if (op->timeout)
            fault(s, "stuck in spite of a timeout");
        for (int k = 0; k < op->n; k++) {
            const struct chan *c = &s->c[op->c[k].ch];
            bool other = false;
            for (int at = 0; at < (op->c[k].send ? c->rn : c->sn); at++) {
                int w = (op->c[k].send ? c->rq : c->sq)[at];
                other |= w >> 4 != p && waits(s, w);
            }
            if (other || c->closed ||
                (op->c[k].send ? c->count < sc->cap[op->c[k].ch] : c->count > 0))
                fault(s, "waits although it could go on: a lost wake-up");
        }
    }
}

int main(void)
{
    broken = getenv("BREAK") ? atoi(getenv("BREAK")) : 0;
    seen = malloc(SEEN * sizeof *seen);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        struct state s;
        sc = &scenarios[i];
        memset(&s, 0, sizeof s);
        memset(seen, 0, SEEN * sizeof *seen);
        seen_n = depth = 0;
        uint64_t ends = 0;
        visit(&s);
        while (depth) {
            s = stack[--depth];
            uint64_t before = moves;
            check(&s);
            for (int p = 0; p < PROCS; p++) {
                step(&s, p);
                step_commit(&s, p);
                step_timer(&s, p);
            }
            if (moves == before) {
                ends++;
                check_end(&s);
            }
        }
        printf("%-42s %9llu states, %llu ends\n", sc->name, (unsigned long long)seen_n,
               (unsigned long long)ends);
    }
    return 0;
}
