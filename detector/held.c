/*
 * held.c - who holds which lock.
 *
 * The facts that everything else here rests on: for each lock, in one life of its address, who holds
 * it and where they took it; for each goroutine, which locks it holds, in the order of taking. Both
 * directions are needed at once (a goroutine about to block asks for a lock's holders; lock order asks
 * for a goroutine's locks), so an entry is a link between the two: in the goroutine's array, and in the
 * lock's list.
 *
 * Finding the lock. An uncontended lock and unlock is some twenty instructions of the program's, and
 * everything here has to be cheap beside the clocks that the detector moves for it anyway. So the map
 * from address to lock is linear like the shadow: a u32 for each aligned word of the program, reserved,
 * touched only where locks are. Rejected: a hash table (a lock of its own, or a lock-free one with the
 * deletions that free() causes), an index in the synchronisation object (lock order would have to keep
 * alive what the clocks have no more use for). Beside it a u16 for each page counts the words in use,
 * so that free() of a megabyte looks at 256 counters and not at 131,072 words. All words that carry one
 * of a lock's clocks lead to it: a RWMutex has several, and order.c has to know them all.
 *
 * Where it was taken. Nobody asks until a second lock is taken inside it, or somebody blocks on it. A
 * dozen return addresses are copied (two cache lines), and made a stack of the depot when asked for;
 * a deeper call stack goes into the depot at once.
 *
 * Lives. A lock's record ends when its memory is freed, its object destroyed or its stack frame reused
 * (lock_event_forget), and with it every acquisition that lock order remembers of it: nothing that was
 * seen of the old one is said of the new. Records are type-stable, so a stale index is harmless.
 *
 * Owners. Go's Mutex may be unlocked by another goroutine than the one that locked it, and is then used
 * as a signal. Such a lock is marked `passed_on` at the first such unlock: it has no owner from
 * then on, closes no cycle and foresees none; that somebody waits on it for good is still found by
 * reachability (leak.c). Before that first unlock it looks like any lock, so a cycle through it is at
 * first only suspected (waitfor.c has the rules). pthread's locks belong to who locked them (`owned`), and a Once to
 * who runs it.
 *
 * Channels as locks. A channel of capacity 1 serves as a lock in two ways: send to lock and receive to
 * unlock, or, with a token put in at first, the other way round. Which one it is, or that it just carries
 * messages, shows in who does what: under the first reading every value is received by its own sender,
 * under the second every value but the first is sent by the one who received last. Both readings
 * are kept as a lock each (at the slot, and at a word of the channel's own), until one is contradicted
 * (`passed_on`); it counts once a goroutine has both locked and unlocked (`confirmed`), and from then
 * on the slot no longer orders what comes after (order.c).
 *
 * Who writes what. held.lock[] belongs to the goroutine. The list of holders of a lock that several can
 * hold (readers, permits, the two readings of a channel) is under the lock's guard; an entry that another's
 * unlock takes from under its owner is marked `gone` there. A mutex and a Once have one holder at a time,
 * and are told of only while that one has them: `holders` is then a plain word, set by whoever has taken
 * the lock and cleared by him before he gives it back, and an acquisition costs no locked instruction.
 * Who else wants to know reads the entry beside its owner and believes what he read if the lock still
 * has it in the same `turn`. (Rejected: the guard for all; two locked instructions were a fifth of what
 * an acquisition costs here. Reading in a copy of the process only: a cycle has to be seen when it closes.)
 * Another's unlock takes the word away by compare-and-swap, so that of two who unlock one lock at once,
 * a fault of the program's, one is the owner. In either case `taken_away` tells the owners to look.
 * Everything else of a record is lockorder.c's, under its lock.
 */
#include "held.h"
#include "history.h"
#include "intercept.h"
#include "record.h"
#include "sys.h"

struct slab lock_slab;
bool facts_ready, lock_facts = true;
/* Grows after each entry that was taken from under its owner: until then nobody need look for one. */
static u32 taken_away;

#define LOCK_LIMIT (1u << 26)
#define META_SIZE (1ull << 43)
#define PAGES_SIZE (1ull << 33)

