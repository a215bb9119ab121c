/*
 * select.c - the protocol of channels and select (runtime/chan.c, select.c, waiter.h), every
 * interleaving of it, for small programs.
 *
 * A stress test sees the schedules that the machine happens to produce; the windows in this
 * protocol are a few instructions wide. So here the protocol is written once more as a transition
 * system: each step is what happens under one lock, or one atomic access without. What the real
 * code does on two stacks at once is two actors here: the goroutine, and the commit that still
 * unlocks channels (and reads the goroutine's frame) while the goroutine may already have been
 * woken. A timer is a third. All reachable states are visited.
 *
 * Checked in every state
 *   - a goroutine is made ready only while it waits, and once for each wait;
 *   - commit and timer touch a select's frame only while it is alive;
 *   - at most one case of a select goes ahead; values are neither lost nor doubled nor reordered;
 * and in every state without a next step
 *   - nobody waits who could go on: no sender beside a receiver, no receiver beside a value or on a
 *     closed channel, no sender beside a free slot; a select with a timeout never waits; no lock is
 * held.
 *
 * BREAK=n leaves out one precaution; the model must then find a fault (tests/model/run sees to
 * that): 1 waiters are not claimed   2 the commit starts the timer after its unlocks 3 the frame is
 * left without waiting for a timer in flight   4 the locks are not taken in order 5 waiters are
 * left in the queues
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCS = 4, CHANS = 2, CASES = 2, OPS = 2, QUEUE = 4, NOBODY = 0xff };
enum { SEND, RECV, CLOSE, SELECT, END };

struct op {
    uint8_t kind, n, timeout;
    struct {
        uint8_t send, ch;
    } c[CASES];
};

struct scenario {
    const char *name;
    uint8_t cap[CHANS];
    struct op op[PROCS][OPS];
};

#define S(ch_)                                  \
    {                                           \
        .kind = SEND, .n = 1, .c = { {1, ch_} } \
    }
#define R(ch_)                                  \
    {                                           \
        .kind = RECV, .n = 1, .c = { {0, ch_} } \
    }
#define C(ch_)                                   \
    {                                            \
        .kind = CLOSE, .n = 1, .c = { {1, ch_} } \
    }
#define SEL(s1, c1, s2, c2, t)                                            \
    {                                                                     \
        .kind = SELECT, .n = 2, .timeout = t, .c = { {s1, c1}, {s2, c2} } \
    }
#define NONE        \
    {               \
        .kind = END \
    }

static const struct scenario scenarios[] = {
    {"two selects that meet",
     {0, 0},
     {{SEL(1, 0, 0, 1, 0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {NONE}, {NONE}}},
    {"three selects in a ring",
     {0, 0},
     {{SEL(1, 0, 0, 1, 0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {SEL(1, 1, 0, 0, 0), NONE}, {NONE}}},
    {"order of locks against each other",
     {0, 0},
     {{SEL(0, 0, 0, 1, 0), NONE}, {SEL(0, 1, 0, 0, 0), NONE}, {S(0), NONE}, {S(1), NONE}}},
    {"timeout against a sender",
     {0, 0},
     {{SEL(0, 0, 0, 1, 1), NONE}, {S(0), NONE}, {NONE}, {NONE}}},
    {"timeouts against each other, then reuse",
     {0, 0},
     {{SEL(0, 0, 1, 1, 1), SEL(0, 0, 1, 1, 1)}, {SEL(1, 0, 0, 1, 1), R(1)}, {NONE}, {NONE}}},
    {"one channel twice",
     {0, 0},
     {{SEL(0, 0, 1, 0, 1), NONE}, {SEL(1, 0, 0, 0, 1), NONE}, {S(0), NONE}, {NONE}}},
    {"buffered, full and empty",
     {1, 1},
     {{S(0), S(0)}, {SEL(0, 0, 0, 1, 0), R(0)}, {SEL(1, 1, 0, 0, 0), NONE}, {NONE}}},
    {"buffered, with timeouts",
     {1, 0},
     {{S(0), S(0)}, {SEL(0, 0, 0, 1, 1), R(0)}, {SEL(1, 1, 1, 0, 1), NONE}, {NONE}}},
    {"close against select and receive",
     {0, 0},
     {{SEL(0, 0, 0, 1, 0), NONE}, {R(0), NONE}, {C(0), NONE}, {S(1), NONE}}},
    {"close against timeout",
     {0, 1},
     {{SEL(0, 0, 0, 1, 1), R(0)}, {C(0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {NONE}}},
};

enum pc { START, TRY, LOCK_ALL, CHOOSE, UNLOCK_ALL, WAIT, DEQUEUE, TIMER_DEL, READY, DONE };
enum { COMMIT_TIMER = 1, COMMIT_UNLOCKS, COMMIT_TIMER_LATE };
enum { T_OFF, T_ARMED, T_TAKEN, T_WON, T_LAST };

struct proc {
    uint8_t op, pc, i, chosen; /* i: progress; chosen: the case that went ahead */
    uint8_t frame;             /* the number of the select whose frame is alive; 0: none */
    uint8_t frames;            /* so many there were */
    uint8_t readied, fired, winner, wake;   /* wake: bits of goroutines to be readied */
    uint8_t commit, commit_i, commit_frame; /* 0: it is over */
    uint8_t timer, timer_frame;
    uint8_t queued; /* bits of cases whose waiter is in a queue */
    uint8_t ended;  /* woken by close */
};
struct chan {
    uint8_t lock, closed, count, rn, sn;
    uint8_t value[1];
    uint8_t rq[QUEUE], sq[QUEUE]; /* proc << 4 | case */
};
struct state {
    struct proc p[PROCS];
    struct chan c[CHANS];
    uint8_t sent[PROCS], got[PROCS]; /* values that have left a sender; of whom one was received */
};

