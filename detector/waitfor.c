/*
 * waitfor.c - who waits for whom, and the deadlock that closes now.
 *
 * Every blocked goroutine has a record: why, on which objects, since when, and for a lock its number.
 * Together with held.c that is the wait-for graph. Two deadlocks are seen in it at once, without a
 * timer and without the whole program having to stop:
 *
 *   - a cycle of owners. The goroutine that closes it is the one that is about to block, so the
 *     walk starts there, on the slow path of a lock that blocks anyway: from the wanted lock to those
 *     who hold it, to the locks that they are blocked on, and so on. Each holder counts, not all: a
 *     writer needs every reader to leave, so one that is stuck is enough. A reader blocked by readers
 *     is really blocked by a writer waiting among them (RWMutex prefers writers); without such a
 *     writer that is no edge.
 *   - everybody asleep: the scheduler knows (hook_deadlock), and here it becomes a finding.
 *
 * All other deadlocks, those through channels, WaitGroups and the like where nobody in particular owes
 * the wake-up, are leak.c's, by reachability.
 *
 * A walk sees the others while they run. It takes no lock that they need; instead every wait has
 * a number (`seq`), and a cycle that was found is walked a second time: if each member still is in the
 * same wait and each lock still has the holder, then all of them were blocked at the moment between the
 * two walks, and a goroutine that is blocked cannot let go of what it holds. Two goroutines that close a
 * cycle at the same time have both published their wait before walking, so at least one of
 * them sees it whole.
 *
 * Not followed: locks that are passed on between goroutines (held.c), waits that end by themselves
 * (timed ones). The cycle is reported once; the rest of the program goes on. When the scheduler
 * afterwards finds everything asleep, those who wait for the members of a reported cycle are its
 * consequence, not another deadlock.
 */
#include "facts.h"
#include "goroutine.h"
#include "record.h"

u32 wait_clock;

static struct slab waits;
static u32 walk_lock, walk;

#define CYCLE_MAX 4096
#define HOLDERS_MAX 1024

struct waiting *wait_of(struct race_g *g)
{
    if (unlikely(!g->wait)) {
        static u32 making;
        det_lock(&making);
        if (!waits.base)
            slab_init(&waits, "waiting goroutines", sizeof(struct waiting), 1u << 25);
        det_unlock(&making);
        struct waiting *w = slab_at(&waits, slab_alloc(&waits));
        u32 seq = w->seq;
        *w = (struct waiting){.seq = seq + 1};
        __atomic_store_n(&g->wait, w, __ATOMIC_RELEASE);
    }
    return g->wait;
}

void wait_end(struct race_g *g)
{
    struct waiting *w = g->wait;
    if (!w)
        return;
    g->wait = NULL;
    w->lock = 0;
    w->why = HOOK_WAIT_NONE;
    __atomic_fetch_add(&w->seq, 1, __ATOMIC_RELEASE);
    slab_free(&waits, (u32)(((char *)w - waits.base) / sizeof *w));
}

/* --- parking --------------------------------------------------------------------------------------- */

void wait_event_park(struct race_g *g, enum hook_wait why, const void *const *obj, size_t n,
                     uintptr_t pc)
{
    struct waiting *w = wait_of(g);
    w->obj = obj;
    w->first = n ? obj[0] : NULL;
    w->n = (u32)n;
    w->pc = pc;
    w->sp = (uintptr_t)__builtin_frame_address(0);
    w->since = wait_clock;
    w->reported = WAIT_QUIET;
    w->why = (uint8_t)why;
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_RELEASE);
}

void wait_event_unpark(struct race_g *g)
{
    struct waiting *w = g->wait;
    if (!w)
        return;
    w->why = HOOK_WAIT_NONE;
    w->n = 0;
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_RELEASE);
}

enum hook_obj wait_obj_kind(enum hook_wait why)
{
    switch (why) {
    case HOOK_WAIT_CHAN_RECV:
    case HOOK_WAIT_CHAN_SEND:
    case HOOK_WAIT_CHAN_RECV_NIL:
    case HOOK_WAIT_CHAN_SEND_NIL:
    case HOOK_WAIT_SELECT:
    case HOOK_WAIT_SELECT_NONE:
        return HOOK_OBJ_CHAN;
    case HOOK_WAIT_MUTEX:
        return HOOK_OBJ_MUTEX;
    case HOOK_WAIT_RWMUTEX_R:
    case HOOK_WAIT_RWMUTEX_W:
        return HOOK_OBJ_RWMUTEX;
    case HOOK_WAIT_WAITGROUP:
        return HOOK_OBJ_WAITGROUP;
    case HOOK_WAIT_ONCE:
        return HOOK_OBJ_ONCE;
    case HOOK_WAIT_COND:
        return HOOK_OBJ_COND;
    case HOOK_WAIT_SEM:
        return HOOK_OBJ_SEM;
    default:
        return HOOK_OBJ_NONE;
    }
}

/* --- cycles of owners ------------------------------------------------------------------------------ */

