/*
 * mutex.c - mutual exclusion.
 *
 * A good mutex is fast when free, does not convoy when busy, and lets nobody starve. Plain hand-off
 * (the queue's head becomes the owner at unlock) is fair but convoys: the lock stays taken through
 * the whole wake-up of its next owner, although the one that just unlocked may want it again at
 * once. Plain barging is fast but may pass a waiter for ever. Go's answer is kept: barging in
 * normal mode, hand-off once somebody has waited for more than a millisecond (starving mode), until
 * that waiter and all behind it with such a wait are served.
 *
 * What differs from Go is where the queue is: in the mutex, behind one bit of its word, instead of
 * in a table of semaphores. The waiting and the waking side then see queue and state together, and
 * there is no wake-up token that could be stolen or left over.
 *
 *   LOCKED    owned
 *   QUEUE     the holder of this bit owns goc_queue
 *   WAITERS   goc_queue is not empty
 *   WOKEN     a waiter was woken, or spins, and has not yet got the lock or gone back to sleep:
 *             no use in waking another
 *   STARVING  unlock hands the lock over
 *
 * An uncontended pair of lock and unlock is two locked instructions in Go, and most of its cost.
 * The second one is saved where the kernel has restartable sequences: as long as nobody has ever had
 * to wait for a mutex, its unlock is "if the word is LOCKED, store 0", and the kernel sees to it that
 * a thread interrupted between the two starts over. The first goroutine that has to wait announces
 * itself in the word, has the kernel restart whoever is just between the two (membarrier), and, if its
 * announcement has survived, sets ATOMIC: from then on this mutex is unlocked by compare-and-swap.
 *
 *   ANNOUNCED somebody is about to set ATOMIC; a store of 0 may still wipe it out
 *   ATOMIC    no unlock stores without comparing, nor ever will
 *
 * Who may change the word: a CAS may set LOCKED when it is clear, clear it when one owns it, set
 * QUEUE when it is clear. With QUEUE one may change the rest. The owner with QUEUE is alone and may
 * store.
 *
 * Invariants: bits other than LOCKED and ANNOUNCED imply ATOMIC. STARVING implies WAITERS and LOCKED. A waiter enters the queue only while LOCKED is
 * set, in the same CAS that sets WAITERS, so the owner's unlock sees it. If the lock comes free
 * before that CAS, the newcomer takes it instead and does not sleep.
 *
 * The unlocking side's last access to the mutex is the store or CAS that clears LOCKED (or hands it
 * over). The next owner may therefore unlock and free the mutex at once, as POSIX allows.
 */
#include "waiter.h"

#include <sys/syscall.h>

enum {
    LOCKED = 1,
    QUEUE = 2,
    WAITERS = 4,
    WOKEN = 8,
    STARVING = 16,
    ANNOUNCED = 32,
    ATOMIC = 64,
};
enum { STARVE_NS = 1000000, SPINS = 4, SPIN_PAUSES = 30 };

_Static_assert(sizeof(goc_mutex) == 16, "small; and no two objects share 8 bytes");

static inline bool cas(goc_mutex *mu, uint32_t *old, uint32_t new, int order)
{
    return __atomic_compare_exchange_n(&mu->goc_state, old, new, true, order, __ATOMIC_RELAXED);
}