static const struct scenario *sc;
static int broken;
static struct state *stack;
static size_t depth, room;
static uint64_t *seen, seen_n, moves;
static const uint64_t SEEN = 1u << 24;

static void fault(const struct state *s, const char *what)
{
    printf("%s: %s\n", sc->name, what);
    for (int p = 0; p < PROCS; p++)
        printf("  goroutine %d: op %d pc %d i %d frame %d readied %d fired %d commit %d timer %d\n",
               p, s->p[p].op, s->p[p].pc, s->p[p].i, s->p[p].frame, s->p[p].readied, s->p[p].fired,
               s->p[p].commit, s->p[p].timer);
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

static void push(struct chan *c, bool send, int p, int k)
{
    uint8_t *q = send ? c->sq : c->rq, *n = send ? &c->sn : &c->rn;
    q[(*n)++] = (uint8_t)(p << 4 | k);
}

static void take(struct state *s, struct chan *c, bool send, int at)
{
    uint8_t *q = send ? c->sq : c->rq, *n = send ? &c->sn : &c->rn;
    s->p[q[at] >> 4].queued &= (uint8_t) ~(1 << (q[at] & 15));
    memmove(q + at, q + at + 1, (size_t)(*n - at - 1));
    q[--*n] = 0;
}

static const struct op the_end = NONE;
static const struct op *op_of(const struct state *s, int p)
{
    return s->p[p].op < OPS ? &sc->op[p][s->p[p].op] : &the_end;
}

/* queue_pop: the first whose claim succeeds. */
static int pop(struct state *s, struct chan *c, bool send, int *k)
{
    while (send ? c->sn : c->rn) {
        uint8_t w = send ? c->sq[0] : c->rq[0];
        struct proc *p = &s->p[w >> 4];
        take(s, c, send, 0);
        if (op_of(s, w >> 4)->kind == SELECT) {
            if (p->fired && broken != 1)
                continue;
            p->fired = 1;
        }
        p->winner = *k = w & 15;
        return w >> 4;
    }
    return NOBODY;
}

/* The steps under the lock: true if the operation of p's case k has happened. */
static bool operate(struct state *s, int p, int k)
{
    const struct op *op = op_of(s, p);
    struct chan *c = &s->c[op->c[k].ch];
    int j, other;
    if (op->c[k].send) {
        if (c->closed)
            return true; /* it panics: no value */
        other = pop(s, c, false, &j);
        if (other != NOBODY) {
            s->sent[p]++;
            s->got[p]++;
            s->p[other].ended = 0;
            s->p[p].wake |= (uint8_t)(1 << other);
            return true;
        }
        if (c->count == sc->cap[op->c[k].ch])
            return false;
        s->sent[p]++;
        c->value[c->count++] = (uint8_t)p;
        return true;
    }
    if (c->count) {
        s->got[c->value[0]]++;
        c->count--;
        c->value[0] = 0;
        other = pop(s, c, true, &j);
        if (other != NOBODY) {
            s->sent[other]++;
            c->value[c->count++] = (uint8_t)other;
            s->p[p].wake |= (uint8_t)(1 << other);
        }
        return true;
    }
    other = pop(s, c, true, &j);
    if (other != NOBODY) {
        s->sent[other]++;
        s->got[other]++;
        s->p[p].wake |= (uint8_t)(1 << other);
        return true;
    }
    return c->closed;
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
}

static void make_ready(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    if (g->pc != WAIT || g->readied)
        fault(s, "a goroutine is made ready that does not wait, or twice");
    g->readied = 1;
}

static void sleep_now(struct state *s, int p)
{
    struct proc *g = &s->p[p];
    g->frame = ++g->frames;
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
        push(&s->c[op->c[k].ch], op->c[k].send, p, k);
        s->p[p].queued |= (uint8_t)(1 << k);
    }
}

