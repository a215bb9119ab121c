/*
 * finding.c - from a conflict to a record.
 *
 * A racing pair is found in the middle of an access, on a goroutine's small stack. Nothing is decided
 * here any more; what is left is to say it once and cheaply. A race in a hot loop is found a million
 * times, and restoring the other side's stack means replaying a log, so there are two sieves:
 *
 *   before restoring  a count by (our pc and two callers, kinds): the first few of a key are looked
 *                     at, then the 16th, 32nd, 64th …, because the same place may race with several others
 *   after it          the hash of both stacks: new ones are written, others only counted
 *
 * and a cap on findings with the same two innermost pcs (recursion makes endless different stacks).
 * The counts are sent at the end (REC_REPEAT). goc-race merges further, by function and line.
 *
 * The work is done on a stack of the detector's own, under the output lock.
 *
 * A finding of any other kind is built with the same functions (det.h) by the room that found it.
 */
#include "goroutine.h"
#include "access.h"
#include "sync.h"
#include "emptywait.h"
#include "facts.h"
#include "intercept.h"
#include "leak.h"
#include "output.h"
#include "slept.h"
#include "sys.h"
#include "whereabouts.h"

struct finding {
    u32 kind;
    struct life named[4]; /* goroutines whose creation has still to be told */
    u32 n;
};

static struct finding current;
static u64 findings, lost;
static u64 inherited; /* of them: made before this process was forked, and not its own */
bool debug_all; /* no sieves, and which bytes raced stands in the record */
static bool halt, halted;
static bool counts;  /* with halt_on_error: one that does not go unsaid has been written */
static u32 ending;   /* hook_exit has begun */

void finding_forked(void)
{
    inherited = findings;
}

u64 det_findings(void)
{
    return __atomic_load_n(&findings, __ATOMIC_RELAXED);
}

void finding_init(void)
{
    debug_all = det_option_num("debug_all", 0) != 0;
    halt = det_option_num("halt_on_error", 0) != 0;
}

/* --- building a record --------------------------------------------------------------------------------- */

struct finding *finding_begin(u32 kind, u32 subkind)
{
    if (kind != FINDING_NONE && !det_detects(kind))
        return NULL;
    output_lock();
    output_modules();
    current.kind = kind;
    current.n = 0;
    output_items.n = 0;
    where_begin();
    struct record_finding head = {kind, subkind, sys_now_ns() - det_started_ns};
    items_add(&output_items, ITEM_FINDING, &head, sizeof head, NULL, 0);
    return &current;
}

void finding_part(struct finding *f, const struct record_part *part, const uintptr_t *pc, size_t n)
{
    struct record_part p = *part;
    p.depth = (uint16_t)n;
    items_add(&output_items, ITEM_PART, &p, sizeof p, pc, n * sizeof *pc);
    switch (p.role) {
    case PART_EDGE:
        where_note(p.addr2);
        /* fallthrough */
    case PART_HEAP:
    case PART_OBJECT:
    case PART_WAIT:
    case PART_HOLDER:
    case PART_MISUSE:
        where_note(p.addr);
        break;
    default:
        break;
    }
}

void finding_part_stack(struct finding *f, const struct record_part *part, u32 stack_id)
{
    uintptr_t pc[DET_STACK_MAX];
    finding_part(f, part, pc, det_stack_get(stack_id, pc, DET_STACK_MAX));
}

void finding_text(struct finding *f, const char *text)
{
    items_add(&output_items, ITEM_TEXT, text, det_len(text), NULL, 0);
}

void finding_lock(struct finding *f, uintptr_t addr, u32 kind, u32 mode, u32 stack_id)
{
    uintptr_t pc[DET_STACK_MAX];
    size_t n = det_stack_get(stack_id, pc, DET_STACK_MAX);
    struct record_lock l = {addr, kind, mode, (u32)n, 0};
    where_note(addr);
    items_add(&output_items, ITEM_LOCK, &l, sizeof l, pc, n * sizeof *pc);
}

