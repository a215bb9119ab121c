/*
 * timer.h - a time and what to do then, for the primitives with a timeout and for time.h.
 *
 * A struct timer lives where its owner likes, also on a parked goroutine's stack. It is in the heap
 * of a P from timer_add until it fires or timer_del takes it out. When timer_del returns false the
 * timer was in no heap: it has not been added, or it has fired, or it is being fired right now by
 * another thread. Before the memory is given away `firing` must be seen 0 after timer_del
 * (timer_quiet); the thread that runs a fire is never parked in it.
 */
#ifndef GOC_TIMER_IMPL_H
#define GOC_TIMER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct p;

struct timer {
    int64_t when;                               /* rt_now() at which it is due */
    int64_t period;                             /* > 0: again and again */
    void (*fire)(struct timer *t, int64_t now); /* on a scheduler's stack, under no lock */
    struct p *p;                                /* whose heap it is in; NULL: none */
    uint32_t index;                             /* in that heap */
    uint32_t firing;                            /* fire is running, or about to */
};

void timer_add(struct timer *t, int64_t when); /* t->p is NULL; never parks, takes RANK_TIMER */
bool timer_del(struct timer *t);
void timer_quiet(const struct timer *t); /* wait until no thread is in its fire */
int64_t rt_now(void);

#endif
