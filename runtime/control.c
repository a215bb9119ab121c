/*
 * control.c - a schedule decided by a seed: goc-race explore and replay.
 *
 * The problem: a bug that needs two switches at the right places is met once in a thousand runs, and
 * then it is gone. Under $GOC_SCHEDULE the run is a function of the program, its input and one short
 * word: one goroutine runs at a time, every switch happens at a counted place, and who goes on is
 * drawn from the word's seed. The same word gives the same run, so a finding can be had again.
 *
 * Rejected: recording a free run to replay it (the recording is as long as the run, and finds nothing by
 * itself); steering by signals or by the clock (not repeatable); enumerating all schedules (the
 * number explodes; the two strategies below find in hundreds of runs what needs few switches).
 *
 * Places ("points") are: each call of the runtime's public functions that others can see, each atomic
 * operation, each lock of pthreads, and each instrumented access that the detector has not yet seen
 * in this epoch (a repeated one changes nothing that another goroutine has not had the chance to
 * see). That is enough: what a program without data races does depends on the order of its
 * synchronisation alone, and a race that the order hides from us is reported in the run that shows it.
 *
 *   fifo              no switch but where a goroutine waits; the first come runs first
 *   pct:D:L:SEED      a random priority for each goroutine, the highest runs; at D points drawn from
 *                     the first L the running one falls below all others. A bug that needs D
 *                     switches of n goroutines is met with a probability of at least 1/(n L^D)
 *                     (Burckhardt et al., ASPLOS 2010)
 *   random:R:SEED     at one point in R another one goes on, each with equal chance
 *
 * Nobody starves: after STREAK points in a row, or when it yields by itself, a goroutine falls below all
 * others. So a loop that waits for a flag comes to an end.
 *
 * Time is made up: it stands still but for POINT_NS a point, and jumps to the next timer when nobody
 * can run. A sleep therefore costs nothing, and orders nothing that it should not: timers may also go
 * off although others could run, as they do on a busy machine, which then are late by JUMP_NS at most.
 *
 * Who is ready is kept here, in a heap by priority (a bag for random), into which the P's ring and the
 * global queue are emptied at every decision. There is one P.
 *
 * What is not controlled: the kernel (when a descriptor becomes ready, what a read brings), threads that
 * the runtime did not start (they are only disturbed, by a short sleep here and there), a goroutine
 * that sleeps in the kernel outside the functions below (its P goes to others after a while, as ever),
 * and a loop that reaches no point for a second. Each of these is counted as a slip and told.
 */
#include "sched_impl.h"

#ifdef GOC_RACE

#include <goc/time.h>
#include <stdlib.h>

enum { DEPTH_MAX = 16, STREAK = 20000, POINT_NS = 100, NOISE = 32 };
static const int64_t JUMP_NS = 100 * 1000 * 1000, WAIT_NS = 5 * 1000 * 1000, START_NS = 1000000000;
#define HIGH ((uint64_t)1 << 62) /* where the ranks that goroutines begin with lie */

enum how { FIFO, PCT, RANDOM };

bool control_on;

static struct control {
    enum how how;
    uint64_t seed, draw;
    uint64_t change[DEPTH_MAX]; /* pct: points at which to fall, rising */
    uint32_t changes, changed;
    uint64_t rate, next; /* random: the next point at which to switch */
    uint64_t low;        /* the rank of the next one that falls */
    uint64_t came;       /* fifo: how many have come */
    uint64_t clock;      /* the rank of time itself */
    int64_t late;        /* how far time has jumped ahead of somebody who could run */
    bool over, stalled;
    int procs;
    uint32_t streak; /* points in a row of `last`, though timers came between */
    uint64_t last;
    int64_t now;
    uint64_t points, switches, digest, slips, disturbed;

    struct ready {
        uint64_t rank;
        struct g *g;
    } * ready;
    uint32_t n, cap;
} c;

