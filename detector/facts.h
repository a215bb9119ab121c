/*
 * facts.h - what the deadlock rooms know, and how they are told.
 *
 * One vocabulary for goc's and pthread's objects: hooks.c and the interceptors call lock_event_*,
 * order_*, wait_event_* and misuse_event as things happen; held.c keeps who holds what, order.c what
 * the program itself puts in order, lockorder.c foresees cycles, waitfor.c finds the ones that have
 * closed, leak.c proves that somebody can never go on, misuse.c says what was done wrong.
 *
 * All functions are called by the thread that runs g (g is parked only where a comment says so), under
 * no lock of the detector, and may write a finding before they return.
 */
#ifndef FACTS_H
#define FACTS_H

#include "det.h"

/* A lock that never holds readers back for a waiting writer (glibc's default rwlock): or-ed into
   enum hook_mode. Two readers then never wait for each other. */
#define LOCK_PREFERS_READERS 4
/* The wait ends by itself (timedlock): or-ed into enum hook_mode. */
#define LOCK_TIMED 8
/* Nobody but who locked it may unlock it (pthread's locks): or-ed into enum hook_mode. */
#define LOCK_OWNED 16

/* --- locks: what happened ------------------------------------------------------------------------ */

/* g is about to block on a lock. Followed by lock_event_locked, or lock_event_gave_up. */
void lock_event_wait(struct race_g *g, enum hook_obj kind, const void *obj, int mode, uintptr_t pc);
void lock_event_gave_up(struct race_g *g);
/* g has it (HOOK_TRY in mode: without having been ready to wait). */
void lock_event_locked(struct race_g *g, enum hook_obj kind, const void *obj, int mode,
                       uintptr_t pc);
/* g is about to let go of it. */
void lock_event_unlock(struct race_g *g, enum hook_obj kind, const void *obj, int mode,
                       uintptr_t pc);
/* g has sent to, or received from, a channel of capacity 1. */
void lock_event_chan(struct race_g *g, const void *ch, const void *slot, bool sent, uintptr_t pc);
/* The memory [p, p+n) is no longer what it was: locks in it have ended. `freed`: by free or an explicit
   destroy, so that a lock held there is a misuse. */
void lock_event_forget(uintptr_t p, size_t n, bool freed, uintptr_t pc);
/* g has ended. */
void lock_event_end(struct race_g *g);

/* --- locks: what is known ------------------------------------------------------------------------ */

/* One lock in one life of its address; the next one there is another record. */
struct lock_rec {
    u32 link;  /* of the slab */
    u32 guard; /* over holders */
    uintptr_t addr;
    uintptr_t name;          /* in reports: the object's own address */
    uint8_t kind;            /* enum hook_obj */
    uint8_t confirmed;       /* a channel: it has been used as this lock */
    uint8_t used_as_lock;    /* a channel's slot: by one of its two readings */
    uint8_t passed_on;       /* some goroutine unlocked what another had locked: it has no owner */
    uint8_t has_writer;      /* somebody locked it for writing */
    uint8_t prefers_readers; /* LOCK_PREFERS_READERS */
    uint8_t readers_cross;   /* a cycle was let pass only because there was no writer */
    uint8_t reported;        /* as read-locked twice */
    uint8_t owned;           /* LOCK_OWNED */
    uint8_t spare;           /* HOOK_SPARE: `life` stands in the object */
    uint8_t exclusive;       /* one holder at a time: `holders` needs no guard, held.c */
    u32 turn;                /* exclusive: how often it has been taken */
    u32 life;                /* a number that no other lock ever has */
    u32 suspect_until;       /* in ms: until then it may be that somebody else will unlock it */
    u32 writers_waiting;
    u32 order; /* order.c's object, if it orders although it is a lock */
    struct held_lock *holders;
    /* lockorder.c's: */
    u32 nodes;                   /* the acquisitions of this lock, newest first */
    u32 top[2];                  /* those of them with no lock held, by mode */
    u32 out, in;                 /* edges of the order graph */
    u32 search, visits;          /* of the last search for cycles that came by */
    u32 comp;                    /* its component there, 0: no edges yet */
    u32 comp_next, comp_prev;    /* the component's members */
};