static enum hook_wait lock_why(const struct lock_rec *r, u32 mode)
{
    switch (r->kind) {
    case HOOK_OBJ_RWMUTEX:
        return mode & HOOK_READ ? HOOK_WAIT_RWMUTEX_R : HOOK_WAIT_RWMUTEX_W;
    case HOOK_OBJ_SEM:
        return HOOK_WAIT_SEM;
    case HOOK_OBJ_ONCE:
        return HOOK_WAIT_ONCE;
    case HOOK_OBJ_CHAN:
        return HOOK_WAIT_CHAN_SEND;
    default:
        return HOOK_WAIT_MUTEX;
    }
}

/* Does a holder in mode `held` keep somebody out who wants `mode`? */
static bool blocks(const struct lock_rec *r, u32 held, u32 mode)
{
    return !(held & mode & HOOK_READ) || r->writers_waiting;
}

struct visit {
    struct race_g *g;
    const struct waiting *w;
    u32 seq, lock, mode, from;
};

static bool still(const struct visit *v, const struct race_g *holder)
{
    static struct held_fact h[HOLDERS_MAX];
    if (v->g->wait != v->w || __atomic_load_n(&v->w->seq, __ATOMIC_ACQUIRE) != v->seq)
        return false;
    u32 n = held_holders(v->lock, h, HOLDERS_MAX);
    for (u32 k = 0; k < n; k++)
        if (h[k].g == holder && blocks(lock_at(v->lock), h[k].mode, v->mode))
            return true;
    return false;
}

/* Breadth first, so that the cycle found is a shortest one. Returns its length; members in order, each
   waiting for the next. */
static u32 find_cycle(struct race_g *start, struct race_g **member)
{
    static struct visit queue[CYCLE_MAX];
    static struct held_fact h[HOLDERS_MAX];
    walk++;
    u32 n = 0, last = 0;
    struct waiting *w = start->wait;
    queue[n++] = (struct visit){start, w, w->seq, w->lock, w->mode, 0};
    w->mark = walk;
    bool closed = false;
    for (u32 k = 0; k < n && !closed; k++) {
        const struct visit *v = &queue[k];
        const struct lock_rec *r = lock_at(v->lock);
        if (r->passed_on)
            continue;
        u32 holders = held_holders(v->lock, h, HOLDERS_MAX);
        for (u32 j = 0; j < holders && !closed; j++) {
            if (!blocks(r, h[j].mode, v->mode))
                continue;
            if (h[j].g == start) {
                closed = true;
                last = k;
                break;
            }
            struct waiting *x = __atomic_load_n(&h[j].g->wait, __ATOMIC_ACQUIRE);
            if (!x || x->mark == walk || n == CYCLE_MAX)
                continue;
            u32 seq = __atomic_load_n(&x->seq, __ATOMIC_ACQUIRE);
            u32 lock = __atomic_load_n(&x->lock, __ATOMIC_ACQUIRE);
            if (lock == 0)
                continue;
            x->mark = walk;
            queue[n++] = (struct visit){h[j].g, x, seq, lock, x->mode, k};
        }
    }
    if (!closed)
        return 0;
    u32 length = 1;
    for (u32 k = last; k != 0; k = queue[k].from)
        length++;
    struct race_g *next = start;
    for (u32 k = last, at = length;; k = queue[k].from) {
        if (!still(&queue[k], next))
            return 0;
        member[--at] = next = queue[k].g;
        if (k == 0)
            break;
    }
    for (u32 k = 0; k < length; k++)
        member[k]->wait->reported = WAIT_CYCLE;
    return length;
}

struct report {
    u32 kind;
    struct race_g *const *g;
    size_t n;
    const char *text;
};
static void report_on_stack(void *arg)
{
    struct report *r = arg;
    wait_report(r->kind, r->g, r->n, r->text);
}

/* The writers that wait for lock i: they hold its readers apart, and belong to the picture. */
static u32 add_writers(u32 i, struct race_g **member, u32 n, u32 max)
{
    u32 at = 0;
    for (struct race_g *g; (g = det_g_each(&at)) && n < max;) {
        const struct waiting *w = g->wait;
        if (!w || w->lock != i || (w->mode & HOOK_READ) || w->reported)
            continue;
        g->wait->reported = WAIT_CYCLE;
        member[n++] = g;
    }
    return n;
}

