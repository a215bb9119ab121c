/*
 * history.c - how a goroutine got there: enough to restore the stack of an earlier access.
 *
 * A shadow word says who and when, not where. A stack in every shadow word is out of the question, so
 * each goroutine writes a log of what it did, and when a race is found the log of the other one is
 * replayed up to the access in question. Only accesses that changed the shadow are logged (one for
 * each granule and epoch), 8 bytes each: address, size, kind and the difference of its pc to the one
 * before. The call stack is followed lazily: entering and leaving functions moves g->sp and nothing
 * else; the next logged access writes down what changed since the last one. A recursion that
 * touches nothing new leaves no trace, so the log reaches far back.
 *
 *   access  [ addr 44 ][ pc delta 15 ][ size 2 ][ atomic ][ write ][ 1 ]
 *   others  [ value 56 ][ type 8 ]      pc; enter (return address); leave (to depth); epoch;
 *                                       range (address and kind; the next word is the length);
 *                                       run (the same; the next word is stride and count);
 *                                       locks (how many are held; two words for each); object (the
 *                                       next access is one to an object as such)
 *
 * A loop over an array would fill the log with accesses of one kind, a stride apart; from the third
 * on they are one event, a run, whose count goes up in place. A few sites at a time can be in a run, so
 * a loop with several arrays is several runs; they end with the epoch or when the stack changes.
 *
 * The log is kept in chunks that grow from 256 bytes to 16 KiB, the first given at the first event:
 * a goroutine that only waits has none. A chunk begins with the epoch, the pc and the innermost part of
 * the call stack, so each can be replayed by itself. A goroutine is sure of 256 KiB << history_size of
 * chunks, and keeps up to eight times that while all the living together have less than half of the
 * total: few goroutines that run for long remember far back, and many have no less for it. Then it reuses
 * its own oldest, two for one until it is back at its share. The other half is for the dead, whose chunks are
 * taken back from the longest dead. What cannot be restored is reported all the same, with what is known.
 *
 * Rejected: a log of every function entry and exit (TSan: recursive code flushes it in milliseconds), a
 * tree of calling contexts with a number in each event (no replay, but unbounded for recursion),
 * stack numbers in the shadow (half as much again of it).
 *
 * Concurrency. A running goroutine appends without a lock: the event first, then g->ev (release).
 * Chunks and lives change hands under `lock`, which whoever replays holds throughout.
 */
#include "facts.h"
#include "history.h"
#include "record.h"

static u32 lock;
static struct slab lives;
static u32 *life_of; /* by id: the latest life */
static u32 dead_head, dead_tail, dead_count;
static size_t dead_bytes, live_bytes;
static size_t own_limit, total_limit; /* bytes, of a goroutine and of all */
#define DEAD_MAX (1u << 18)

#define LONG_RUN 8 /* times its share */

#define CHUNK_FIRST 256
#define CHUNK_MAX 16384

static struct life *life_at(u32 i)
{
    return slab_at(&lives, i);
}
static u32 life_index(const struct life *l)
{
    return (u32)(((const char *)l - lives.base) / lives.size);
}

static u64 newest[2]; /* numbers: of goroutines, of threads */

void history_init(void)
{
    slab_init(&lives, "goroutine lives", sizeof(struct life), 1u << 26);
    life_of = det_map(((size_t)ID_MAX + 1) * sizeof *life_of);
    own_limit = (size_t)256 << 10 << det_option_num("history_size", 2);
    total_limit = own_limit * 128;
}

struct life *life_begin(struct race_g *g, uint64_t goid, u32 created, uintptr_t fn, u32 flags)
{
    u32 i = slab_alloc(&lives);
    struct life *l = life_at(i);
    *l = (struct life){.id = g->id,
                       .first = g->epoch,
                       .goid = goid,
                       .created = created,
                       .fn = fn,
                       .flags = flags,
                       .g = g};
    det_lock(&lock);
    bool thread = flags & PART_THREAD;
    if (goid > newest[thread])
        __atomic_store_n(&newest[thread], goid, __ATOMIC_RELAXED);
    l->before = life_of[g->id];
    if (l->before)
        life_at(l->before)->after = i;
    life_of[g->id] = i;
    det_unlock(&lock);
    g->life = l;
    return l;
}

