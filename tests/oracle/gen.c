/*
 * gen.c - random programs.
 *
 * A program that picks every operation uniformly is either racy everywhere or blocked at once; both
 * say little about a detector. What says much is a program most of whose conflicting accesses are
 * ordered, each by a different and sometimes long chain of edges, with a few that are not. So each
 * program draws a profile first: which families of operations occur and how often, how much memory
 * there is (from one word, where everything collides, to a kilobyte), how many goroutines. Inside
 * it, pieces of memory are bound to the object that is meant to protect them: region m is mostly
 * accessed while mutex m is held, what a goroutine writes before it sends on channel c the receiver
 * mostly reads after it, and so on; a tenth of the accesses breaks the rule.
 *
 * Rejected: whole programs from a grammar of well-known idioms (they test what one already thought
 * of), and purely uniform choice (above).
 *
 * The same seed gives the same program, on every machine; what the program then does depends on the
 * schedule too, which is why the executor writes a trace.
 */
#include "prog.h"
#include <string.h>

static uint64_t state;
static struct shared *P;
static bool parallel;

static uint32_t rnd(uint32_t n) /* 0..n-1 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    z ^= z >> 31;
    return n ? (uint32_t)((z >> 32) % n) : 0;
}
static bool one_in(uint32_t n)
{
    return rnd(n) == 0;
}

/* Families of operations, with a weight drawn for each program. */
enum family {
    F_ACCESS,
    F_ATOMIC,
    F_FENCE,
    F_MUTEX,
    F_RW,
    F_CHAN,
    F_SELECT,
    F_CLOSE,
    F_WG,
    F_ONCE,
    F_COND,
    F_SEM,
    F_HEAP,
    F_SPAWN,
    F_YIELD,
    F_CTX,
    F_POSIX,
    F_PIPE,
    F_THREAD,
    F_ANN,
    F_CALL,
    F_MOVE,
    F_TICK,
    F_PROCESS,
    F_LOOP,
    F_COUNT
};
static uint32_t weight[F_COUNT], weight_sum;
static uint32_t region; /* bytes of memory that belong together */
static uint32_t small_accesses, libc_accesses, stack_accesses;
static bool readers; /* a few places that everybody reads and hardly anybody writes */
static uint32_t orders; /* 0: any; 1: acquire/release; 2: relaxed and fences */

static struct op *emit(int body, int kind, int a, int b, int c, int d)
{
    static struct op spare;
    if (P->nops >= MAX_OPS)
        return &spare;
    struct op *o = &P->op[P->nops++];
    *o = (struct op){(uint16_t)kind, (uint16_t)body, a, b, c, d};
    return o;
}

/* Shall this operation only try? Main mostly does: when it blocks for good, all ends. */
static bool only_try(int body)
{
    return body == 0 ? !one_in(8) : one_in(4);
}

/* An access to [off, off + size) of an area of n bytes. */
static void access_in(int body, int area, uint32_t lo, uint32_t n, bool write)
{
    static const uint8_t sizes[] = {1, 2, 4, 8, 8, 8, 16};
    uint32_t size = small_accesses ? sizes[rnd(4)] : sizes[rnd(7)];
    int how = HOW_PLAIN;
    if (one_in(6))
        how = 1 + (int)rnd(3);
    if (libc_accesses && one_in(8))
        how = HOW_LIBC;
    if (how == HOW_RANGE || how == HOW_LIBC)
        size = 1 + rnd(one_in(3) ? 64 : 12);
    if (how == HOW_UNALIGNED && size == 1)
        size = 4;
    if (how == HOW_PLAIN && write && one_in(12) && size <= 8)
        how = HOW_BOTH;
    if (size > n) {
        size = n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
        if (how == HOW_UNALIGNED && size == 1)
            how = HOW_PLAIN;
    }
    uint32_t off = lo + rnd(n - size + 1);
    /* A cast pointer may be anywhere, and the compiler calls the aligned entry all the same. */
    if ((how == HOW_PLAIN && !one_in(16)) || how == HOW_VOLATILE || how == HOW_BOTH)
        off -= off % size;
    emit(body, write ? OP_WRITE : OP_READ, area, (int)off, (int)size, how);
}

