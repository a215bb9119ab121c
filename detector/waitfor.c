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
 * Suspected cycles. That a goroutine which is blocked cannot let go is true of pthread's locks and of a
 * Once, and such cycles are reported on the spot. Go's Mutex, RWMutex and the rest may be unlocked by
 * anybody: lock, start somebody who will unlock, lock again is a correct program, and looks at that
 * moment like a goroutine that waits for itself. So a cycle in which one lock is not its owner's
 * (`owned`) is noted with its waits and looked at again, LOOKS times, LOOK_MS apart, by a thread of our
 * own: a machine that stands still, or lets nobody of the program run, passes no more than one of them.
 * Or when the scheduler finds everything asleep; or when the program ends; whichever comes first.
 * If each member is still in the same wait and each lock still has the holder, it is believed, with one
 * exception. If one was unlocked by somebody else meanwhile, it was none, and the lock has no owner from
 * then on.
 *
 * The exception is the goroutine that waits for itself, which is how a mutex is used as a signal, and it
 * is decided by what the others can know. Who unlocks another's lock must know that it is locked, or
 * he would unlock an unlocked one; so between this lock and that unlock there is a happens-before
 * edge, and it starts with something that the owner published after it took the lock: a go statement, a
 * send, an atomic, an unlock of another lock. An owner whose epoch is still the one in which it took
 * the lock (held_told) has told nobody: a lock taken twice, whatever else runs. If it has told, then
 * nobody is accused while the program runs: the lock counts as one without an owner for leak.c, where
 * reachability decides, as for a channel. When the program ends, or when somebody asks, the clocks of
 * those who are alive say whether any of them did learn of it; if none did, it is a deadlock.
 *
 * A cycle of several is not put to that question. That each holds what the other wants, all of them
 * first uses of these locks as signals, and the third who will undo it needs longer than all LOOKS, is a
 * program that nobody has written; transfers that log between their two locks are written every day,
 * and are to be reported while the rest of the program runs on. That is the limit that is left.
 * Rejected: to ask of each cycle whether somebody else could reach the mutexes. That would never be wrong,
 * and would lose every deadlock of mutexes in globals, which are most; and a longer time, which is only
 * wrong less often.
 *
 * Not followed: locks that are passed on between goroutines (held.c), waits that end by themselves
 * (timed ones). The cycle is reported once; the rest of the program goes on. When the scheduler
 * afterwards finds everything asleep, those who wait for the members of a reported cycle are its
 * consequence, not another deadlock.
 */
#include "facts.h"
#include "goroutine.h"
#include "intercept.h"
#include "record.h"
#include "slept.h"
#include "sys.h"
#include <linux/futex.h>

u32 wait_clock;

static struct slab waits;
static u32 walk_lock, walk; /* the one guards walks and the suspected cycles */

#define CYCLE_MAX 4096
#define HOLDERS_MAX 1024
#define LOOKS 8
#define LOOK_MS 50
#define SUSPECT_MS (LOOKS * LOOK_MS)

/* --- objects that must stay -------------------------------------------------------------------------- */

/* How many wait on an object in these 16 bytes, and in those that fall on the same place: so that a
   free need not ask everybody. */
#define AT_SHIFT 4
#define AT_COUNT (1u << 16)
static u32 waits_at[AT_COUNT], waits_counted;

/* Channels have checks of their own; who waits on a Cond may have been signalled, and then needs it no
   more; a lock has holders. */
static bool must_stay(u32 why)
{
    return why == HOOK_WAIT_WAITGROUP || why == HOOK_WAIT_SEM;
}

static void wait_count(struct waiting *w, int by)
{
    w->counted = by > 0;
    __atomic_fetch_add(&waits_at[(uintptr_t)w->first >> AT_SHIFT & (AT_COUNT - 1)], (u32)by,
                       __ATOMIC_RELAXED);
    __atomic_fetch_add(&waits_counted, (u32)by, __ATOMIC_RELAXED);
}