static void chunk_free(struct life *l, struct chunk *c)
{
    l->bytes -= c->size;
    if (c->newer)
        c->newer->older = c->older;
    else
        l->newest = c->older;
    if (c->older)
        c->older->newer = c->newer;
    else
        l->oldest = c->newer;
    det_release(c, c->size);
}

/* The longest dead goes for good. */
static void forget_one(void)
{
    u32 i = dead_head;
    struct life *l = life_at(i);
    dead_head = l->next_dead;
    if (dead_head == 0)
        dead_tail = 0;
    dead_count--;
    dead_bytes -= l->bytes;
    while (l->newest)
        chunk_free(l, l->newest);
    if (l->after)
        life_at(l->after)->before = l->before;
    else
        life_of[l->id] = l->before;
    if (l->before)
        life_at(l->before)->after = l->after;
    slab_free(&lives, i);
}

static void bury(struct life *l, u32 last)
{
    l->last = last;
    l->flags |= PART_FINISHED;
    l->g = NULL;
    live_bytes -= l->bytes;
    dead_bytes += l->bytes;
    u32 i = life_index(l);
    l->next_dead = 0;
    if (dead_tail)
        life_at(dead_tail)->next_dead = i;
    else
        dead_head = i;
    dead_tail = i;
    dead_count++;
    while (dead_head && (dead_bytes > total_limit / 2 || dead_count > DEAD_MAX))
        forget_one();
}

void life_end(struct race_g *g)
{
    struct life *l = g->life;
    det_lock(&lock);
    if (l->newest)
        l->newest->words = (u32)(g->ev - l->newest->ev);
    bury(l, g->epoch);
    g->life = NULL;
    g->ev = g->ev_end = NULL;
    g->runs = NULL;
    det_unlock(&lock);
}

void life_renamed(struct race_g *g)
{
    struct life *old = g->life;
    u32 flags = old->flags, created = old->created;
    uintptr_t fn = old->fn;
    u64 goid = old->goid;
    life_end(g);
    struct life *l = life_begin(g, goid, created, fn, flags);
    l->stack_lo = g->stack_lo;
    l->stack_hi = g->stack_hi;
    det_lock(&lock);
    old->flags = flags; /* has not ended */
    det_unlock(&lock);
}

bool life_find(u32 id, u32 epoch, struct life *out)
{
    bool found = false;
    det_lock(&lock);
    for (u32 i = life_of[id]; i && !found; i = life_at(i)->before)
        if (life_at(i)->first <= epoch) {
            *out = *life_at(i);
            found = true;
        }
    det_unlock(&lock);
    return found;
}

bool life_by_stack(uintptr_t a, struct life *out)
{
    bool found = false;
    det_lock(&lock);
    for (u32 i = 1; i < lives.used; i++) {
        struct life *l = life_at(i);
        if (l->goid && a >= l->stack_lo && a < l->stack_hi && (l->g || !found)) {
            *out = *l;
            found = true;
            if (l->g)
                break;
        }
    }
    det_unlock(&lock);
    return found;
}

/* --- writing ------------------------------------------------------------------------------------------ */

