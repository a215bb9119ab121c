/*
 * intercept_lock.c - what orders threads: mutexes, read-write locks, spin locks, conditions,
 * semaphores, barriers, once; POSIX's, C11's, and C++'s guards of static variables.
 *
 * Each is told to two rooms. The clocks: unlock publishes at the object's address before the real
 * unlock, lock learns from there after the real lock; between the two nobody else can be at that
 * address, so the calls on one object come in the order of the operations. The facts
 * (hook_lock_wait, hook_locked, hook_unlock, hook_park): who holds what, who waits for what;
 * deadlocks and lock order are judged from them.
 *
 * A lock is tried first and waited for second, so that only a wait that happens is told as one, and
 * none that can end by itself (a timeout, an error-checking mutex of one's own).
 *
 *   object      published at                        learned from
 *   mutex       m: unlock, cond wait                m: lock, return of cond wait
 *   rwlock      w = rw: write unlock                w: read lock, write lock
 *               r = rw + 8: read unlock (merged)    r: write lock
 *   condition   c: signal, broadcast (merged)       c: wait that was signalled
 *   semaphore   s: post (merged)                    s: wait
 *   barrier     b + 8 * (round & 1): arrival        the same, on leaving
 *   once        o: the routine's end                o: every call's return
 *   guard       g: release                          g: acquire that finds it done; the compiler's
 *                                                   own atomic load of g sees the same clock
 *
 * Readers of a rwlock learn from writers only: two words, or a reader would learn what other
 * readers did. A barrier alternates between two words: a thread that is already back in round n + 1
 * must not be learned from by one that is still leaving round n; and nobody arrives in round n + 2
 * before all have left round n. The first to arrive in a round replaces the word's clock.
 *
 * Recursive locks: only the outermost lock and unlock are facts. A thread that ends unlocks, for
 * the detector, the robust mutexes it still holds: who gets one with EOWNERDEAD knows what the dead
 * did.
 */
#include "facts.h"
#include "intercept.h"
#include "sys.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <threads.h>
#include <time.h>

/* glibc's layout; the offsets have been ABI since 2.0. */
_Static_assert(sizeof(pthread_mutex_t) == 40 && sizeof(mtx_t) == 40, "mutex layout");
_Static_assert(sizeof(pthread_rwlock_t) == 56, "rwlock layout");
_Static_assert(sizeof(pthread_barrier_t) >= 16 && sizeof(sem_t) >= 8, "two words to name");

enum { KIND_TYPE = 3, KIND_ROBUST = 16, KIND_PLAIN = 3 };

