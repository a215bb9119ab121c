/*
 * exec_memory.c - operations on memory: accesses, atomics and fences, heap blocks.
 *
 * The calls of the -fsanitize=thread ABI are made by hand, with an address and a kind out of the
 * program. Which entry point an access takes (aligned or not, volatile, a range, an interposed
 * function of libc) is chosen by the program as far as the bytes allow it; an access that no entry
 * point fits becomes a range. A heap block that is being freed or given out is in between, and
 * belongs to who took it; accesses name it all the same.
 */
#include "exec.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* --- the ABI ---------------------------------------------------------------------------------- */

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

/* --- what there is ---------------------------------------------------------------------------- */

static _Alignas(64) unsigned char global[ARENA + 64];
static _Alignas(64) unsigned char cells[ATOMIC_BYTES + 64];
static struct {
    unsigned char *p;
    uint32_t size, live; /* 0 empty (p stays, and is stale), 1 a block is there, 2 in between */
} heap[N_HEAP];
bool unseen_blocks, unseen_stacks;
unsigned char *stack_buffer[MAX_BODIES];
uint32_t stack_of[MAX_BODIES];

static bool heap_take(int i, uint32_t state)
{
    return __atomic_compare_exchange_n(&heap[i].live, &state, 2, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* --- accesses --------------------------------------------------------------------------------- */

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
        if (unseen_stacks && !runs[stack_of[area - AREA_STACK]])
            return NULL;
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

void write_global(struct run *x, uint32_t off, uint32_t n)
{
    access_memory(x, true, AREA_GLOBAL, global + off % S->arena, n, HOW_PLAIN);
}

/* Both ranges are logged before either is told. Overlapping is what memmove is for. */
static void run_move(struct run *x, const struct op *o)
{
    uint32_t to = (uint32_t)o->a, from = (uint32_t)o->c, n = (uint32_t)o->b;
    if (to + n > ARENA || from + n > ARENA)
        return;
    log_event(x, EV_ACCESS, 0, (uintptr_t)global + from, n, 0);
    log_event(x, EV_ACCESS, EV_WRITE, (uintptr_t)global + to, n, 0);
    if (o->d && (to + n <= from || from + n <= to))
        memcpy(global + to, global + from, n);
    else
        memmove(global + to, global + from, n);
}

/* --- atomics ---------------------------------------------------------------------------------- */

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

bool memory_op(struct run *x, const struct op *o)
{
    unsigned char *p;
    switch ((enum op_kind)o->kind) {
    case OP_READ:
    case OP_WRITE:
        p = place(o->a, (uint32_t)o->b, (uint32_t)o->c);
        if (p)
            access_memory(x, o->kind == OP_WRITE, o->a, p, (uint32_t)o->c, o->d);
        break;
    case OP_MOVE:
        run_move(x, o);
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
    default:
        return false;
    }
    return true;
}