/* A piece of memory by its number: the place that an object with this number protects. */
static void access_region(int body, uint32_t which, bool write)
{
    uint32_t n = P->arena / region;
    access_in(body, AREA_GLOBAL, which % n * region, region, write);
}

static void access_any(int body)
{
    bool write = one_in(3);
    if (readers && one_in(2)) {
        access_region(body, rnd(2), one_in(40));
    } else if (stack_accesses && one_in(4)) {
        access_in(body, AREA_STACK + (int)rnd(P->nbodies), 0, STACKBUF, write);
    } else if (weight[F_HEAP] && one_in(3)) {
        access_in(body, AREA_HEAP + (int)rnd(N_HEAP), 0, one_in(4) ? 120 : 24, write);
    } else if (weight[F_ATOMIC] && one_in(4)) {
        access_in(body, AREA_ATOMIC, 0, ATOMIC_BYTES, write);
    } else {
        access_region(body, rnd(32), write);
    }
}

/* A context: one that expires, mostly. */
static int pick_context(void)
{
    return one_in(3) ? (int)rnd(N_CTX) : N_CTX + (int)rnd(N_TIMED);
}

static int load_order(void)
{
    static const uint8_t o[] = {__ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_SEQ_CST,
                                __ATOMIC_CONSUME};
    return orders == 1 ? __ATOMIC_ACQUIRE : orders == 2 ? __ATOMIC_RELAXED : o[rnd(4)];
}
static int store_order(void)
{
    static const uint8_t o[] = {__ATOMIC_RELAXED, __ATOMIC_RELEASE, __ATOMIC_SEQ_CST};
    return orders == 1 ? __ATOMIC_RELEASE : orders == 2 ? __ATOMIC_RELAXED : o[rnd(3)];
}
static int rmw_order(void)
{
    static const uint8_t o[] = {__ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE,
                                __ATOMIC_ACQ_REL, __ATOMIC_SEQ_CST};
    return orders == 2 ? __ATOMIC_RELAXED : o[orders == 1 ? 1 + rnd(4) : rnd(5)];
}

/* With several Ps the value read must tell which write it was, so only cells of eight bytes, and no
   arithmetic. */
static int pick_cell(void)
{
    static const uint8_t wide[] = {0, 1, 2, 3, 19, 23};
    static uint8_t few;
    few = (uint8_t)(2 + P->seed % 5);
    if (parallel)
        return wide[rnd(few < 6 ? few : 6)];
    return one_in(3) ? (int)rnd(N_CELL) : (int)(P->seed % 7 * 3 + rnd(few)) % N_CELL;
}

static void emit_atomic(int body)
{
    int cell = pick_cell();
    if (weight[F_HEAP] && !parallel && one_in(6))
        cell = N_CELL + (int)rnd(N_HEAP);
    switch (rnd(5)) {
    case 0:
    case 1:
        emit(body, OP_ALOAD, cell, load_order(), 0, 0);
        return;
    case 2:
        emit(body, OP_ASTORE, cell, store_order(), 0, 0);
        return;
    case 3:
        if (one_in(2) && !parallel)
            emit(body, OP_ARMW, cell, rmw_order(), (int)rnd(6), 0);
        else
            emit(body, OP_AXCHG, cell, rmw_order(), 0, 0);
        return;
    default:
        emit(body, OP_ACAS, cell, rmw_order(), load_order(), (int)rnd(8));
    }
}

static void emit_malloc(int body, int slot)
{
    /* All that malloc hands out is the block's: what lies between its size and the size of the
       place it got has no meaning that could be compared. */
    static const uint16_t sizes[] = {24, 24, 24, 24, 40, 120, 248, 56};
    emit(body, OP_MALLOC, slot, sizes[rnd(8)], 0, 0);
}

static void block(int body, int depth, int budget);