static __thread int tid_cache;
static int tid(void)
{
    if (!tid_cache)
        tid_cache = (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    return tid_cache;
}

/* --- mutexes ---------------------------------------------------------------------------------- */

static bool mutex_nested(const pthread_mutex_t *m)
{
    return (m->__data.__kind & KIND_TYPE) == PTHREAD_MUTEX_RECURSIVE && m->__data.__count > 1;
}
static bool mutex_knows_owner(const pthread_mutex_t *m)
{
    int type = m->__data.__kind & KIND_TYPE;
    return type == PTHREAD_MUTEX_RECURSIVE || type == PTHREAD_MUTEX_ERRORCHECK;
}

/* The robust mutexes that this thread holds, as many as it may die with. */
#define ROBUST_HELD 32
static __thread pthread_mutex_t *robust_held[ROBUST_HELD];

static void robust_swap(pthread_mutex_t *from, pthread_mutex_t *to)
{
    for (int i = 0; i < ROBUST_HELD; i++)
        if (robust_held[i] == from) {
            robust_held[i] = to;
            return;
        }
}

static void mutex_took(pthread_mutex_t *m, int mode, uintptr_t pc)
{
    hook_acquire(NULL, m);
    if (mutex_nested(m))
        return;
    hook_locked(HOOK_OBJ_MUTEX, m, mode | LOCK_OWNED, pc);
    if (unlikely(m->__data.__kind & KIND_ROBUST))
        robust_swap(NULL, m);
}

static void mutex_will_wait(pthread_mutex_t *m, uintptr_t pc)
{
    /* An error-checking mutex of one's own says EDEADLK and does not wait. */
    if ((m->__data.__kind & KIND_TYPE) != PTHREAD_MUTEX_ERRORCHECK || m->__data.__owner != tid())
        hook_lock_wait(HOOK_OBJ_MUTEX, m, HOOK_WRITE | LOCK_OWNED, pc);
}

/* True if the real unlock is to be told: it will succeed, and ends the hold. */
static bool mutex_gives(pthread_mutex_t *m, uintptr_t pc)
{
    if (mutex_knows_owner(m) && m->__data.__owner != tid())
        return false;
    if ((m->__data.__kind & ~KIND_PLAIN) == 0 && m->__data.__lock == 0) {
        hook_misuse(HOOK_MISUSE_UNLOCK_UNLOCKED, HOOK_OBJ_MUTEX, m, "unlock of unlocked mutex", pc);
        return false;
    }
    return !mutex_nested(m);
}
static void mutex_give(pthread_mutex_t *m, uintptr_t pc)
{
    if (unlikely(m->__data.__kind & KIND_ROBUST))
        robust_swap(m, NULL);
    hook_unlock(HOOK_OBJ_MUTEX, m, HOOK_WRITE, pc);
    hook_release(NULL, m);
}

/* Where one goroutine runs at a time, the holder must be let on before its lock can come free. */
#define BY_TURNS(r, busy, try, lock)                 \
    ({                                               \
        int r_ = (r);                                \
        while (r_ == (busy) && det_yield && det_yield()) \
            r_ = (try);                              \
        r_ == (busy) ? (lock) : r_;                  \
    })

#define MUTEX_LOCK(lock, try, type, busy)                                \
    ICEPT_REAL(int, try, (type * m));                                    \
    ICEPT_EXPORT(int, try, (type * m))                                   \
    {                                                                    \
        uintptr_t pc = ICEPT_PC();                                       \
        if (!icept_sync(pc))                                             \
            return REAL(try)(m);                                         \
        if (icept_mem(pc))                                               \
            hook_obj_read(pc, HOOK_OBJ_MUTEX, m);                        \
        int r = REAL(try)(m);                                            \
        if (r == 0 || r == EOWNERDEAD)                                   \
            mutex_took((pthread_mutex_t *)m, HOOK_WRITE | HOOK_TRY, pc); \
        return r;                                                        \
    }                                                                    \
    ICEPT_REAL(int, lock, (type * m));                                   \
    ICEPT_EXPORT(int, lock, (type * m))                                  \
    {                                                                    \
        uintptr_t pc = ICEPT_PC();                                       \
        if (!icept_sync(pc))                                             \
            return REAL(lock)(m);                                        \
        if (icept_mem(pc))                                               \
            hook_obj_read(pc, HOOK_OBJ_MUTEX, m);                        \
        DET_LOCK_POINT();                                                     \
        int r = REAL(try)(m);                                            \
        if (r == (busy)) {                                               \
            mutex_will_wait((pthread_mutex_t *)m, pc);                   \
            r = BY_TURNS(r, busy, REAL(try)(m), ICEPT_ASLEEP(lock, m, 0, 0, 0)); \
        }                                                                \
        if (r == 0 || r == EOWNERDEAD)                                   \
            mutex_took((pthread_mutex_t *)m, HOOK_WRITE, pc);            \
        return r;                                                        \
    }
MUTEX_LOCK(pthread_mutex_lock, pthread_mutex_trylock, pthread_mutex_t, EBUSY)
MUTEX_LOCK(mtx_lock, mtx_trylock, mtx_t, thrd_busy)

/* A lock with a deadline is not a wait for ever, nor can it close a cycle: told like a try. */
#define MUTEX_TIMED(name, type, params, args)                            \
    ICEPT_REAL(int, name, params);                                       \
    ICEPT_EXPORT(int, name, params)                                      \
    {                                                                    \
        ICEPT_MAY_SLEEP();                                               \
        uintptr_t pc = ICEPT_PC();                                       \
        int r = REAL(name) args;                                         \
        ICEPT_SLEPT();                                                   \
        if ((r == 0 || r == EOWNERDEAD) && icept_sync(pc))               \
            mutex_took((pthread_mutex_t *)m, HOOK_WRITE | HOOK_TRY, pc); \
        return r;                                                        \
    }
MUTEX_TIMED(pthread_mutex_timedlock, pthread_mutex_t,
            (pthread_mutex_t * m, const struct timespec *t), (m, t))
MUTEX_TIMED(pthread_mutex_clocklock, pthread_mutex_t,
            (pthread_mutex_t * m, clockid_t c, const struct timespec *t), (m, c, t))
MUTEX_TIMED(mtx_timedlock, mtx_t, (mtx_t * m, const struct timespec *t), (m, t))

#define MUTEX_UNLOCK(name, type)                                     \
    ICEPT_REAL(int, name, (type * m));                               \
    ICEPT_EXPORT(int, name, (type * m))                              \
    {                                                                \
        uintptr_t pc = ICEPT_PC();                                   \
        if (icept_sync(pc) && mutex_gives((pthread_mutex_t *)m, pc)) \
            mutex_give((pthread_mutex_t *)m, pc);                    \
        return REAL(name)(m);                                        \
    }
MUTEX_UNLOCK(pthread_mutex_unlock, pthread_mutex_t)
MUTEX_UNLOCK(mtx_unlock, mtx_t)

/* Making and unmaking an object are writes of it as such; its use, a read. */
static void object_write(enum hook_obj kind, const volatile void *p, uintptr_t pc)
{
    if (icept_mem(pc))
        hook_obj_write(pc, kind, (const void *)p);
}

ICEPT(int, pthread_mutex_init, (pthread_mutex_t * m, const pthread_mutexattr_t *a))
{
    int r = REAL(pthread_mutex_init)(m, a);
    object_write(HOOK_OBJ_MUTEX, m, ICEPT_PC());
    return r;
}
ICEPT(int, mtx_init, (mtx_t * m, int type))
{
    int r = REAL(mtx_init)(m, type);
    object_write(HOOK_OBJ_MUTEX, m, ICEPT_PC());
    return r;
}
ICEPT(int, pthread_mutex_destroy, (pthread_mutex_t * m))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(pthread_mutex_destroy)(m);
    object_write(HOOK_OBJ_MUTEX, m, pc);
    int r = REAL(pthread_mutex_destroy)(m);
    if (r == EBUSY)
        hook_misuse(HOOK_MISUSE_FREE_IN_USE, HOOK_OBJ_MUTEX, m, "destroy of a locked mutex", pc);
    if (r == 0)
        hook_forget(m, sizeof *m);
    return r;
}
ICEPT(void, mtx_destroy, (mtx_t * m))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_MUTEX, m, pc);
        hook_forget(m, sizeof *m);
    }
    REAL(mtx_destroy)(m);
}

