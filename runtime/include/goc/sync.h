/*
 * goc/sync.h - locks, waiting for groups, once, condition variables, semaphores.
 *
 * Every type is ready to use when zero-filled, has one layout in plain and race builds, and must
 * not be copied after first use. None needs to be destroyed: when nothing uses it any more, its
 * memory may go away. They park the goroutine, never its thread. Fields are not for the program.
 *
 * Misuse is fatal with Go's words and exit status 2; under goc-race it is a finding as well. NULL
 * is a misuse everywhere.
 */
#ifndef GOC_SYNC_H
#define GOC_SYNC_H

#include <goc/go.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct goc_context;

#ifdef __cplusplus
#define GOC_ZERO_ \
    {             \
    }
#else
#define GOC_ZERO_ \
    {             \
        0         \
    }
#endif

/* A counting semaphore of the runtime's own, with its queue of goroutines. */
struct goc_sema {
    uint32_t goc_lock, goc_count;
    void *goc_queue;
};

/* --- mutex (Go's sync.Mutex) ------------------------------------------------------------------ */

/* Mutual exclusion. Not recursive, and not bound to a goroutine: another one may unlock. A
   goroutine that has waited for more than a millisecond gets the lock next, whoever else comes by.
 */
typedef struct goc_mutex {
    uint32_t goc_state, goc_spare;
    void *goc_queue;
} goc_mutex;

#define GOC_MUTEX_INIT GOC_ZERO_

void goc_mutex_lock(goc_mutex *mu);
/* Fatal "sync: unlock of unlocked mutex". */
void goc_mutex_unlock(goc_mutex *mu);
/* true: locked, without waiting. */
bool goc_mutex_trylock(goc_mutex *mu);

#if defined __x86_64__ && defined __LP64__
#include <goc/mutex_inline.h>
#endif

/* --- rwmutex (Go's sync.RWMutex) -------------------------------------------------------------- */

/* Any number of readers or one writer. A waiting writer holds new readers back, so a goroutine must
   not lock for reading twice; readers that waited for a writer come before the next one. */
typedef struct goc_rwmutex {
    goc_mutex goc_w; /* held by the writer, and by one that waits for readers */
    struct goc_sema goc_writer, goc_readers; /* the writer waits for readers; readers wait for it */
    int32_t goc_reader_count, goc_reader_wait;
} goc_rwmutex;

#define GOC_RWMUTEX_INIT GOC_ZERO_

void goc_rwmutex_lock(goc_rwmutex *rw);
/* Fatal "sync: Unlock of unlocked RWMutex". */
void goc_rwmutex_unlock(goc_rwmutex *rw);
bool goc_rwmutex_trylock(goc_rwmutex *rw);
void goc_rwmutex_rlock(goc_rwmutex *rw);
/* Fatal "sync: RUnlock of unlocked RWMutex". */
void goc_rwmutex_runlock(goc_rwmutex *rw);
bool goc_rwmutex_tryrlock(goc_rwmutex *rw);

/* --- waitgroup (Go's sync.WaitGroup) ---------------------------------------------------------- */

/* Waits for a counter to become zero. Add before the go statement, not in the new goroutine. */
typedef struct goc_waitgroup {
    uint64_t goc_state; /* counter << 32 | waiters */
    struct goc_sema goc_sema;
} goc_waitgroup;

#define GOC_WAITGROUP_INIT GOC_ZERO_

/* Panics "sync: negative WaitGroup counter" and, where it is seen, "sync: WaitGroup misuse: Add
   called concurrently with Wait". */
void goc_waitgroup_add(goc_waitgroup *wg, int n);
void goc_waitgroup_done(goc_waitgroup *wg);
/* Panics "sync: WaitGroup is reused before previous Wait has returned". */
void goc_waitgroup_wait(goc_waitgroup *wg);

/* goc_waitgroup_go(wg, fn, ...): add(1), then start fn(...) as go() does, done when it ends.
   Go 1.25's WaitGroup.Go, with arguments. */