void wait_event_freed(struct race_g *g, uintptr_t p, size_t n, uintptr_t pc)
{
    if (likely(__atomic_load_n(&waits_counted, __ATOMIC_RELAXED) == 0))
        return;
    uintptr_t first = p >> AT_SHIFT, last = (p + n - 1) >> AT_SHIFT;
    bool any = last - first >= AT_COUNT;
    for (; !any && first <= last; first++)
        any = __atomic_load_n(&waits_at[first & (AT_COUNT - 1)], __ATOMIC_RELAXED) != 0;
    u32 at = 0;
    for (struct race_g *x; any && (x = det_g_each(&at));) {
        const struct waiting *w = x->wait;
        if (!w || !w->counted || (uintptr_t)w->first - p >= n)
            continue;
        misuse_waited(g, w->why == HOOK_WAIT_WAITGROUP ? HOOK_OBJ_WAITGROUP : HOOK_OBJ_SEM,
                      (uintptr_t)w->first, "memory is given back that somebody waits on", x, pc);
        return;
    }
}

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
    if (w->counted)
        wait_count(w, -1);
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
    w->why = (uint8_t)why;
    if (must_stay(why) && w->first)
        wait_count(w, 1);
    if (w->lock)
        return; /* the wait that wait_on_lock began, and may have found a cycle of */
    w->since = wait_clock;
    w->reported = WAIT_QUIET;
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_RELEASE);
}

void wait_event_unpark(struct race_g *g)
{
    struct waiting *w = g->wait;
    if (!w)
        return;
    if (w->why == HOOK_WAIT_SLEEP)
        slept_note(g, w->pc);
    if (w->counted)
        wait_count(w, -1);
    w->why = HOOK_WAIT_NONE;
    w->reported = WAIT_QUIET;
    w->n = 0;
    __atomic_store_n(&w->seq, w->seq + 1, __ATOMIC_RELEASE);
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
static u32 find_cycle(struct race_g *start, struct visit *member)
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
        member[--at] = queue[k];
        next = queue[k].g;
        if (k == 0)
            break;
    }
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

/* Who is shown of a cycle. Taken under walk_lock, reported after. */
struct picture {
    struct race_g **g;
    u32 n;
};

static struct picture take_picture(const struct visit *v, u32 n)
{
    static struct race_g *member[CYCLE_MAX];
    u32 all = n;
    for (u32 k = 0; k < n; k++) {
        member[k] = v[k].g;
        /* The record it was found in: the goroutine may have left it by now. */
        ((struct waiting *)v[k].w)->reported = WAIT_CYCLE;
    }
    for (u32 k = 0; k < n; k++)
        if (v[k].mode & HOOK_READ)
            all = add_writers(v[k].lock, member, all, CYCLE_MAX);
    struct picture p = {det_alloc(all * sizeof *p.g), all};
    det_copy(p.g, member, all * sizeof *p.g);
    return p;
}

static void report_picture(struct picture *p)
{
    if (!p->n)
        return;
    struct report rep = {FINDING_DEADLOCK, p->g, p->n, NULL};
    det_on_own_stack(report_on_stack, &rep);
    det_release(p->g, p->n * sizeof *p->g);
}

/* --- suspected cycles -------------------------------------------------------------------------------- */

struct suspicion {
    struct suspicion *next;
    u32 due, n; /* due: see now_ms */
    u32 looks;  /* that it has stood */
    struct visit v[];
};
/* Oldest first. Of the process with the number `suspects_of`: a forked child has no such goroutines. */
static struct suspicion *suspects, **suspects_end = &suspects;
static u32 suspects_of;
static u32 suspected; /* how many so far; the thread that confirms waits on it */

static u32 now_ms(void)
{
    return (u32)(sys_now_ns() / 1000000);
}

bool wait_suspects(const struct lock_rec *r)
{
    return r->suspect_until && (int32_t)(r->suspect_until - now_ms()) > 0;
}

/* Can nobody but its members end it? */
static bool sure(const struct visit *v, u32 n)
{
    for (u32 k = 0; k < n; k++)
        if (!lock_at(v[k].lock)->owned)
            return false;
    return true;
}