/* --- read-write locks ------------------------------------------------------------------------- */

static const void *rw_readers(const pthread_rwlock_t *rw)
{
    return (const char *)rw + 8;
}
static void rw_took(pthread_rwlock_t *rw, int mode, uintptr_t pc)
{
    hook_acquire(NULL, rw);
    if (!(mode & HOOK_READ))
        hook_acquire(NULL, rw_readers(rw));
    hook_locked(HOOK_OBJ_RWMUTEX, rw, mode | LOCK_OWNED, pc);
}

#define RW_LOCK(lock, try, timed, clocked, mode)                                               \
    ICEPT_REAL(int, try, (pthread_rwlock_t * rw));                                             \
    ICEPT_EXPORT(int, try, (pthread_rwlock_t * rw))                                            \
    {                                                                                          \
        uintptr_t pc = ICEPT_PC();                                                             \
        if (icept_mem(pc))                                                                     \
            hook_obj_read(pc, HOOK_OBJ_RWMUTEX, rw);                                           \
        int r = REAL(try)(rw);                                                                 \
        if (r == 0 && icept_sync(pc))                                                          \
            rw_took(rw, (mode) | HOOK_TRY, pc);                                                \
        return r;                                                                              \
    }                                                                                          \
    ICEPT_REAL(int, lock, (pthread_rwlock_t * rw));                                            \
    ICEPT_EXPORT(int, lock, (pthread_rwlock_t * rw))                                           \
    {                                                                                          \
        uintptr_t pc = ICEPT_PC();                                                             \
        if (!icept_sync(pc))                                                                   \
            return REAL(lock)(rw);                                                             \
        if (icept_mem(pc))                                                                     \
            hook_obj_read(pc, HOOK_OBJ_RWMUTEX, rw);                                           \
        DET_LOCK_POINT();                                                                           \
        int r = REAL(try)(rw);                                                                 \
        if (r == EBUSY) {                                                                      \
            if (rw->__data.__cur_writer != tid())                                              \
                hook_lock_wait(HOOK_OBJ_RWMUTEX, rw, (mode) | LOCK_OWNED, pc);                 \
            r = BY_TURNS(r, EBUSY, REAL(try)(rw), ICEPT_ASLEEP(lock, rw, 0, 0, 0));          \
        }                                                                                      \
        if (r == 0)                                                                            \
            rw_took(rw, mode, pc);                                                             \
        return r;                                                                              \
    }                                                                                          \
    ICEPT_REAL(int, timed, (pthread_rwlock_t * rw, const struct timespec *t));                 \
    ICEPT_EXPORT(int, timed, (pthread_rwlock_t * rw, const struct timespec *t))                \
    {                                                                                          \
        uintptr_t pc = ICEPT_PC();                                                             \
        int r = ICEPT_ASLEEP(timed, rw, t, 0, 0);                                              \
        if (r == 0 && icept_sync(pc))                                                          \
            rw_took(rw, (mode) | HOOK_TRY, pc);                                                \
        return r;                                                                              \
    }                                                                                          \
    ICEPT_REAL(int, clocked, (pthread_rwlock_t * rw, clockid_t c, const struct timespec *t));  \
    ICEPT_EXPORT(int, clocked, (pthread_rwlock_t * rw, clockid_t c, const struct timespec *t)) \
    {                                                                                          \
        uintptr_t pc = ICEPT_PC();                                                             \
        int r = ICEPT_ASLEEP(clocked, rw, c, t, 0);                                            \
        if (r == 0 && icept_sync(pc))                                                          \
            rw_took(rw, (mode) | HOOK_TRY, pc);                                                \
        return r;                                                                              \
    }