static void chunk_new(struct race_g *g, uintptr_t pc)
{
    struct life *l = g->life;
    det_lock(&lock);
    struct chunk *c = l->newest;
    u32 size = CHUNK_FIRST;
    if (c) {
        c->words = (u32)(g->ev - c->ev);
        size = c->size < CHUNK_MAX ? c->size * 4 : CHUNK_MAX;
    }
    bool ample = live_bytes + size <= total_limit / 2 && l->bytes + size <= own_limit * LONG_RUN;
    for (int i = 0; i < 2 && l->oldest != l->newest && l->bytes + size > own_limit && !ample; i++)
        live_bytes -= l->oldest->size, chunk_free(l, l->oldest);
    while (live_bytes + dead_bytes + size > total_limit && dead_head)
        forget_one();
    if (live_bytes + size > total_limit && l->oldest && l->oldest != l->newest)
        live_bytes -= l->oldest->size, chunk_free(l, l->oldest);
    c = det_alloc_raw(size);
    *c = (struct chunk){0};
    c->size = size;
    c->epoch = g->epoch;
    c->pc = pc;
    c->depth = (u32)(g->sp - g->sp_base);
    c->locks = g->held ? g->held->n : 0;
    if (g->held)
        g->held->changed = c->locks > 0;
    u32 room = size == CHUNK_FIRST ? 8 : 64;
    c->kept = c->depth < room ? c->depth : room;
    for (u32 i = 0; i < c->kept; i++)
        c->ev[i] = g->sp[(long)i - (long)c->kept];
    size_t tail = size == CHUNK_FIRST ? 0 : RUNS * sizeof(struct run);
    g->runs = tail ? (struct run *)((char *)c + size - tail) : NULL;
    det_zero((char *)c + size - tail, tail);
    c->older = l->newest;
    if (l->newest)
        l->newest->newer = c;
    else
        l->oldest = c;
    l->newest = c;
    l->bytes += size;
    live_bytes += size;
    g->ev_end = (u64 *)((char *)c + size - tail);
    __atomic_store_n(&g->ev, c->ev + c->kept, __ATOMIC_RELEASE);
    det_unlock(&lock);
    g->ev_pc = pc;
    g->ev_epoch = g->epoch;
    g->run_turn++;
    g->sp_synced = g->sp_history = g->sp;
}

/* The site's accesses become a run, or are seen to be none. Returns where the next event goes: behind
   the event if it has been written, else at ev. */
static u64 *run_step(struct run *r, u32 turn, u64 *ev, uintptr_t pc, uintptr_t a, size_t n,
                     u32 flags)
{
    u32 kind = (u32)n << 8 | flags;
    long stride = (long)(a - r->last);
    bool same = r->pc == pc && r->turn == turn, again = same && r->kind == kind && r->stride == stride && stride;
    r->pc = pc;
    r->last = a;
    r->kind = kind;
    r->turn = turn;
    r->stride = same && stride == (int)stride ? stride : 0;
    r->slot = again ? ev + 1 : NULL;
    if (!again)
        return ev;
    ev[0] = (u64)(a & DET_ADDR_MASK) << EV_ADDR_SHIFT |
            (u64)__builtin_ctz((u32)n) << (EV_OTHER_SHIFT + 2) |
            (u64)(flags & 3) << EV_OTHER_SHIFT | EV_RUN;
    ev[1] = (u64)(u32)stride << 32 | 1;
    return ev + 2;
}

#define LOCK_ADDR ((1ull << 48) - 1)

/* The locks held from here on: a word with their number, and two for each. */
static u64 *put_locks(struct held *h, u64 *ev)
{
    u32 n = h->n < LOCKS_MAX ? h->n : LOCKS_MAX;
    *ev++ = (u64)(n | h->n << 8) << EV_OTHER_SHIFT | EV_LOCKS;
    for (u32 k = 0; k < n; k++) {
        const struct held_lock *e = h->lock[h->n - n + k];
        const struct lock_rec *r = lock_at(e->lock);
        *ev++ = (u64)(r->addr & LOCK_ADDR) | (u64)r->kind << 48 | (u64)(e->mode & HOOK_READ) << 56;
        *ev++ = e->depth ? e->pc[0] : 0;
    }
    h->changed = 0;
    return ev;
}

