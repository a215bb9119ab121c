/*
 * det.h - what the files of the detector share. Nothing outside detector/ includes it (unit tests
 * named det_*.c excepted).
 *
 * The goroutine context. `det_cur` is the goroutine whose code this thread executes; NULL means
 * that what happens now is nobody's (the scheduler, the detector, a thread being set up), and every
 * entry point then does nothing. `det_self` is the word that identifies (goroutine, epoch) in the
 * shadow, kept in TLS beside it because the access fast path reads nothing else: it is 0 exactly
 * when det_cur is NULL or ignores accesses, and 0 matches no shadow word.
 *
 * Who may touch what. The fields of a race_g are its goroutine's own: written by the thread that
 * runs it, or, while it is parked, by the one that completes its operation (hooks.h says so), never
 * by two at once. What others read while it runs is under `lock` (history, held locks).
 *
 * Rules of the house. Code here
 *  - calls no function that the program could have replaced or that is interposed: no libc mem, str or
 *    stdio, no malloc. Memory comes from det_map or a slab, bytes are moved by det_copy/det_zero;
 *    what the compiler synthesises is redirected to det_mem* by the asm labels below.
 *  - uses less than 1 KiB of the caller's stack on the common paths; rendering a finding takes more
 *    and moves to a stack of its own (det_on_stack).
 *  - takes locks in the order of enum det_rank and never holds one across I/O.
 *  - may be interrupted by a signal whose handler is instrumented: g->busy tells, and the handler's
 *    accesses are then not checked rather than deadlocked upon.
 */
#ifndef DET_H
#define DET_H

#include "hooks.h"
#include "inline.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls that the compiler makes up itself must not land in the program's (interposed) functions. */
void *det_memcpy(void *restrict to, const void *restrict from, size_t n);
void *det_memmove(void *to, const void *from, size_t n);
void *det_memset(void *to, int c, size_t n);
int det_memcmp(const void *a, const void *b, size_t n);
size_t det_strlen(const char *s);
#ifndef DET_KEEP_LIBC_NAMES /* intercept_*.c define the public names and keep them */
void *memcpy(void *restrict, const void *restrict, size_t) __asm__("det_memcpy");
void *memmove(void *, const void *, size_t) __asm__("det_memmove");
void *memset(void *, int, size_t) __asm__("det_memset");
int memcmp(const void *, const void *, size_t) __asm__("det_memcmp");
size_t strlen(const char *) __asm__("det_strlen");
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define DET_TLS extern __thread __attribute__((tls_model("initial-exec"), visibility("hidden")))
#define noinline __attribute__((noinline))

typedef uint32_t u32;
typedef uint64_t u64;

/* --- the address space (shadow.h has the arithmetic) ------------------------------------------ */

/* 47-bit user space; the program lives in three ranges that fall on distinct values of the low 44
   bits. Everything indexed by address is a linear map over those. */
#define DET_ADDR_BITS 44
#define DET_ADDR_MASK ((1ull << DET_ADDR_BITS) - 1)
#define SHADOW_BASE 0x100000000000ull   /* two u64 for each 8 bytes: 32 TiB */
#define SYNC_META_BASE 0x300000000000ull /* u32 for each 8 bytes: 8 TiB, the sync object there */
#define HEAP_META_BASE 0x380000000000ull /* u32 for each 16 bytes: 4 TiB, heap.c's block records */

static inline u64 *shadow_of(uintptr_t a)
{
    return (u64 *)(SHADOW_BASE + (((a & DET_ADDR_MASK) >> 3) << 4));
}
static inline u32 *sync_meta_of(uintptr_t a)
{
    return (u32 *)(SYNC_META_BASE + (((a & DET_ADDR_MASK) >> 3) << 2));
}
static inline u32 *heap_meta_of(uintptr_t a)
{
    return (u32 *)(HEAP_META_BASE + (((a & DET_ADDR_MASK) >> 4) << 2));
}
/* May a program own this address (does the map reach it)? */
static inline bool det_app(uintptr_t a)
{
    return a < 0x010000000000ull || (a >= 0x550000000000ull && a < 0x570000000000ull) ||
           (a >= 0x7e0000000000ull && a < 0x800000000000ull);
}

/* --- the goroutine ---------------------------------------------------------------------------- */