RW_LOCK(pthread_rwlock_rdlock, pthread_rwlock_tryrdlock, pthread_rwlock_timedrdlock,
        pthread_rwlock_clockrdlock, HOOK_READ)
RW_LOCK(pthread_rwlock_wrlock, pthread_rwlock_trywrlock, pthread_rwlock_timedwrlock,
        pthread_rwlock_clockwrlock, HOOK_WRITE)

ICEPT(int, pthread_rwlock_unlock, (pthread_rwlock_t * rw))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(pthread_rwlock_unlock)(rw);
    if (rw->__data.__cur_writer) {
        hook_unlock(HOOK_OBJ_RWMUTEX, rw, HOOK_WRITE, pc);
        hook_release(NULL, rw);
    } else if (rw->__data.__readers >> 3) {
        hook_unlock(HOOK_OBJ_RWMUTEX, rw, HOOK_READ, pc);
        hook_release_merge(NULL, rw_readers(rw));
    } else {
        hook_misuse(HOOK_MISUSE_UNLOCK_UNLOCKED, HOOK_OBJ_RWMUTEX, rw, "unlock of unlocked rwlock",
                    pc);
    }
    return REAL(pthread_rwlock_unlock)(rw);
}
ICEPT(int, pthread_rwlock_init, (pthread_rwlock_t * rw, const pthread_rwlockattr_t *a))
{
    int r = REAL(pthread_rwlock_init)(rw, a);
    object_write(HOOK_OBJ_RWMUTEX, rw, ICEPT_PC());
    return r;
}
ICEPT(int, pthread_rwlock_destroy, (pthread_rwlock_t * rw))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_RWMUTEX, rw, pc);
        if (rw->__data.__cur_writer || rw->__data.__readers >> 3)
            hook_misuse(HOOK_MISUSE_FREE_IN_USE, HOOK_OBJ_RWMUTEX, rw, "destroy of a locked rwlock",
                        pc);
        hook_forget(rw, sizeof *rw);
    }
    return REAL(pthread_rwlock_destroy)(rw);
}