/* Whoever replays sees all the words at once, when g->ev says so. */
void history_slow(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    struct held *held = g->held;
    long need = (g->sp - g->sp_synced) + 6 + (held ? 1 + 2 * LOCKS_MAX : 0);
    if (g->ev_end - g->ev < need)
        chunk_new(g, pc);
    u64 *ev = g->ev;
    struct run *runs = g->runs;
    if (g->ev_epoch != g->epoch || g->sp_history != g->sp_synced || g->sp != g->sp_synced) {
        g->run_turn++;
        if (g->ev_epoch != g->epoch)
            *ev++ = (u64)g->epoch << EV_OTHER_SHIFT | EV_EPOCH;
        g->ev_epoch = g->epoch;
        if (g->sp_history > g->sp_synced)
            *ev++ = (u64)(g->sp_synced - g->sp_base) << EV_OTHER_SHIFT | EV_LEAVE;
        for (uintptr_t *p = g->sp_synced; p < g->sp; p++)
            *ev++ = (u64)*p << EV_OTHER_SHIFT | EV_ENTER;
        g->sp_synced = g->sp_history = g->sp;
    }
    if (held && held->changed)
        ev = put_locks(held, ev);
    long delta = (long)(pc - g->ev_pc);
    bool range = n > 8 || (n & (n - 1)) || (flags & ~(ACCESS_WRITE | ACCESS_ATOMIC | ACCESS_OBJECT));
    struct run *run = runs && !range && !(flags & ACCESS_OBJECT) ? &runs[run_index(pc)] : NULL;
    bool on = run && run->pc == pc && run->turn == g->run_turn && run->stride && run->last + (uintptr_t)run->stride == a &&
              run->kind == ((u32)n << 8 | flags);
    if (range || (on && delta) || (u64)(delta + (1 << 14)) >= (1 << 15)) {
        *ev++ = (u64)pc << EV_OTHER_SHIFT | EV_PC;
        delta = 0;
    }
    g->ev_pc = pc;
    if (range) {
        *ev++ = (u64)(a & DET_ADDR_MASK) << EV_ADDR_SHIFT | (u64)(flags & 15) << EV_OTHER_SHIFT |
                EV_RANGE;
        *ev++ = n;
    } else {
        if (run)
            ev = run_step(run, g->run_turn, ev, pc, a, n, flags);
        if (flags & ACCESS_OBJECT)
            *ev++ = EV_OBJECT;
        if (!on)
            *ev++ = EV_ACCESS | (flags & ACCESS_WRITE ? EV_WRITE : 0) |
                    (flags & ACCESS_ATOMIC ? EV_ATOMIC : 0) |
                    (u64)__builtin_ctz((u32)n) << EV_SIZE_SHIFT |
                    ((u64)delta & ((1 << EV_PC_BITS) - 1)) << EV_PC_SHIFT |
                    (u64)a << EV_ADDR_SHIFT;
    }
    __atomic_store_n(&g->ev, ev, __ATOMIC_RELEASE);
}

/* --- replaying ---------------------------------------------------------------------------------------- */

#define REPLAY_MAX 1024
struct replay {
    uintptr_t pc;
    u32 epoch;
    long floor; /* depth of st[0]; what is below is not known */
    long n;
    bool locks_known;
    u32 nlocks;
    struct logged_lock lock[LOCKS_MAX];
    uintptr_t st[REPLAY_MAX];
};

static void replay_enter(struct replay *r, uintptr_t pc)
{
    if (r->n == REPLAY_MAX) { /* very deep: forget the outer half */
        det_memmove(r->st, r->st + REPLAY_MAX / 2, REPLAY_MAX / 2 * sizeof *r->st);
        r->n = REPLAY_MAX / 2;
        r->floor += REPLAY_MAX / 2;
    }
    r->st[r->n++] = pc;
}