/* A load before the first CAS would wait for the store of the last unlock. */
static inline bool lock_fast(goc_mutex *mu)
{
    uint32_t s = 0;
    if (likely(__atomic_compare_exchange_n(&mu->goc_state, &s, LOCKED, false, __ATOMIC_ACQUIRE,
                                           __ATOMIC_RELAXED)))
        return true;
    return s == ATOMIC && __atomic_compare_exchange_n(&mu->goc_state, &s, ATOMIC | LOCKED, false,
                                                      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* --- the unlock without a locked instruction -------------------------------------------------- */

#if defined __x86_64__ && !defined GOC_RACE

enum { MEMBARRIER_RSEQ = 1 << 7, MEMBARRIER_REGISTER_RSEQ = 1 << 8 };

/* Where glibc (2.35 and later) has registered each thread's struct rseq; size 0: it has not. */
extern const ptrdiff_t __rseq_offset __attribute__((weak, visibility("default")));
extern const unsigned int __rseq_size __attribute__((weak, visibility("default")));

static ptrdiff_t rseq_at; /* 0: every mutex is unlocked by compare-and-swap */
static struct lock announcing;

__attribute__((constructor)) static void bias_init(void)
{
    if (&__rseq_offset && &__rseq_size && __rseq_size &&
        rt_sys3(SYS_membarrier, MEMBARRIER_REGISTER_RSEQ, 0, 0) == 0)
        rseq_at = __rseq_offset;
}

/* If the word is LOCKED, store 0; as one step for whoever has called membarrier. The descriptor
   names the sequence 1 to 2 and where to go when it is interrupted; the four bytes before 4 are the
   signature that glibc has registered. */
static inline bool unlock_unwaited(uint32_t *word)
{
    __asm__ goto(".pushsection .data.rel.ro.goc_rseq, \"aw\", @progbits\n\t"
                 ".balign 32\n"
                 "3:\t.long 0, 0\n\t"
                 ".quad 1f, 2f - 1f, 4f\n\t"
                 ".popsection\n\t"
                 "leaq 3b(%%rip), %%rax\n\t"
                 "movq %%rax, %%fs:8(%[rseq])\n"
                 "1:\tcmpl %[locked], (%[word])\n\t"
                 "jne %l[no]\n\t"
                 "movl $0, (%[word])\n"
                 "2:\n\t"
                 ".pushsection .text.unlikely, \"ax\", @progbits\n\t"
                 ".byte 0x0f, 0xb9, 0x3d\n\t"
                 ".long 0x53053053\n"
                 "4:\tjmp %l[no]\n\t"
                 ".popsection"
                 :
                 : [word] "r"(word), [rseq] "r"(rseq_at), [locked] "i"(LOCKED)
                 : "rax", "memory", "cc"
                 : no);
    return true;
no:
    return false;
}

/* Sets ATOMIC, if the mutex stays locked meanwhile. One at a time: an announcement that is seen
   after the barrier must be one's own, and not one made after it. */
static noinline void make_atomic(goc_mutex *mu)
{
    lock_acquire(&announcing, RANK_SYNC);
    uint32_t s = load_relaxed(&mu->goc_state);
    if ((s & LOCKED) && !(s & (ATOMIC | ANNOUNCED)) &&
        __atomic_compare_exchange_n(&mu->goc_state, &s, s | ANNOUNCED, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
        s |= ANNOUNCED;
    if ((s & ANNOUNCED) && !(s & ATOMIC)) {
        long r = rt_sys3(SYS_membarrier, MEMBARRIER_RSEQ, 0, 0);
        if (r < 0 && !rt_sys3(SYS_membarrier, MEMBARRIER_REGISTER_RSEQ, 0, 0)) /* after a fork */
            r = rt_sys3(SYS_membarrier, MEMBARRIER_RSEQ, 0, 0);
        if (r < 0)
            goc_fatal("sync: membarrier failed with error %ld", -r);
        s = load_relaxed(&mu->goc_state);
        while ((s & ANNOUNCED) && !cas(mu, &s, (s & ~ANNOUNCED) | ATOMIC, __ATOMIC_ACQ_REL))
            ;
    }
    lock_release(&announcing);
}

static inline bool may_wait(uint32_t s)
{
    return (s & ATOMIC) || !rseq_at;
}

#else

enum { rseq_at = 0 };
static inline bool unlock_unwaited(uint32_t *word)
{
    return false;
}
static inline void make_atomic(goc_mutex *mu)
{
}
static inline bool may_wait(uint32_t s)
{
    return true;
}

#endif

/* --- waiting ---------------------------------------------------------------------------------- */

struct mutex_wait {
    goc_mutex *mu;
    struct waiter w;
    bool woken; /* not the first time: to the front, and WOKEN is ours to clear */
};

/* With QUEUE held, on the scheduler's stack: enter the queue, or take the lock if it came free. */
static bool commit_wait(struct g *g, void *arg)
{
    struct mutex_wait *wait = arg;
    goc_mutex *mu = wait->mu;
    struct waiter *w = &wait->w;
    uint32_t clear = QUEUE | (wait->woken ? WOKEN : 0);
    uint32_t starving = wait->woken && rt_now() - w->n > STARVE_NS ? STARVING : 0;
    uint32_t s = load_relaxed(&mu->goc_state);
    void *old = mu->goc_queue;
    for (;;) {
        if (!(s & LOCKED)) {
            if (!cas(mu, &s, (s | LOCKED) & ~clear, __ATOMIC_ACQ_REL))
                continue;
            w->ok = true;
            return false;
        }
        if (wait->woken)
            ring_push_front(&mu->goc_queue, w);
        else
            ring_push(&mu->goc_queue, w);
        if (cas(mu, &s, (s & ~clear) | WAITERS | starving, __ATOMIC_ACQ_REL))
            return true; /* w is not ours any more */
        ring_unpush(&mu->goc_queue, old, w);
    }
}

static noinline void lock_wait(goc_mutex *mu, enum hook_wait why, const void *obj, uintptr_t pc)
{
    struct mutex_wait wait = {.mu = mu};
    unsigned spins = sched_can_spin() ? SPINS : 0;
    uint32_t s = load_relaxed(&mu->goc_state);
    for (;;) {
        if (!(s & LOCKED)) {
            if (cas(mu, &s, (s | LOCKED) & ~(wait.woken ? WOKEN : 0), __ATOMIC_ACQUIRE))
                return;
            continue;
        }
        if (unlikely(!may_wait(s))) {
            make_atomic(mu);
            s = load_relaxed(&mu->goc_state);
            continue;
        }
        if (spins && !(s & STARVING)) {
            /* The owner runs and will soon be done. Tell it to wake nobody meanwhile. */
            if (!wait.woken && (s & WAITERS) && !(s & (WOKEN | QUEUE)) &&
                cas(mu, &s, s | WOKEN, __ATOMIC_RELAXED))
                wait.woken = true;
            for (int i = 0; i < SPIN_PAUSES; i++)
                cpu_relax();
            spins--;
            s = load_relaxed(&mu->goc_state);
            continue;
        }
        if (s & QUEUE) {
            cpu_relax();
            s = load_relaxed(&mu->goc_state);
            continue;
        }
        if (!cas(mu, &s, s | QUEUE, __ATOMIC_ACQUIRE))
            continue;
        if (!wait.w.n) {
            wait.w.n = rt_now();
            wait.w.g = g_current();
        }
        wait.w.ok = false;
        g_park(commit_wait, &wait, why, &obj, 1, pc);
        if (wait.w.ok)
            return;
        wait.woken = true;
        spins = sched_can_spin() ? SPINS : 0;
        s = load_relaxed(&mu->goc_state);
    }
}

/* --- unlocking -------------------------------------------------------------------------------- */

/* With LOCKED and QUEUE, and a waiter in the queue. */
static void unlock_wake(goc_mutex *mu, uint32_t s)
{
    struct waiter *w = ring_pop(&mu->goc_queue);
    struct g *g = w->g;
    uint32_t next = (s & ATOMIC) | (mu->goc_queue ? WAITERS : 0);
    if (s & STARVING) {
        next |= LOCKED | (s & WOKEN);
        if ((next & WAITERS) && rt_now() - w->n > STARVE_NS)
            next |= STARVING;
        w->ok = true;
        store_release(&mu->goc_state, next);
        g_ready_yield(g);
        return;
    }
    store_release(&mu->goc_state, next | WOKEN);
    g_ready(g);
}

static noinline bool unlock_contended(goc_mutex *mu)
{
    uint32_t s = load_relaxed(&mu->goc_state);
    for (unsigned i = 0;;) {
        if (!(s & LOCKED))
            return false;
        if (!(s & WAITERS) || ((s & WOKEN) && !(s & STARVING))) {
            if (cas(mu, &s, s & ~LOCKED, __ATOMIC_RELEASE))
                return true;
        } else if (s & QUEUE) {
            if (++i % 256)
                cpu_relax();
            else
                rt_usleep(1);
            s = load_relaxed(&mu->goc_state);
        } else if (cas(mu, &s, s | QUEUE, __ATOMIC_ACQ_REL)) {
            unlock_wake(mu, s);
            return true;
        }
    }
}

static inline bool unlock(goc_mutex *mu)
{
    if (rseq_at && unlock_unwaited(&mu->goc_state))
        return true;
    uint32_t s = load_relaxed(&mu->goc_state);
    if (likely((s & ~ATOMIC) == LOCKED) &&
        likely(__atomic_compare_exchange_n(&mu->goc_state, &s, s & ~LOCKED, false, __ATOMIC_RELEASE,
                                           __ATOMIC_RELAXED)))
        return true;
    return unlock_contended(mu);
}

/* --- for the other primitives ----------------------------------------------------------------- */

void mutex_lock_as(goc_mutex *mu, enum hook_wait why, const void *obj, uintptr_t pc)
{
    if (unlikely(!lock_fast(mu)))
        lock_wait(mu, why, obj, pc);
}

bool mutex_trylock_quiet(goc_mutex *mu)
{
    uint32_t s = load_relaxed(&mu->goc_state);
    while (!(s & LOCKED))
        if (cas(mu, &s, s | LOCKED, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

bool mutex_unlock_quiet(goc_mutex *mu)
{
    return unlock(mu);
}

bool mutex_is_locked(const goc_mutex *mu)
{
    return load_relaxed(&mu->goc_state) & LOCKED;
}

/* --- the public functions, with the detector's side ------------------------------------------- */

static noinline void lock_contended(goc_mutex *mu, uintptr_t pc)
{
    hook_lock_wait(HOOK_OBJ_MUTEX, mu, HOOK_WRITE, pc);
    lock_wait(mu, HOOK_WAIT_MUTEX, mu, pc);
    hook_acquire(NULL, mu);
    hook_locked(HOOK_OBJ_MUTEX, mu, HOOK_WRITE, pc);
}

static _Noreturn noinline void unlock_misuse(goc_mutex *mu, uintptr_t pc)
{
    hook_misuse(HOOK_MISUSE_UNLOCK_UNLOCKED, HOOK_OBJ_MUTEX, mu, "sync: unlock of unlocked mutex",
                pc);
    goc_fatal("sync: unlock of unlocked mutex");
}

void mutex_lock_at(goc_mutex *mu, uintptr_t pc)
{
    if (unlikely(!lock_fast(mu)))
        return lock_contended(mu, pc);
    hook_acquire(NULL, mu);
    hook_locked(HOOK_OBJ_MUTEX, mu, HOOK_WRITE, pc);
}

void mutex_unlock_at(goc_mutex *mu, uintptr_t pc)
{
#ifdef GOC_RACE
    if (unlikely(!mutex_is_locked(mu)))
        unlock_misuse(mu, pc);
    hook_unlock(HOOK_OBJ_MUTEX, mu, HOOK_WRITE, pc);
    hook_release(NULL, mu);
#endif
    if (unlikely(!unlock(mu)))
        unlock_misuse(mu, pc);
}

GOC_EXPORT void goc_mutex_lock(goc_mutex *mu)
{
    NEED(mu);
    mutex_lock_at(mu, CALLER_PC());
}

GOC_EXPORT void goc_mutex_unlock(goc_mutex *mu)
{
    NEED(mu);
    mutex_unlock_at(mu, CALLER_PC());
}

GOC_EXPORT bool goc_mutex_trylock(goc_mutex *mu)
{
    NEED(mu);
    if (!mutex_trylock_quiet(mu))
        return false;
    hook_acquire(NULL, mu);
    hook_locked(HOOK_OBJ_MUTEX, mu, HOOK_WRITE | HOOK_TRY, CALLER_PC());
    return true;
}