/* --- spin locks ------------------------------------------------------------------------------- */

ICEPT(int, pthread_spin_trylock, (pthread_spinlock_t * s))
{
    uintptr_t pc = ICEPT_PC();
    int r = REAL(pthread_spin_trylock)(s);
    if (r == 0 && icept_sync(pc)) {
        hook_acquire(NULL, icept_name(s));
        hook_locked(HOOK_OBJ_MUTEX, (const void *)s, HOOK_WRITE | HOOK_TRY | LOCK_OWNED, pc);
    }
    return r;
}
ICEPT(int, pthread_spin_lock, (pthread_spinlock_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(pthread_spin_lock)(s);
    if (icept_mem(pc))
        hook_obj_read(pc, HOOK_OBJ_MUTEX, (const void *)s);
    int r = REAL(pthread_spin_trylock)(s);
    if (r == EBUSY) {
        hook_lock_wait(HOOK_OBJ_MUTEX, (const void *)s, HOOK_WRITE | LOCK_OWNED, pc);
        r = REAL(pthread_spin_lock)(s);
    }
    if (r == 0) {
        hook_acquire(NULL, icept_name(s));
        hook_locked(HOOK_OBJ_MUTEX, (const void *)s, HOOK_WRITE | LOCK_OWNED, pc);
    }
    return r;
}
ICEPT(int, pthread_spin_unlock, (pthread_spinlock_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        hook_unlock(HOOK_OBJ_MUTEX, (const void *)s, HOOK_WRITE, pc);
        hook_release(NULL, icept_name(s));
    }
    return REAL(pthread_spin_unlock)(s);
}
ICEPT(int, pthread_spin_destroy, (pthread_spinlock_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_MUTEX, s, pc);
        icept_name_drop(s);
    }
    return REAL(pthread_spin_destroy)(s);
}

/* --- conditions ------------------------------------------------------------------------------- */

/* What a wait has given up and must take again, also when the thread is cancelled in it. */
struct waiting_on {
    pthread_mutex_t *m;
    uintptr_t pc;
    bool parked;
};
static void cond_woke(void *arg)
{
    const struct waiting_on *w = arg;
    if (w->parked)
        hook_unpark(det_cur);
    mutex_took(w->m, HOOK_WRITE, w->pc);
}

#define COND_WAIT(id, name, ver, ctype, mtype, params, args, forever) \
    ICEPT_REAL_AS(int, id, name, ver, params);                        \
    ICEPT_EXPORT(int, id, params)                                     \
    {                                                                 \
        uintptr_t pc = ICEPT_PC();                                    \
        if (!icept_sync(pc))                                          \
            return REAL(id) args;                                     \
        if (icept_mem(pc))                                            \
            hook_obj_read(pc, HOOK_OBJ_COND, c);                      \
        struct waiting_on w = {(pthread_mutex_t *)m, pc, forever};    \
        const void *obj = c;                                          \
        int r;                                                        \
        mutex_give(w.m, pc);                                          \
        if (forever)                                                  \
            hook_park(det_cur, HOOK_WAIT_COND, &obj, 1, pc);          \
        pthread_cleanup_push(cond_woke, &w);                          \
        r = REAL(id) args;                                            \
        pthread_cleanup_pop(0);                                       \
        cond_woke(&w);                                                \
        if (r == 0)                                                   \
            hook_acquire(NULL, c);                                    \
        return r;                                                     \
    }