#define HELD_PCS 12
/* That g holds a lock. */
struct held_lock {
    struct held_lock *next, *prev; /* among the lock's holders */
    struct race_g *g;
    u32 lock;  /* lock_rec */
    u32 stack; /* where it was taken: depot, or 0 while pc[] has it */
    u32 node, path; /* lockorder.c */
    uint8_t mode;   /* HOOK_READ or HOOK_WRITE, HOOK_TRY */
    uint8_t gone;   /* somebody else unlocked it (held_gone): the owner drops it when it looks */
    uint8_t exclusive; /* the lock's */
    uint8_t local;  /* the lock lies on g's own stack */
    uint8_t left;   /* and in a frame that has been left: this has been said */
    uint8_t depth;
    u32 id, epoch;  /* g's when it took the lock: what it has published since is of a later one */
    u64 since;      /* detect=slow: when it was taken */
    uintptr_t pc[HELD_PCS]; /* innermost first */
};

#define HELD_INLINE 4
#define HELD_CACHE 8
#define HELD_RECENT 4
struct held {
    u32 n, cap;
    u32 changed; /* since the log was told (history.c) */
    u32 swept;   /* held.c's taken_away when this was looked through */
    u32 locals;  /* entries that are `local` */
    u32 clean, clean_path; /* lock[0..clean) have their node, lock[0..clean_path) their path */
    struct held_lock **lock;
    struct held_lock *spare;
    struct held_lock *inline_[HELD_INLINE];
    u32 recent[HELD_RECENT]; /* locks taken lately, by address */
    /* Acquisitions known to be in the order graph: a repeat is over at once. */
    struct held_known {
        u32 base, lock, mode, child, gen, stamp;
    } known[HELD_CACHE];
};

/* Does anybody ask who waits for whom, and in which order? With detect=race nobody does; who holds what is
   kept all the same, because race reports show it. */
extern bool lock_facts;
/* detect=slow: whoever holds a lock for longer is reported; 0: off. */
extern u64 det_slow_ns;

extern struct slab lock_slab;
static inline struct lock_rec *lock_at(u32 i)
{
    return slab_at(&lock_slab, i);
}
/* Is it a lock as far as anybody knows? */
static inline bool lock_is_one(const struct lock_rec *r)
{
    return !r->passed_on && (r->kind != HOOK_OBJ_CHAN || r->confirmed);
}
/* Has somebody else unlocked it, or has the lock ended? */
static inline bool held_gone(const struct held_lock *e)
{
    return e->exclusive ? __atomic_load_n(&lock_at(e->lock)->holders, __ATOMIC_ACQUIRE) != e
                        : __atomic_load_n(&e->gone, __ATOMIC_ACQUIRE);
}
/* The lock whose words include addr, or 0. */
u32 lock_find(uintptr_t addr);
/* Where e was taken, as a stack of the depot. */
u32 held_stack(struct held_lock *e);
/* Parts of a finding: every lock that g holds, as ITEM_LOCK of the part before. */
struct finding;
void held_describe(struct finding *f, struct race_g *g);
/* Has e's goroutine told anybody of anything since it took the lock? */
static inline bool held_told(const struct held_lock *e)
{
    return e->g->id != e->id || e->g->epoch != e->epoch;
}
/* Its holders, at most max of them; returns how many. */
struct held_fact {
    struct race_g *g;
    u32 stack;
    u32 mode;
    bool told; /* held_told */
};
u32 held_holders(u32 lock, struct held_fact *out, u32 max);

/* --- the program's own order, locks left out (order.c) --------------------------------------------- */

/* Is anything there to be ordered? False until the first nested locks. */
extern bool order_active;
void order_acquire_slow(struct race_g *g, uintptr_t obj);
void order_release_slow(struct race_g *g, uintptr_t obj, bool merge);
void order_pass_slow(struct race_g *from, struct race_g *to);
void order_hand_on(uintptr_t from, uintptr_t to);
static inline void order_acquire(struct race_g *g, const void *obj)
{
    if (unlikely(order_active))
        order_acquire_slow(g, (uintptr_t)obj);
}
static inline void order_release(struct race_g *g, const void *obj)
{
    if (unlikely(order_active))
        order_release_slow(g, (uintptr_t)obj, false);
}
static inline void order_release_merge(struct race_g *g, const void *obj)
{
    if (unlikely(order_active))
        order_release_slow(g, (uintptr_t)obj, true);
}
/* `to` learns what `from` knows: go statement, pthread_create, a rendezvous (twice). */
static inline void order_pass(struct race_g *from, struct race_g *to)
{
    if (unlikely(order_active))
        order_pass_slow(from, to);
}
void order_end(struct race_g *g);

