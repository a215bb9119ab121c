/* history.h - how a goroutine got there. history.c has the essay. */
#ifndef DET_HISTORY_H
#define DET_HISTORY_H

#include "access.h"

struct chunk {
    struct chunk *older, *newer; /* of one life */
    u32 size;   /* bytes */
    u32 words;  /* filled; of the newest of a running goroutine: see its ev */
    u32 epoch;  /* at its start */
    u32 depth;  /* of the call stack at its start */
    u32 kept;   /* innermost entries of it at the head of ev[] */
    u32 locks;  /* held at its start; if any, an EV_LOCKS tells which */
    uintptr_t pc; /* that the first delta counts from */
    u64 ev[];
};
_Static_assert(sizeof(struct chunk) == 48, "history chunk");

struct life {
    u32 link;
    u32 id, first, last; /* epochs; last is 0 while it runs */
    u32 flags;           /* PART_MAIN, PART_THREAD, PART_FINISHED */
    u32 created;         /* stack id of the go statement */
    u32 before, after;   /* the lives that had this id before and after it */
    u32 next_dead;
    u64 goid;
    struct race_g *g;    /* while it runs */
    struct chunk *newest, *oldest;
    size_t bytes;
    uintptr_t fn;
    uintptr_t stack_lo, stack_hi;
};

void history_init(void);
struct life *life_begin(struct race_g *g, uint64_t goid, u32 created, uintptr_t fn, u32 flags);
void life_end(struct race_g *g);
void life_renamed(struct race_g *g); /* it goes on under another id */

/* The life that (id, epoch) belongs to; a copy, for it may go. False: too long ago. */
bool life_find(u32 id, u32 epoch, struct life *out);
/* The goroutine (running or the longest remembered) on whose stack address a is. */
bool life_by_stack(uintptr_t a, struct life *out);

#define EV_ACCESS 1u
#define EV_WRITE 2u
#define EV_ATOMIC 4u
#define EV_SIZE_SHIFT 3
#define EV_PC_SHIFT 5
#define EV_PC_BITS 15
#define EV_ADDR_SHIFT 20
enum ev_other {
    EV_PC = 0,
    EV_ENTER = 2,
    EV_LEAVE = 4,
    EV_EPOCH = 6,
    EV_RANGE = 8,
    EV_LOCKS = 10,
    EV_RUN = 12,
    EV_OBJECT = 14,
};
#define LOCKS_MAX 4 /* that the log names */
#define EV_OTHER_SHIFT 8
#define EV_OTHER_MASK 15

/* A site that walks through memory: its accesses so far were `stride` apart. */
struct run {
    uintptr_t pc, last;
    long stride;
    u64 *slot; /* the second word of its EV_RUN, where the count is; NULL: not one yet */
    u32 kind;  /* size and flags */
    u32 turn;  /* g->run_turn then */
};
_Static_assert(sizeof(struct run) == 40, "a chunk ends with four of these");
#define RUNS 4
#define RUN_COUNT_MAX 0xffffffffu

static inline u32 run_index(uintptr_t pc)
{
    return (pc ^ pc >> 4) % RUNS;
}

void history_slow(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags);

/* One event of the common kind, or one more of a run: false if it is anything else, with nothing done.
   g->ev goes up last: whoever replays sees all the words of an event or none. */
static inline __attribute__((always_inline)) bool
history_quick(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    uintptr_t *sp = g->sp;
    long delta = (long)(pc - g->ev_pc);
    struct run *r = NULL;
    u32 kind = (u32)n << 8 | flags, turn = g->run_turn;
    if (unlikely(sp != g->sp_synced || sp != g->sp_history))
        return false;
    bool anew = g->ev_epoch != g->epoch;
    if (g->runs && !(flags & ACCESS_OBJECT)) {
        r = &g->runs[run_index(pc)];
        if (r->pc == pc && r->turn == turn && !anew) {
            if (!r->slot || r->last + (uintptr_t)r->stride != a || r->kind != kind ||
                (u32)*r->slot == RUN_COUNT_MAX)
                return false;
            r->last = a;
            __atomic_store_n(r->slot, *r->slot + 1, __ATOMIC_RELEASE);
            return true;
        }
    }
    u64 *ev = g->ev;
    if (unlikely(g->ev_end - ev < 3 || (u64)(delta + (1 << 14)) >= (1 << 15) || n > 8 ||
                 flags & ~(ACCESS_WRITE | ACCESS_ATOMIC | ACCESS_OBJECT) || (n & (n - 1))))
        return false;
    if (anew) {
        *ev++ = (u64)g->epoch << EV_OTHER_SHIFT | EV_EPOCH;
        g->ev_epoch = g->epoch;
        g->run_turn = ++turn;
    }
    if (r) {
        r->pc = pc;
        r->last = a;
        r->stride = 0;
        r->slot = NULL;
        r->kind = kind;
        r->turn = turn;
    }
    if (flags & ACCESS_OBJECT)
        *ev++ = EV_OBJECT;
    *ev++ = EV_ACCESS | (u64)(flags & (ACCESS_WRITE | ACCESS_ATOMIC)) << 1 |
            (u64)__builtin_ctz((u32)n | 8) << EV_SIZE_SHIFT |
            ((u64)delta & ((1 << EV_PC_BITS) - 1)) << EV_PC_SHIFT | (u64)a << EV_ADDR_SHIFT;
    g->ev_pc = pc;
    __atomic_store_n(&g->ev, ev, __ATOMIC_RELEASE);
    return true;
}
_Static_assert(EV_WRITE == ACCESS_WRITE << 1 && EV_ATOMIC == ACCESS_ATOMIC << 1, "flags as they are");

static inline void history_access(struct race_g *g, uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    if (!history_quick(g, pc, a, n, flags))
        history_slow(g, pc, a, n, flags);
}

/* Something that the log has to be told has changed: the next access is logged by history_slow. */
static inline void history_sync(struct race_g *g)
{
    if (g->sp_history == g->sp_synced)
        g->sp_history++;
}

/* A lock held at an access. */
struct logged_lock {
    uintptr_t addr, pc;
    u32 kind, mode;
};

#define ATOMICS_MAX 8
struct restored {
    uintptr_t addr;
    size_t size;
    u32 flags; /* ACCESS_* */
    u32 depth;
    bool truncated;
    bool locks_known;
    u32 nlocks;
    struct logged_lock lock[LOCKS_MAX];
    u32 natomics; /* what its goroutine wrote atomically afterwards; the low 44 bits */
    uintptr_t atomic[ATOMICS_MAX];
    uintptr_t pc[DET_STACK_MAX]; /* innermost first */
};
/* The access that left `word` (with the bytes in question) in the shadow of `granule`. */
bool history_restore(u64 word, uintptr_t granule, u32 flags, struct restored *out);
/* The last access in the log of (id, epoch)'s life up to the end of that epoch: where, not what. */
bool history_latest(u32 id, u32 epoch, struct restored *out);
/* Has g, as far as the newest part of its log goes back, read atomically at a (the low 44 bits)? */
bool history_read_atomic(struct race_g *g, uintptr_t a);
/* The goroutine, or (thread) thread, with the highest number so far. */
u64 history_newest(bool thread);

#endif
