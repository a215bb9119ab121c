/* order.h - events and what is known of them without the locks. order.c has the essay. */
#ifndef ORDER_H
#define ORDER_H

#include "clock.h"
#include "facts.h"

/* Somebody who has made an ordered event. Kept while an event of it is remembered. */
struct order_actor {
    u32 link; /* of the slab */
    u32 refs;
    u32 epoch; /* the last one; the next user of this record goes on from there */
    u32 flags; /* det_g_flags */
    uint64_t goid;
    u32 created; /* stack of the go statement */
};

/* An event: whose, when, and what its goroutine knew of the others then. */
struct order_stamp {
    u32 actor, epoch;
    struct clock know;
};

struct order_actor *order_actor(u32 i);
/* A number that changes whenever a new stamp of g would differ from the last one in what others can
   know of it. 0: g has no stamp yet. */
u32 order_now(const struct race_g *g);
/* The stamp of what g does now; the caller owns a reference. */
void order_stamp(struct race_g *g, struct order_stamp *s);
void order_stamp_drop(struct order_stamp *s);
/* Does a happen before b in every run that makes b happen after the same program's order? */
static inline bool order_before(const struct order_stamp *a, const struct order_stamp *b)
{
    return a->actor == b->actor ? a->epoch <= b->epoch
                                : clock_lookup(&b->know, a->actor) >= a->epoch;
}

#endif