static void step(const struct state *now, int p)
{
    struct state t = *now, *s = &t;
    struct proc *g = &s->p[p];
    const struct op *op = op_of(s, p);
    if (op->kind == END)
        return;
    switch (g->pc) {
    case START: {
        bool ready = false;
        if (op->kind != SELECT) {
            g->pc = TRY;
            visit(s);
            return;
        }
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
        if (c->lock)
            return;
        if (op->kind == CLOSE) {
            int k, other;
            c->closed = 1;
            for (int send = 0; send < 2; send++)
                while ((other = pop(s, c, send, &k)) != NOBODY) {
                    g->wake |= (uint8_t)(1 << other);
                    s->p[other].ended = 1;
                }
            g->pc = READY;
        } else if (operate(s, p, g->chosen)) {
            g->pc = READY;
        } else if (op->kind == SELECT) {
            g->pc = LOCK_ALL;
        } else { /* a plain wait: the commit unlocks */
            c->lock = 1;
            enter_all(s, p);
            sleep_now(s, p);
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
        bool went = false;
        for (int k = 0; k < op->n; k++) {
            struct state u = *now;
            if (!operate(&u, p, k))
                continue;
            went = true;
            u.p[p].chosen = (uint8_t)k;
            u.p[p].pc = UNLOCK_ALL;
            visit(&u);
        }
        if (!went) {
            for (int k = 0; k < op->n; k++)
                operate(s, p, k); /* clears away waiters that have gone elsewhere */
            enter_all(s, p);
            sleep_now(s, p);
            visit(s);
        }
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
        for (int at = 0; at < (send ? c->sn : c->rn); at++)
            if ((send ? c->sq : c->rq)[at] == (p << 4 | g->i)) {
                take(s, c, send, at);
                break;
            }
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
    }
}

/* The commit of p: on the scheduler's stack, reading p's frame. */
static void step_commit(const struct state *now, int p)
{
    struct state t = *now, *s = &t;
    struct proc *g = &s->p[p];
    if (!g->commit)
        return;
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
    for (int p = 0; p < PROCS; p++) {
        unsigned sends = 0;
        for (int o = 0; o < OPS && sc->op[p][o].kind != END; o++)
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
        if (s->p[p].pc != WAIT)
            fault(s, "stuck outside a wait");
        if (op->timeout)
            fault(s, "stuck in spite of a timeout");
        for (int k = 0; k < op->n; k++) {
            const struct chan *c = &s->c[op->c[k].ch];
            bool other = false;
            for (int at = 0; at < (op->c[k].send ? c->rn : c->sn); at++)
                other |= (op->c[k].send ? c->rq : c->sq)[at] >> 4 != p;
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