#define goc_waitgroup_go(wg, ...)                                                         \
    GOC_GO_PICK_(__VA_ARGS__, GOC_WG6_, GOC_WG5_, GOC_WG4_, GOC_WG3_, GOC_WG2_, GOC_WG1_, \
                 GOC_WG0_, )                                                              \
    (wg, __VA_ARGS__)
void goc_waitgroup_go_call(goc_waitgroup *wg, void *fn, int n, const uintptr_t *arg);

#define GOC_WG_BODY_(wg, fn, call, nulls, is_float, n, ...)                             \
    do {                                                                                \
        GOC_GO_CHECK_(call, nulls, is_float)                                            \
        GOC_WORDS_(fn, n, __VA_ARGS__)                                                  \
        goc_waitgroup_go_call((wg), GOC_FN_(fn), n, goc_args_);                         \
    } while (0)
#define GOC_WG0_(wg, fn)                                 \
    do {                                                 \
        GOC_GO_CHECK_((fn)(), (fn)(), 0)                 \
        goc_waitgroup_go_call((wg), GOC_FN0_(fn), 0, 0); \
    } while (0)
#define GOC_WG1_(wg, fn, a) \
    GOC_WG_BODY_(wg, fn, (fn)(a), (fn)(GOC_N_), GOC_FLOAT1_(fn, a), 1, GOC_W_(a))
#define GOC_WG2_(wg, fn, a, b)                                                                   \
    GOC_WG_BODY_(wg, fn, (fn)(a, b), (fn)(GOC_N_, GOC_N_), GOC_FLOAT2_(fn, a, b), 2, GOC_W_(a), \
                 GOC_W_(b))
#define GOC_WG3_(wg, fn, a, b, c)                                                            \
    GOC_WG_BODY_(wg, fn, (fn)(a, b, c), (fn)(GOC_N_, GOC_N_, GOC_N_), GOC_FLOAT3_(fn, a, b, c), \
                 3, GOC_W_(a), GOC_W_(b), GOC_W_(c))
#define GOC_WG4_(wg, fn, a, b, c, d)                                                              \
    GOC_WG_BODY_(wg, fn, (fn)(a, b, c, d), (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_),   \
                 GOC_FLOAT4_(fn, a, b, c, d), 4, GOC_W_(a), \
                 GOC_W_(b), GOC_W_(c), GOC_W_(d))
#define GOC_WG5_(wg, fn, a, b, c, d, e)                                                           \
    GOC_WG_BODY_(wg, fn, (fn)(a, b, c, d, e), (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_), \
                 GOC_FLOAT5_(fn, a, b, c, d, e), 5, \
                 GOC_W_(a), GOC_W_(b), GOC_W_(c), GOC_W_(d), GOC_W_(e))
#define GOC_WG6_(wg, fn, a, b, c, d, e, f)                                                         \
    GOC_WG_BODY_(wg, fn, (fn)(a, b, c, d, e, f),                                                   \
                 (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_), \
                 GOC_FLOAT6_(fn, a, b, c, d, e, f), 6, GOC_W_(a), GOC_W_(b), \
                 GOC_W_(c), GOC_W_(d), GOC_W_(e), GOC_W_(f))

/* --- once (Go's sync.Once) -------------------------------------------------------------------- */

typedef struct goc_once {
    uint32_t goc_done, goc_spare;
    goc_mutex goc_mu;
} goc_once;

#define GOC_ONCE_INIT GOC_ZERO_

/* Calls fn if this is the first call for this once; returns when that first call of fn has
   returned, whoever made it. If fn panics or ends its goroutine it counts as done. fn that calls
   goc_once_do on the same once deadlocks. */
void goc_once_do(goc_once *once, void (*fn)(void));

/* --- cond (Go's sync.Cond) -------------------------------------------------------------------- */

/* goc_cond_wait unlocks the mutex, waits for a signal and locks it again; it returns only if
   signalled, in the order of waiting. The condition may be false again by then, so wait in a loop.
 */
typedef struct goc_cond {
    goc_mutex *goc_mu;
    uint32_t goc_lock, goc_spare;
    void *goc_queue;
    uintptr_t goc_self; /* its address once used: a copy is noticed */
} goc_cond;

#define GOC_COND_INIT(mu) \
    {                     \
        (mu), 0, 0, 0, 0  \
    }

