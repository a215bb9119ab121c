/*
 * exec.c - runs one random program on the race runtime, and writes down what it does.
 *
 * It is an ordinary program of libgoc-race, except that it is not instrumented: instead of letting
 * a compiler insert calls, it makes the calls of the -fsanitize=thread ABI itself, with addresses
 * and kinds out of the program. So no program needs compiling, its own bookkeeping is invisible to
 * the detector, and every entry point can be reached, also those that this compiler never emits.
 *
 * Each operation enters a frame whose code address (fake_pc) names the goroutine and the operation;
 * the stacks of a finding therefore say which two operations it is about, and the stack of the
 * earlier access says so only if the history was restored rightly.
 *
 * What must never happen is that an operation is refused by the runtime as a misuse, because then
 * the program ends there. With one P that is simple, since nothing runs between a test and the
 * operation it guards. With several, only uses are made that are safe in any order: a channel is
 * closed only by the goroutine that alone sends on it, and so on (`par` below).
 *
 * Threads. A thread that the program starts would run beside the one P; so its creator waits,
 * without a system call, until it has run to its end or to the place where the two meet, and no
 * goroutine begins an operation meanwhile (`thread_runs`). What the detector is told is the same as
 * if nobody had waited: the wait is made of plain loads that it does not see. On a thread only such
 * operations are done as need no P; on goroutines, of POSIX's, only such as do not block.
 *
 * A read or write need not touch the memory it names. It therefore may lie in a block that has been
 * freed, or in the stack of a goroutine that has ended.
 */
#define _GNU_SOURCE
#include "prog.h"
#include <goc.h>
#include <goc/race.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- the ABI ------------------------------------------------------------------------------------
 */

typedef uint8_t a8;
typedef uint16_t a16;
typedef uint32_t a32;
typedef uint64_t a64;
typedef unsigned __int128 a128;

#define ACCESS(n)                           \
    void __tsan_read##n(void *);            \
    void __tsan_write##n(void *);           \
    void __tsan_read_write##n(void *);      \
    void __tsan_volatile_read##n(void *);   \
    void __tsan_volatile_write##n(void *);  \
    void __tsan_unaligned_read##n(void *);  \
    void __tsan_unaligned_write##n(void *); \
    void __tsan_unaligned_volatile_read##n(void *);
ACCESS(1)
ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16) void __tsan_read_range(void *, size_t);
void __tsan_write_range(void *, size_t);
void __tsan_init(void);
void __tsan_func_entry(void *);
void __tsan_func_exit(void);
void __tsan_atomic_thread_fence(int);
#define ATOMIC(w)                                                                            \
    a##w __tsan_atomic##w##_load(const volatile a##w *, int);                                \
    void __tsan_atomic##w##_store(volatile a##w *, a##w, int);                               \
    a##w __tsan_atomic##w##_exchange(volatile a##w *, a##w, int);                            \
    a##w __tsan_atomic##w##_fetch_add(volatile a##w *, a##w, int);                           \
    a##w __tsan_atomic##w##_fetch_sub(volatile a##w *, a##w, int);                           \
    a##w __tsan_atomic##w##_fetch_and(volatile a##w *, a##w, int);                           \
    a##w __tsan_atomic##w##_fetch_or(volatile a##w *, a##w, int);                            \
    a##w __tsan_atomic##w##_fetch_xor(volatile a##w *, a##w, int);                           \
    a##w __tsan_atomic##w##_fetch_nand(volatile a##w *, a##w, int);                          \
    int __tsan_atomic##w##_compare_exchange_strong(volatile a##w *, a##w *, a##w, int, int); \
    int __tsan_atomic##w##_compare_exchange_weak(volatile a##w *, a##w *, a##w, int, int);   \
    a##w __tsan_atomic##w##_compare_exchange_val(volatile a##w *, a##w, a##w, int, int);
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
ATOMIC(128)

/* --- the program and its log
   -------------------------------------------------------------------- */

static struct shared *S;
static bool par;
static uint32_t body_op[MAX_BODIES][MAX_OPS], body_len[MAX_BODIES];

/* A goroutine: lives in its own stack. */
struct run {
    uint32_t inst, body, op;
    uint32_t mutex, rlocked, wlocked; /* held, a bit each */
    uint32_t pmutex, prlocked, pwlocked;
    bool thread;
    uint32_t sem[N_SEM];
    uint32_t entered; /* frames that CALL has left open, until the goroutine's end */
    goc_waitgroup group;
    goc_sized_waitgroup sized;
    goc_errgroup errgroup;
    unsigned char *buffer; /* STACKBUF bytes that others may be told of */
};

static uint32_t log_event(struct run *x, int kind, int flags, uint64_t a, uint64_t b, uint64_t c)
{
    uint32_t i = __atomic_fetch_add(&S->nevents, 1, __ATOMIC_SEQ_CST);
    if (i >= MAX_EVENTS)
        return MAX_EVENTS - 1;
    struct event *e = &S->ev[i];
    e->flags = (uint16_t)flags;
    e->g = x->inst;
    e->op = x->op;
    e->a = a;
    e->b = b;
    e->c = c;
    __atomic_store_n(&e->kind, (uint16_t)kind, __ATOMIC_RELEASE);
    return i;
}
/* The races Go finds on objects: the object as such is its first byte. */
static void log_object(struct run *x, const void *object, bool write)
{
    log_event(x, EV_ACCESS, write ? EV_WRITE : 0, (uintptr_t)object, 1, 0);
}
static bool log_nearly_full(void)
{
    return __atomic_load_n(&S->nevents, __ATOMIC_RELAXED) > MAX_EVENTS - 6000;
}

/* --- the objects ---------------------------------------------------------------------------------
 */

static _Alignas(64) unsigned char global[ARENA + 64];
static _Alignas(64) unsigned char cells[ATOMIC_BYTES + 64];
static _Alignas(64) uint64_t annotation[N_ANN];
static goc_mutex mutex[N_MUTEX];
static goc_rwmutex rw[N_RW];
static goc_waitgroup wg[N_WG];
static goc_once once[N_ONCE];
static goc_cond cond[N_MUTEX];
static goc_sem sem[N_SEM];
static goc_chan(uint64_t) chan[N_CHAN];
static goc_context *ctx[N_CTX];
static pthread_mutex_t pmutex[N_PMUTEX];
static pthread_rwlock_t prw[N_PRW];
static sem_t psem[N_PSEM];
static pthread_once_t ponce[N_PONCE]; /* PTHREAD_ONCE_INIT is zero */
static int pipes[N_PIPE][2];

