/*
 * sched.h - what the rest of the runtime asks of the scheduler.
 *
 * A primitive (channel, mutex, timer …) parks the current goroutine and makes others ready; it never
 * sees Ms, Ps or run queues. Those are in sched_impl.h, for the sched*.c files alone.
 */
#ifndef GOC_SCHED_H
#define GOC_SCHED_H

#include "hooks.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct g;

/* The goroutine this code runs as; never NULL (a foreign thread gets one at its first call). Reached
   through a function that is not inlined, because the thread may change at every park. */
struct g *g_current(void);

/* Park the current goroutine. `commit` runs after the goroutine has left its stack (on the
   scheduler's) and must not block: it typically unlocks the object's lock. If it returns false the
   goroutine goes on at once. From the moment that commit has made the goroutine findable, g_ready
   may be called on it by any thread. obj[0..n) are what it waits on (for the dump and the wait-for
   model), valid until it runs again; n may be 0. */
void g_park(bool (*commit)(struct g *g, void *arg), void *arg, enum hook_wait why,
            const void *const *obj, size_t n, uintptr_t pc);

/* Make a parked goroutine runnable; it will run next on this P unless something else is there
   (runnext). Exactly one call for each park. */
void g_ready(struct g *g);

/* The same, at the tail of the run queue: the caller goes on and so do the others before it. */
void g_ready_tail(struct g *g);

/* Give the rest of this time slice to `g`, which is parked: it runs now, the current goroutine
   becomes runnable behind it. For locks held across a hand-off. */
void g_ready_yield(struct g *g);

/* Another goroutine runs at this moment and none waits for this thread: what it holds may soon be free,
   so that a short spin pays. */
bool sched_can_spin(void);

/* The detector's record of g (NULL in plain builds), its number, and the word that a primitive may
   use for its own list while g is parked in it. */
struct race_g *g_race(struct g *g);
uint64_t g_id(struct g *g);

/* Internal spin lock: a word, zero is free. Held for a few dozen instructions, never across a park
   or a system call; spins then yields the thread. `rank` is checked in debug builds (GOC_DEBUG). */
struct lock {
    uint32_t word;
};
enum lock_rank { /* a thread takes locks in rising order */
    RANK_NONE,
    RANK_CONTEXT,
    RANK_COND,
    RANK_SYNC, /* mutex, rwmutex, waitgroup, once, semaphore */
    RANK_CHAN, /* several at once in address order (select) */
    RANK_NETPOLL,
    RANK_TIMER,
    RANK_SCHED,
    RANK_STACK,
    RANK_ALLG,
};
void lock_slow(struct lock *l);
void lock_ranked(struct lock *l, enum lock_rank rank); /* GOC_DEBUG */
void unlock_ranked(struct lock *l);

static inline void lock_acquire(struct lock *l, enum lock_rank rank)
{
#ifdef GOC_DEBUG
    lock_ranked(l, rank);
#else
    if (__builtin_expect(__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0, 0))
        lock_slow(l);
#endif
}
static inline void lock_release(struct lock *l)
{
#ifdef GOC_DEBUG
    unlock_ranked(l);
#else
    __atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
#endif
}

/* Fatal errors: print Go's words and the traces, end with status 2. Never return. */
_Noreturn void goc_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* "fatal error: …" */
_Noreturn void goc_panic_at(uintptr_t pc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Uniform random 32 bits, per thread, not for secrets. */
uint32_t rand_fast(void);

/* The return address of the public function this is expanded in. */
#define CALLER_PC() ((uintptr_t)__builtin_return_address(0))

#endif