static void creator(struct finding *f, const struct life *l)
{
    if (l->flags & PART_MAIN)
        return;
    for (u32 i = 0; i < f->n; i++)
        if (f->named[i].goid == l->goid && f->named[i].id == l->id)
            return;
    if (f->n < 4)
        f->named[f->n++] = *l;
    finding_part_stack(
        f, &(struct record_part){.role = PART_CREATED, .flags = l->flags, .goid = l->goid},
        l->created);
}

void finding_creator(struct finding *f, const struct race_g *g)
{
    if (g->life)
        creator(f, g->life);
}

static u64 write_it(void)
{
    u64 id = findings + 1;
    where_tell();
    if (!output_record(REC_FINDING, id, output_items.at, output_items.n))
        lost++;
    __atomic_store_n(&findings, id, __ATOMIC_RELAXED);
    if (halt && output_counts())
        __atomic_store_n(&counts, true, __ATOMIC_RELAXED);
    return id;
}

static void halt_now(void)
{
    if (!__atomic_load_n(&counts, __ATOMIC_RELAXED) || __atomic_load_n(&ending, __ATOMIC_RELAXED))
        return;
    halted = true;
    sys_exit_group(hook_exit((int)det_option_num("exitcode", 66)));
}

void finding_end(struct finding *f)
{
    if (f->kind == FINDING_NONE) {
        output_record(REC_WAITING, 0, output_items.at, output_items.n);
        output_unlock();
        return;
    }
    write_it();
    output_unlock();
    halt_now();
}

/* --- races --------------------------------------------------------------------------------------------- */

#define SEEN (1u << 16)
struct seen {
    u64 key;
    u32 count;
    u32 id; /* of the finding, if this is an exact one */
};
static struct seen before[SEEN], exact[SEEN], places[SEEN];

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 32;
}

/* The entry for key; when the table is crowded an old one is overwritten: at worst said again. */
static struct seen *seen_at(struct seen *t, u64 key)
{
    u32 i = (u32)(key >> 20) % SEEN;
    for (u32 k = 0; k < 8; k++) {
        struct seen *s = &t[(i + k) % SEEN];
        if (s->key == key)
            return s;
        if (s->key == 0) {
            s->key = key;
            return s;
        }
    }
    t[i] = (struct seen){.key = key};
    return &t[i];
}

static bool worth_a_look(const struct race_g *g, uintptr_t pc, u32 flags, const struct hit *hit)
{
    if (debug_all)
        return true;
    u64 key = mix(mix(pc, flags), hit->flags | (hit->word & WORD_ATOMIC));
    for (int i = 1; i <= 2 && g->sp - i >= g->sp_base; i++)
        key = mix(key, g->sp[-i]);
    struct seen *s = seen_at(before, key | 1);
    u32 n = __atomic_add_fetch(&s->count, 1, __ATOMIC_RELAXED);
    return n <= 8 || (n & (n - 1)) == 0;
}

struct race {
    struct race_g *g;
    uintptr_t pc, a;
    size_t n;
    u32 flags;
    const struct hit *hit;
};

static u32 part_flags(u32 access)
{
    return (access & ACCESS_WRITE ? PART_WRITE : 0) | (access & ACCESS_ATOMIC ? PART_ATOMIC : 0) |
           (access & ACCESS_FREE ? PART_FREE : 0);
}

/* A race on a channel, a WaitGroup or another object as such: which, and who made it if it is a block. */
static void object(struct finding *f, uintptr_t a, enum hook_obj kind)
{
    struct heap_block b;
    struct record_part p = {.role = PART_OBJECT, .addr = a, .aux = kind};
    char what[96];
    if (kind == HOOK_OBJ_FD && icept_describe(a, what, sizeof what)) { /* by its number */
        p.role = PART_RELATED;
        finding_part(f, &p, NULL, 0);
        finding_text(f, what);
    } else if (heap_find(a, &b) && (b.base == a || kind == HOOK_OBJ_CHAN)) {
        p.addr = b.base;
        finding_part_stack(f, &p, b.alloc_stack);
    } else {
        finding_part(f, &p, NULL, 0);
    }
}