/* What the guards know; exact with one P. */
static uint32_t wg_count[N_WG], wg_waiters[N_WG];
static uint32_t ctx_ended[N_CTX], pmutex_held[N_PMUTEX], prw_readers[N_PRW], prw_written[N_PRW];
static uint32_t thread_runs;
/* Blocks are allocated that the log says nothing of (a thread's, a context's): memory that was freed
   may have been given out again. */
static bool unseen_blocks;
static uint32_t chan_closed[N_CHAN], chan_sending[N_CHAN], chan_owner[N_CHAN];
static struct {
    unsigned char *p;
    uint32_t size, live; /* 0 empty (p stays, and is stale), 1 a block is there, 2 in between */
} heap[N_HEAP];
static unsigned char *stack_buffer[MAX_BODIES];
static struct run *runs[MAX_INST];
static bool stopping;

/* A channel that may be closed has one sender. */
static bool may_send(struct run *x, int i)
{
    if (__atomic_load_n(&chan_closed[i], __ATOMIC_RELAXED))
        return false;
    if (!par || i < N_CHAN - 2)
        return true;
    uint32_t nobody = 0;
    return __atomic_compare_exchange_n(&chan_owner[i], &nobody, x->inst + 1, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
           nobody == x->inst + 1;
}

static bool heap_take(int i, uint32_t state)
{
    return __atomic_compare_exchange_n(&heap[i].live, &state, 2, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* --- memory
 * --------------------------------------------------------------------------------------- */

static unsigned char *place(int area, uint32_t off, uint32_t size)
{
    if (area == AREA_GLOBAL)
        return off + size <= ARENA ? global + off : NULL;
    if (area == AREA_ATOMIC)
        return off + size <= ATOMIC_BYTES ? cells + off : NULL;
    if (area >= AREA_HEAP && area < AREA_HEAP + N_HEAP) {
        int i = area - AREA_HEAP;
        if (heap[i].live != 1 && unseen_blocks)
            return NULL;
        return heap[i].p && off + size <= heap[i].size ? heap[i].p + off : NULL;
    }
    if (area >= AREA_STACK && area < AREA_STACK + MAX_BODIES) {
        unsigned char *p = stack_buffer[area - AREA_STACK];
        return p && off + size <= STACKBUF ? p + off : NULL;
    }
    return NULL;
}

#define BY_SIZE(call) \
    do {              \
        switch (n) {  \
        case 1:       \
            call(1);  \
            break;    \
        case 2:       \
            call(2);  \
            break;    \
        case 4:       \
            call(4);  \
            break;    \
        case 8:       \
            call(8);  \
            break;    \
        case 16:      \
            call(16); \
            break;    \
        }             \
    } while (0)

static void access_memory(struct run *x, bool write, int area, unsigned char *p, uint32_t n,
                          int how)
{
    bool real = area == AREA_GLOBAL || (!par && area >= AREA_HEAP && area < AREA_STACK &&
                                        heap[area - AREA_HEAP].live == 1);
    if (how == HOW_LIBC && !real)
        how = HOW_RANGE;
    if (how == HOW_BOTH)
        write = true;
    bool power = n == 1 || n == 2 || n == 4 || n == 8 || n == 16;
    if (how != HOW_RANGE && how != HOW_LIBC && !power)
        how = HOW_RANGE;
    if (how != HOW_PLAIN && how != HOW_RANGE && how != HOW_LIBC && (uintptr_t)p % n)
        how = n == 1 ? HOW_PLAIN : HOW_UNALIGNED;
    if (how == HOW_UNALIGNED && n == 1)
        how = HOW_PLAIN;
    if (how == HOW_BOTH)
        log_event(x, EV_ACCESS, 0, (uintptr_t)p, n, 0);
    log_event(x, EV_ACCESS, write ? EV_WRITE : 0, (uintptr_t)p, n, 0);
    switch (how) {
#define R(s) __tsan_read##s(p)
#define W(s) __tsan_write##s(p)
#define UR(s) __tsan_unaligned_read##s(p)
#define UW(s) __tsan_unaligned_write##s(p)
#define __tsan_unaligned_read1 __tsan_read1 /* there are none for one byte */
#define __tsan_unaligned_write1 __tsan_write1
#define VR(s) __tsan_volatile_read##s(p)
#define VW(s) __tsan_volatile_write##s(p)
#define RW(s) __tsan_read_write##s(p)
    case HOW_PLAIN:
        if (write)
            BY_SIZE(W);
        else
            BY_SIZE(R);
        break;
    case HOW_UNALIGNED:
        if (write)
            BY_SIZE(UW);
        else
            BY_SIZE(UR);
        break;
    case HOW_VOLATILE:
        if (write)
            BY_SIZE(VW);
        else
            BY_SIZE(VR);
        break;
    case HOW_BOTH:
        BY_SIZE(RW);
        break;
    case HOW_RANGE:
        if (write)
            __tsan_write_range(p, n);
        else
            __tsan_read_range(p, n);
        break;
    case HOW_LIBC: {
        unsigned char own[128];
        if (write)
            memset(p, (int)x->op, n);
        else
            memcpy(own, p, n);
        break;
    }
    }
}

/* --- atomics
 * ---------------------------------------------------------------------------------------- */

static bool cell(int i, unsigned char **p, uint32_t *size)
{
    if (i >= N_CELL) { /* the first word of a block */
        i -= N_CELL;
        if (par || i >= N_HEAP || heap[i].live != 1 || heap[i].size < 8)
            return false;
        *p = heap[i].p;
        *size = 8;
        return true;
    }
    uint32_t off;
    cell_place(i, &off, size);
    *p = cells + off;
    return true;
}

#define ONE_WIDTH(w)                                                                            \
    static uint64_t atomic_op##w(const struct op *o, volatile a##w *p, a##w v, bool *failed)    \
    {                                                                                           \
        a##w want = *p;                                                                         \
        switch (o->kind) {                                                                      \
        case OP_ALOAD:                                                                          \
            return (uint64_t)__tsan_atomic##w##_load(p, o->b);                                  \
        case OP_ASTORE:                                                                         \
            __tsan_atomic##w##_store(p, v, o->b);                                               \
            return 0;                                                                           \
        case OP_AXCHG:                                                                          \
            return (uint64_t)__tsan_atomic##w##_exchange(p, v, o->b);                           \
        case OP_ARMW:                                                                           \
            switch (o->c) {                                                                     \
            case 0:                                                                             \
                return (uint64_t)__tsan_atomic##w##_fetch_add(p, v, o->b);                      \
            case 1:                                                                             \
                return (uint64_t)__tsan_atomic##w##_fetch_sub(p, v, o->b);                      \
            case 2:                                                                             \
                return (uint64_t)__tsan_atomic##w##_fetch_and(p, v, o->b);                      \
            case 3:                                                                             \
                return (uint64_t)__tsan_atomic##w##_fetch_or(p, v, o->b);                       \
            case 4:                                                                             \
                return (uint64_t)__tsan_atomic##w##_fetch_xor(p, v, o->b);                      \
            default:                                                                            \
                return (uint64_t)__tsan_atomic##w##_fetch_nand(p, v, o->b);                     \
            }                                                                                   \
        case OP_ACAS:                                                                           \
            if (o->d & 4)                                                                       \
                want++;                                                                         \
            if (o->d & 2) {                                                                     \
                a##w old = __tsan_atomic##w##_compare_exchange_val(p, want, v, o->b, o->c);     \
                *failed = old != want;                                                          \
                return (uint64_t)old;                                                           \
            }                                                                                   \
            if (o->d & 1)                                                                       \
                *failed = !__tsan_atomic##w##_compare_exchange_weak(p, &want, v, o->b, o->c);   \
            else                                                                                \
                *failed = !__tsan_atomic##w##_compare_exchange_strong(p, &want, v, o->b, o->c); \
            return (uint64_t)want;                                                              \
        }                                                                                       \
        return 0;                                                                               \
    }
ONE_WIDTH(8)
ONE_WIDTH(16)
ONE_WIDTH(32)
ONE_WIDTH(64)
ONE_WIDTH(128)

static void run_atomic(struct run *x, const struct op *o)
{
    unsigned char *p;
    uint32_t size;
    if (!cell(o->a, &p, &size))
        return;
    int flags = o->kind == OP_ALOAD ? EV_LOAD : o->kind == OP_ASTORE ? EV_STORE : EV_RMW;
    uint32_t order = (uint32_t)o->b | (o->kind == OP_ACAS ? (uint32_t)o->c << 8 : 0);
    uint32_t e = log_event(x, EV_ATOMIC, flags, (uintptr_t)p, size, order);
    uint64_t tag = e + 1, got = 0;
    bool failed = false;
    switch (size) {
    case 1:
        got = atomic_op8(o, (volatile a8 *)p, (a8)tag, &failed);
        break;
    case 2:
        got = atomic_op16(o, (volatile a16 *)p, (a16)tag, &failed);
        break;
    case 4:
        got = atomic_op32(o, (volatile a32 *)p, (a32)tag, &failed);
        break;
    case 8:
        got = atomic_op64(o, (volatile a64 *)p, (a64)tag, &failed);
        break;
    case 16:
        got = atomic_op128(o, (volatile a128 *)p, (a128)tag, &failed);
        break;
    }
    uint32_t d = log_event(x, EV_ATOMIC_DONE, failed ? EV_LOAD : flags, e, 0, 0);
    S->ev[d].val = got;
}

/* --- channels
 * ------------------------------------------------------------------------------------------ */

static void run_send(struct run *x, int i, bool attempt)
{
    if (!may_send(x, i))
        return;
    log_object(x, chan[i], false);
    uint32_t e = log_event(x, EV_SEND, 0, (uint64_t)i, 0, 0);
    __atomic_fetch_add(&chan_sending[i], 1, __ATOMIC_RELAXED);
    bool sent = true;
    if (attempt)
        sent = goc_try_send(chan[i], (uint64_t)e + 1);
    else
        goc_send(chan[i], (uint64_t)e + 1);
    __atomic_fetch_sub(&chan_sending[i], 1, __ATOMIC_RELAXED);
    if (sent)
        log_event(x, EV_SENT, 0, e, 0, 0);
}

static void run_recv(struct run *x, int i, bool attempt)
{
    uint32_t e = log_event(x, EV_RECV, 0, (uint64_t)i, 0, 0);
    uint64_t *to = &S->ev[e].val;
    if (attempt) {
        if (goc_try_recv(chan[i], to))
            log_event(x, EV_RECEIVED, 0, e, 0, 0);
        else if (chan_closed[i] && !par) /* it has seen that */
            log_event(x, EV_RECEIVED, EV_CLOSED, e, 0, 0);
    } else {
        bool ok = goc_recv_ok(chan[i], to);
        log_event(x, EV_RECEIVED, ok ? 0 : EV_CLOSED, e, 0, 0);
    }
}

static void run_select(struct run *x, const struct op *o)
{
    goc_case c[2 * N_CHAN + 1];
    uint32_t ev[2 * N_CHAN], n = 0, receives;
    bool ok[N_CHAN];
    for (int i = 0; i < N_CHAN; i++) /* before anything of it is published */
        if (o->b >> i & 1 && may_send(x, i))
            log_object(x, chan[i], false);
    for (int i = 0; i < N_CHAN; i++) {
        if (!(o->a >> i & 1))
            continue;
        ev[n] = log_event(x, EV_RECV, 0, (uint64_t)i, 0, 0);
        c[n] = goc_on_recv_ok(chan[i], &S->ev[ev[n]].val, &ok[n]);
        n++;
    }
    receives = n;
    int sending = 0;
    for (int i = 0; i < N_CHAN; i++) {
        if (!(o->b >> i & 1) || !may_send(x, i))
            continue;
        ev[n] = log_event(x, EV_SEND, 0, (uint64_t)i, 0, 0);
        c[n] = goc_on_send(chan[i], (uint64_t)ev[n] + 1);
        n++;
        sending |= 1 << i;
    }
    if (n == 0)
        return;
    if (o->c)
        c[n] = o->c == 2 ? goc_on_timeout(20 * GOC_MICROSECOND) : goc_on_default();
    for (int i = 0; i < N_CHAN; i++)
        if (sending >> i & 1)
            __atomic_fetch_add(&chan_sending[i], 1, __ATOMIC_RELAXED);
    uint32_t got = (uint32_t)goc_select_n(c, n + (o->c != 0));
    for (int i = 0; i < N_CHAN; i++)
        if (sending >> i & 1)
            __atomic_fetch_sub(&chan_sending[i], 1, __ATOMIC_RELAXED);
    if (got >= n)
        return;
    if (got < receives)
        log_event(x, EV_RECEIVED, ok[got] ? 0 : EV_CLOSED, ev[got], 0, 0);
    else
        log_event(x, EV_SENT, 0, ev[got], 0, 0);
}

static void run_close(struct run *x, int i)
{
    if (!may_send(x, i) || (par && i < N_CHAN - 2))
        return;
    if (__atomic_load_n(&chan_sending[i], __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&chan_closed[i], 1, __ATOMIC_RELAXED);
    log_object(x, chan[i], true);
    log_event(x, EV_CLOSE, 0, (uint64_t)i, 0, 0);
    goc_close(chan[i]);
}

/* --- locks and the rest
 * ---------------------------------------------------------------------------------- */

enum { MUTEX, READER, WRITER };

static void run_lock(struct run *x, int kind, int i, bool attempt)
{
    uint32_t bit = 1u << i;
    if (kind == MUTEX ? x->mutex & bit : (x->rlocked | x->wlocked) & bit)
        return;
    bool ok = true;
    switch (kind) {
    case MUTEX:
        if (attempt)
            ok = goc_mutex_trylock(&mutex[i]);
        else
            goc_mutex_lock(&mutex[i]);
        break;
    case READER:
        if (attempt)
            ok = goc_rwmutex_tryrlock(&rw[i]);
        else
            goc_rwmutex_rlock(&rw[i]);
        break;
    case WRITER:
        if (attempt)
            ok = goc_rwmutex_trylock(&rw[i]);
        else
            goc_rwmutex_lock(&rw[i]);
        break;
    }
    if (!ok)
        return;
    log_event(x, EV_LOCKED, 0, (uint64_t)i, 0, (uint64_t)kind);
    *(kind == MUTEX ? &x->mutex : kind == READER ? &x->rlocked : &x->wlocked) |= bit;
}

static void run_unlock(struct run *x, int kind, int i)
{
    uint32_t bit = 1u << i;
    uint32_t *held = kind == MUTEX ? &x->mutex : kind == READER ? &x->rlocked : &x->wlocked;
    if (!(*held & bit))
        return;
    *held &= ~bit;
    log_event(x, EV_UNLOCK, 0, (uint64_t)i, 0, (uint64_t)kind);
    if (kind == MUTEX)
        goc_mutex_unlock(&mutex[i]);
    else if (kind == READER)
        goc_rwmutex_runlock(&rw[i]);
    else
        goc_rwmutex_unlock(&rw[i]);
}

/* Whose stack is this? goc_once_do gives its function no argument. */
static struct run *run_here(void)
{
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0);
    for (uint32_t i = 0; i < MAX_INST; i++) {
        uintptr_t r = (uintptr_t)__atomic_load_n(&runs[i], __ATOMIC_RELAXED);
        if (r > sp && r - sp < 12000)
            return (struct run *)r;
    }
    abort();
}

static void once_body(int i)
{
    struct run *x = run_here();
    uint32_t off = 20 * 8 + (uint32_t)i * 8;
    access_memory(x, true, AREA_GLOBAL, global + off % S->arena, S->arena >= 8 ? 8 : 1, HOW_PLAIN);
    if (S->seed & 1)
        goc_gosched();
    log_event(x, EV_ONCE_RAN, 0, (uint64_t)i, 0, 0);
}
static void once0(void)
{
    once_body(0);
}
static void once1(void)
{
    once_body(1);
}
static void once2(void)
{
    once_body(2);
}
static void once3(void)
{
    once_body(3);
}
static void (*const once_fn[N_ONCE])(void) = {once0, once1, once2, once3};

/* --- goroutines
 * -------------------------------------------------------------------------------------------- */

struct start {
    uint32_t inst, body;
    struct run *group; /* whose it is in; NULL: none */
    int how;           /* GROUP_*, THREAD_* */
    bool limited;
    uint32_t acquire; /* the event that asked for its slot */
    uint32_t phase; /* of a thread */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    bool signalled;
};
static struct start starts[MAX_INST];

static void run_program(struct run *x, uint32_t from, uint32_t to);

static __attribute__((noinline)) void goroutine(void *arg)
{
    struct start *s = arg;
    /* The buffer lies at the same distance from the stack's top in every goroutine. */
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.inst = s->inst, .body = s->body, .buffer = buffer};
    __asm__ volatile("" : : "r"(buffer) : "memory");
    log_event(&x, EV_START, 0, (uintptr_t)buffer, STACKBUF, 0);
    if (s->limited && s->how == GROUP_ERR)
        log_event(&x, EV_SEM_ACQUIRED, 0, s->acquire, 0, 0);
    __atomic_store_n(&runs[x.inst], &x, __ATOMIC_RELAXED);
    stack_buffer[x.body] = buffer;
    run_program(&x, 0, body_len[x.body]);
    for (; x.entered > 0; x.entered--)
        __tsan_func_exit();
    __atomic_store_n(&runs[x.inst], NULL, __ATOMIC_RELAXED);
    if (s->group) {
        if (s->limited)
            log_event(&x, EV_SEM_RELEASE, 0, SEM_OF + s->group->inst, 1, 0);
        log_event(&x, EV_WG_DONE, 0, WG_OF + s->group->inst, 0, 0);
        if (s->how == GROUP_WAIT)
            goc_waitgroup_done(&s->group->group);
        else if (s->how == GROUP_SIZED)
            goc_sized_waitgroup_done(&s->group->sized);
    }
    log_event(&x, EV_FINISH, 0, 0, 0, 0);
}
/* The group gives the slot back and counts down when this returns. */
static int in_errgroup(void *arg)
{
    goroutine(arg);
    return ((struct start *)arg)->inst % 3 == 0;
}

static struct start *new_instance(uint32_t body)
{
    uint32_t i = par ? __atomic_fetch_add(&S->ninst, 1, __ATOMIC_RELAXED) : S->ninst++;
    if (i >= S->max_inst || i >= MAX_INST) {
        __atomic_fetch_sub(&S->ninst, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    starts[i].inst = i;
    starts[i].body = body;
    return &starts[i];
}

static void run_group(struct run *x, const struct op *o)
{
    int how = o->d & 3, limit = o->d >> 2;
    bool any = false;
    if (how == GROUP_SIZED)
        goc_sized_waitgroup_init(&x->sized, limit);
    if (how == GROUP_ERR) {
        unseen_blocks = true;
        goc_errgroup_init(&x->errgroup, ctx[1]);
        if (!par && ctx_ended[1]) /* who makes a child of a context that has ended, sees that */
            log_event(x, EV_CTX_SEEN, 0, 1, 0, 0);
        goc_errgroup_set_limit(&x->errgroup, limit ? limit : -1);
    }
    for (int i = 0; i < o->b && (uint32_t)o->c < S->nbodies; i++) {
        struct start *s = new_instance((uint32_t)o->c);
        if (!s)
            break;
        s->group = x;
        s->how = how;
        s->limited = limit && how != GROUP_WAIT;
        uint32_t e = 0;
        if (s->limited)
            e = log_event(x, EV_SEM_ACQUIRE, 0, SEM_OF + x->inst, 1, 0);
        s->acquire = e;
        if (how == GROUP_ERR) { /* it may start, knowing of the slot, before this returns */
            log_event(x, EV_GO, 0, s->inst, 0, 0);
            goc_errgroup_go(&x->errgroup, in_errgroup, s);
        } else if (how == GROUP_SIZED) {
            goc_sized_waitgroup_add(&x->sized);
        } else {
            goc_waitgroup_add(&x->group, 1);
        }
        if (s->limited)
            log_event(x, EV_SEM_ACQUIRED, 0, e, 0, 0);
        if (how != GROUP_ERR) {
            log_event(x, EV_GO, 0, s->inst, 0, 0);
            goc_go(goroutine, s);
        }
        any = true;
    }
    if (any && how == GROUP_WAIT)
        goc_waitgroup_wait(&x->group);
    else if (any && how == GROUP_SIZED)
        goc_sized_waitgroup_wait(&x->sized);
    else if (how == GROUP_ERR)
        goc_errgroup_wait(&x->errgroup);
    if (any)
        log_event(x, EV_WG_WAITED, 0, WG_OF + x->inst, 0, 0);
    if (how == GROUP_ERR)
        goc_errgroup_free(&x->errgroup);
}

/* --- contexts
 * ---------------------------------------------------------------------------------------------- */

static void run_cancel(struct run *x, int i)
{
    uint32_t was = 0;
    if (par && (i > 0 || !__atomic_compare_exchange_n(&ctx_ended[0], &was, 1, false,
                                                      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)))
        return; /* who of several was the first could not be told */
    for (int k = i; k < N_CTX; k++)
        if (par || !ctx_ended[k]) {
            log_event(x, EV_CLOSE, 0, CLOSE_CTX + (uint64_t)k, 0, 0);
            ctx_ended[k] = 1;
        }
    goc_cancel(ctx[i]);
}

static void run_ctxwait(struct run *x, int i, int how)
{
    unseen_blocks = true;
    goc_case c[2] = {goc_on_recv(goc_context_done(ctx[i]), NULL), goc_on_default()};
    if (how == 1)
        c[1] = goc_on_timeout(20 * GOC_MICROSECOND);
    if (goc_select_n(c, how == 0 ? 1 : 2) == 0)
        log_event(x, EV_CTX_SEEN, 0, (uint64_t)i, 0, 0);
}

/* --- POSIX
 * -------------------------------------------------------------------------------------------------
 */

static void run_plock(struct run *x, int i, bool attempt)
{
    if (x->pmutex >> i & 1)
        return;
    if (attempt || par) {
        if (pthread_mutex_trylock(&pmutex[i]))
            return;
    } else {
        if (pmutex_held[i])
            return;
        pthread_mutex_lock(&pmutex[i]);
    }
    log_event(x, EV_LOCKED, 0, MUTEX_POSIX + (uint64_t)i, 0, MUTEX);
    x->pmutex |= 1u << i;
    pmutex_held[i] = 1;
}

static void run_punlock(struct run *x, int i)
{
    if (!(x->pmutex >> i & 1))
        return;
    x->pmutex &= ~(1u << i);
    log_event(x, EV_UNLOCK, 0, MUTEX_POSIX + (uint64_t)i, 0, MUTEX);
    pmutex_held[i] = 0;
    pthread_mutex_unlock(&pmutex[i]);
}

static void run_prwlock(struct run *x, int i, bool write, bool attempt)
{
    if ((x->prlocked | x->pwlocked) >> i & 1)
        return;
    if (!par && (prw_written[i] || (write && prw_readers[i])))
        return;
    attempt = attempt || par;
    if (write ? (attempt ? pthread_rwlock_trywrlock : pthread_rwlock_wrlock)(&prw[i])
              : (attempt ? pthread_rwlock_tryrdlock : pthread_rwlock_rdlock)(&prw[i]))
        return;
    log_event(x, EV_LOCKED, 0, RW_POSIX + (uint64_t)i, 0, write ? WRITER : READER);
    *(write ? &x->pwlocked : &x->prlocked) |= 1u << i;
    if (write)
        prw_written[i] = 1;
    else
        __atomic_add_fetch(&prw_readers[i], 1, __ATOMIC_RELAXED);
}

static void run_prwunlock(struct run *x, int i)
{
    bool write = x->pwlocked >> i & 1;
    if (!write && !(x->prlocked >> i & 1))
        return;
    *(write ? &x->pwlocked : &x->prlocked) &= ~(1u << i);
    log_event(x, EV_UNLOCK, 0, RW_POSIX + (uint64_t)i, 0, write ? WRITER : READER);
    if (write)
        prw_written[i] = 0;
    else
        __atomic_sub_fetch(&prw_readers[i], 1, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&prw[i]);
}

/* All that was posted or written before orders what is taken or read after; with several Ps the log
   does not tell what was before. */
static void run_merged(struct run *x, const struct op *o)
{
    char byte = 0;
    switch ((enum op_kind)o->kind) {
    case OP_PPOST:
        if (!par)
            log_event(x, EV_RELEASE_MERGE, 0, ANN_SEM + (uint64_t)o->a, 0, 0);
        sem_post(&psem[o->a]);
        break;
    case OP_PWAIT:
        if (sem_trywait(&psem[o->a]) == 0 && !par)
            log_event(x, EV_ACQUIRE, 0, ANN_SEM + (uint64_t)o->a, 0, 0);
        break;
    case OP_PIPEWRITE:
        if (!par)
            log_event(x, EV_RELEASE_MERGE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
        if (write(pipes[o->a][1], &byte, 1) < 0 && errno != EAGAIN)
            abort();
        break;
    default:
        if (read(pipes[o->a][0], &byte, 1) == 1 && !par)
            log_event(x, EV_ACQUIRE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
    }
}

static void ponce_body(int i)
{
    struct run *x = run_here();
    access_memory(x, true, AREA_GLOBAL, global + (uint32_t)i * 8 % S->arena, S->arena >= 8 ? 8 : 1,
                  HOW_PLAIN);
    log_event(x, EV_ONCE_RAN, 0, ONCE_POSIX + (uint64_t)i, 0, 0);
}
static void ponce0(void)
{
    ponce_body(0);
}
static void ponce1(void)
{
    ponce_body(1);
}
static void (*const ponce_fn[N_PONCE])(void) = {ponce0, ponce1};

/* --- threads
 * -----------------------------------------------------------------------------------------------
 */

enum { PHASE_START, PHASE_MEET, PHASE_DONE };
enum { N_LOOSE = 8 };
static struct start *loose[N_LOOSE]; /* threads that somebody may join */
static uint32_t nthreads;

static void wait_phase(struct start *s, uint32_t phase)
{
    while (__atomic_load_n(&s->phase, __ATOMIC_ACQUIRE) < phase) {
        if (par)
            usleep(20);
        else
            __builtin_ia32_pause();
    }
}

static __attribute__((noinline)) void *thread(void *arg)
{
    struct start *s = arg;
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.inst = s->inst, .body = s->body, .buffer = buffer, .thread = true};
    __asm__ volatile("" : : "r"(buffer) : "memory");
    log_event(&x, EV_START, 0, (uintptr_t)buffer, STACKBUF, 0);
    __atomic_store_n(&runs[x.inst], &x, __ATOMIC_RELAXED);
    stack_buffer[x.body] = buffer;
    run_program(&x, 0, body_len[x.body]);
    if (s->how == THREAD_BARRIER) {
        log_event(&x, EV_RELEASE_MERGE, 0, ANN_BARRIER + x.inst, 0, 0);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        pthread_barrier_wait(&s->barrier);
        log_event(&x, EV_ACQUIRE, 0, ANN_BARRIER + x.inst, 0, 0);
        run_program(&x, 0, body_len[x.body]);
    } else if (s->how == THREAD_COND) {
        pthread_mutex_lock(&s->mutex);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        do
            pthread_cond_wait(&s->cond, &s->mutex);
        while (!s->signalled);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_ACQUIRE, 0, ANN_COND + x.inst, 0, 0);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        pthread_mutex_unlock(&s->mutex);
        run_program(&x, 0, body_len[x.body]);
    }
    for (; x.entered > 0; x.entered--)
        __tsan_func_exit();
    __atomic_store_n(&runs[x.inst], NULL, __ATOMIC_RELAXED);
    log_event(&x, EV_WG_DONE, 0, WG_OF + x.inst, 0, 0);
    log_event(&x, EV_FINISH, 0, 0, 0, 0);
    __atomic_store_n(&s->phase, PHASE_DONE, __ATOMIC_RELEASE);
    return NULL;
}

static void thread_join(struct run *x, struct start *s)
{
    pthread_join(s->thread, NULL);
    log_event(x, EV_WG_WAITED, 0, WG_OF + s->inst, 0, 0);
}

static void meet(struct run *x, struct start *s, uint32_t which)
{
    uint32_t off = which * 8 % S->arena;
    wait_phase(s, PHASE_MEET);
    if (s->how == THREAD_BARRIER) {
        access_memory(x, true, AREA_GLOBAL, global + off, 1, HOW_PLAIN);
        log_event(x, EV_RELEASE_MERGE, 0, ANN_BARRIER + s->inst, 0, 0);
        pthread_barrier_wait(&s->barrier);
        log_event(x, EV_ACQUIRE, 0, ANN_BARRIER + s->inst, 0, 0);
    } else {
        pthread_mutex_lock(&s->mutex); /* it waits now */
        log_event(x, EV_LOCKED, 0, MUTEX_OF + s->inst, 0, MUTEX);
        s->signalled = true;
        log_event(x, EV_UNLOCK, 0, MUTEX_OF + s->inst, 0, MUTEX);
        pthread_mutex_unlock(&s->mutex);
        access_memory(x, true, AREA_GLOBAL, global + off, 1, HOW_PLAIN);
        log_event(x, EV_RELEASE_MERGE, 0, ANN_COND + s->inst, 0, 0);
        pthread_cond_signal(&s->cond);
    }
}

static void run_thread(struct run *x, const struct op *o)
{
    struct start *s;
    int place = -1;
    if (o->b == THREAD_LATER) {
        for (place = 0; place < N_LOOSE && loose[place]; place++)
            ;
        if (place == N_LOOSE || par)
            return;
    }
    if ((uint32_t)o->a >= S->nbodies || __atomic_add_fetch(&nthreads, 1, __ATOMIC_RELAXED) > 60 ||
        !(s = new_instance((uint32_t)o->a)))
        return;
    s->how = o->b;
    unseen_blocks = true;
    if (o->b == THREAD_BARRIER)
        pthread_barrier_init(&s->barrier, NULL, 2);
    if (o->b == THREAD_COND) {
        pthread_mutex_init(&s->mutex, NULL);
        pthread_cond_init(&s->cond, NULL);
    }
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    if (o->b == THREAD_DETACHED)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
    log_event(x, EV_GO, 0, s->inst, 0, 0);
    if (pthread_create(&s->thread, &attr, thread, s))
        abort();
    if (o->b == THREAD_BARRIER || o->b == THREAD_COND)
        meet(x, s, (uint32_t)o->c);
    wait_phase(s, PHASE_DONE);
    if (place >= 0)
        loose[place] = s;
    else if (o->b != THREAD_DETACHED)
        thread_join(x, s);
    if (!x->thread) /* the monitor may have thought that we sleep */
        goc_gosched();
    __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
}

static void run_join(struct run *x)
{
    for (int i = 0; i < N_LOOSE; i++) {
        struct start *s = loose[i];
        if (!s)
            continue;
        loose[i] = NULL;
        __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        thread_join(x, s);
        if (!x->thread)
            goc_gosched();
        __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        return;
    }
}

/* What a thread may do: nothing that needs a P. */
static bool for_thread(int kind)
{
    switch (kind) {
    case OP_READ:
    case OP_WRITE:
    case OP_ALOAD:
    case OP_ASTORE:
    case OP_AXCHG:
    case OP_ARMW:
    case OP_ACAS:
    case OP_FENCE:
    case OP_MALLOC:
    case OP_FREE:
    case OP_REALLOC:
    case OP_PLOCK:
    case OP_PTRYLOCK:
    case OP_PUNLOCK:
    case OP_PRLOCK:
    case OP_PWLOCK:
    case OP_PRWUNLOCK:
    case OP_PPOST:
    case OP_PWAIT:
    case OP_PONCE:
    case OP_PIPEWRITE:
    case OP_PIPEREAD:
    case OP_THREAD:
    case OP_JOIN:
    case OP_ANNACQ:
    case OP_ANNREL:
    case OP_ANNMERGE:
        return true;
    default:
        return false;
    }
}

static void run_op(struct run *x, const struct op *o)
{
    struct start *s;
    unsigned char *p;
    uint32_t e;
    switch ((enum op_kind)o->kind) {
    case OP_READ:
    case OP_WRITE:
        p = place(o->a, (uint32_t)o->b, (uint32_t)o->c);
        if (p)
            access_memory(x, o->kind == OP_WRITE, o->a, p, (uint32_t)o->c, o->d);
        break;
    case OP_ALOAD:
    case OP_ASTORE:
    case OP_AXCHG:
    case OP_ARMW:
    case OP_ACAS:
        run_atomic(x, o);
        break;
    case OP_FENCE:
        log_event(x, EV_FENCE, 0, 0, 0, (uint64_t)o->b);
        __tsan_atomic_thread_fence(o->b);
        break;
    case OP_LOCK:
    case OP_TRYLOCK:
        run_lock(x, MUTEX, o->a, o->kind == OP_TRYLOCK);
        break;
    case OP_UNLOCK:
        run_unlock(x, MUTEX, o->a);
        break;
    case OP_RLOCK:
    case OP_TRYRLOCK:
        run_lock(x, READER, o->a, o->kind == OP_TRYRLOCK);
        break;
    case OP_RUNLOCK:
        run_unlock(x, READER, o->a);
        break;
    case OP_WLOCK:
    case OP_TRYWLOCK:
        run_lock(x, WRITER, o->a, o->kind == OP_TRYWLOCK);
        break;
    case OP_WUNLOCK:
        run_unlock(x, WRITER, o->a);
        break;
    case OP_SEND:
    case OP_TRYSEND:
        run_send(x, o->a, o->kind == OP_TRYSEND);
        break;
    case OP_RECV:
    case OP_TRYRECV:
        run_recv(x, o->a, o->kind == OP_TRYRECV);
        break;
    case OP_CLOSE:
        run_close(x, o->a);
        break;
    case OP_SELECT:
        run_select(x, o);
        break;
    case OP_WGADD:
        if (par || (wg_count[o->a] == 0 && wg_waiters[o->a]))
            break;
        if (wg_count[o->a] == 0) /* the first one must come before a Wait */
            log_object(x, &wg[o->a], false);
        wg_count[o->a] += (uint32_t)o->b;
        goc_waitgroup_add(&wg[o->a], o->b);
        break;
    case OP_WGDONE:
        if (par || wg_count[o->a] == 0)
            break;
        wg_count[o->a]--;
        log_event(x, EV_WG_DONE, 0, (uint64_t)o->a, 0, 0);
        goc_waitgroup_done(&wg[o->a]);
        break;
    case OP_WGWAIT:
        if (par)
            break;
        if (wg_count[o->a] && wg_waiters[o->a] == 0)
            log_object(x, &wg[o->a], true);
        wg_waiters[o->a]++;
        goc_waitgroup_wait(&wg[o->a]);
        wg_waiters[o->a]--;
        log_event(x, EV_WG_WAITED, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_GROUP:
        run_group(x, o);
        break;
    case OP_ONCE:
        goc_once_do(&once[o->a], once_fn[o->a]);
        log_event(x, EV_ONCE_DONE, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_CWAIT:
        if (!(x->mutex >> o->a & 1))
            break;
        log_event(x, EV_CWAIT, 0, (uint64_t)o->a, 0, 0);
        goc_cond_wait(&cond[o->a]);
        log_event(x, EV_CWAITED, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_CSIGNAL:
        log_event(x, EV_CSIGNAL, 0, (uint64_t)o->a, 0, 0);
        goc_cond_signal(&cond[o->a]);
        break;
    case OP_CBROADCAST:
        log_event(x, EV_CBROADCAST, 0, (uint64_t)o->a, 0, 0);
        goc_cond_broadcast(&cond[o->a]);
        break;
    case OP_SEMACQ:
    case OP_SEMTRY:
        if ((uint32_t)o->b > S->sem_size[o->a] || x->sem[o->a])
            break;
        e = log_event(x, EV_SEM_ACQUIRE, 0, (uint64_t)o->a, (uint64_t)o->b, 0);
        if (o->kind == OP_SEMACQ)
            goc_sem_acquire(&sem[o->a], o->b);
        else if (!goc_sem_try_acquire(&sem[o->a], o->b))
            break;
        log_event(x, EV_SEM_ACQUIRED, 0, e, 0, 0);
        x->sem[o->a] = (uint32_t)o->b;
        break;
    case OP_SEMREL:
        if (!x->sem[o->a])
            break;
        log_event(x, EV_SEM_RELEASE, 0, (uint64_t)o->a, x->sem[o->a], 0);
        goc_sem_release(&sem[o->a], x->sem[o->a]);
        x->sem[o->a] = 0;
        break;
    case OP_MALLOC:
        if (!heap_take(o->a, 0))
            break;
        p = malloc((size_t)o->b);
        log_event(x, EV_MALLOC, 0, (uintptr_t)p, malloc_usable_size(p), 0);
        heap[o->a].p = p;
        heap[o->a].size = (uint32_t)o->b;
        __atomic_store_n(&heap[o->a].live, 1, __ATOMIC_RELEASE);
        break;
    case OP_FREE:
        if (!heap_take(o->a, 1))
            break;
        log_event(x, EV_ACCESS, EV_WRITE | EV_FREE, (uintptr_t)heap[o->a].p, heap[o->a].size, 0);
        free(heap[o->a].p);
        __atomic_store_n(&heap[o->a].live, 0, __ATOMIC_RELEASE);
        break;
    case OP_REALLOC:
        if (!heap_take(o->a, 1))
            break;
        /* A free of what was there, and a block that what is kept is written to. */
        log_event(x, EV_ACCESS, EV_WRITE | EV_FREE, (uintptr_t)heap[o->a].p, heap[o->a].size, 0);
        p = realloc(heap[o->a].p, (size_t)o->b);
        log_event(x, EV_MALLOC, 0, (uintptr_t)p, malloc_usable_size(p), 0);
        log_event(x, EV_ACCESS, EV_WRITE, (uintptr_t)p,
                  heap[o->a].size < (uint32_t)o->b ? heap[o->a].size : (uint32_t)o->b, 0);
        heap[o->a].p = p;
        heap[o->a].size = (uint32_t)o->b;
        __atomic_store_n(&heap[o->a].live, 1, __ATOMIC_RELEASE);
        break;
    case OP_CANCEL:
        run_cancel(x, o->a);
        break;
    case OP_CTXERR:
        if (goc_context_err(ctx[o->a]))
            log_event(x, EV_CTX_SEEN, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_CTXWAIT:
        run_ctxwait(x, o->a, o->b);
        break;
    case OP_PLOCK:
    case OP_PTRYLOCK:
        run_plock(x, o->a, o->kind == OP_PTRYLOCK);
        break;
    case OP_PUNLOCK:
        run_punlock(x, o->a);
        break;
    case OP_PRLOCK:
    case OP_PWLOCK:
        run_prwlock(x, o->a, o->kind == OP_PWLOCK, o->b);
        break;
    case OP_PRWUNLOCK:
        run_prwunlock(x, o->a);
        break;
    case OP_PPOST:
    case OP_PWAIT:
    case OP_PIPEWRITE:
    case OP_PIPEREAD:
        run_merged(x, o);
        break;
    case OP_PONCE:
        pthread_once(&ponce[o->a], ponce_fn[o->a]);
        log_event(x, EV_ONCE_DONE, 0, ONCE_POSIX + (uint64_t)o->a, 0, 0);
        break;
    case OP_THREAD:
        run_thread(x, o);
        break;
    case OP_JOIN:
        run_join(x);
        break;
    case OP_SPAWN:
    case OP_AFTER:
        if ((uint32_t)o->a >= S->nbodies || !(s = new_instance((uint32_t)o->a)))
            break;
        log_event(x, EV_GO, 0, s->inst, 0, 0);
        if (o->kind == OP_SPAWN)
            goc_go(goroutine, s);
        else
            goc_after_func(o->b * GOC_MICROSECOND, goroutine, s);
        break;
    case OP_YIELD:
        goc_gosched();
        break;
    case OP_SLEEP:
        goc_sleep(o->a * GOC_MICROSECOND);
        break;
    case OP_ANNACQ:
        goc_race_acquire(&annotation[o->a]);
        log_event(x, EV_ACQUIRE, 0, (uint64_t)o->a, 0, 0);
        break;
    case OP_ANNREL:
    case OP_ANNMERGE:
        if (par)
            break;
        log_event(x, o->kind == OP_ANNREL ? EV_RELEASE : EV_RELEASE_MERGE, 0, (uint64_t)o->a, 0, 0);
        if (o->kind == OP_ANNREL)
            goc_race_release(&annotation[o->a]);
        else
            goc_race_release_merge(&annotation[o->a]);
        break;
    case OP_CALL:
    case OP_LOOP:
    case OP_END:
    case OP_COUNT:
        break;
    }
}

/* Operations [from, to) of this goroutine's body; a LOOP repeats what lies before its END. */
static void run_program(struct run *x, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        uint32_t n = body_op[x->body][i];
        const struct op *o = &S->op[n];
        if (__atomic_load_n(&stopping, __ATOMIC_RELAXED) || log_nearly_full())
            return;
        if (o->kind == OP_LOOP) {
            uint32_t end = i + 1, depth = 1;
            while (end < to) {
                int k = S->op[body_op[x->body][end]].kind;
                depth += k == OP_LOOP;
                depth -= k == OP_END;
                if (depth == 0)
                    break;
                end++;
            }
            for (int r = 1; r < o->a; r++)
                run_program(x, i + 1, end);
            continue;
        }
        if (x->thread && !for_thread(o->kind) && o->kind != OP_CALL)
            continue;
        while (!par && !x->thread && __atomic_load_n(&thread_runs, __ATOMIC_SEQ_CST))
            goc_gosched();
        x->op = n;
        if (o->kind == OP_CALL) {
            for (int k = 0; k < o->a; k++)
                __tsan_func_entry((void *)(FAKE_END + n * 256 + (uint32_t)k));
            for (int k = 0; k < o->a && o->d; k++)
                __tsan_func_exit();
            x->entered += o->d ? 0 : (uint32_t)o->a;
            continue;
        }
        __tsan_func_entry((void *)fake_pc(x->inst, n));
        run_op(x, o);
        __tsan_func_exit();
    }
}

/* Until nothing more happens: with one P, every goroutine that can run does so at a yield. */
static void drain(void)
{
    uint32_t last = 0, quiet = 0;
    for (int i = 0; i < (par ? 200 : 4000) && quiet < (par ? 3u : 40u); i++) {
        if (par)
            goc_sleep(100 * GOC_MICROSECOND);
        else
            goc_gosched();
        uint32_t now = __atomic_load_n(&S->nevents, __ATOMIC_RELAXED);
        quiet = now == last ? quiet + 1 : 0;
        last = now;
    }
}

/* As an instrumented object does: its calls of libc are then the program's. */
__attribute__((constructor)) static void instrumented(void)
{
    __tsan_init();
}

int main(void)
{
    const char *fd = getenv("ORACLE_FD");
    if (!fd)
        return 3;
    S = mmap(NULL, sizeof *S, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
    if (S == MAP_FAILED)
        return 3;
    close(atoi(fd));
    par = S->par;
    for (uint32_t i = 0; i < S->nops; i++) {
        uint32_t b = S->op[i].body;
        body_op[b][body_len[b]++] = i;
    }
    for (int i = 0; i < N_CHAN; i++)
        chan[i] = goc_chan_make(uint64_t, S->cap[i]);
    for (int i = 0; i < N_SEM; i++)
        goc_sem_init(&sem[i], S->sem_size[i]);
    for (int i = 0; i < N_MUTEX; i++)
        goc_cond_init(&cond[i], &mutex[i]);
    for (int i = 0; i < N_CTX; i++)
        ctx[i] = goc_with_cancel(i ? ctx[i - 1] : goc_background());
    for (int i = 0; i < N_PMUTEX; i++)
        pthread_mutex_init(&pmutex[i], NULL);
    for (int i = 0; i < N_PRW; i++)
        pthread_rwlock_init(&prw[i], NULL);
    for (int i = 0; i < N_PSEM; i++)
        sem_init(&psem[i], 0, 0);
    for (int i = 0; i < N_PIPE; i++)
        if (pipe2(pipes[i], O_NONBLOCK))
            return 3;

    S->ninst = 1;
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.buffer = buffer};
    log_event(&x, EV_START, 0, (uintptr_t)buffer, STACKBUF, 0);
    runs[0] = &x;
    stack_buffer[0] = buffer;
    run_program(&x, 0, body_len[0]);
    if (S->drain)
        drain();
    __atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
    S->done = 1;
    return 0;
}