COND_WAIT(pthread_cond_wait, "pthread_cond_wait", "GLIBC_2.3.2", pthread_cond_t, pthread_mutex_t,
          (pthread_cond_t * c, pthread_mutex_t *m), (c, m), true)
COND_WAIT(pthread_cond_timedwait, "pthread_cond_timedwait", "GLIBC_2.3.2", pthread_cond_t,
          pthread_mutex_t, (pthread_cond_t * c, pthread_mutex_t *m, const struct timespec *t),
          (c, m, t), false)
COND_WAIT(pthread_cond_clockwait, "pthread_cond_clockwait", NULL, pthread_cond_t, pthread_mutex_t,
          (pthread_cond_t * c, pthread_mutex_t *m, clockid_t k, const struct timespec *t),
          (c, m, k, t), false)
COND_WAIT(cnd_wait, "cnd_wait", NULL, cnd_t, mtx_t, (cnd_t * c, mtx_t *m), (c, m), true)
COND_WAIT(cnd_timedwait, "cnd_timedwait", NULL, cnd_t, mtx_t,
          (cnd_t * c, mtx_t *m, const struct timespec *t), (c, m, t), false)

#define COND_WAKE(name, ver, type)                    \
    ICEPT_REAL_AS(int, name, #name, ver, (type * c)); \
    ICEPT_EXPORT(int, name, (type * c))               \
    {                                                 \
        uintptr_t pc = ICEPT_PC();                    \
        if (icept_mem(pc))                            \
            hook_obj_read(pc, HOOK_OBJ_COND, c);      \
        if (icept_sync(pc))                           \
            hook_release_merge(NULL, c);              \
        return REAL(name)(c);                         \
    }
COND_WAKE(pthread_cond_signal, "GLIBC_2.3.2", pthread_cond_t)
COND_WAKE(pthread_cond_broadcast, "GLIBC_2.3.2", pthread_cond_t)
COND_WAKE(cnd_signal, NULL, cnd_t)
COND_WAKE(cnd_broadcast, NULL, cnd_t)

ICEPT_REAL_AS(int, pthread_cond_init, "pthread_cond_init", "GLIBC_2.3.2",
              (pthread_cond_t * c, const pthread_condattr_t *a));
ICEPT_EXPORT(int, pthread_cond_init, (pthread_cond_t * c, const pthread_condattr_t *a))
{
    int r = REAL(pthread_cond_init)(c, a);
    object_write(HOOK_OBJ_COND, c, ICEPT_PC());
    return r;
}
ICEPT_REAL_AS(int, pthread_cond_destroy, "pthread_cond_destroy", "GLIBC_2.3.2",
              (pthread_cond_t * c));
ICEPT_EXPORT(int, pthread_cond_destroy, (pthread_cond_t * c))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_COND, c, pc);
        hook_forget(c, sizeof *c);
    }
    return REAL(pthread_cond_destroy)(c);
}
ICEPT(void, cnd_destroy, (cnd_t * c))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_COND, c, pc);
        hook_forget(c, sizeof *c);
    }
    REAL(cnd_destroy)(c);
}

/* --- semaphores ------------------------------------------------------------------------------- */