static void location(struct finding *f, uintptr_t a, size_t n)
{
    struct heap_block b;
    struct life l;
    char what[96];
    if (icept_describe(a, what, sizeof what)) {
        finding_part(f, &(struct record_part){.role = PART_RELATED, .addr = a}, NULL, 0);
        finding_text(f, what);
    } else if (heap_find(a, &b)) {
        finding_part_stack(f,
                           &(struct record_part){.role = PART_HEAP,
                                                 .addr = b.base,
                                                 .size = b.size,
                                                 .addr2 = a,
                                                 .goid = b.alloc_goid,
                                                 .flags = b.alloc_flags},
                           b.alloc_stack);
        if (b.freed)
            finding_part_stack(f,
                               &(struct record_part){.role = PART_FREED,
                                                     .addr = b.base,
                                                     .size = b.size,
                                                     .goid = b.free_goid,
                                                     .flags = b.free_flags},
                               b.free_stack);
    } else if (output_in_module(a)) {
        finding_part(f, &(struct record_part){.role = PART_GLOBAL, .addr = a, .size = n}, NULL, 0);
    } else if (life_by_stack(a, &l)) {
        static uintptr_t pc[16], fp[16];
        size_t frames = det_frames_around(a, l.stack_lo, l.stack_hi, pc, fp, 16);
        finding_part(f,
                     &(struct record_part){.role = PART_STACK,
                                           .addr = a,
                                           .size = n,
                                           .goid = l.goid,
                                           .flags = l.flags,
                                           .aux = l.stack_hi - a},
                     pc, frames);
        items_add(&output_items, ITEM_FRAME_POINTERS, fp, frames * sizeof *fp, NULL, 0);
    }
}

/* --- what seemed to order them ------------------------------------------------------------------------- */

/* The whole address, of which the log keeps 44 bits; 0 if nothing of the program's is there. */
static uintptr_t whole(uintptr_t a)
{
    struct heap_block b;
    struct life l;
    for (uintptr_t high = 0; high < 8; high++) {
        uintptr_t at = a | high << DET_ADDR_BITS;
        if (det_app(at) && (output_in_module(at) || heap_find(at, &b) || life_by_stack(at, &l)))
            return at;
    }
    return 0;
}

/* An atomic that the other goroutine wrote after its access and this one read before its own. */
static void weak_atomic(struct finding *f, const struct race *r, const struct restored *other,
                        const struct life *him)
{
    u32 id = word_id(r->hit->word), epoch = word_epoch(r->hit->word);
    for (u32 i = 0; i < other->natomics; i++) {
        uintptr_t a = other->atomic[i];
        u64 last = shadow_load(&shadow_of(a)[0]);
        /* Of a granule that both share the words are the other's by now. */
        bool shared = a >> 3 == (r->hit->granule & DET_ADDR_MASK) >> 3;
        if ((!shared && (word_id(last) != id || word_epoch(last) < epoch)) ||
            !history_read_atomic(r->g, a))
            continue;
        uintptr_t at = whole(a);
        if (!at)
            continue;
        struct sync *s = sync_lock(at, false);
        bool published = s && s->clock.id == id && s->clock.epoch >= epoch;
        if (s)
            sync_unlock(s);
        finding_part(f,
                     &(struct record_part){.role = PART_WEAK,
                                           .addr = at,
                                           .goid = him->goid,
                                           .flags = him->flags,
                                           .aux = published ? WEAK_LOAD : WEAK_STORE},
                     NULL, 0);
        return;
    }
}

/* The locks held at a restored access, told with the part before. */
static void locks_then(const struct restored *at)
{
    for (u32 k = 0; k < at->nlocks; k++) {
        const struct logged_lock *l = &at->lock[k];
        uintptr_t name = l->addr;
        if (l->kind == HOOK_OBJ_CHAN) { /* each is logged as if it were a lock: which was one? */
            u32 i = lock_find(l->addr);
            if (!i || !lock_is_one(lock_at(i)))
                continue;
            name = lock_at(i)->name;
        }
        struct record_lock rl = {name, l->kind, l->mode, l->pc != 0, 0};
        where_note(name);
        items_add(&output_items, ITEM_LOCK, &rl, sizeof rl, &l->pc, l->pc ? sizeof l->pc : 0);
    }
}

