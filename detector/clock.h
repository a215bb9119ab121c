/* clock.h - who knows what of whom. clock.c has the essay. */
#ifndef DET_CLOCK_H
#define DET_CLOCK_H

#include "shadow.h"

#define CLOCK_FAN 32
#define CLOCK_BITS 5

struct clock_node {
    u32 refs;    /* first word: the slab's link when free */
    u32 version; /* of the contents, the lives of this record counted on: never the same twice */
    u64 covers;  /* index and version of a node of which this one holds all; 0: none known */
    u32 e[CLOCK_FAN]; /* a leaf's epochs, or an inner node's children */
};
_Static_assert(sizeof(struct clock_node) == 144, "a node is nine 16-byte lines");

extern struct slab clock_nodes;
void clock_init(void);

/* What somebody publishes: all that `know` holds, and itself at an epoch (id 0: merged, nobody). Of one
   alone there is its base, too: whoever knows that knows all that `know` holds. */
struct published {
    union {
        struct {
            u32 epoch, id;
        };
        u64 who; /* both, written in one piece: sync_who reads it without the lock */
    };
    u32 base_id, base_epoch;
    struct clock know;
};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "who is extra_of(id, epoch)");

/* A goroutine at an epoch, in one word: it is written and read whole, so that a read right behind the
   write need not wait for it. */
static inline u64 extra_of(u32 id, u32 epoch)
{
    return (u64)id << 32 | epoch;
}
static inline u32 extra_id(u64 x)
{
    return (u32)(x >> 32);
}
static inline u32 extra_epoch(u64 x)
{
    return (u32)x;
}

u32 clock_lookup(const struct clock *c, u32 id); /* extras and tree */
void clock_set(struct clock *c, u32 id, u32 epoch); /* to the maximum of old and new */
void clock_join(struct clock *a, const struct clock *b);
void clock_copy(struct clock *to, const struct clock *from); /* `to` is overwritten, not dropped */
void clock_drop(struct clock *c);
void clock_flush(struct clock *c); /* the extras into the tree */

static inline bool g_knows(const struct race_g *g, u32 id, u32 epoch)
{
    if (id == g->id)
        return true;
    for (int i = 0; i < g->know.n; i++)
        if (extra_id(g->know.extra[i]) == id)
            return extra_epoch(g->know.extra[i]) >= epoch || clock_lookup(&g->know, id) >= epoch;
    u32 n = g->know.root;
    if (n == 0)
        return false;
    if (likely(g->know.level == 0))
        return id < CLOCK_FAN && ((struct clock_node *)slab_at(&clock_nodes, n))->e[id] >= epoch;
    return clock_lookup(&g->know, id) >= epoch;
}

/* The same without a call; false may mean that it takes one. */
static inline bool g_knows_near(const struct race_g *g, u32 id, u32 epoch)
{
    for (int i = 0; i < g->know.n; i++)
        if (extra_id(g->know.extra[i]) == id)
            return extra_epoch(g->know.extra[i]) >= epoch;
    return g->know.root && g->know.level == 0 && id < CLOCK_FAN &&
           ((struct clock_node *)clock_nodes.base + g->know.root)->e[id] >= epoch;
}

static inline void published_set(struct published *p, u32 id, u32 epoch)
{
    __atomic_store_n(&p->who, extra_of(id, epoch), __ATOMIC_RELEASE);
}

/* By id, when ids have run out and one was taken whose owner's end its new owner does not know: that
   owner's last epoch. NULL: that has never happened. */
extern u32 *ids_taken;
/* Does whoever knows (id, epoch) know all that `id` knew then? */
static inline bool id_whole(u32 id, u32 epoch)
{
    const u32 *taken = __atomic_load_n(&ids_taken, __ATOMIC_RELAXED);
    return likely(!taken) || epoch > __atomic_load_n(&taken[id], __ATOMIC_RELAXED);
}
static inline bool g_holds_who(const struct race_g *g, u64 who)
{
    u32 id = extra_id(who), epoch = extra_epoch(who);
    return id && g_knows(g, id, epoch) && id_whole(id, epoch);
}
static inline bool g_holds(const struct race_g *g, const struct published *p)
{
    return g_holds_who(g, p->who);
}

/* All but the reference to the root. */
static inline void clock_put(struct clock *to, const struct clock *from)
{
    to->root = from->root;
    to->level = from->level;
    to->n = from->n;
    for (int i = 0; i < from->n; i++)
        to->extra[i] = from->extra[i];
}

/* g learns p; g publishes into p (replacing or adding); none of them advances g's epoch. */
void g_learn(struct race_g *g, const struct published *p);
void g_publish(const struct race_g *g, struct published *p);
void g_publish_merge(const struct race_g *g, struct published *p);
void published_drop(struct published *p);
void published_copy(struct published *to, const struct published *from); /* `to` is dropped first */

/* The epoch ends: what g does from now on is not known to those who acquired so far. */
void g_advance(struct race_g *g);
void g_rename(struct race_g *g); /* when its epochs are used up */
static inline void g_advance_quick(struct race_g *g)
{
    if (unlikely(g->epoch == EPOCH_MAX)) {
        g_rename(g);
        return;
    }
    g->epoch++;
    g->set_mine = g->set_atomic = 0; /* our reads in them are of an earlier epoch now */
    g->self += 1ull << EPOCH_SHIFT;
    if (g == det_cur && det_self)
        det_set_self(g->self);
}
extern bool clock_renamed; /* some goroutine has run out of epochs and has another id now */

/* Ids. New ones start after the last epoch of their previous owner. */
void id_give(struct race_g *child, const struct race_g *spawner);
void id_return(struct race_g *g);
/* g learns all that was ever done by goroutines that have ended. */
void g_learn_ended(struct race_g *g);

/* The two ways to take a maximum of leaves, for the test that sets them against each other. */
bool leaf_join_scalar(u32 *a, const u32 *b);
bool leaf_join_fast(u32 *a, const u32 *b);

#endif