static void replay_leave(struct replay *r, long depth)
{
    r->n = depth - r->floor;
    if (r->n < 0) {
        r->n = 0;
        r->floor = depth;
    }
}

static void replay_take(const struct replay *r, struct restored *out)
{
    out->pc[0] = r->pc;
    u32 d = 1;
    for (long i = r->n; i > 0 && d < DET_STACK_MAX; i--)
        out->pc[d++] = r->st[i - 1];
    out->depth = d;
    out->truncated = r->floor > 0 || r->n >= DET_STACK_MAX;
    out->locks_known = r->locks_known;
    out->nlocks = r->nlocks;
    for (u32 k = 0; k < r->nlocks; k++)
        out->lock[k] = r->lock[k];
}

struct wanted {
    u32 epoch, flags;
    uintptr_t granule; /* low 44 bits */
    u64 bytes;         /* one of these: others of the granule may be another access's */
    bool latest;       /* instead: any access, the last one up to that epoch */
};

static u64 bytes_in(uintptr_t granule, uintptr_t a, size_t n)
{
    if (a >= granule + 8 || a + n <= granule)
        return 0;
    uintptr_t lo = a > granule ? a - granule : 0, hi = a + n < granule + 8 ? a + n - granule : 8;
    return (WORD_BYTES >> (8 - (hi - lo))) << lo;
}

/* Is one of the run's accesses to the wanted bytes, and where? */
static bool run_holds(const struct wanted *want, uintptr_t a, size_t n, u64 word, uintptr_t *at)
{
    long stride = (int)(word >> 32), count = (long)(u32)word;
    long k = ((long)want->granule - (long)a) / stride;
    for (long i = k - 8; i <= k + 8; i++)
        if (i >= 0 && i < count &&
            (bytes_in(want->granule, a + (uintptr_t)(i * stride), n) & want->bytes)) {
            *at = a + (uintptr_t)(i * stride);
            return true;
        }
    return false;
}

static void note_atomic(struct restored *out, uintptr_t a)
{
    for (u32 i = 0; i < out->natomics; i++)
        if (out->atomic[i] == a)
            return;
    if (out->natomics < ATOMICS_MAX)
        out->atomic[out->natomics++] = a;
}

static bool replay_chunk(const struct chunk *c, const u64 *end, const struct wanted *want,
                         struct replay *r, struct restored *out)
{
    bool found = false;
    u32 object = 0;
    r->pc = c->pc;
    r->epoch = c->epoch;
    r->floor = (long)c->depth - (long)c->kept;
    r->n = 0;
    r->nlocks = 0;
    r->locks_known = c->locks == 0;
    for (u32 i = 0; i < c->kept; i++)
        replay_enter(r, c->ev[i]);
    for (const u64 *p = c->ev + c->kept; p < end; p++) {
        u64 e = *p;
        uintptr_t a;
        size_t n;
        u32 flags;
        if (e & EV_ACCESS) {
            long delta = (long)(e << (64 - EV_PC_SHIFT - EV_PC_BITS)) >> (64 - EV_PC_BITS);
            r->pc += (uintptr_t)delta;
            a = e >> EV_ADDR_SHIFT;
            n = 1u << (e >> EV_SIZE_SHIFT & 3);
            flags = (e & EV_WRITE ? ACCESS_WRITE : 0) | (e & EV_ATOMIC ? ACCESS_ATOMIC : 0) | object;
            object = 0;
        } else {
            u64 value = e >> EV_OTHER_SHIFT;
            switch (e & EV_OTHER_MASK) {
            case EV_PC:
                r->pc = value;
                continue;
            case EV_OBJECT:
                object = ACCESS_OBJECT;
                continue;
            case EV_ENTER:
                replay_enter(r, value);
                continue;
            case EV_LEAVE:
                replay_leave(r, (long)value);
                continue;
            case EV_LOCKS:
                r->nlocks = value & 255;
                r->locks_known = value >> 8 == r->nlocks;
                for (u32 k = 0; k < r->nlocks; k++) {
                    u64 lock = *++p;
                    r->lock[k] = (struct logged_lock){.addr = lock & LOCK_ADDR,
                                                      .pc = *++p,
                                                      .kind = lock >> 48 & 255,
                                                      .mode = (u32)(lock >> 56)};
                }
                continue;
            case EV_EPOCH:
                r->epoch = (u32)value;
                if (r->epoch > want->epoch && (want->latest || !found))
                    return found;
                continue;
            case EV_RUN:
                flags = value & 3;
                n = 1u << (value >> 2 & 3);
                if (!run_holds(want, a = e >> EV_ADDR_SHIFT, n, *++p, &a) && !want->latest)
                    continue;
                break;
            default:
                a = e >> EV_ADDR_SHIFT;
                flags = value & 15;
                n = *++p;
            }
        }
        if (found && (flags & ACCESS_ATOMIC) && (flags & ACCESS_WRITE))
            note_atomic(out, a);
        if (!want->latest &&
            (r->epoch != want->epoch || !(bytes_in(want->granule, a, n) & want->bytes) ||
             (flags ^ want->flags) & (ACCESS_WRITE | ACCESS_ATOMIC)))
            continue;
        found = true;
        out->addr = a;
        out->size = n;
        out->flags = flags;
        out->natomics = 0;
        replay_take(r, out);
    }
    return found;
}

