/*
 * atomic.c - C11 atomics, each by its order.
 *
 * What an atomic operation orders depends on the value it reads, so value and clock must change
 * together: every operation that may write takes the lock of its address (a stripe), does the program's
 * operation inside, and changes the clock of the address (sync.c) there as well, before the value. A load
 * takes no lock if the same one had published there last before it had the value and after, and its
 * goroutine holds all that one knew then. Nobody can hold that before the operation that published it is
 * over, so the value is that one's or a later one's; and a later one that is not to be seen in the clock is a
 * relaxed one that goes on with the same release sequence. So many may read one flag at once. A load that
 * has something to learn is made again under the lock.
 *
 *   store, relaxed    starts nothing and ends the release sequence of other goroutines; one's own
 *                     goes on (C11 5.1.2.4p10). After a release fence it publishes what that knew.
 *   store, release    publishes, replacing.
 *   rmw, relaxed      leaves the clock: the release sequence goes on. (After a fence: adds.)
 *   rmw, release      adds to the clock; whose share is whose is kept beside it (sync.h), because a
 *                     relaxed store of one of them keeps that one's alone.
 *   load or rmw that acquires: learns the clock. One that does not: the clock is put aside, and an
 *                     acquire fence that comes later learns it.
 *   fence, release    notes what is known now; fence, acquire learns what was put aside.
 *   seq_cst           acquire and release. The single total order of seq_cst operations orders
 *                     no plain accesses by itself, so there is no global clock.
 *   compare-exchange  that fails is a load by its failure order; consume is acquire.
 *
 * To the shadow an atomic load is an atomic read and everything else an atomic write, recorded before
 * the value becomes visible (or whoever saw it and went on to a plain access would look
 * unordered), but after an acquiring operation has learnt, because what it synchronises with happened
 * before it.
 *
 * Rejected: treating relaxed as acquire-release (hides races), a global clock for fences (false
 * orders between unrelated ones), ignoring fences as TSan does (false alarms).
 */
#include "access.h"
#include "history.h"
#include "sync.h"

typedef __uint128_t u128;

struct fence {
    struct published release; /* by the last release fence; id 0 and empty: none yet */
    struct published acquire; /* seen by loads that do not acquire, since the last acquire fence */
};

#define STRIPES 1024
static struct stripe {
    u32 lock;
    char pad[60];
} stripes[STRIPES] __attribute__((aligned(64)));

static u32 *stripe_of(uintptr_t a)
{
    return &stripes[((a >> 3) * 0x9e3779b97f4a7c15ull) >> 54].lock;
}