static void reserve(uintptr_t at, size_t n)
{
    long r = sys_mmap((void *)at, n, SYS_PROT_RW,
                      SYS_MAP_PRIVATE_ANON | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (r != (long)at)
        det_die("cannot reserve %zu GiB of address space for the map of locks (error %d): is there "
                "a limit on virtual memory (ulimit -v)?",
                n >> 30, (int)-r);
    sys_madvise((void *)at, n, SYS_MADV_DONTDUMP);
    sys_madvise((void *)at, n, SYS_MADV_NOHUGEPAGE);
}

void facts_init_slow(void)
{
    static u32 lock;
    det_lock(&lock);
    if (!facts_ready) {
        slab_init(&lock_slab, "locks", sizeof(struct lock_rec), LOCK_LIMIT);
        reserve(FACT_META_BASE, META_SIZE);
        reserve(FACT_PAGES_BASE, PAGES_SIZE);
        __atomic_store_n(&facts_ready, true, __ATOMIC_RELEASE);
    }
    det_unlock(&lock);
}

/* --- address to lock ------------------------------------------------------------------------------- */

/* How many words of the object carry clocks: see goc/sync.h, bits/pthreadtypes.h. */
static u32 kind_words(enum hook_obj kind)
{
    return kind == HOOK_OBJ_RWMUTEX ? 7 : 1;
}

u32 lock_find(uintptr_t addr)
{
    if (!facts_ready || !det_app(addr))
        return 0;
    u32 v = __atomic_load_n(fact_meta(addr), __ATOMIC_ACQUIRE);
    return v & FACT_ORDER ? 0 : v;
}

static void meta_claim(uintptr_t addr, u32 n, u32 value)
{
    for (u32 k = 0; k < n; k++) {
        u32 *meta = fact_meta(addr + 8 * k), old = __atomic_load_n(meta, __ATOMIC_ACQUIRE);
        do {
            /* What ordered so far goes on to, if the lock is of a kind that does. */
            if (k == 0)
                lock_at(value)->order = old & FACT_ORDER ? old & ~FACT_ORDER : 0;
        } while (!__atomic_compare_exchange_n(meta, &old, value, false, __ATOMIC_ACQ_REL,
                                              __ATOMIC_ACQUIRE));
        if (old == 0)
            __atomic_fetch_add(fact_page(addr + 8 * k), 1, __ATOMIC_RELAXED);
        else if (k && (old & FACT_ORDER))
            order_obj_drop(old & ~FACT_ORDER);
    }
}

/* --- lives that the object itself tells ------------------------------------------------------------ */

/* Which lock had a life: the latest of those that fall on one place. */
#define LIVES (1u << 16)
static u32 lived[LIVES];

static u32 *spare_of(uintptr_t addr)
{
    return (u32 *)(addr + 4);
}

static bool same_life(const struct lock_rec *r)
{
    return !r->spare || __atomic_load_n(spare_of(r->addr), __ATOMIC_RELAXED) == r->life;
}

/* The lock, in use elsewhere, whose number stands in the object at addr; 0: none that is known. */
static u32 original_of(uintptr_t addr)
{
    u32 life = __atomic_load_n(spare_of(addr), __ATOMIC_RELAXED);
    u32 i = life ? lived[life % LIVES] : 0;
    if (!i || lock_at(i)->life != life || lock_at(i)->addr == 0 || lock_at(i)->addr == addr)
        return 0;
    return i;
}

static void lock_lives(struct lock_rec *r, u32 i)
{
    static u32 lives;
    if (++lives == 0)
        ++lives;
    r->life = lives;
    lived[lives % LIVES] = i;
    __atomic_store_n(spare_of(r->addr), lives, __ATOMIC_RELAXED);
}

static void held_sweep(struct held *h);

/* The object at addr is no longer the lock i, though nobody has said so: its bytes were set anew. */
static void life_ended_unseen(uintptr_t addr, u32 i, uintptr_t pc)
{
    struct lock_rec *r = lock_at(i);
    struct race_g *g = det_cur;
    if (r->holders && g)
        misuse_overwritten(g, i, pc);
    lock_event_forget(addr, 8 * kind_words(r->kind), false, pc);
    if (g && g->held)
        held_sweep(g->held);
}

static u32 rec_get(enum hook_obj kind, uintptr_t addr, int mode, uintptr_t pc)
{
    facts_init();
    u32 i = lock_find(addr);
    if (likely(i && lock_at(i)->addr == addr && same_life(lock_at(i))))
        return i;
    if (!det_app(addr))
        return 0;
    /* Two goroutines may meet a lock for the first time together: one of them makes the record. */
    static u32 making;
    u32 original = 0, ended = 0;
    det_lock(&making);
    i = lock_find(addr);
    if (i && lock_at(i)->addr == addr && !same_life(lock_at(i))) {
        ended = i;
        original = original_of(addr);
        __atomic_store_n(spare_of(addr), lock_at(i)->life, __ATOMIC_RELAXED);
    } else if (i == 0 || lock_at(i)->addr != addr) {
        i = slab_alloc(&lock_slab);
        struct lock_rec *r = lock_at(i);
        det_zero(r, sizeof *r);
        r->addr = r->name = addr;
        r->kind = (uint8_t)kind;
        r->prefers_readers = !!(mode & LOCK_PREFERS_READERS);
        r->owned = kind == HOOK_OBJ_ONCE || (mode & LOCK_OWNED);
        r->exclusive = kind == HOOK_OBJ_MUTEX || kind == HOOK_OBJ_ONCE;
        if (mode & HOOK_SPARE) {
            r->spare = 1;
            original = original_of(addr);
            lock_lives(r, i);
        }
        meta_claim(addr, kind_words(kind), i);
    }
    det_unlock(&making);
    if (unlikely(original) && det_cur)
        misuse_copied(det_cur, kind, addr, original, pc);
    if (unlikely(ended)) {
        if (!original)
            life_ended_unseen(addr, ended, pc);
        return rec_get(kind, addr, mode, pc);
    }
    return i;
}

/* --- a goroutine's locks --------------------------------------------------------------------------- */

static struct held *held_get(struct race_g *g)
{
    struct held *h = g->held;
    if (unlikely(!h)) {
        h = det_alloc(sizeof *h);
        h->lock = h->inline_;
        h->cap = HELD_INLINE;
        g->held = h;
    }
    return h;
}

static void held_grow(struct held *h)
{
    struct held_lock **more = det_alloc(2 * h->cap * sizeof *more);
    det_copy(more, h->lock, h->n * sizeof *more);
    if (h->lock != h->inline_)
        det_release(h->lock, h->cap * sizeof *more);
    h->lock = more;
    h->cap *= 2;
}

static void held_remove(struct held *h, u32 k)
{
    struct held_lock *e = h->lock[k];
    h->locals -= e->local;
    for (u32 j = k + 1; j < h->n; j++)
        h->lock[j - 1] = h->lock[j];
    h->n--;
    h->changed = 1;
    if (h->clean > k)
        h->clean = k;
    if (h->clean_path > k)
        h->clean_path = k;
    e->next = h->spare;
    h->spare = e;
}

/* Drops what others have unlocked. */
static noinline void held_sweep_all(struct held *h, u32 now)
{
    h->swept = now;
    for (u32 k = h->n; k-- > 0;)
        if (held_gone(h->lock[k]))
            held_remove(h, k);
}

static inline void held_sweep(struct held *h)
{
    u32 now = __atomic_load_n(&taken_away, __ATOMIC_ACQUIRE);
    if (unlikely(h->swept != now))
        held_sweep_all(h, now);
}

static void took_away(void)
{
    __atomic_fetch_add(&taken_away, 1, __ATOMIC_RELEASE);
}

/* Before e is filled: whoever reads it for its former lock, or for a former turn of this one, will see that
   it is not that any more. */
static inline void holder_turn(struct lock_rec *r)
{
    __atomic_store_n(&r->turn, r->turn + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void holder_link(struct lock_rec *r, struct held_lock *e)
{
    if (likely(e->exclusive)) {
        e->next = NULL;
        __atomic_store_n(&r->holders, e, __ATOMIC_RELEASE);
        return;
    }
    det_lock(&r->guard);
    e->prev = NULL;
    e->next = r->holders;
    if (e->next)
        e->next->prev = e;
    r->holders = e;
    det_unlock(&r->guard);
}

static void list_unlink(struct lock_rec *r, struct held_lock *e)
{
    if (e->next)
        e->next->prev = e->prev;
    if (e->prev)
        e->prev->next = e->next;
    else
        r->holders = e->next;
}

/* By e's owner, who lets go of it. False: somebody else has done it. */
static inline bool holder_unlink(struct lock_rec *r, struct held_lock *e)
{
    if (likely(e->exclusive)) {
        if (unlikely(__atomic_load_n(&r->holders, __ATOMIC_RELAXED) != e))
            return false;
        __atomic_store_n(&r->holders, NULL, __ATOMIC_RELAXED);
        return true;
    }
    det_lock(&r->guard);
    bool mine = !e->gone;
    if (mine)
        list_unlink(r, e);
    det_unlock(&r->guard);
    return mine;
}

/* By somebody else: any holder of r in that mode. */
static void holder_evict(struct lock_rec *r, int mode)
{
    bool found = false;
    if (r->exclusive) {
        struct held_lock *e = __atomic_load_n(&r->holders, __ATOMIC_RELAXED);
        found = e && __atomic_compare_exchange_n(&r->holders, &e, NULL, false, __ATOMIC_RELAXED,
                                                 __ATOMIC_RELAXED);
    } else {
        det_lock(&r->guard);
        struct held_lock *e = r->holders;
        while (e && (e->mode & HOOK_READ) != (mode & HOOK_READ))
            e = e->next;
        found = e != NULL;
        if (found) {
            list_unlink(r, e);
            __atomic_store_n(&e->gone, 1, __ATOMIC_RELEASE);
        }
        det_unlock(&r->guard);
    }
    if (!found)
        return;
    /* A reader's count may be given back by anybody; a writer's lock is then a signal. */
    r->passed_on = 1;
    took_away();
}

u32 held_stack(struct held_lock *e)
{
    if (e->stack == 0)
        e->stack = det_stack_intern(e->pc, e->depth);
    return e->stack;
}

static struct held_lock *held_push(struct race_g *g, struct held *h, u32 i, int mode, uintptr_t pc)
{
    if (unlikely(h->n == h->cap))
        held_grow(h);
    struct held_lock *e = h->spare;
    if (e)
        h->spare = e->next;
    else
        e = det_alloc(sizeof *e);
    struct lock_rec *r = lock_at(i);
    holder_turn(r);
    e->g = g;
    e->lock = i;
    e->stack = 0;
    e->id = g->id;
    e->epoch = g->epoch;
    e->mode = (uint8_t)(mode & (HOOK_READ | HOOK_TRY));
    e->gone = e->left = 0;
    e->exclusive = r->exclusive;
    /* Between here and the stack's beginning, unless this is another stack. */
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    e->local = r->addr - here < g->stack_hi - here && here - g->stack_lo < g->stack_hi - g->stack_lo;
    h->locals += e->local;
    if (unlikely(det_slow_ns))
        e->since = sys_now_ns();
    u32 depth = 0;
    e->pc[depth++] = pc;
    for (const uintptr_t *p = g->sp; p > g->sp_base && depth < HELD_PCS;)
        e->pc[depth++] = *--p;
    e->depth = (uint8_t)depth;
    if (unlikely(depth == HELD_PCS))
        e->stack = det_stack_save(g, pc);
    h->lock[h->n++] = e;
    h->changed = 1;
    history_sync(g);
    return e;
}

/* --- frames that have been left -------------------------------------------------------------------- */

/* The stack pointer of the program's frame that called into this library. */
static uintptr_t program_sp(void)
{
    const uintptr_t *frame = __builtin_frame_address(0);
    for (int i = 0; i < 16; i++) {
        if (!icept_own(frame[1]))
            return (uintptr_t)(frame + 2);
        const uintptr_t *outer = (const uintptr_t *)frame[0];
        if (outer <= frame || ((uintptr_t)outer & 7))
            break;
        frame = outer;
    }
    return 0;
}

/* Below the stack pointer nothing is anybody's: a lock there that is still held was left behind. `all`: the
   goroutine ends. (On another stack, a signal's or a coroutine's, nothing can be said.) */
static noinline void frames_left(struct race_g *g, struct held *h, bool all, uintptr_t pc)
{
    uintptr_t sp = all ? g->stack_hi : program_sp();
    if (sp - g->stack_lo > g->stack_hi - g->stack_lo)
        return;
    for (u32 k = 0; k < h->n; k++) {
        struct held_lock *e = h->lock[k];
        const struct lock_rec *r = lock_at(e->lock);
        if (!e->local || r->addr >= sp || (r->kind != HOOK_OBJ_MUTEX && r->kind != HOOK_OBJ_RWMUTEX))
            continue;
        e->local = 0;
        h->locals--;
        e->left = !r->passed_on;
        if (e->left)
            misuse_frame_left(e, pc);
    }
}

/* --- events ---------------------------------------------------------------------------------------- */

static bool is_lock(enum hook_obj kind)
{
    return kind == HOOK_OBJ_MUTEX || kind == HOOK_OBJ_RWMUTEX || kind == HOOK_OBJ_SEM ||
           kind == HOOK_OBJ_CHAN || kind == HOOK_OBJ_ONCE;
}

void lock_event_wait(struct race_g *g, enum hook_obj kind, const void *obj, int mode, uintptr_t pc)
{
    if (!is_lock(kind) || !lock_facts)
        return;
    u32 i = rec_get(kind, (uintptr_t)obj, mode, pc);
    if (i == 0)
        return;
    struct held *h = held_get(g);
    held_sweep(h);
    if (unlikely(h->locals))
        frames_left(g, h, false, pc);
    bool dead = wait_on_lock(g, i, mode, pc);
    if (!(mode & HOOK_TRY) && (h->n || kind == HOOK_OBJ_RWMUTEX))
        lock_order_request(g, h, h->n, i, mode, pc, NULL, dead);
}

void lock_event_gave_up(struct race_g *g)
{
    wait_lock_done(g);
}

/* The lock at addr, most often one of those that g took lately. */
static inline u32 rec_recent(struct held *h, enum hook_obj kind, uintptr_t addr, int mode,
                             uintptr_t pc)
{
    u32 *at = &h->recent[(addr >> 4) % HELD_RECENT], i = *at;
    if (likely(i && lock_at(i)->addr == addr && same_life(lock_at(i))))
        return i;
    return *at = rec_get(kind, addr, mode, pc);
}

void lock_event_locked(struct race_g *g, enum hook_obj kind, const void *obj, int mode,
                       uintptr_t pc)
{
    if (!is_lock(kind))
        return;
    struct held *h = held_get(g);
    u32 i = rec_recent(h, kind, (uintptr_t)obj, mode, pc);
    if (i == 0)
        return;
    mode &= ~LOCK_OWNED;
    struct lock_rec *r = lock_at(i);
    if (g->wait && g->wait->lock)
        wait_lock_done(g);
    if (h->n)
        held_sweep(h);
    if (unlikely(h->locals))
        frames_left(g, h, false, pc);
    struct held_lock *e = held_push(g, h, i, mode, pc);
    holder_link(r, e);
    if (unlikely(!lock_facts))
        return;
    if (h->n > 1 || (kind == HOOK_OBJ_RWMUTEX && !(mode & HOOK_READ)))
        lock_order_request(g, h, h->n - 1, i, mode, pc, e, false);
}

#define CHAN_WORD 16 /* of the channel's head, used by nothing else */

void lock_event_chan(struct race_g *g, const void *ch, const void *slot, bool sent, uintptr_t pc)
{
    if (!lock_facts)
        return;
    uintptr_t first = (uintptr_t)slot, second = (uintptr_t)ch + CHAN_WORD;
    u32 i = rec_get(HOOK_OBJ_CHAN, first, 0, pc), j = rec_get(HOOK_OBJ_CHAN, second, 0, pc);
    if (i == 0 || j == 0)
        return;
    lock_at(i)->name = lock_at(j)->name = (uintptr_t)ch;
    for (int reading = 0; reading < 2; reading++) {
        struct lock_rec *r = lock_at(reading ? j : i);
        const void *obj = (const void *)(reading ? second : first);
        if (r->passed_on)
            continue;
        if (sent == (reading == 0)) {
            lock_event_locked(g, HOOK_OBJ_CHAN, obj, HOOK_WRITE, pc);
            continue;
        }
        /* Nobody has taken it: the first token put in, or a value that the clock has sent. */
        if (!r->holders && !r->confirmed)
            continue;
        lock_event_unlock(g, HOOK_OBJ_CHAN, obj, HOOK_WRITE, pc);
        if (!r->passed_on)
            r->confirmed = lock_at(i)->used_as_lock = 1;
    }
}

static noinline void held_long(struct race_g *g, struct held_lock *e, uintptr_t pc)
{
    u64 ns = sys_now_ns() - e->since;
    u32 kind = lock_at(e->lock)->kind;
    if (e->since && ns >= det_slow_ns && (kind == HOOK_OBJ_MUTEX || kind == HOOK_OBJ_RWMUTEX))
        misuse_slow(g, e, ns / 1000000, pc);
}

/* g's entry at k is given back. False: somebody else has done it before. */
static inline bool let_go(struct race_g *g, struct held *h, u32 k, uintptr_t pc)
{
    struct held_lock *e = h->lock[k];
    if (unlikely(det_slow_ns))
        held_long(g, e, pc);
    bool mine = holder_unlink(lock_at(e->lock), e);
    held_remove(h, k);
    return mine;
}

static noinline void unlock_inner(struct race_g *g, const void *obj, int mode, uintptr_t pc)
{
    u32 i = lock_find((uintptr_t)obj);
    if (i == 0)
        return;
    struct held *h = g->held;
    for (u32 k = h ? h->n : 0; k-- > 0;) {
        struct held_lock *e = h->lock[k];
        if (e->lock == i && (e->mode & HOOK_READ) == (mode & HOOK_READ) && let_go(g, h, k, pc))
            return;
    }
    holder_evict(lock_at(i), mode);
}

void lock_event_unlock(struct race_g *g, enum hook_obj kind, const void *obj, int mode,
                       uintptr_t pc)
{
    if (!is_lock(kind))
        return;
    /* Most often the one taken last. */
    struct held *h = g->held;
    if (likely(h && h->n)) {
        struct held_lock *e = h->lock[h->n - 1];
        if (likely(lock_at(e->lock)->addr == (uintptr_t)obj &&
                   (e->mode & HOOK_READ) == (mode & HOOK_READ)) &&
            likely(let_go(g, h, h->n - 1, pc)))
            return;
    }
    unlock_inner(g, obj, mode, pc);
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void rec_end(u32 i)
{
    struct lock_rec *r = lock_at(i);
    lock_order_forget(i);
    det_lock(&r->guard);
    bool held = r->holders;
    if (!r->exclusive)
        for (struct held_lock *e = r->holders, *next; e; e = next) {
            next = e->next;
            __atomic_store_n(&e->gone, 1, __ATOMIC_RELEASE);
        }
    __atomic_store_n(&r->holders, NULL, __ATOMIC_RELEASE);
    r->addr = 0;
    u32 order = r->order;
    r->order = 0;
    det_unlock(&r->guard);
    if (held)
        took_away();
    if (order)
        order_obj_drop(order);
    slab_free(&lock_slab, i);
}

static void word_end(uintptr_t a, bool freed, uintptr_t pc)
{
    u32 v = __atomic_exchange_n(fact_meta(a), 0, __ATOMIC_ACQ_REL);
    if (v == 0)
        return;
    __atomic_fetch_sub(fact_page(a), 1, __ATOMIC_RELAXED);
    if (v & FACT_ORDER) {
        order_obj_drop(v & ~FACT_ORDER);
        return;
    }
    struct lock_rec *r = lock_at(v);
    if (r->addr != a)
        return; /* a further word of a lock: its first one ends it */
    if (freed && r->holders && det_cur)
        misuse_freed(det_cur, v, pc);
    rec_end(v);
}

void lock_event_forget(uintptr_t p, size_t n, bool freed, uintptr_t pc)
{
    if (n == 0 || !det_app(p) || !det_app(p + n - 1))
        return;
    if (freed && det_cur)
        wait_event_freed(det_cur, p, n, pc);
    if (!facts_ready)
        return;
    uintptr_t end = (p + n + 7) & ~(uintptr_t)7;
    p &= ~(uintptr_t)7;
    while (p < end) {
        uintptr_t stop = (p | 4095) + 1;
        if (stop > end)
            stop = end;
        if (__atomic_load_n(fact_page(p), __ATOMIC_RELAXED) == 0) {
            p = stop;
            continue;
        }
        for (; p < stop; p += 8)
            if (__atomic_load_n(fact_meta(p), __ATOMIC_RELAXED))
                word_end(p, freed, pc);
    }
}

void lock_event_end(struct race_g *g)
{
    struct held *h = g->held;
    if (h) {
        held_sweep(h);
        if (h->locals)
            frames_left(g, h, true, 0);
        if (h->n)
            misuse_ended_holding(g);
        while (h->n) {
            struct held_lock *e = h->lock[h->n - 1];
            struct lock_rec *r = lock_at(e->lock);
            /* The lock stays locked, and nobody is left to unlock it but somebody else. */
            if (holder_unlink(r, e))
                r->passed_on = 1;
            held_remove(h, h->n - 1);
        }
        for (struct held_lock *e = h->spare, *next; e; e = next) {
            next = e->next;
            det_release(e, sizeof *e);
        }
        if (h->lock != h->inline_)
            det_release(h->lock, h->cap * sizeof *h->lock);
        det_release(h, sizeof *h);
        g->held = NULL;
    }
    order_end(g);
    wait_end(g);
}

/* --- questions ------------------------------------------------------------------------------------- */

/* The holder may be letting go meanwhile, and filling e for another lock: then there is none to be
   told of. Who is blocked fills nothing. */
static u32 holder_only(const struct lock_rec *r, struct held_fact *out)
{
    u32 turn = __atomic_load_n(&r->turn, __ATOMIC_ACQUIRE);
    struct held_lock *e = __atomic_load_n(&r->holders, __ATOMIC_ACQUIRE);
    if (!e)
        return 0;
    uintptr_t pc[HELD_PCS];
    u32 depth = e->depth, stack = __atomic_load_n(&e->stack, __ATOMIC_RELAXED);
    for (u32 k = 0; k < HELD_PCS; k++)
        pc[k] = __atomic_load_n(&e->pc[k], __ATOMIC_RELAXED);
    struct held_fact f = {.g = __atomic_load_n(&e->g, __ATOMIC_RELAXED), .mode = e->mode};
    u32 id = e->id, epoch = e->epoch;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&r->holders, __ATOMIC_RELAXED) != e ||
        __atomic_load_n(&r->turn, __ATOMIC_RELAXED) != turn)
        return 0;
    f.told = f.g->id != id || f.g->epoch != epoch;
    f.stack = stack ? stack : det_stack_intern(pc, depth);
    *out = f;
    return 1;
}

u32 held_holders(u32 i, struct held_fact *out, u32 max)
{
    struct lock_rec *r = lock_at(i);
    if (r->exclusive)
        return max ? holder_only(r, out) : 0;
    u32 n = 0;
    det_lock(&r->guard);
    for (struct held_lock *e = r->holders; e && n < max; e = e->next) {
        out[n].g = e->g;
        out[n].mode = e->mode;
        out[n].stack = held_stack(e);
        out[n].told = held_told(e);
        n++;
    }
    det_unlock(&r->guard);
    return n;
}

void held_describe(struct finding *f, struct race_g *g)
{
    struct held *h = g->held;
    for (u32 k = 0; h && k < h->n; k++) {
        struct held_lock *e = h->lock[k];
        struct lock_rec *r = lock_at(e->lock);
        if (!lock_is_one(r))
            continue;
        finding_lock(f, r->name, r->kind, e->mode & HOOK_READ, held_stack(e));
    }
}