/* --- the word --------------------------------------------------------------------------------- */

static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t draw(void)
{
    return scramble(c.seed ^ ++c.draw * 0xd1342543de82ef95u);
}

static uint64_t below(uint64_t n)
{
    return (uint64_t)((unsigned __int128)draw() * n >> 64);
}

static const char *number(const char *s, uint64_t *v)
{
    if (!s || *s != ':' || s[1] < '0' || s[1] > '9')
        return NULL;
    for (*v = 0, s++; *s >= '0' && *s <= '9'; s++) {
        if (*v > UINT64_MAX / 16)
            return NULL;
        *v = *v * 10 + (uint64_t)(*s - '0');
    }
    return s;
}

static const char *prefix(const char *s, const char *word)
{
    while (*word)
        if (*s++ != *word++)
            return NULL;
    return s;
}

/* The same grammar as report/explore.c's, which has refused a bad word before it comes here. */
static bool parse(const char *s)
{
    const char *p;
    uint64_t depth, length;
    if ((p = prefix(s, "fifo"))) {
        c.how = FIFO;
        return !*p;
    }
    if ((p = prefix(s, "pct"))) {
        c.how = PCT;
        p = number(number(number(p, &depth), &length), &c.seed);
        if (!p || *p || depth > DEPTH_MAX || !length)
            return false;
        for (; c.changes < depth; c.changes++) {
            uint64_t at = 1 + below(length);
            uint32_t i = c.changes;
            for (; i && c.change[i - 1] > at; i--)
                c.change[i] = c.change[i - 1];
            c.change[i] = at;
        }
        return true;
    }
    if ((p = prefix(s, "random"))) {
        c.how = RANDOM;
        p = number(number(p, &c.rate), &c.seed);
        return p && !*p && c.rate;
    }
    return false;
}

void control_init(void)
{
    const char *s = getenv("GOC_SCHEDULE");
    if (!s || !*s)
        return;
    if (!parse(s))
        goc_fatal("GOC_SCHEDULE=%s: expected fifo, pct:D:L:SEED or random:R:SEED", s);
    c.procs = sched.nproc;
    sched.nproc = 1;
    c.now = START_NS;
    c.low = HIGH - 1;
    c.clock = HIGH + (draw() >> 2);
    c.next = 1 + below(2 * c.rate);
    control_on = world.controlled = true;
}

void control_fork(void)
{
    control_on = false;
}

int control_procs(int n)
{
    int old = c.procs;
    if (n > 0)
        c.procs = n;
    return old;
}

uint32_t control_rand(void)
{
    return (uint32_t)(draw() >> 32);
}

int64_t control_now(void)
{
    return load_relaxed(&c.now);
}

void control_slip(void)
{
    if (!c.over)
        __atomic_fetch_add(&c.slips, 1, __ATOMIC_RELAXED);
}

/* Points, switches, a digest of who ran when, and slips, of a program that is about to end. */
void control_told(uint64_t out[4])
{
    c.over = true;
    out[0] = c.points;
    out[1] = c.switches;
    out[2] = c.digest;
    out[3] = load_relaxed(&c.slips) + load_relaxed(&c.disturbed);
}

/* --- who is ready ----------------------------------------------------------------------------- */

bool control_ready(void)
{
    return c.n != 0;
}

void control_spawned(struct g *g)
{
    g->rank = 0;
}

static void fall(struct g *g)
{
    g->rank = c.low--;
}

static bool before(const struct ready *a, const struct ready *b)
{
    return a->rank != b->rank ? a->rank > b->rank : a->g->id < b->g->id;
}