/* --- waiting (waitfor.c) --------------------------------------------------------------------------- */

/* How one goroutine waits. Type-stable: whoever finds a record reads it, and asks `seq` whether it is
   still the wait that was found. */
struct waiting {
    u32 link; /* of the slab */
    u32 seq;  /* grows whenever a wait begins or ends */
    const void *const *obj;
    const void *first; /* obj[0] */
    uintptr_t pc, sp;  /* below sp nothing on its stack matters */
    u32 n;
    u32 since;        /* wait_clock then */
    u32 lock;         /* the lock it is blocked on, 0: none */
    u32 mark;         /* of the last walk that came by */
    uint8_t why;      /* enum hook_wait; HOOK_WAIT_NONE: does not wait */
    uint8_t mode;     /* of the lock */
    uint8_t reported; /* enum wait_reported */
    uint8_t counted;  /* among those whose object's memory must stay */
};
_Static_assert(sizeof(struct waiting) == 64, "one cache line a blocked goroutine");
enum wait_reported { WAIT_QUIET, WAIT_LEAKED, WAIT_CYCLE };
/* A clock for `since`: steps of the periodic check, so that parking reads no clock. */
extern u32 wait_clock;

void wait_event_park(struct race_g *g, enum hook_wait why, const void *const *obj, size_t n,
                     uintptr_t pc);
void wait_event_unpark(struct race_g *g);
/* g gives the memory [p, p+n) back: does anybody wait on a WaitGroup or a semaphore in it? */
void wait_event_freed(struct race_g *g, uintptr_t p, size_t n, uintptr_t pc);
/* Of lock_event_wait: g blocks on lock; true if this closes a cycle, reported now or suspected. */
bool wait_on_lock(struct race_g *g, u32 lock, int mode, uintptr_t pc);
/* The program ends, or sleeps for good (asleep): the suspected cycles that still stand are reported. */
void wait_confirm_all(bool asleep);
/* Is the lock part of a cycle too young to be believed? */
bool wait_suspects(const struct lock_rec *r);
void wait_lock_done(struct race_g *g);
/* The whole program sleeps for good. */
void wait_event_deadlock(struct race_g *const *g, size_t n);
/* A finding of kind over these goroutines: who waits for what, who holds it, who started them. Like
   ones are shown once, with their number. They must not be able to go on meanwhile. */
void wait_report(u32 kind, struct race_g *const *g, size_t n, const char *text);
struct waiting *wait_of(struct race_g *g);
void wait_end(struct race_g *g);

/* --- lock order (lockorder.c) ----------------------------------------------------------------------- */

/* g wants lock i while it holds h->lock[0..n); e: the entry if it has it already. `quiet`: it happens
   to be a deadlock already, and is only remembered. */
void lock_order_request(struct race_g *g, struct held *h, u32 n, u32 i, int mode, uintptr_t pc,
                        struct held_lock *e, bool quiet);
/* The lock's life is over. */
void lock_order_forget(u32 i);

/* --- misuse (misuse.c) ------------------------------------------------------------------------------- */

void misuse_event(struct race_g *g, enum hook_misuse what, enum hook_obj kind, const void *obj,
                  const char *text, uintptr_t pc);
/* The memory of a lock that somebody holds is freed by g. */
void misuse_freed(struct race_g *g, u32 lock, uintptr_t pc);
/* g ends and holds locks. */
void misuse_ended_holding(struct race_g *g);
/* The program ends, called to by g (or NULL), which may hold locks. */
void misuse_exit(struct race_g *g);
/* e's lock lies in a frame of e->g's stack that has been left. */
void misuse_frame_left(struct held_lock *e, uintptr_t pc);
/* The lock at obj was made by copying one that is in use; and: one that is held was overwritten. */
void misuse_copied(struct race_g *g, u32 kind, uintptr_t obj, u32 original, uintptr_t pc);
void misuse_overwritten(struct race_g *g, u32 lock, uintptr_t pc);
/* g gives e back after so long. */
void misuse_slow(struct race_g *g, struct held_lock *e, u64 ms, uintptr_t pc);
/* Others wait on an object of that kind in memory that g (or NULL) gives back, or whose frame has been
   left. */
void misuse_waited(struct race_g *g, u32 kind, uintptr_t obj, const char *text, struct race_g *waiter,
                   uintptr_t pc);

#endif