/* What g knows of the other goroutine, up to where: everything it did later is in no order with g. */
static void known_so_far(struct finding *f, const struct race *r, const struct life *him)
{
    static struct restored latest;
    u32 id = word_id(r->hit->word), epoch = clock_lookup(&r->g->know, id);
    struct record_part p = {.role = PART_KNEW, .goid = him->goid, .flags = him->flags};
    if (epoch >= word_epoch(r->hit->word))
        return; /* it has learnt more since, by an id that was taken */
    p.aux = epoch < him->first ? KNEW_NOTHING : KNEW_UP_TO;
    if (p.aux == KNEW_UP_TO && history_latest(id, epoch, &latest)) {
        p.flags |= latest.truncated ? PART_TRUNCATED : 0;
        finding_part(f, &p, latest.pc, latest.depth);
        locks_then(&latest);
    } else {
        finding_part(f, &p, NULL, 0);
    }
}

/* A Wait that did not wait, of either before its access, for the other. */
static void empty_wait(struct finding *f, const struct race *r, const struct life *him)
{
    const struct life *me = r->g->life, *waiter = me;
    uintptr_t wg, pc;
    if (!emptywait_find(me, r->g->id, r->g->epoch, him, &wg, &pc)) {
        if (!emptywait_find(him, word_id(r->hit->word), word_epoch(r->hit->word), me, &wg, &pc))
            return;
        waiter = him;
    }
    where_note(wg);
    finding_part(f,
                 &(struct record_part){.role = PART_EMPTY_WAIT,
                                       .goid = waiter->goid,
                                       .flags = waiter->flags,
                                       .addr = wg,
                                       .aux = HOOK_OBJ_WAITGROUP},
                 &pc, 1);
}

static void seeming_order(struct finding *f, const struct race *r, const struct restored *other,
                          const struct life *him)
{
    uintptr_t pc;
    empty_wait(f, r, him);
    weak_atomic(f, r, other, him);
    if (slept_since(r->g, word_id(r->hit->word), word_epoch(r->hit->word), him->goid,
                    him->flags & PART_THREAD, &pc))
        finding_part(f,
                     &(struct record_part){.role = PART_SLEPT,
                                           .goid = r->g->goid,
                                           .flags = r->g->life->flags},
                     &pc, 1);
}