static struct replay replay; /* under the lock */

static bool restore(u32 id, const struct wanted *want, struct restored *out)
{
    bool found = false;
    det_lock(&lock);
    for (u32 i = life_of[id]; i && !found; i = life_at(i)->before) {
        struct life *l = life_at(i);
        if (l->first > want->epoch)
            continue;
        for (struct chunk *c = l->newest; c && !found; c = c->older) {
            if (c->epoch > want->epoch)
                continue;
            const u64 *end = c->ev + c->words;
            if (c == l->newest && l->g)
                end = __atomic_load_n(&l->g->ev, __ATOMIC_ACQUIRE);
            found = replay_chunk(c, end, want, &replay, out);
            if (c->epoch < want->epoch && !want->latest)
                break; /* older chunks end before that epoch */
        }
        break;
    }
    det_unlock(&lock);
    return found;
}

bool history_restore(u64 word, uintptr_t granule, u32 flags, struct restored *out)
{
    struct wanted want = {.epoch = word_epoch(word),
                          .flags = flags | (word & WORD_ATOMIC ? ACCESS_ATOMIC : 0),
                          .granule = granule & DET_ADDR_MASK,
                          .bytes = word & WORD_BYTES};
    bool found = restore(word_id(word), &want, out);
    out->addr = out->addr | (granule & ~(uintptr_t)DET_ADDR_MASK);
    return found;
}

bool history_latest(u32 id, u32 epoch, struct restored *out)
{
    return restore(id, &(struct wanted){.epoch = epoch, .latest = true}, out);
}

bool history_read_atomic(struct race_g *g, uintptr_t a)
{
    const struct chunk *c = g->life ? g->life->newest : NULL;
    if (!c)
        return false;
    for (const u64 *p = c->ev + c->kept; p < g->ev; p++) {
        u64 e = *p, value = e >> EV_OTHER_SHIFT;
        if (e & EV_ACCESS) {
            if ((e & EV_ATOMIC) && e >> EV_ADDR_SHIFT == a)
                return true;
            continue;
        }
        switch (e & EV_OTHER_MASK) {
        case EV_LOCKS:
            p += 2 * (value & 255);
            break;
        case EV_RUN:
        case EV_RANGE:
            p++;
            break;
        default:
            break;
        }
    }
    return false;
}

u64 history_newest(bool thread)
{
    return __atomic_load_n(&newest[thread], __ATOMIC_RELAXED);
}