void goc_cond_init(goc_cond *c, goc_mutex *mu);
/* Fatal "sync: unlock of unlocked mutex" if the mutex is not locked; panics "sync.Cond is copied".
 */
void goc_cond_wait(goc_cond *c);
/* Wakes the one that has waited longest, or all. The mutex need not be held. */
void goc_cond_signal(goc_cond *c);
void goc_cond_broadcast(goc_cond *c);

/* --- weighted semaphore (golang.org/x/sync/semaphore) ----------------------------------------- */

/* n units; strictly first come, first served: a large request at the head is not passed by small
   ones. Asking for more than there are at all waits forever (or until the context ends). */
typedef struct goc_sem {
    int64_t goc_size, goc_held;
    uint32_t goc_lock, goc_spare;
    void *goc_queue;
} goc_sem;

#define GOC_SEM_INIT(n) \
    {                   \
        (n), 0, 0, 0, 0 \
    }

void goc_sem_init(goc_sem *s, int64_t n);
/* 0. Panics "semaphore: negative weight" as the next three do. */
int goc_sem_acquire(goc_sem *s, int64_t n);
/* 0, or -1 with errno ECANCELED or ETIMEDOUT once ctx has ended; the semaphore is then unchanged.
 */
int goc_sem_acquire_ctx(struct goc_context *ctx, goc_sem *s, int64_t n);
bool goc_sem_try_acquire(goc_sem *s, int64_t n);
/* Panics "semaphore: released more than held". */
void goc_sem_release(goc_sem *s, int64_t n);

/* --- sized waitgroup (remeh/sizedwaitgroup) --------------------------------------------------- */

/* A waitgroup whose add(1) waits while `limit` are at work. Zero-filled, or limit <= 0: no limit.
 */
typedef struct goc_sized_waitgroup {
    goc_waitgroup goc_wg;
    goc_sem goc_slots;
} goc_sized_waitgroup;

void goc_sized_waitgroup_init(goc_sized_waitgroup *wg, int limit);
void goc_sized_waitgroup_add(goc_sized_waitgroup *wg);
/* 0, or -1 with errno ECANCELED or ETIMEDOUT once ctx has ended; nothing is added then. */
int goc_sized_waitgroup_add_ctx(goc_sized_waitgroup *wg, struct goc_context *ctx);
void goc_sized_waitgroup_done(goc_sized_waitgroup *wg);
void goc_sized_waitgroup_wait(goc_sized_waitgroup *wg);

/* --- errgroup (golang.org/x/sync/errgroup) ---------------------------------------------------- */

/* Goroutines that work on parts of one task: the first that fails (returns other than 0) decides
   the result, and ends the group's context so that the others can stop. Zero-filled: no context. */
typedef struct goc_errgroup {
    goc_waitgroup goc_wg;
    struct goc_context *goc_ctx;
    goc_sem goc_slots;
    uint32_t goc_failed, goc_limited;
    int goc_result;
    uint32_t goc_ctx_use;
} goc_errgroup;

/* The group's context becomes a child of ctx; NULL: of the background context. -1, ENOMEM. */
int goc_errgroup_init(goc_errgroup *g, struct goc_context *ctx);
/* At most n at a time, n < 0: any number; goc_errgroup_go then waits. n == 0: none may be started.
   Panics "errgroup: modify limit while N goroutines in the group are still active". */
void goc_errgroup_set_limit(goc_errgroup *g, int n);
void goc_errgroup_go(goc_errgroup *g, int (*fn)(void *arg), void *arg);
/* The same, but false where that would wait. */
bool goc_errgroup_try_go(goc_errgroup *g, int (*fn)(void *arg), void *arg);
/* Waits for all, ends the group's context, returns the first non-zero result or 0. */
int goc_errgroup_wait(goc_errgroup *g);
/* Owned by the group; NULL for a zero-filled group. Who has asked for it keeps it until goc_errgroup_free;
   the context of a group that nobody asked goes with goc_errgroup_wait. */
struct goc_context *goc_errgroup_context(goc_errgroup *g);
/* Gives the context back. The group is then as zero-filled. */
void goc_errgroup_free(goc_errgroup *g);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