static void put(struct g *g)
{
    if (c.n == c.cap) {
        uint32_t cap = c.cap ? c.cap * 2 : 1024;
        struct ready *r = rt_map(cap * sizeof *r);
        if (!r)
            goc_fatal("out of memory: cannot note %u goroutines that are ready", cap);
        rt_copy(r, c.ready, c.n * sizeof *r);
        if (c.ready)
            rt_unmap(c.ready, c.cap * sizeof *r);
        c.ready = r;
        c.cap = cap;
    }
    if (!g->rank)
        g->rank = HIGH + (scramble(c.seed ^ g->id * 0xa0761d6478bd642fu) >> 2);
    struct ready e = {c.how == FIFO ? UINT64_MAX - c.came++ : g->rank, g};
    uint32_t i = c.n++;
    if (c.how != RANDOM)
        for (; i && before(&e, &c.ready[(i - 1) / 2]); i = (i - 1) / 2)
            c.ready[i] = c.ready[(i - 1) / 2];
    c.ready[i] = e;
}

static struct g *take(void)
{
    uint32_t i = c.how == RANDOM ? (uint32_t)below(c.n) : 0;
    struct g *g = c.ready[i].g;
    struct ready e = c.ready[--c.n];
    if (c.how != RANDOM)
        for (uint32_t child; (child = 2 * i + 1) < c.n; i = child) {
            child += child + 1 < c.n && before(&c.ready[child + 1], &c.ready[child]);
            if (!before(&c.ready[child], &e))
                break;
            c.ready[i] = c.ready[child];
        }
    c.ready[i] = e;
    return g;
}

static bool news(const struct p *p)
{
    return p->runnext || load_relaxed(&p->head) != p->tail || load_relaxed(&sched.gq_n);
}

static void pass_to(int64_t when)
{
    if (when > c.now)
        store_relaxed(&c.now, when);
    c.clock = HIGH + (draw() >> 2);
}

/* What the queues hold comes here, in their order. */
static void gather(struct p *p)
{
    if (!news(p))
        return;
    struct g *g = p->runnext;
    p->runnext = NULL;
    if (g)
        put(g);
    while ((g = runq_get(p)))
        put(g);
    while (load_relaxed(&sched.gq_n)) {
        lock_acquire(&sched.lock, RANK_SCHED);
        g = gq_get(p, 1);
        lock_release(&sched.lock);
        if (!g)
            break;
        if (c.stalled)
            fall(g);
        put(g);
    }
    if (c.stalled && p->timer_when)
        pass_to(p->timer_when);
    c.stalled = false;
}

/* --- deciding --------------------------------------------------------------------------------- */

/* Threads and descriptors may still bring something that no timer knows of. */
static bool outside(const struct m *m)
{
    return netpoll_waiting() || load_relaxed(&sched.nforeign) ||
           load_relaxed(&sched.nm_idle) + 1 < load_relaxed(&sched.nm);
}

/* Time passes for those who sleep although others could run: on a busy machine it does. */
static bool jumps(const struct p *p)
{
    if (c.how == FIFO || !p->timer_when || !c.n || p->timer_when - c.now + c.late > JUMP_NS)
        return false;
    if (c.how == RANDOM)
        return below(8) == 0;
    return c.clock > c.ready[0].rank;
}

struct g *control_next(struct m *m)
{
    struct p *p = m->p;
    store_relaxed(&p->slice, p->slice + 1);
    store_relaxed(&p->preempt, 0);
    p->tick++;
    for (;;) {
        gather(p);
        if (jumps(p)) {
            c.late += p->timer_when - c.now;
            pass_to(p->timer_when);
        }
        if (p->timer_when && p->timer_when <= c.now) {
            timers_run(m, p, c.now);
            continue;
        }
        if (c.n)
            break;
        struct g *list = netpoll_waiting() ? netpoll(0) : NULL;
        if (!list && p->timer_when && outside(m)) {
            control_slip();
            if (netpoll_waiting())
                list = netpoll(WAIT_NS);
            else
                rt_usleep((unsigned)(WAIT_NS / 1000));
            gather(p);
        }
        for (struct g *next; list; list = next) {
            next = list->next;
            g_runnable(list, __func__);
            put(list);
        }
        if (c.n)
            break;
        if (!p->timer_when)
            return NULL;
        pass_to(p->timer_when);
    }
    struct g *g = take();
    if (!c.n)
        c.late = 0;
    if (g->id != c.last)
        c.streak = 0;
    c.last = g->id;
    c.switches++;
    c.digest = scramble(c.digest ^ g->id) ^ c.points;
    return g;
}