static void race_on_stack(void *arg)
{
    struct race *r = arg;
    static struct restored other;
    static uintptr_t mine[DET_STACK_MAX];
    bool known = history_restore(r->hit->word, r->hit->granule, r->hit->flags, &other);
    if (!known) {
        other.depth = 0;
        other.addr = r->hit->granule + (uintptr_t)__builtin_ctzll(r->hit->word);
        other.size = (size_t)__builtin_popcountll(r->hit->word & WORD_BYTES);
        other.flags = r->hit->flags | (r->hit->word & WORD_ATOMIC ? ACCESS_ATOMIC : 0);
        other.truncated = true;
        other.locks_known = false;
        other.nlocks = 0;
    }
    size_t depth = det_g_stack(r->g, r->pc, mine, DET_STACK_MAX);
    if (!debug_all) {
        u64 kinds = r->flags << 8 | other.flags;
        u64 key = mix(kinds, depth), place = mix(mix(kinds, r->pc), known ? other.pc[0] : 0);
        for (size_t i = 0; i < depth; i++)
            key = mix(key, mine[i]);
        for (size_t i = 0; i < other.depth; i++)
            key = mix(key, other.pc[i]);
        struct seen *s = seen_at(exact, key | 1);
        if (s->count++ > 0)
            return;
        if (seen_at(places, place | 1)->count++ >= 16)
            return;
        s->id = (u32)findings + 1;
    }
    output_modules();
    struct finding *f = &current;
    f->kind = FINDING_RACE;
    f->n = 0;
    output_items.n = 0;
    where_begin();
    u32 sub = (r->flags | other.flags) & ACCESS_OBJECT ? RACE_OBJECT
              : other.flags & ACCESS_FREE              ? RACE_USE_AFTER_FREE
                                                       : RACE_DATA;
    struct record_finding head = {FINDING_RACE, sub, sys_now_ns() - det_started_ns};
    items_add(&output_items, ITEM_FINDING, &head, sizeof head, NULL, 0);

    struct life me = *r->g->life, him = {0};
    bool named = life_find(word_id(r->hit->word), word_epoch(r->hit->word), &him);
    finding_part(f,
                 &(struct record_part){.role = PART_ACCESS,
                                       .flags = part_flags(r->flags) | me.flags | PART_LOCKS,
                                       .goid = me.goid,
                                       .addr = r->a,
                                       .size = r->n,
                                       .addr2 = debug_all ? r->hit->granule : 0,
                                       .aux = debug_all ? r->hit->word & WORD_BYTES : 0},
                 mine, depth);
    held_describe(f, r->g);
    finding_part(f,
                 &(struct record_part){.role = PART_PREVIOUS,
                                       .flags = part_flags(other.flags) | him.flags |
                                                (other.truncated ? PART_TRUNCATED : 0) |
                                                (other.locks_known ? PART_LOCKS : 0),
                                       .goid = him.goid,
                                       .addr = other.addr,
                                       .size = other.size},
                 other.pc, other.depth);
    locks_then(&other);
    creator(f, &me);
    if (named)
        creator(f, &him);
    if (r->flags & ACCESS_OBJECT)
        object(f, r->a, r->g->object);
    else
        location(f, r->a > other.addr ? r->a : other.addr, r->n < other.size ? r->n : other.size);
    if (named)
        known_so_far(f, r, &him);
    if (known && named)
        seeming_order(f, r, &other, &him);
    write_it();
}

void finding_race(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags,
                  const struct hit *hit)
{
    if (!det_detects(FINDING_RACE) || !worth_a_look(g, pc, flags, hit))
        return;
    struct race r = {g, pc, a, n, flags, hit};
    u64 had = findings;
    output_lock();
    det_on_stack(race_on_stack, &r);
    output_unlock();
    if (findings != had)
        halt_now();
}

/* --- the end ------------------------------------------------------------------------------------------ */

int hook_exit(int status)
{
    static int result;
    if (!det_ready)
        return status;
    if (__atomic_exchange_n(&ending, 1, __ATOMIC_ACQ_REL))
        return result ? result : status;
    struct record_schedule told;
    if (det_told)
        det_told(&told.points);
    long ms = det_option_num("atexit_sleep_ms", 0);
    if (ms > 0)
        sys_sleep_us(ms * 1000);
    /* After halt_on_error's one finding none is looked for, the less as its finder is in the middle. */
    if (!halted) {
        wait_confirm_all(false);
        leak_at_exit(det_cur);
    }
    result = status;
    output_lock();
    for (u32 i = 0; i < SEEN; i++)
        if (exact[i].id && exact[i].count > 1) {
            output_items.n = 0;
            u64 count = exact[i].count;
            items_add(&output_items, ITEM_COUNT, &count, sizeof count, NULL, 0);
            output_record(REC_REPEAT, exact[i].id, output_items.at, output_items.n);
        }
    if (det_told) {
        output_items.n = 0;
        items_add(&output_items, ITEM_SCHEDULE, &told, sizeof told, NULL, 0);
        output_record(REC_SCHEDULE, 0, output_items.at, output_items.n);
    }
    output_items.n = 0;
    struct record_exit e = {status, 0, findings, lost};
    items_add(&output_items, ITEM_EXIT, &e, sizeof e, NULL, 0);
    output_record(REC_EXIT, 0, output_items.at, output_items.n);
    int verdict;
    if (output_finish(status, &verdict, halted))
        result = verdict;
    else if (findings > inherited)
        result = (int)det_option_num("exitcode", 66);
    output_unlock();
    return result;
}