/* What is known of others, clock.c. */
#define CLOCK_EXTRAS 8
struct clock {
    u32 root;  /* node, or 0: knows nobody */
    uint8_t level; /* of the root: 0 is a leaf */
    uint8_t n; /* of the extras in use */
    u64 extra[CLOCK_EXTRAS]; /* id << 32 | epoch, newer than in the tree */
};

/* One goroutine's biography: outlives it, for reports. history.c. */
struct life;

#define SHADOW_STACK_INLINE 12

struct race_g {
    u64 self;   /* shadow word of a plain access by this goroutine now, byte mask 0 */
    /* The shadow call stack: return addresses, innermost last. */
    uintptr_t *sp;
    uintptr_t *sp_synced;  /* the lowest it has been since the last event */
    uintptr_t *sp_base, *sp_end;
    uintptr_t *sp_history; /* where it was at the last event */
    u32 id;     /* slot in the clocks */
    u32 epoch;
    uint8_t busy;    /* inside the detector */
    uint8_t ended;
    uint8_t thread;  /* a thread that the runtime did not start */
    uint8_t main;
    uint8_t object; /* enum hook_obj of its last access to an object as such */
    u32 ignore;      /* depth of det_ignore_begin */
    u32 ignore_sync; /* depth of the annotations that stop synchronisation from being seen */
    /* History: where the next event goes. */
    u64 *ev, *ev_end;
    struct run *runs; /* sites that walk through memory, history.c; NULL in the first chunk */
    uintptr_t ev_pc;  /* the pc before the next event */
    u32 ev_epoch;
    u32 run_turn;    /* the runs are over whenever this changes */
    u32 lock;        /* history and facts below, against those who report */
    struct life *life;
    struct clock know;
    u32 base_id, base_epoch; /* whoever knows this knows all that `know` holds; 0: nobody known */
    u64 set_known, set_mine; /* read-set memo: a set all ordered before us; one we are in */
    u64 set_atomic; /* one that we are in with an atomic read of these bytes */
    u64 set_atomic_bytes;
    /* Atomics: fences that wait for their other half. */
    struct fence *fence;
    uint64_t goid;
    uintptr_t stack_lo, stack_hi;
    struct jump *jumps;     /* where setjmp was called, intercept_jump.c */
    u32 jump_count, jump_room;
    /* Facts for the deadlock rooms. */
    struct held *held;      /* locks held now */
    struct waiting *wait;   /* what it waits on */
    u32 order;              /* what it knows without the locks: order.c */
    struct race_g *next;    /* of the list of all, or of the free records */
    struct race_g *prev;
    uintptr_t sp_inline[SHADOW_STACK_INLINE];
};
_Static_assert(offsetof(struct race_g, sp) == INLINE_SP &&
                   offsetof(struct race_g, sp_synced) == INLINE_SP_SYNCED &&
                   offsetof(struct race_g, sp_end) == INLINE_SP_END,
               "compiled programs know the shadow stack");

/* The first two are read by compiled programs themselves, under the name INLINE_SYMBOL. */
struct det_tls {
    u64 full; /* det_self with all bytes */
    struct race_g *cur;
    u64 self;
    u64 *errno_shadow; /* of this thread's errno; NULL: not looked up yet */
};
_Static_assert(offsetof(struct det_tls, full) == INLINE_FULL &&
                   offsetof(struct det_tls, cur) == INLINE_G,
               "compiled programs know this");
DET_TLS struct det_tls det_tls;
#define det_cur det_tls.cur
#define det_self det_tls.self

static inline void det_set_self(u64 self)
{
    det_tls.self = self;
    det_tls.full = self | 0xff;
}

/* Set det_cur and det_self together. Interceptors that must be inert for a while save det_cur,
   det_set_cur(NULL), and put it back. */
static inline void det_set_cur(struct race_g *g)
{
    det_cur = g;
    det_set_self(g && !g->ignore ? g->self : 0);
}

/* --- schedules ----------------------------------------------------------------------------------- */

/* Under a controlled schedule (struct hook_world), else NULL. */
extern void (*det_point)(void) __attribute__((visibility("hidden")));
extern bool (*det_sleep)(int64_t ns) __attribute__((visibility("hidden")));
extern bool (*det_yield)(void) __attribute__((visibility("hidden")));
extern void (*det_told)(uint64_t out[4]) __attribute__((visibility("hidden")));
extern u32 det_in_handler __attribute__((visibility("hidden"))); /* of signals: no place to switch */

/* Somebody wants a goroutine to stop here: a schedule always, the runtime's monitor while one has had its
   time (hook_wish). */