/* --- points ----------------------------------------------------------------------------------- */

/* Threads that we do not hold are only shaken: most bugs of theirs show by that as well. */
static void disturb(void)
{
    uint64_t r = scramble(c.seed ^ __atomic_add_fetch(&c.disturbed, 1, __ATOMIC_RELAXED));
    if (r % NOISE == 0)
        rt_usleep((unsigned)(r >> 32) % 200);
}

static bool due(struct p *p, struct g *g)
{
    if (p->timer_when && p->timer_when <= c.now)
        return true;
    bool switches = ++c.streak > STREAK;
    if (switches) {
        c.streak = 0;
        fall(g);
        if (!c.n && !news(p) && p->timer_when) { /* it waits for one who sleeps */
            pass_to(p->timer_when);
            return true;
        }
    }
    while (c.changed < c.changes && c.points >= c.change[c.changed]) {
        c.changed++;
        fall(g);
        switches = true;
    }
    if (c.how == RANDOM && c.points >= c.next) {
        c.next = c.points + 1 + below(2 * c.rate);
        switches = true;
    }
    if (news(p)) {
        gather(p);
        switches |= c.how == PCT;
    }
    if (!switches || !c.n)
        return false;
    return c.how != PCT || c.ready[0].rank > g->rank;
}

static bool put_back(struct g *g, void *arg)
{
    g->status = G_RUNNABLE;
    put(g);
    return true;
}

void control_point(void)
{
    struct m *m = m_raw();
    if (!m || m->foreign) {
        disturb();
        return;
    }
    if (!m->p || !m->cur || m->inside || c.over || main_has_ended())
        return;
    c.points++;
    c.now += POINT_NS;
    if (unlikely(!m->cur->rank)) /* main's, which nobody has put here yet */
        m->cur->rank = HIGH + (scramble(c.seed ^ m->cur->id * 0xa0761d6478bd642fu) >> 2);
    p_enter(m);
    bool yes = m->p && due(m->p, m->cur);
    p_leave(m);
    if (yes)
        g_park(put_back, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, 0);
}

bool control_gosched(void)
{
    struct m *m = m_raw();
    if (!m || m->foreign || !m->p)
        return false;
    c.points++;
    c.now += POINT_NS;
    p_enter(m);
    gather(m->p);
    bool anybody = c.n || m->p->timer_when;
    p_leave(m);
    if (!anybody)
        return false;
    fall(m->cur);
    g_park(put_back, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, 0);
    return true;
}

/* --- for the monitor and the detector --------------------------------------------------------- */

bool control_stalled(int64_t now)
{
    static uint64_t last;
    static int64_t since;
    uint64_t points = load_relaxed(&c.points);
    if (points != last || !since) {
        last = points;
        since = now;
        return false;
    }
    if (now - since < 1000000000)
        return false;
    since = now;
    c.stalled = true;
    control_slip();
    return true;
}

/* A sleep of libc's: false if it is none of a goroutine that can be parked. */
bool control_sleep(int64_t ns)
{
    struct m *m = m_raw();
    if (!control_on || !m || m->foreign || !m->p || m->inside || c.over)
        return false;
    goc_sleep(ns);
    return true;
}

/* Somebody else goes on, who may hold what the current goroutine wants; false: there is nobody. */
bool control_yield(void)
{
    struct m *m = m_raw();
    if (!control_on || !m || m->foreign || !m->p || m->inside || c.over)
        return false;
    return control_gosched();
}

#endif