ICEPT(int, sem_trywait, (sem_t * s))
{
    int r = REAL(sem_trywait)(s);
    if (r == 0 && icept_sync(ICEPT_PC()))
        hook_acquire(NULL, s);
    return r;
}
ICEPT(int, sem_wait, (sem_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(sem_wait)(s);
    if (icept_mem(pc))
        hook_obj_read(pc, HOOK_OBJ_SEM, s);
    int saved = errno;
    int r = REAL(sem_trywait)(s);
    if (r && errno == EAGAIN) {
        const void *obj = s;
        errno = saved;
        hook_park(det_cur, HOOK_WAIT_SEM, &obj, 1, pc);
        r = ICEPT_ASLEEP(sem_wait, s, 0, 0, 0);
        saved = errno;
        hook_unpark(det_cur);
        errno = saved;
    }
    if (r == 0)
        hook_acquire(NULL, s);
    return r;
}
ICEPT(int, sem_timedwait, (sem_t * s, const struct timespec *t))
{
    int r = ICEPT_ASLEEP(sem_timedwait, s, t, 0, 0);
    if (r == 0 && icept_sync(ICEPT_PC()))
        hook_acquire(NULL, s);
    return r;
}
ICEPT(int, sem_clockwait, (sem_t * s, clockid_t c, const struct timespec *t))
{
    int r = ICEPT_ASLEEP(sem_clockwait, s, c, t, 0);
    if (r == 0 && icept_sync(ICEPT_PC()))
        hook_acquire(NULL, s);
    return r;
}
ICEPT(int, sem_post, (sem_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_mem(pc))
        hook_obj_read(pc, HOOK_OBJ_SEM, s);
    if (icept_sync(pc))
        hook_release_merge(NULL, s);
    return REAL(sem_post)(s);
}
ICEPT(int, sem_getvalue, (sem_t * s, int *v))
{
    uintptr_t pc = ICEPT_PC();
    int r = REAL(sem_getvalue)(s, v);
    if (icept_sync(pc))
        hook_acquire(NULL, s);
    if (r == 0 && icept_mem(pc))
        det_write_range(pc, (uintptr_t)v, sizeof *v);
    return r;
}
ICEPT(int, sem_init, (sem_t * s, int shared, unsigned v))
{
    uintptr_t pc = ICEPT_PC();
    int r = REAL(sem_init)(s, shared, v);
    object_write(HOOK_OBJ_SEM, s, pc);
    return r;
}
ICEPT(int, sem_destroy, (sem_t * s))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_SEM, s, pc);
        hook_forget(s, sizeof *s);
    }
    return REAL(sem_destroy)(s);
}

/* --- barriers --------------------------------------------------------------------------------- */

struct barrier {
    u32 next, count;
    u64 arrived;
    const pthread_barrier_t *at;
};
#define BARRIER_BUCKETS 64
static struct slab barriers;
static u32 barrier_bucket[BARRIER_BUCKETS], barrier_lock;

static u32 *barrier_slot(const pthread_barrier_t *at)
{
    u32 *i = &barrier_bucket[((uintptr_t)at >> 4) % BARRIER_BUCKETS];
    while (*i && ((struct barrier *)slab_at(&barriers, *i))->at != at)
        i = &((struct barrier *)slab_at(&barriers, *i))->next;
    return i;
}
static void barrier_remove(const pthread_barrier_t *at)
{
    u32 *slot = barrier_slot(at), i = *slot;
    if (!i)
        return;
    *slot = ((struct barrier *)slab_at(&barriers, i))->next;
    slab_free(&barriers, i);
}