/* The compilers' encoding of memory orders. */
enum order { RELAXED, CONSUME, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

static bool acquires(int mo)
{
    mo &= 0xff;
    return mo == CONSUME || mo == ACQUIRE || mo == ACQ_REL || mo == SEQ_CST;
}
static bool releases(int mo)
{
    mo &= 0xff;
    return mo == RELEASE || mo == ACQ_REL || mo == SEQ_CST;
}

static struct fence *fence_of(struct race_g *g)
{
    if (!g->fence)
        g->fence = det_alloc(sizeof *g->fence);
    return g->fence;
}

static bool published_empty(const struct published *p)
{
    return p->id == 0 && p->know.root == 0 && p->know.n == 0;
}

static bool same_owner(const struct published *a, const struct published *b)
{
    return a->id && a->id == b->id && id_whole(a->id, a->epoch < b->epoch ? a->epoch : b->epoch);
}

static void published_add(struct published *to, const struct published *from)
{
    if (published_empty(to)) {
        published_copy(to, from);
        return;
    }
    if (same_owner(to, from)) { /* the later holds the earlier */
        if (from->epoch > to->epoch)
            published_copy(to, from);
        return;
    }
    if (to->id)
        clock_set(&to->know, to->id, to->epoch);
    published_set(to, 0, 0);
    clock_join(&to->know, &from->know);
    if (from->id)
        clock_set(&to->know, from->id, from->epoch);
}

void g_fence_drop(struct race_g *g)
{
    published_drop(&g->fence->release);
    published_drop(&g->fence->acquire);
    det_release(g->fence, sizeof *g->fence);
    g->fence = NULL;
}

/* What reading a value that s came with teaches. */
static void take(struct race_g *g, const struct sync *s, int mo)
{
    if (acquires(mo)) {
        g_learn(g, &s->clock);
    } else if (!published_empty(&s->clock) && !g_holds(g, &s->clock)) {
        published_add(&fence_of(g)->acquire, &s->clock);
    }
}

/* An operation in progress that may write. */
struct op {
    struct race_g *g; /* NULL: not looked at, the operation is done bare */
    struct sync *s;
    uintptr_t pc, a;
    size_t n;
    u32 flags;
    struct hits h;
};

static void op_begin(struct op *o, uintptr_t pc, const volatile void *a, size_t n)
{
    DET_POINT();
    struct race_g *g = det_cur;
    o->g = NULL;
    if (!g || g->busy)
        return;
    g->busy = 1;
    o->g = g;
    o->pc = pc;
    o->a = (uintptr_t)a;
    o->n = n;
    o->h.n = 0;
    u32 *stripe = stripe_of(o->a);
    if (unlikely(__atomic_load_n(&det_starved, __ATOMIC_RELAXED) == stripe))
        det_give_way(stripe);
    det_lock(stripe);
    o->s = sync_lock(o->a, false);
}

static void op_access(struct op *o, u32 flags)
{
    o->flags = flags;
    if (!o->g->ignore)
        access_note(o->g, o->pc, o->a, o->n, flags, &o->h);
}

/* The value has been read by a read-modify-write or a load. */
static void op_take(struct op *o, int mo)
{
    if (o->s)
        take(o->g, o->s, mo);
}

/* A read-modify-write adds what p holds: one more heads a sequence that goes on here. */
static void add_head(struct sync *s, const struct published *p)
{
    bool alone = published_empty(&s->clock) || same_owner(&s->clock, p);
    if (s->clock.id && !alone)
        sync_head_add(s, &s->clock);
    published_add(&s->clock, p);
    if (!alone)
        sync_head_add(s, p);
}

static void release_merge(struct race_g *g, struct sync *s)
{
    bool known = g_holds(g, &s->clock);
    if (known && s->clock.id != g->id)
        sync_head_add(s, &s->clock);
    if (known || published_empty(&s->clock)) { /* ours holds what is there */
        g_publish(g, &s->clock);
        return;
    }
    struct published mine = {0};
    g_publish(g, &mine);
    add_head(s, &mine);
    published_drop(&mine);
}

/* The write is about to be done (rmw: it goes on with the release sequence it reads from). True if
   the epoch has to end. */
static bool op_publish(struct op *o, int mo, bool rmw)
{
    struct race_g *g = o->g;
    if (releases(mo)) {
        if (!o->s)
            o->s = sync_lock(o->a, true);
        if (rmw) {
            release_merge(g, o->s);
        } else {
            sync_heads_drop(o->s);
            g_publish(g, &o->s->clock);
        }
        return true;
    }
    bool fenced = g->fence && !published_empty(&g->fence->release);
    if (!rmw && o->s) {
        /* Only a sequence of our own goes on. */
        if (published_by(&o->s->clock, g))
            sync_heads_drop(o->s);
        else if (!sync_head_only(o->s, g))
            published_drop(&o->s->clock);
    }
    if (fenced) {
        if (!o->s)
            o->s = sync_lock(o->a, true);
        sync_again(o->s);
        add_head(o->s, &g->fence->release);
    }
    return false;
}

static void op_end(struct op *o, bool advance)
{
    struct race_g *g = o->g;
    if (o->s)
        sync_unlock(o->s);
    det_unlock(stripe_of(o->a));
    if (unlikely(o->h.n))
        hits_report(g, o->pc, o->a, o->n, o->flags, &o->h);
    if (advance)
        g_advance(g);
    g->busy = 0;
}

/* Recorded in this epoch already, as an atomic read or a write? */
static bool load_known(const struct race_g *g, uintptr_t a, size_t n)
{
    if (n > 8 || (a & (n - 1)) || det_self == 0)
        return false;
    u64 m = (WORD_BYTES >> (8 - n)) << (a & 7), me = det_self | WORD_ATOMIC;
    u64 r = shadow_load(&shadow_of(a)[1]);
    return ((((r ^ me) & ~WORD_BYTES) == 0) && (r & m) == m) ||
           (r && r == g->set_atomic && (m & ~g->set_atomic_bytes) == 0);
}

/* A load whose value came while `who` was the last to publish here: does that teach g nothing, now or at
   an acquire fence that comes later? */
static bool nothing_new(const struct race_g *g, u64 who, int mo)
{
    if (who == 0 || who == SYNC_MERGED || g_holds_who(g, who))
        return who != SYNC_MERGED;
    if (acquires(mo) || !g->fence)
        return false;
    const struct published *aside = &g->fence->acquire;
    u32 id = extra_id(who), epoch = extra_epoch(who);
    return id_whole(id, epoch) && ((aside->id == id && aside->epoch >= epoch) ||
                                   clock_lookup(&aside->know, id) >= epoch);
}

#define PC ((uintptr_t)__builtin_return_address(0))
#define EXPORT __attribute__((visibility("default")))

#define LOAD(bits, T, raw)                                                                         \
    EXPORT T __tsan_atomic##bits##_load(const volatile T *a, int mo)                               \
    {                                                                                              \
        DET_POINT();                                                                               \
        struct race_g *g = det_cur;                                                                \
        if (!g || g->busy)                                                                         \
            return raw(a);                                                                         \
        u64 who = sync_who((uintptr_t)a);                                                          \
        T v = raw(a);                                                                              \
        if (nothing_new(g, who, mo) && likely(sync_who((uintptr_t)a) == who)) {                    \
            if (!load_known(g, (uintptr_t)a, sizeof(T)) && !g->ignore)                             \
                access_slow(g, PC, (uintptr_t)a, sizeof(T), ACCESS_ATOMIC);                        \
            return v;                                                                              \
        }                                                                                          \
        struct op o;                                                                               \
        op_begin(&o, PC, a, sizeof(T));                                                            \
        v = raw(a);                                                                                \
        op_take(&o, mo);                                                                           \
        op_access(&o, ACCESS_ATOMIC);                                                              \
        op_end(&o, false);                                                                         \
        return v;                                                                                  \
    }

#define STORE(bits, T, raw)                                                                        \
    EXPORT void __tsan_atomic##bits##_store(volatile T *a, T v, int mo)                            \
    {                                                                                              \
        struct op o;                                                                               \
        op_begin(&o, PC, a, sizeof(T));                                                            \
        if (!o.g) {                                                                                \
            raw(a, v);                                                                             \
            return;                                                                                \
        }                                                                                          \
        op_access(&o, ACCESS_WRITE | ACCESS_ATOMIC);                                               \
        bool advance = op_publish(&o, mo, false);                                                  \
        raw(a, v);                                                                                 \
        op_end(&o, advance);                                                                       \
    }

#define RMW(bits, T, name, raw)                                                                    \
    EXPORT T __tsan_atomic##bits##_##name(volatile T *a, T v, int mo)                              \
    {                                                                                              \
        struct op o;                                                                               \
        op_begin(&o, PC, a, sizeof(T));                                                            \
        if (!o.g)                                                                                  \
            return raw(a, v);                                                                      \
        op_take(&o, mo);                                                                           \
        op_access(&o, ACCESS_WRITE | ACCESS_ATOMIC);                                               \
        bool advance = op_publish(&o, mo, true);                                                   \
        T old = raw(a, v);                                                                         \
        op_end(&o, advance);                                                                       \
        return old;                                                                                \
    }

/* The comparison is made by hand first: only then is it known whether this is a write. Nobody
   whose operations are seen can change the value before the real one, for we have the stripe. */
#define CAS(bits, T, load, raw)                                                                    \
    static inline T cas##bits(uintptr_t pc, volatile T *a, T expected, T v, int mo, int fail)      \
    {                                                                                              \
        struct op o;                                                                               \
        op_begin(&o, pc, a, sizeof(T));                                                            \
        T old = expected;                                                                          \
        if (!o.g) {                                                                                \
            raw(a, &old, v);                                                                       \
            return old;                                                                            \
        }                                                                                          \
        bool advance = false;                                                                      \
        old = load(a);                                                                             \
        op_take(&o, old == expected ? mo : fail);                                                  \
        if (old == expected) {                                                                     \
            op_access(&o, ACCESS_WRITE | ACCESS_ATOMIC);                                           \
            advance = op_publish(&o, mo, true);                                                    \
            raw(a, &old, v);                                                                       \
        } else {                                                                                   \
            op_access(&o, ACCESS_ATOMIC);                                                          \
        }                                                                                          \
        op_end(&o, advance);                                                                       \
        return old;                                                                                \
    }                                                                                              \
    EXPORT int __tsan_atomic##bits##_compare_exchange_strong(volatile T *a, T *expected, T v,      \
                                                             int mo, int fail)                     \
    {                                                                                              \
        T want = *expected, old = cas##bits(PC, a, want, v, mo, fail);                             \
        if (old == want)                                                                           \
            return 1;                                                                              \
        *expected = old;                                                                           \
        return 0;                                                                                  \
    }                                                                                              \
    EXPORT int __tsan_atomic##bits##_compare_exchange_weak(volatile T *a, T *expected, T v,        \
                                                           int mo, int fail)                       \
    {                                                                                              \
        T want = *expected, old = cas##bits(PC, a, want, v, mo, fail);                             \
        if (old == want)                                                                           \
            return 1;                                                                              \
        *expected = old;                                                                           \
        return 0;                                                                                  \
    }                                                                                              \
    EXPORT T __tsan_atomic##bits##_compare_exchange_val(volatile T *a, T expected, T v, int mo,    \
                                                        int fail)                                  \
    {                                                                                              \
        return cas##bits(PC, a, expected, v, mo, fail);                                            \
    }