extern u32 det_wish __attribute__((visibility("hidden")));

/* The program is about to do something that others may see: with a controlled schedule they may go
   first. The thread may be another one after it. */
#define DET_POINT() (unlikely(__atomic_load_n(&det_wish, __ATOMIC_RELAXED)) ? det_at_point() : (void)0)
void det_at_point(void);

/* The same where the caller may be a library that holds a lock: for a schedule only. */
#define DET_LOCK_POINT() (unlikely(det_point != NULL) ? det_at_point() : (void)0)

/* --- accesses ----------------------------------------------------------------------------------- */

/* By the current goroutine (nothing if there is none); any n, any alignment. pc is a return address
   in the program. */
void det_read_range(uintptr_t pc, uintptr_t p, size_t n);
void det_write_range(uintptr_t pc, uintptr_t p, size_t n);
/* free(): a write of the whole block that reports call a free; the shadow then keeps it, so that a
   use after free shows, until det_clear when the block is given out again. */
void det_free_range(uintptr_t pc, uintptr_t p, size_t n);
/* Forget all accesses to [p, p+n) (memory given out anew). Does not make big ranges resident. */
void det_clear(uintptr_t p, size_t n);
/* The same and all synchronisation objects in it: memory has gone (free, munmap). */
void det_forget(uintptr_t p, size_t n);

/* Accesses of the current goroutine are not looked at between these (nests). */
void det_ignore_begin(void);
void det_ignore_end(void);

/* A call that the instrumented code cannot show: an interceptor's own frame on the shadow stack. */
void det_push(uintptr_t pc);
void det_pop(void);

/* --- synchronisation ---------------------------------------------------------------------------- */

/* On an address of any kind, by the current goroutine or g: hook_acquire, hook_release,
   hook_release_merge, hook_acquire_release of hooks.h. They do nothing when there is no goroutine. */

/* pthread_create in three steps. The creator makes the child's record, before the thread exists;
   the thread takes it as its own; when it ends it gives it back. To join: the interceptor releases
   on an address of its own before det_thread_end and acquires there after the join. Threads are
   numbered 1, 2, … in reports. */
struct race_g *det_thread_create(uintptr_t pc);
void det_thread_start(struct race_g *g, void *stack_lo, void *stack_hi);
void det_thread_end(struct race_g *g);
/* The thread could not be started after all. */
void det_thread_cancel(struct race_g *g);

/* fork: before, in the parent after, in the child after. */
void det_fork_before(void);
void det_fork_parent(void);
void det_fork_child(void);

/* --- stacks -------------------------------------------------------------------------------------- */

#define DET_STACK_MAX 256
/* The current goroutine's stack with pc on top, kept for ever in a depot where equal stacks are one;
   0: none. */
u32 det_stack_save(struct race_g *g, uintptr_t pc);
/* The same for n return addresses, innermost first. */
u32 det_stack_intern(const uintptr_t *pc, size_t n);
/* Where g was started; 0: not known. */
u32 det_g_created(const struct race_g *g);
/* All goroutines and threads, one a call: *at is 0 at first. NULL: no more. */
struct race_g *det_g_each(u32 *at);
size_t det_stack_get(u32 id, uintptr_t *pc, size_t max);

/* --- the heap, as reports ask about it (heap.c) ------------------------------------------------- */

struct heap_block {
    uintptr_t base;
    size_t size;
    u32 alloc_stack, free_stack; /* det_stack_get */
    uint64_t alloc_goid, free_goid;
    bool freed;
    uint8_t alloc_flags, free_flags; /* PART_MAIN, PART_THREAD of the goroutine */
};
/* The block (live, or freed and not given out again) that holds address a. */
bool heap_find(uintptr_t a, struct heap_block *out);

/* --- findings (finding.c): records for the launcher ---------------------------------------------- */

struct record_part;
struct finding; /* a record being built */

/* Build a finding of any kind and write it: begin (NULL: this kind is switched off, or there have
   been enough), parts in printing order each with its stack, text and locks belonging to the part
   before, end. Never under a lock that program code can hold. */