ICEPT(int, pthread_barrier_init,
      (pthread_barrier_t * b, const pthread_barrierattr_t *a, unsigned n))
{
    uintptr_t pc = ICEPT_PC();
    int r = REAL(pthread_barrier_init)(b, a, n);
    if (r || !det_ready)
        return r;
    object_write(HOOK_OBJ_WAITGROUP, b, pc);
    det_lock(&barrier_lock);
    if (!barriers.base)
        slab_init(&barriers, "barriers", sizeof(struct barrier), 1u << 20);
    barrier_remove(b);
    u32 i = slab_alloc(&barriers), *slot = barrier_slot(b);
    if (i) {
        *(struct barrier *)slab_at(&barriers, i) = (struct barrier){.count = n, .at = b};
        *slot = i;
    }
    det_unlock(&barrier_lock);
    return r;
}
ICEPT(int, pthread_barrier_destroy, (pthread_barrier_t * b))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_sync(pc)) {
        object_write(HOOK_OBJ_WAITGROUP, b, pc);
        det_lock(&barrier_lock);
        barrier_remove(b);
        det_unlock(&barrier_lock);
        hook_forget(b, sizeof *b);
    }
    return REAL(pthread_barrier_destroy)(b);
}
ICEPT(int, pthread_barrier_wait, (pthread_barrier_t * b))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(pthread_barrier_wait)(b);
    if (icept_mem(pc))
        hook_obj_read(pc, HOOK_OBJ_WAITGROUP, b);
    const char *word = (const char *)b;
    bool last = false;
    det_lock(&barrier_lock);
    u32 i = *barrier_slot(b);
    bool first = false;
    if (i) {
        struct barrier *it = slab_at(&barriers, i);
        u64 n = it->arrived++;
        word += 8 * (n / it->count & 1);
        first = n % it->count == 0;
        last = n % it->count == it->count - 1;
    }
    if (first)
        hook_release(NULL, word);
    else
        hook_release_merge(NULL, word);
    det_unlock(&barrier_lock);
    const void *obj = b;
    if (!last)
        hook_park(det_cur, HOOK_WAIT_WAITGROUP, &obj, 1, pc);
    int r = ICEPT_ASLEEP(pthread_barrier_wait, b, 0, 0, 0);
    if (!last)
        hook_unpark(det_cur);
    hook_acquire(NULL, word);
    return r;
}

/* --- once ------------------------------------------------------------------------------------- */

struct once_call {
    void (*fn)(void);
    void *once;
};
static __thread struct once_call once_call;

/* Runs inside the real function. The routine may move this goroutine to another thread. */
static void once_routine(void)
{
    struct once_call c = once_call;
    c.fn();
    hook_release(NULL, icept_name(c.once));
}
#define ONCE(name, ret, type, result)                     \
    ICEPT_REAL(ret, name, (type * o, void (*fn)(void)));  \
    ICEPT_EXPORT(ret, name, (type * o, void (*fn)(void))) \
    {                                                     \
        if (!icept_sync(ICEPT_PC()))                      \
            return REAL(name)(o, fn);                     \
        once_call = (struct once_call){fn, o};            \
        result REAL(name)(o, once_routine);               \
        hook_acquire(NULL, icept_name(o));                \
        ONCE_END_##ret;                                   \
    }
#define ONCE_END_int return r
#define ONCE_END_void
ONCE(pthread_once, int, pthread_once_t, int r =)
ONCE(call_once, void, once_flag, )

ICEPT(int, __cxa_guard_acquire, (u64 * g))
{
    int r = REAL(__cxa_guard_acquire)(g);
    if (r == 0 && icept_sync(ICEPT_PC()))
        hook_acquire(NULL, g);
    return r;
}
ICEPT(void, __cxa_guard_release, (u64 * g))
{
    if (icept_sync(ICEPT_PC()))
        hook_release(NULL, g);
    REAL(__cxa_guard_release)(g);
}

/* --- streams locked by hand ------------------------------------------------------------------- */

/* Between these the program's inlined getc_unlocked touches the stream itself. */
ICEPT(void, flockfile, (FILE * f))
{
    REAL(flockfile)(f);
    if (icept_sync(ICEPT_PC()))
        hook_acquire(NULL, f);
}
ICEPT(int, ftrylockfile, (FILE * f))
{
    int r = REAL(ftrylockfile)(f);
    if (r == 0 && icept_sync(ICEPT_PC()))
        hook_acquire(NULL, f);
    return r;
}
ICEPT(void, funlockfile, (FILE * f))
{
    if (icept_sync(ICEPT_PC()))
        hook_release(NULL, f);
    REAL(funlockfile)(f);
}

/* --- threads that end, and fork --------------------------------------------------------------- */

void icept_locks_thread_end(void)
{
    for (int i = 0; i < ROBUST_HELD; i++)
        if (robust_held[i])
            mutex_give(robust_held[i], 0);
}

void icept_locks_fork(int phase)
{
    if (phase == 0)
        det_lock(&barrier_lock);
    else
        det_unlock(&barrier_lock);
    if (phase == 2)
        tid_cache = 0;
}