/* To be looked at again: the last of all, since all wait as long. */
static void suspect_later(struct suspicion *s)
{
    s->next = NULL;
    s->due = now_ms() + LOOK_MS;
    for (u32 k = 0; k < s->n; k++)
        /* Longer than it takes, so that the periodic look does not come first. */
        lock_at(s->v[k].lock)->suspect_until = (s->due + 2 * SUSPECT_MS) | 1;
    *suspects_end = s;
    suspects_end = &s->next;
}

/* True for the first in this process: the thread that confirms is to be started. */
static bool suspect(const struct visit *v, u32 n)
{
    bool first = suspects_of != det_lock_held;
    if (first) {
        suspects = NULL;
        suspects_end = &suspects;
        suspects_of = det_lock_held;
    }
    struct suspicion *s = det_alloc(sizeof *s + n * sizeof s->v[0]);
    s->looks = 0;
    s->n = n;
    det_copy(s->v, v, n * sizeof s->v[0]);
    suspect_later(s);
    __atomic_fetch_add(&suspected, 1, __ATOMIC_RELEASE);
    sys_call(SYS_futex, (long)&suspected, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    return first;
}

/* All have been in these waits since it was found, so what holds for each now holds for all at once. */
static bool stands(const struct suspicion *s)
{
    bool known = true;
    for (u32 k = 0; k < s->n; k++) {
        if (!still(&s->v[k], s->v[k + 1 < s->n ? k + 1 : 0].g) || lock_at(s->v[k].lock)->passed_on)
            return false;
        known = known && s->v[k].w->reported != WAIT_QUIET;
    }
    return !known;
}

/* Of a goroutine that waits for itself: may somebody know that he is to unlock? */
static bool told(const struct visit *v)
{
    static struct held_fact h[HOLDERS_MAX];
    u32 n = held_holders(v->lock, h, HOLDERS_MAX);
    for (u32 k = 0; k < n; k++)
        if (h[k].g == v->g && h[k].told)
            return true;
    return false;
}

/* Looks at those that are due, or at all of them. Returns the ms until the next; 0: none is left. */
static u32 confirm(bool all, bool asleep)
{
    static u32 one_at_a_time; /* who ends the program waits for a report that is being written */
    u32 wait = 0;
    det_lock(&one_at_a_time);
    for (;;) {
        struct picture p = {0};
        det_lock(&walk_lock);
        struct suspicion *s = suspects_of == det_lock_held ? suspects : NULL;
        int32_t left = s ? (int32_t)(s->due - now_ms()) : 0;
        if (s && !all && left > 0) {
            wait = (u32)left;
            s = NULL;
        }
        if (s) {
            suspects = s->next;
            if (!suspects)
                suspects_end = &suspects;
            bool standing = stands(s);
            if (standing && !all && ++s->looks < LOOKS) {
                suspect_later(s);
                det_unlock(&walk_lock);
                continue;
            }
            if (standing && (asleep || s->n > 1 || !told(&s->v[0])))
                p = take_picture(s->v, s->n);
        }
        det_unlock(&walk_lock);
        if (!s)
            break;
        report_picture(&p);
        det_release(s, sizeof *s + s->n * sizeof s->v[0]);
    }
    det_unlock(&one_at_a_time);
    return wait;
}

void wait_confirm_all(bool asleep)
{
    confirm(true, asleep);
}

static void *confirm_later(void *arg)
{
    det_set_cur(NULL);
    for (;;) {
        u32 had = __atomic_load_n(&suspected, __ATOMIC_ACQUIRE), wait = confirm(false, false);
        if (wait)
            sys_sleep_us(wait * 1000l);
        else
            sys_call(SYS_futex, (long)&suspected, FUTEX_WAIT_PRIVATE, had, 0, 0, 0);
    }
    return NULL;
}

static void start_confirming(void *arg)
{
    icept_start_thread(confirm_later);
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
    static struct visit cycle[CYCLE_MAX];
    struct picture p = {0};
    bool first = false;
    det_lock(&walk_lock);
    u32 n = find_cycle(g, cycle);
    if (n && sure(cycle, n))
        p = take_picture(cycle, n);
    else if (n)
        first = suspect(cycle, n);
    det_unlock(&walk_lock);
    report_picture(&p);
    if (first)
        det_on_own_stack(start_confirming, NULL);
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
    wait_confirm_all(true);
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