bool wait_on_lock(struct race_g *g, u32 lock, int mode, uintptr_t pc)
{
    struct waiting *w = wait_of(g);
    struct lock_rec *r = lock_at(lock);
    if (mode & (HOOK_TRY | LOCK_TIMED))
        return false;
    if (!(mode & HOOK_READ))
        __atomic_fetch_add(&r->writers_waiting, 1, __ATOMIC_SEQ_CST);
    w->pc = pc;
    w->mode = mode & HOOK_READ;
    w->reported = WAIT_QUIET;
    w->since = wait_clock;
    __atomic_store_n(&w->lock, lock, __ATOMIC_SEQ_CST);
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_SEQ_CST);
    if (!r->holders)
        return false;
    static struct race_g *member[CYCLE_MAX];
    struct race_g **found = NULL;
    u32 n;
    det_lock(&walk_lock);
    n = find_cycle(g, member);
    if (n) {
        u32 all = n;
        for (u32 k = 0; k < n; k++)
            if (member[k]->wait->mode & HOOK_READ)
                all = add_writers(member[k]->wait->lock, member, all, CYCLE_MAX);
        n = all;
        found = det_alloc(n * sizeof *found);
        det_copy(found, member, n * sizeof *found);
    }
    det_unlock(&walk_lock);
    if (n) {
        struct report rep = {FINDING_DEADLOCK, found, n, NULL};
        det_on_own_stack(report_on_stack, &rep);
        det_release(found, n * sizeof *found);
    }
    return n != 0;
}

void wait_lock_done(struct race_g *g)
{
    struct waiting *w = g->wait;
    if (!w || w->lock == 0)
        return;
    if (!(w->mode & HOOK_READ))
        __atomic_fetch_sub(&lock_at(w->lock)->writers_waiting, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&w->lock, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_SEQ_CST);
}

/* --- reports ----------------------------------------------------------------------------------------- */

#define GROUPS 64
#define SHOWN_HOLDERS 4

/* Goroutines of one finding that wait alike: same reason, same place, same creation. */
struct group {
    struct race_g *g;
    u32 why, stack, created, count;
};

static size_t group_up(struct group *group, struct race_g *const *g, size_t n, size_t *left_out)
{
    size_t groups = 0;
    *left_out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct waiting *w = g[i]->wait;
        uintptr_t pc[DET_STACK_MAX];
        size_t depth = det_g_stack(g[i], w ? w->pc : 0, pc, DET_STACK_MAX);
        struct group now = {g[i], w && w->lock ? lock_why(lock_at(w->lock), w->mode) : w ? w->why : 0,
                            det_stack_intern(pc, depth), det_g_created(g[i]), 1};
        size_t k = 0;
        while (k < groups && (group[k].why != now.why || group[k].stack != now.stack ||
                              group[k].created != now.created))
            k++;
        if (k < groups)
            group[k].count++;
        else if (groups < GROUPS)
            group[groups++] = now;
        else
            ++*left_out;
    }
    return groups;
}

static void part_wait(struct finding *f, const struct group *gr)
{
    struct race_g *g = gr->g;
    const struct waiting *w = g->wait;
    const void *obj = w ? w->lock ? (const void *)lock_at(w->lock)->name : w->first : NULL;
    struct record_part p = {.role = PART_WAIT, .flags = det_g_flags(g), .goid = g->goid,
                            .addr = (uintptr_t)obj, .aux = gr->why};
    finding_part_stack(f, &p, gr->stack);
    if (gr->count > 1) {
        char text[64];
        det_format(text, sizeof text, "%u goroutines wait like this one", gr->count);
        finding_text(f, text);
    }
    held_describe(f, g);
    u32 lock = w ? w->lock : 0;
    if (!lock && obj)
        lock = lock_find((uintptr_t)obj);
    if (!lock)
        return;
    struct held_fact h[SHOWN_HOLDERS];
    u32 n = held_holders(lock, h, SHOWN_HOLDERS);
    for (u32 k = 0; k < n; k++) {
        struct record_part holder = {.role = PART_HOLDER, .flags = det_g_flags(h[k].g),
                                     .goid = h[k].g->goid, .addr = lock_at(lock)->name,
                                     .aux = (u64)lock_at(lock)->kind << 8 | (h[k].mode & HOOK_READ)};
        finding_part_stack(f, &holder, h[k].stack);
    }
}

void wait_report(u32 kind, struct race_g *const *g, size_t n, const char *text)
{
    struct group group[GROUPS];
    size_t left_out, groups = group_up(group, g, n, &left_out);
    struct finding *f = finding_begin(kind, 0);
    if (!f)
        return;
    for (size_t k = 0; k < groups; k++)
        part_wait(f, &group[k]);
    if (text)
        finding_text(f, text);
    if (left_out) {
        char more[96];
        det_format(more, sizeof more, "%zu more goroutines, which wait elsewhere, are left out",
                   left_out);
        finding_text(f, more);
    }
    for (size_t k = 0; k < groups; k++)
        finding_creator(f, group[k].g);
    finding_end(f);
}

void wait_event_deadlock(struct race_g *const *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (g[i] && g[i]->wait && g[i]->wait->reported == WAIT_CYCLE)
            return;
    struct race_g **left = det_alloc((n + 1) * sizeof *left);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (g[i] && (!g[i]->wait || g[i]->wait->reported == WAIT_QUIET))
            left[k++] = g[i];
    if (k) {
        struct report rep = {FINDING_DEADLOCK, left, k, NULL};
        det_on_own_stack(report_on_stack, &rep);
    }
    det_release(left, (n + 1) * sizeof *left);
}