/* The operations proper, always seq_cst: stronger than asked is allowed, and the order asked for
   is what the clocks follow. */
#define RAW_LOAD(a) __atomic_load_n(a, __ATOMIC_SEQ_CST)
#define RAW_STORE(a, v) __atomic_store_n(a, v, __ATOMIC_SEQ_CST)
#define RAW_XCHG(a, v) __atomic_exchange_n(a, v, __ATOMIC_SEQ_CST)
#define RAW_ADD(a, v) __atomic_fetch_add(a, v, __ATOMIC_SEQ_CST)
#define RAW_SUB(a, v) __atomic_fetch_sub(a, v, __ATOMIC_SEQ_CST)
#define RAW_AND(a, v) __atomic_fetch_and(a, v, __ATOMIC_SEQ_CST)
#define RAW_OR(a, v) __atomic_fetch_or(a, v, __ATOMIC_SEQ_CST)
#define RAW_XOR(a, v) __atomic_fetch_xor(a, v, __ATOMIC_SEQ_CST)
#define RAW_NAND(a, v) __atomic_fetch_nand(a, v, __ATOMIC_SEQ_CST)
#define RAW_CAS(a, old, v)                                                                         \
    __atomic_compare_exchange_n(a, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define ALL(bits, T)                                                                               \
    LOAD(bits, T, RAW_LOAD)                                                                        \
    STORE(bits, T, RAW_STORE)                                                                      \
    RMW(bits, T, exchange, RAW_XCHG)                                                               \
    RMW(bits, T, fetch_add, RAW_ADD)                                                               \
    RMW(bits, T, fetch_sub, RAW_SUB)                                                               \
    RMW(bits, T, fetch_and, RAW_AND)                                                               \
    RMW(bits, T, fetch_or, RAW_OR)                                                                 \
    RMW(bits, T, fetch_xor, RAW_XOR)                                                               \
    RMW(bits, T, fetch_nand, RAW_NAND)                                                             \
    CAS(bits, T, RAW_LOAD, RAW_CAS)

ALL(8, uint8_t)
ALL(16, uint16_t)
ALL(32, uint32_t)
ALL(64, uint64_t)

/* 16 bytes: one instruction does everything, so that code outside the program's own, which may use it
   too, is atomic against us. */
static inline bool raw128_cas(volatile u128 *a, u128 *old, u128 v)
{
#if defined(__x86_64__)
    bool ok;
    u64 lo = (u64)*old, hi = (u64)(*old >> 64);
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(ok), "+m"(*a), "+a"(lo), "+d"(hi)
                     : "b"((u64)v), "c"((u64)(v >> 64))
                     : "memory");
    *old = (u128)hi << 64 | lo;
    return ok;
#else
    return __atomic_compare_exchange_n(a, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
#endif
}
static inline u128 raw128_load(const volatile u128 *a)
{
    u128 v = 0;
    raw128_cas((volatile u128 *)a, &v, 0); /* 0 becomes 0, anything else is read */
    return v;
}
#define RAW128(name, expr)                                                                         \
    static inline u128 raw128_##name(volatile u128 *a, u128 v)                                     \
    {                                                                                              \
        u128 old = raw128_load(a);                                                                 \
        while (!raw128_cas(a, &old, (expr)))                                                       \
            ;                                                                                      \
        return old;                                                                                \
    }
RAW128(xchg, v)
RAW128(add, old + v)
RAW128(sub, old - v)
RAW128(and, old & v)
RAW128(or, old | v)
RAW128(xor, old ^ v)
RAW128(nand, ~(old & v))
LOAD(128, u128, raw128_load)
STORE(128, u128, raw128_xchg)
RMW(128, u128, exchange, raw128_xchg)
RMW(128, u128, fetch_add, raw128_add)
RMW(128, u128, fetch_sub, raw128_sub)
RMW(128, u128, fetch_and, raw128_and)
RMW(128, u128, fetch_or, raw128_or)
RMW(128, u128, fetch_xor, raw128_xor)
RMW(128, u128, fetch_nand, raw128_nand)
CAS(128, u128, raw128_load, raw128_cas)

EXPORT void __tsan_atomic_thread_fence(int mo)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    struct race_g *g = det_cur;
    if (!g || g->busy)
        return;
    g->busy = 1;
    if (acquires(mo) && g->fence) {
        g_learn(g, &g->fence->acquire);
        published_drop(&g->fence->acquire);
    }
    if (releases(mo)) {
        g_publish(g, &fence_of(g)->release);
        g_advance(g);
    }
    g->busy = 0;
}

EXPORT void __tsan_atomic_signal_fence(int mo)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