static void statement(int body, int depth)
{
    uint32_t w = rnd(weight_sum), f = 0;
    while (w >= weight[f])
        w -= weight[f++];
    int i, n;
    switch ((enum family)f) {
    case F_ACCESS:
        access_any(body);
        break;
    case F_ATOMIC:
        /* Publication: what is written before is read after. */
        if (one_in(3))
            access_region(body, rnd(4), true);
        emit_atomic(body);
        if (one_in(3))
            access_region(body, rnd(4), false);
        break;
    case F_FENCE: {
        static const uint8_t o[] = {__ATOMIC_ACQUIRE, __ATOMIC_RELEASE, __ATOMIC_ACQ_REL,
                                    __ATOMIC_SEQ_CST, __ATOMIC_CONSUME, __ATOMIC_RELAXED};
        if (one_in(2))
            emit_atomic(body);
        emit(body, OP_FENCE, 0, o[one_in(6) ? 4 + rnd(2) : rnd(4)], 0, 0);
        if (one_in(2))
            emit_atomic(body);
        break;
    }
    case F_MUTEX:
        i = (int)rnd(N_MUTEX);
        emit(body, only_try(body) ? OP_TRYLOCK : OP_LOCK, i, 0, 0, 0);
        n = 1 + (int)rnd(3);
        while (n--) {
            if (one_in(3))
                block(body, depth + 1, 1);
            else
                access_region(body, one_in(12) ? rnd(16) : (uint32_t)i, one_in(2));
        }
        if (weight[F_COND] && body && one_in(3))
            emit(body, OP_CWAIT, i, 0, 0, 0);
        if (!one_in(40))
            emit(body, OP_UNLOCK, i, 0, 0, 0);
        break;
    case F_RW: {
        i = (int)rnd(N_RW);
        bool w2 = one_in(3);
        emit(body,
             w2 ? (only_try(body) ? OP_TRYWLOCK : OP_WLOCK)
                : (only_try(body) ? OP_TRYRLOCK : OP_RLOCK),
             i, 0, 0, 0);
        n = 1 + (int)rnd(3);
        while (n--) {
            if (one_in(4))
                block(body, depth + 1, 1);
            else
                access_region(body, one_in(12) ? rnd(16) : 4 + (uint32_t)i, w2 || one_in(12));
        }
        emit(body, w2 ? OP_WUNLOCK : OP_RUNLOCK, i, 0, 0, 0);
        break;
    }
    case F_CHAN:
        i = (int)rnd(N_CHAN);
        if (one_in(2)) {
            if (!one_in(4))
                access_region(body, 8 + (uint32_t)i, one_in(2));
            emit(body, only_try(body) ? OP_TRYSEND : OP_SEND, i, 0, 0, 0);
        } else {
            emit(body, only_try(body) ? OP_TRYRECV : OP_RECV, i, 0, 0, 0);
            if (!one_in(4))
                access_region(body, 8 + (uint32_t)i, one_in(3));
        }
        break;
    case F_SELECT:
        emit(body, OP_SELECT, (int)rnd(1 << N_CHAN), (int)rnd(1 << N_CHAN),
             one_in(6) ? 2 : body == 0 || one_in(2), 0);
        access_region(body, 8 + rnd(N_CHAN), one_in(3));
        break;
    case F_CLOSE:
        i = (int)rnd(N_CHAN);
        access_region(body, 8 + (uint32_t)i, true);
        emit(body, OP_CLOSE, i, 0, 0, 0);
        break;
    case F_WG:
        i = (int)rnd(N_WG);
        if (one_in(3)) {
            /* Bodies only start bodies with higher numbers, so that a program ends. */
            if (body + 1 < (int)P->nbodies)
                emit(body, OP_GROUP, i, 1 + (int)rnd(3),
                     body + 1 + (int)rnd(P->nbodies - (uint32_t)body - 1),
                     one_in(2) ? GROUP_WAIT
                               : (one_in(2) ? GROUP_SIZED : GROUP_ERR) | (int)rnd(3) << 2);
            access_region(body, rnd(16), one_in(2));
        } else if (!parallel) {
            emit(body,
                 one_in(3)           ? OP_WGADD
                 : body && one_in(3) ? OP_WGWAIT
                                     : OP_WGDONE,
                 i, 1 + (int)rnd(2), 0, 0);
        }
        break;
    case F_ONCE:
        emit(body, OP_ONCE, (int)rnd(N_ONCE), 0, 0, 0);
        access_region(body, 20 + rnd(N_ONCE), one_in(12));
        break;
    case F_COND:
        i = (int)rnd(N_MUTEX);
        emit(body, one_in(3) ? OP_CBROADCAST : OP_CSIGNAL, i, 0, 0, 0);
        break;
    case F_SEM:
        i = (int)rnd(N_SEM);
        n = 1 + (int)rnd(2);
        if (one_in(3))
            emit(body, OP_SEMCTX, i, n, pick_context(), 0);
        else
            emit(body, only_try(body) ? OP_SEMTRY : OP_SEMACQ, i, n, 0, 0);
        access_region(body, 24 + (uint32_t)i, one_in(2));
        if (one_in(3))
            block(body, depth + 1, 1);
        emit(body, OP_SEMREL, i, n, 0, 0);
        break;
    case F_HEAP:
        i = (int)rnd(N_HEAP);
        if (one_in(2))
            emit_malloc(body, i);
        else if (one_in(3))
            emit(body, OP_FREE, i, 0, 0, 0);
        else if (one_in(4))
            emit(body, OP_REALLOC, i, one_in(2) ? 24 : one_in(2) ? 120 : 1016, 0, 0);
        else
            access_in(body, AREA_HEAP + i, 0, 24, one_in(2));
        break;
    case F_SPAWN:
        if (body + 1 < (int)P->nbodies) {
            i = body + 1 + (int)rnd(P->nbodies - (uint32_t)body - 1);
            if (one_in(8))
                emit(body, OP_AFTER, i, (int)rnd(50), 0, 0);
            else
                emit(body, OP_SPAWN, i, 0, 0, 0);
        }
        break;
    case F_YIELD:
        if (one_in(20))
            emit(body, OP_SLEEP, 1 + (int)rnd(100), 0, 0, 0);
        else
            emit(body, OP_YIELD, 0, 0, 0, 0);
        break;
    case F_CTX:
        i = pick_context();
        switch (rnd(5)) {
        case 0:
            access_region(body, 12 + (uint32_t)i, true);
            if (one_in(3))
                emit(body, OP_CANCEL, i, 0, 0, 0);
            break;
        case 1:
            emit(body, OP_CTXERR, i, 0, 0, 0);
            access_region(body, 12 + (uint32_t)i, one_in(3));
            break;
        case 2:
            i = N_CTX + (int)rnd(N_TIMED);
            access_region(body, 12 + (uint32_t)i, true);
            emit(body, OP_CTXMAKE, i, (int)rnd(N_CTX + 2) - 2 < 0 ? -1 : (int)rnd(N_CTX),
                 (int)rnd(one_in(2) ? 3 : 300), one_in(2));
            break;
        default:
            emit(body, OP_CTXWAIT, i, only_try(body) ? 2 : body ? (int)rnd(3) : 1, 0, 0);
            access_region(body, 12 + (uint32_t)i, one_in(3));
        }
        break;
    case F_POSIX:
        switch (rnd(8)) {
        case 0:
            emit(body, OP_PONCE, (int)rnd(N_PONCE), 0, 0, 0);
            access_region(body, rnd(N_PONCE), one_in(12));
            break;
        case 1:
        case 2:
            i = (int)rnd(N_PSEM);
            if (one_in(2)) {
                access_region(body, 24 + (uint32_t)i, one_in(2));
                emit(body, OP_PPOST, i, 0, 0, 0);
            } else {
                emit(body, OP_PWAIT, i, one_in(2) ? LOCK_TIMED + (int)rnd(2) : LOCK_TRY, 0, 0);
                access_region(body, 24 + (uint32_t)i, one_in(3));
            }
            break;
        case 3:
        case 4: {
            i = (int)rnd(N_PRW);
            bool wr = one_in(3);
            emit(body, wr ? OP_PWLOCK : OP_PRLOCK, i, (int)rnd(LOCK_CLOCK + 1), 0, 0);
            access_region(body, one_in(12) ? rnd(16) : 6 + (uint32_t)i, wr || one_in(12));
            if (one_in(4))
                block(body, depth + 1, 1);
            emit(body, OP_PRWUNLOCK, i, 0, 0, 0);
            break;
        }
        default:
            i = (int)rnd(N_PMUTEX);
            emit(body, one_in(2) ? OP_PTRYLOCK : OP_PLOCK, i, (int)rnd(LOCK_CLOCK + 1), 0, 0);
            access_region(body, one_in(12) ? rnd(16) : (uint32_t)i, one_in(2));
            if (one_in(4))
                block(body, depth + 1, 1);
            emit(body, OP_PUNLOCK, i, 0, 0, 0);
        }
        break;
    case F_PIPE:
        i = (int)rnd(N_PIPE);
        if (one_in(2)) {
            access_region(body, 10 + (uint32_t)i, !one_in(3));
            emit(body, one_in(2) ? OP_PIPEWRITE : OP_GWRITE, i, 0, 0, 0);
        } else {
            if (one_in(2))
                emit(body, OP_PIPEREAD, i, 0, 0, 0);
            else
                emit(body, OP_GREAD, i,
                     one_in(2) && body + 1 < (int)P->nbodies
                         ? body + 1 + (int)rnd(P->nbodies - (uint32_t)body - 1)
                         : 0,
                     0, 0);
            access_region(body, 10 + (uint32_t)i, one_in(3));
        }
        break;
    case F_THREAD:
        if (one_in(3))
            emit(body, OP_JOIN, 0, (int)rnd(JOIN_CLOCK + 1), 0, 0);
        else if (body + 1 < (int)P->nbodies)
            emit(body, OP_THREAD, body + 1 + (int)rnd(P->nbodies - (uint32_t)body - 1),
                 (int)rnd(THREAD_KEY + 1), (int)rnd(16), (int)rnd(FLAVOUR_CLOCK + 1));
        access_region(body, rnd(16), one_in(2));
        break;
    case F_ANN:
        emit(body, OP_ANNACQ + (int)rnd(3), (int)rnd(N_ANN), 0, 0, 0);
        access_region(body, 28 + rnd(N_ANN), one_in(3));
        break;
    case F_CALL:
        emit(body, OP_CALL, 1 + (int)rnd(one_in(10) ? 200 : 6), 0, 0, (int)rnd(2));
        break;
    case F_MOVE:
        n = 1 + (int)rnd(P->arena < 32 ? P->arena : 32);
        i = (int)rnd(P->arena - (uint32_t)n + 1);
        emit(body, OP_MOVE, i, n, (int)rnd(P->arena - (uint32_t)n + 1), one_in(2));
        break;
    case F_TICK:
        i = (int)rnd(N_TICK);
        if (one_in(2)) {
            access_region(body, 26 + (uint32_t)i, true);
            emit(body, OP_TICK, i, (int)rnd(20), 2 + (int)rnd(10), one_in(3) ? 1 + (int)rnd(2) : 0);
        } else {
            emit(body, OP_TICKTRY, i, 0, 0, 0);
        }
        access_region(body, 26 + (uint32_t)i, one_in(2));
        break;
    case F_PROCESS:
        i = (int)rnd(16);
        if (one_in(4) && body + 1 < (int)P->nbodies)
            emit(body, OP_FORK, body + 1 + (int)rnd(P->nbodies - (uint32_t)body - 1), 0, 0, 0);
        else if (one_in(2))
            emit(body, OP_RAISE, (int)rnd(N_SIGNAL), i, 0, 0);
        else
            emit(body, OP_JUMP, (int)rnd(5), i, 0, 0);
        break;
    case F_LOOP:
        emit(body, OP_LOOP, 2 + (int)rnd(one_in(4) ? 30 : 3), 0, 0, 0);
        block(body, depth + 1, 1 + (int)rnd(4));
        emit(body, OP_END, 0, 0, 0, 0);
        break;
    case F_COUNT:
        break;
    }
}

