/*
 * rwmutex.c - many readers or one writer.
 *
 * Reading is the common case and must be one atomic addition each way, also with a hundred readers
 * at once; a lock and a queue, or a CAS loop on one word of state, would serialise them. So readers
 * count themselves in reader_count, and a writer announces itself by taking MAX_READERS off it:
 * from then on the sum is negative, which a reader that comes or goes sees in the result of its own
 * addition.
 *
 *   reader_count  readers inside and waiting, minus MAX_READERS for each writer that has announced
 *                 itself and not left: one, or two while one leaves and the next is there already
 *   reader_wait   readers inside that the waiting writer still has to wait for
 *   w             held by the last writer that announced itself; other writers queue for it
 *
 * A reader that sees a negative count waits at `readers` until the writer leaves; so a waiting
 * writer holds new readers back, and the readers that came while it was there go before the next
 * writer. The last reader of those that were inside when the writer came gives it the unit of
 * `writer`.
 *
 * Whoever is let in may be the last to use the lock, and free it at once. So a writer that leaves
 * lets nobody in before its last access. To add MAX_READERS and then unlock `w`, as one would first
 * write it, is wrong: the addition admits a reader. `w` is unlocked first, therefore. The next
 * writer may then announce itself before the one that leaves has taken its own MAX_READERS back: it
 * finds less than -MAX_READERS, and waits; the one that leaves finds a negative sum, and with it
 * the readers that came meanwhile, who go first: the last of them lets the writer in, as always.
 * Only if there are none it does so itself.
 *
 * Detector: what writers publish is at `writer`'s word and what readers publish is merged at
 * `readers`' word. A reader learns only what writers did, a writer both. (Two readers are not
 * ordered.)
 */
#include "waiter.h"

enum { MAX_READERS = 1 << 29 }; /* twice that, and a misuse, fit the count */

_Static_assert(sizeof(goc_rwmutex) == 56, "small");
_Static_assert(offsetof(goc_rwmutex, goc_writer) % 8 == 0 &&
                   offsetof(goc_rwmutex, goc_readers) % 8 == 0,
               "each clock has its own 8 bytes");

#define add(p, n) __atomic_add_fetch(p, n, __ATOMIC_ACQ_REL)

/* --- readers ---------------------------------------------------------------------------------- */

static noinline void rlock_wait(goc_rwmutex *rw, uintptr_t pc)
{
    hook_lock_wait(HOOK_OBJ_RWMUTEX, rw, HOOK_READ | HOOK_SPARE, pc);
    sema_acquire(&rw->goc_readers, HOOK_WAIT_RWMUTEX_R, rw, pc);
}

GOC_EXPORT void goc_rwmutex_rlock(goc_rwmutex *rw)
{
    NEED(rw);
    uintptr_t pc = CALLER_PC();
    if (unlikely(add(&rw->goc_reader_count, 1) < 0))
        rlock_wait(rw, pc);
    hook_acquire(NULL, &rw->goc_writer);
    hook_locked(HOOK_OBJ_RWMUTEX, rw, HOOK_READ | HOOK_SPARE, pc);
}