struct finding *finding_begin(u32 kind, u32 subkind);
void finding_part(struct finding *f, const struct record_part *part, const uintptr_t *pc, size_t n);
void finding_part_stack(struct finding *f, const struct record_part *part, u32 stack_id);
void finding_text(struct finding *f, const char *text);
void finding_lock(struct finding *f, uintptr_t addr, u32 kind, u32 mode, u32 stack_id);
/* "Goroutine N created at", the way every report ends; nothing for main. Once per goid. */
void finding_creator(struct finding *f, const struct race_g *g);
void finding_end(struct finding *f);
/* PART_MAIN, PART_THREAD, PART_FINISHED as they hold for g. */
u32 det_g_flags(const struct race_g *g);
/* The current call stack of g, innermost first: the shadow stack with pc on top (0: none). */
size_t det_g_stack(const struct race_g *g, uintptr_t pc, uintptr_t *out, size_t max);
/* Findings so far, all kinds. */
u64 det_findings(void);
/* One line for standard error: "goc-race: …". */
void det_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The module list may have changed (dlopen, dlclose). */
void det_modules_changed(void);

/* An option of GOCRACE by name, as text into buf; false if not given. */
bool det_option(const char *name, char *buf, size_t size);
long det_option_num(const char *name, long otherwise);
/* Is this kind of finding (enum record_kind) switched on by detect=…? */
bool det_detects(u32 kind);

/* --- memory, strings, locks of the detector itself ------------------------------------------------ */

_Noreturn void det_die(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* one line, 125 */
void *det_map(size_t n);            /* zeroed pages; dies with a message when there are none */
void det_unmap(void *p, size_t n);
size_t det_format(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4))); /* %s %d %u %ld %lu %lx %x %p %zu %c %% */
size_t det_vformat(char *buf, size_t size, const char *fmt, va_list ap);

static inline void det_copy(void *to, const void *from, size_t n)
{
    det_memcpy(to, from, n);
}
static inline void det_zero(void *p, size_t n)
{
    det_memset(p, 0, n);
}
static inline size_t det_len(const char *s)
{
    return det_strlen(s);
}
static inline int det_cmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}
/* getenv without libc's lock, on the environment as it was at the start. */
const char *det_env(const char *name);

/* A table of records of one size addressed by u32 (0 is none): reserved once, committed by touch, never
   moved, freed ones reused. Type-stable: a stale index still points at a record of this type. */
struct slab {
    char *base;
    u32 size, limit;  /* of a record; how many fit */
    u32 used;         /* high-water mark; index 0 is not used */
    u32 lock, live;
    u32 free;         /* list through the first word of each record */
    const char *name;
};
void slab_init(struct slab *s, const char *name, size_t size, u32 limit);
u32 slab_alloc(struct slab *s); /* zeroed beyond what slab_free left: the first 4 bytes are 0 */
void slab_free(struct slab *s, u32 i);
static inline void *slab_at(const struct slab *s, u32 i)
{
    return s->base + (size_t)i * s->size;
}

/* Small blocks in power-of-two classes, for what is neither. */
void *det_alloc(size_t n);
void *det_alloc_raw(size_t n); /* the same, whatever was in it */
void det_release(void *p, size_t n);

enum det_rank {
    DRANK_SYNC,
    DRANK_G,
    DRANK_SET,
    DRANK_SPLIT,
    DRANK_HISTORY,
    DRANK_SLAB,
    DRANK_OUT,
};
/* What a held lock holds: the number of this process in its line of forks. A lock with an earlier one was
   held, when its process forked, by a thread that the child does not have: it is nobody's. */
extern u32 det_lock_held __attribute__((visibility("hidden")));
extern u32 *det_starved __attribute__((visibility("hidden")));
void det_lock_slow(u32 *lock);
void det_give_way(const u32 *lock);
static inline void det_lock(u32 *lock)
{
    u32 zero = 0;
    if (!__atomic_compare_exchange_n(lock, &zero, det_lock_held, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        det_lock_slow(lock);
}
static inline void det_unlock(u32 *lock)
{
    __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* Called once, early, by whoever comes first: the constructor, __tsan_init, an interceptor. */
extern bool det_ready;
void det_init_slow(void);
static inline void det_init(void)
{
    if (unlikely(!det_ready))
        det_init_slow();
}

/* Runs fn(arg) on the detector's own stack (findings need more than a goroutine may have left). */
void det_on_stack(void (*fn)(void *), void *arg);
/* The same on another one that has a lock of its own: for findings decided outside the output lock. */
void det_on_own_stack(void (*fn)(void *), void *arg);
/* The same on the caller's; top is its end. */
void det_on_given_stack(char *top, void (*fn)(void *), void *arg);

#endif
