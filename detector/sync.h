/* sync.h - the clock of each synchronisation object, by address. sync.c has the essay. */
#ifndef DET_SYNC_H
#define DET_SYNC_H

#include "clock.h"

struct sync {
    u32 link;
    u32 lock;
    uintptr_t addr; /* low 44 bits; 0: free */
    u32 first;      /* of the chain of its word, which has the lock of all: itself, mostly */
    u32 next;       /* in that chain */
    u32 heads;      /* atomics: whose release sequences go on here, beside the clock's owner; or 0 */
    u32 again;      /* the clock was one, at some time, that its owner had published before: sync_who */
    struct published clock;
};
_Static_assert(sizeof(struct sync) == 120, "the first cache line ends with the clock's first extra");

/* C11: a release sequence goes on through stores of the goroutine that heads it. A clock in which
   several have been merged cannot be taken apart again, so each one's share is kept beside it. More
   than this many at once: those whose goroutines have ended go first, then the eldest is forgotten; a store
   of somebody who may have been one of those leaves the whole clock, which may hide a race and cannot make
   one up. */
#define HEADS_MAX 8
struct heads {
    u32 link;
    uint16_t n, looked;
    u64 forgot[4]; /* there were more: a bit for each, by a hash of its id */
    struct published at[HEADS_MAX]; /* oldest first, no two of one goroutine */
};
/* Did g publish p (alone)? Its id may have had an owner before it, and it may have had another id. */
bool published_by(const struct published *p, const struct race_g *g);
void sync_head_add(struct sync *s, const struct published *p);
/* True: g heads one, and its share is now all that the clock holds. The others are forgotten. */
bool sync_head_only(struct sync *s, const struct race_g *g);
void sync_heads_drop(struct sync *s);
/* What is going to be put there has been published before. */
static inline void sync_again(struct sync *s)
{
    __atomic_store_n(&s->again, 1, __ATOMIC_RELEASE); /* before the clock changes */
}

void sync_init(void);
/* The object at addr, locked; NULL if there is none and create is false. */
struct sync *sync_lock(uintptr_t addr, bool create);
void sync_unlock(struct sync *s);
/* Without the lock: who published last at addr, and when (as extra_of); 0: there is no object. Whoever
   holds that has it from here, or from who does: the operation that put it here is over. */
#define SYNC_MERGED (~0ull) /* several, or nobody, or it was published before: it takes the lock to say */
u64 sync_who(uintptr_t addr);
void sync_forget(uintptr_t lo, size_t n);
void sync_forget_stack(uintptr_t lo, size_t n); /* [lo, lo + n) is part of a goroutine's stack */

/* What the hooks and the atomics do, by g, which must not be ignoring synchronisation. */
void g_acquire(struct race_g *g, uintptr_t addr);
void g_release(struct race_g *g, uintptr_t addr);
void g_release_merge(struct race_g *g, uintptr_t addr);
void g_acquire_release(struct race_g *g, uintptr_t addr);
/* What is published at `from` is published at `to`, in place of what was. */
void sync_hand_on(uintptr_t from, uintptr_t to);
/* atomic.c: fences waiting for their other half. */
void g_fence_drop(struct race_g *g);
void g_pass(struct race_g *from, struct race_g *to);

#endif
