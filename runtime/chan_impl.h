/*
 * chan_impl.h - the channel's record and its two steps under the lock, for chan.c and select.c.
 */
#ifndef GOC_CHAN_IMPL_H
#define GOC_CHAN_IMPL_H

#include "waiter.h"
#include <goc/chan.h>
#include <goc/select.h>

/* Fields without a word: under the lock. `peek`: written under the lock, read without it. */
struct chan {
    struct lock lock;
    uint32_t closed; /* peek */
    uint64_t use; /* its address stands for "in use" when the channel is freed (see chan_delete) */
    uint32_t count; /* peek: values in the buffer */
    uint32_t cap;
    uint32_t elem;   /* bytes of a value */
    uint32_t stride; /* bytes from slot to slot; in race builds a multiple of 8, and not 0 */
    uint32_t sendx, recvx;
    struct wait_queue recvq, sendq; /* ->head: peek */
    char buf[];
};
_Static_assert(sizeof(struct chan) == 72 && offsetof(struct chan, use) == 8,
               "lock and use are sync objects of their own: each in its own 8 bytes");

enum { ELEM_MAX = 65536 };

static inline void value_copy(void *to, const void *from, uint32_t n)
{
    switch (n) {
    case 0:
        break;
    case 1:
        rt_copy(to, from, 1);
        break;
    case 4:
        rt_copy(to, from, 4);
        break;
    case 8:
        rt_copy(to, from, 8);
        break;
    case 16:
        rt_copy(to, from, 16);
        break;
    default:
        rt_copy(to, from, n);
    }
}

static inline char *chan_slot(struct chan *c, uint32_t i)
{
    return c->buf + (size_t)i * c->stride;
}

/* Could an operation go ahead? Without the lock the answer may be stale both ways. */
static inline bool chan_can_send(const struct chan *c)
{
    return load_acquire(&c->closed) || load_acquire(&c->count) < c->cap ||
           load_acquire(&c->recvq.head);
}
static inline bool chan_can_recv(const struct chan *c)
{
    return load_acquire(&c->count) || load_acquire(&c->sendq.head) || load_acquire(&c->closed);
}

enum chan_result {
    CHAN_BLOCKS,
    CHAN_DONE, /* a value has passed */
    CHAN_CLOSED,
};

/* Under the lock. *wake: a goroutine to be readied once the lock is released, or NULL. */
enum chan_result chan_send_locked(struct chan *c, const void *value, struct g **wake);
enum chan_result chan_recv_locked(struct chan *c, void *value, struct g **wake);

_Noreturn void chan_send_closed(struct chan *c, uintptr_t pc);

static inline void chan_lock(struct chan *c)
{
    lock_acquire(&c->lock, RANK_CHAN);
}
static inline void chan_unlock(struct chan *c)
{
    lock_release(&c->lock);
}

/* goc_after's channel goes away with its timer once its one value has been received. What its `use`
   holds is read before the operation, after which any other channel may be gone. */
void after_received(uint64_t use); /* ticker.c */

/* --- for select.c and select_keep.c ----------------------------------------------------------- */

static inline const void *case_value(const goc_case *c)
{
    return c->goc_size > GOC_CASE_VALUE_MAX ? c->goc_place : c->goc_value;
}

#ifndef GOC_RACE
/* g has blocked in this select, the long way: it may get a set of waiters, or lose its set. */
void select_keep(struct g *g, const goc_case *cases, size_t n, uintptr_t pc);
/* With GF_KEPT: wait with the set. NULL: the set is for another select, or something may be
   possible; nothing has happened then. */
struct waiter *select_kept(struct g *g, const goc_case *cases, size_t n, uintptr_t pc);
void chan_unkeep(struct chan *c); /* before it is freed: no kept waiter is left in it */
#else
#define chan_unkeep(c) ((void)0)
#endif

#endif