static void block(int body, int depth, int budget)
{
    for (int i = 0; i < budget; i++) {
        if (depth > 3)
            access_any(body);
        else
            statement(body, depth);
    }
}

void program_generate(struct shared *s, uint64_t seed, bool par)
{
    P = s;
    state = seed * 2 + par;
    parallel = par;
    rnd(1);
    memset(s, 0, offsetof(struct shared, ev));
    s->seed = seed;
    s->par = par;

    static const uint8_t draw[] = {0, 0, 1, 2, 4, 8};
    weight_sum = 0;
    for (int f = 0; f < F_COUNT; f++)
        weight[f] = draw[rnd(sizeof draw)];
    weight[F_ACCESS] = 4 + rnd(12);
    weight[F_SPAWN] = 1 + rnd(3);
    weight[F_YIELD] = 1 + rnd(4);
    weight[F_LOOP] = rnd(2);
    weight[F_CALL] = rnd(2);
    weight[F_THREAD] = one_in(3) ? 1 + rnd(3) : 0; /* starting one takes long */
    weight[F_PROCESS] = one_in(4) ? 1 + rnd(2) : 0;
    weight[F_TICK] = one_in(4) ? 1 + rnd(2) : 0;
    weight[F_MOVE] = rnd(2);
    if (weight[F_THREAD] && one_in(2))
        weight[F_POSIX] += 4;
    if (weight[F_COND] && !weight[F_MUTEX])
        weight[F_MUTEX] = 2;
    if (one_in(4)) /* atomics alone are the deepest corner */
        weight[F_ATOMIC] = weight[F_FENCE] = 10;
    if (par)
        weight[F_CLOSE] /= 2;
    for (int f = 0; f < F_COUNT; f++)
        weight_sum += weight[f];
    orders = rnd(4);
    small_accesses = one_in(3);
    libc_accesses = one_in(2);
    stack_accesses = one_in(2);
    readers = one_in(6);

    static const uint16_t arenas[] = {8, 32, 64, 256, 512, ARENA};
    s->arena = arenas[rnd(6)];
    region = s->arena >= 64 ? (one_in(2) ? 8 : 16) : one_in(2) ? 8 : s->arena >= 16 ? 16 : 8;
    if (small_accesses && one_in(2))
        region = 4;
    s->nbodies = 2 + rnd(6);
    s->drain = !one_in(5);
    s->max_inst = 8 + rnd(40);
    for (int i = 0; i < N_CHAN; i++)
        s->cap[i] = one_in(2) ? 0 : 1 + rnd(one_in(3) ? 9 : 3);
    for (int i = 0; i < N_SEM; i++)
        s->sem_size[i] = 1 + rnd(4);

    int length = 4 + (int)rnd(one_in(4) ? 60 : 20);
    /* Many short goroutines, so that stacks, ids and histories are used again. */
    bool many = !par && one_in(12);
    if (many) {
        s->max_inst = 200 + rnd(MAX_INST - 200);
        emit(0, OP_LOOP, (int)s->max_inst / 4, 0, 0, 0);
        emit(0, OP_GROUP, 0, 1 + (int)rnd(6), 1 + (int)rnd(s->nbodies - 1), 0);
        block(0, 2, 1 + (int)rnd(2));
        emit(0, OP_END, 0, 0, 0, 0);
    }
    for (int b = 0; b < (int)s->nbodies; b++) {
        if (b == 0) {
            for (int i = 1; i < (int)s->nbodies; i++) {
                emit(0, OP_SPAWN, i, 0, 0, 0);
                if (one_in(4))
                    block(0, 0, 1);
            }
        }
        block(b, 0, many && b ? 2 + (int)rnd(4) : length / 2 + (int)rnd((uint32_t)length));
    }
}