GOC_EXPORT bool goc_rwmutex_tryrlock(goc_rwmutex *rw)
{
    NEED(rw);
    int32_t n = load_relaxed(&rw->goc_reader_count);
    do {
        if (n < 0)
            return false;
    } while (!__atomic_compare_exchange_n(&rw->goc_reader_count, &n, n + 1, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    hook_acquire(NULL, &rw->goc_writer);
    hook_locked(HOOK_OBJ_RWMUTEX, rw, HOOK_READ | HOOK_TRY | HOOK_SPARE, CALLER_PC());
    return true;
}

static _Noreturn noinline void runlock_misuse(goc_rwmutex *rw, uintptr_t pc)
{
    hook_misuse(HOOK_MISUSE_RUNLOCK_UNLOCKED, HOOK_OBJ_RWMUTEX, rw,
                "sync: RUnlock of unlocked RWMutex", pc);
    goc_fatal("sync: RUnlock of unlocked RWMutex");
}

static inline bool nobody_reads(int32_t count)
{
    return count == 0 || count == -MAX_READERS || count == -2 * MAX_READERS;
}

static noinline void runlock_slow(goc_rwmutex *rw, int32_t n, uintptr_t pc)
{
    if (nobody_reads(n + 1))
        runlock_misuse(rw, pc);
    if (add(&rw->goc_reader_wait, -1) == 0)
        sema_release(&rw->goc_writer, 1);
}

GOC_EXPORT void goc_rwmutex_runlock(goc_rwmutex *rw)
{
    NEED(rw);
    uintptr_t pc = CALLER_PC();
#ifdef GOC_RACE
    if (nobody_reads(load_relaxed(&rw->goc_reader_count)))
        runlock_misuse(rw, pc);
    hook_unlock(HOOK_OBJ_RWMUTEX, rw, HOOK_READ, pc);
    hook_release_merge(NULL, &rw->goc_readers);
#endif
    int32_t n = add(&rw->goc_reader_count, -1);
    if (unlikely(n < 0))
        runlock_slow(rw, n, pc);
}

/* --- the writer ------------------------------------------------------------------------------- */

static void locked_hooks(goc_rwmutex *rw, int mode, uintptr_t pc)
{
    hook_acquire(NULL, &rw->goc_writer);
    hook_acquire(NULL, &rw->goc_readers);
    hook_locked(HOOK_OBJ_RWMUTEX, rw, mode | HOOK_SPARE, pc);
}

GOC_EXPORT void goc_rwmutex_lock(goc_rwmutex *rw)
{
    NEED(rw);
    uintptr_t pc = CALLER_PC();
    bool waited = !mutex_trylock_quiet(&rw->goc_w);
    if (waited) {
        hook_lock_wait(HOOK_OBJ_RWMUTEX, rw, HOOK_WRITE | HOOK_SPARE, pc);
        mutex_lock_as(&rw->goc_w, HOOK_WAIT_RWMUTEX_W, rw, pc);
    }
    int32_t inside = add(&rw->goc_reader_count, -MAX_READERS) + MAX_READERS;
    if (inside < 0 || (inside && add(&rw->goc_reader_wait, inside))) {
        if (!waited)
            hook_lock_wait(HOOK_OBJ_RWMUTEX, rw, HOOK_WRITE | HOOK_SPARE, pc);
        sema_acquire(&rw->goc_writer, HOOK_WAIT_RWMUTEX_W, rw, pc);
    }
    locked_hooks(rw, HOOK_WRITE, pc);
}

GOC_EXPORT bool goc_rwmutex_trylock(goc_rwmutex *rw)
{
    NEED(rw);
    if (!mutex_trylock_quiet(&rw->goc_w))
        return false;
    int32_t none = 0;
    if (!__atomic_compare_exchange_n(&rw->goc_reader_count, &none, -MAX_READERS, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        mutex_unlock_quiet(&rw->goc_w);
        return false;
    }
    locked_hooks(rw, HOOK_WRITE | HOOK_TRY, CALLER_PC());
    return true;
}

static _Noreturn noinline void unlock_misuse(goc_rwmutex *rw, uintptr_t pc)
{
    hook_misuse(HOOK_MISUSE_UNLOCK_UNLOCKED, HOOK_OBJ_RWMUTEX, rw,
                "sync: Unlock of unlocked RWMutex", pc);
    goc_fatal("sync: Unlock of unlocked RWMutex");
}

GOC_EXPORT void goc_rwmutex_unlock(goc_rwmutex *rw)
{
    NEED(rw);
    uintptr_t pc = CALLER_PC();
    if (unlikely(load_relaxed(&rw->goc_reader_count) >= 0))
        unlock_misuse(rw, pc);
    hook_unlock(HOOK_OBJ_RWMUTEX, rw, HOOK_WRITE, pc);
    hook_release(NULL, &rw->goc_writer);
    if (unlikely(!mutex_unlock_quiet(&rw->goc_w)))
        unlock_misuse(rw, pc);
    int32_t waiting = add(&rw->goc_reader_count, MAX_READERS);
    if (likely(waiting == 0))
        return;
    if (waiting < 0) { /* the next writer is there, and waits for those readers */
        waiting += MAX_READERS;
        if (waiting == 0)
            return sema_release(&rw->goc_writer, 1);
        add(&rw->goc_reader_wait, waiting);
    }
    sema_release(&rw->goc_readers, (uint32_t)waiting);
}
