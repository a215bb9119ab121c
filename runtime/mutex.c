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
 *   ANNOUNCED another thread is about to end the favour
 *   and from FAVOUR on, the number of the thread that the mutex favours, or 0
 *
 * An uncontended pair of lock and unlock is two locked instructions in Go, and most of its cost.
 * Most mutexes are locked by one thread for long stretches, and that thread can be spared both
 * where the kernel has restartable sequences: a mutex that one thread has locked often in a row
 * *favours* it. Its word has the thread's number from then on, and only that thread changes it, by
 * "if the word is as I expect, store": the kernel sees to it that a thread interrupted between the
 * two starts over. Another thread that wants the mutex sets ANNOUNCED, has the kernel restart
 * whoever is just between the two (membarrier), and, if its announcement has survived, takes the
 * number out. Without a number the mutex is an ordinary one, of compare-and-swaps.
 *
 * Rejected: a favour from the first lock on, as in some virtual machines. Ending one costs
 * microseconds and interrupts the other thread, so it must be earned: EARN locks in a row, eight
 * times as many after each end, none after the fourth, and none while the program as a whole has
 * ended more than one each millisecond. Also rejected: to spare the unlock alone, in every mutex.
 * The locked instruction that is left then waits for the store of the unlock before it, and little
 * is gained.
 *
 * Who may change the word without a number: a CAS may set LOCKED when it is clear, clear it when
 * one owns it, set QUEUE when it is clear. With QUEUE one may change the rest, but for the number
 * and ANNOUNCED. The owner may set its thread's number if nothing but LOCKED is set. With a number:
 * the favoured thread alone may do all that, and by its two sequences change 0 to LOCKED and back
 * while no other bit is set. Others may set ANNOUNCED, one at a time; and, where it is still set
 * after a membarrier, clear it and the number. It is then certain that no sequence is under way
 * that has not seen it.
 *
 * Invariants: STARVING implies WAITERS and LOCKED. A waiter enters the queue only while LOCKED is
 * set, in the same CAS that sets WAITERS, so the owner's unlock sees it. If the lock comes free
 * before that CAS, the newcomer takes it instead and does not sleep.
 *
 * The unlocking side's last access to the mutex is the store or CAS that clears LOCKED (or hands it
 * over). The next owner may therefore unlock and free the mutex at once, as POSIX allows.
 */
#define GOC_MUTEX_CALLS
#include "waiter.h"

#include <sys/syscall.h>

enum {
    LOCKED = 1,
    QUEUE = 2,
    WAITERS = 4,
    WOKEN = 8,
    STARVING = 16,
    ANNOUNCED = 32,
    STATE = 31,
    NOBODY = 64, /* in no word: the number of a thread that is never favoured */
    FLAGS = 255,
    FAVOUR = 8, /* where the number begins */
};
enum { STARVE_NS = 1000000, SPINS = 4, SPIN_PAUSES = 30 };

_Static_assert(sizeof(goc_mutex) == 16, "small; and no two objects share 8 bytes");

static inline bool cas(goc_mutex *mu, uint32_t *old, uint32_t new, int order)
{
    return __atomic_compare_exchange_n(&mu->goc_state, old, new, true, order, __ATOMIC_RELAXED);
}

static inline bool cas_strong(goc_mutex *mu, uint32_t *old, uint32_t new, int order)
{
    return __atomic_compare_exchange_n(&mu->goc_state, old, new, false, order, __ATOMIC_RELAXED);
}

/* --- favour ----------------------------------------------------------------------------------- */

#if defined __x86_64__
_Static_assert((int)NOBODY == GOC_MUTEX_NOBODY_ && LOCKED == 1, "as in the header");

/* This thread's number, in its place in the word; in race builds there is none. */
GOC_EXPORT __thread uint32_t goc_mutex_mine = NOBODY;
GOC_EXPORT ptrdiff_t
    goc_mutex_rseq; /* of the thread's struct rseq, from the thread's own address */
#endif

#if defined __x86_64__ && !defined GOC_RACE

enum { MEMBARRIER_RSEQ = 1 << 7, MEMBARRIER_REGISTER_RSEQ = 1 << 8 };

/* goc_spare: who locked last (12 bits), how often a favour was ended (3), how often in a row that
   one has locked (17). A hint: changed by the owner, and by who ends a favour, and either may undo
   the other's. */
enum { HINT_THREAD = 20, HINT_ENDED = 17, HINT_COUNT = (1 << HINT_ENDED) - 1 };
enum { THREADS = 1 << (32 - HINT_THREAD), EARN = 64, ENDS = 4 };
_Static_assert((EARN << 3 * (ENDS - 1)) < HINT_COUNT, "the count goes that far");
_Static_assert(ENDS < 1 << (HINT_THREAD - HINT_ENDED), "and the ends");
static const int64_t EVERY_NS = 1000000, AT_ONCE = 100;

/* Where glibc (2.35 and later) has registered each thread's struct rseq; size 0: it has not. */
extern const ptrdiff_t __rseq_offset __attribute__((weak, visibility("default")));
extern const unsigned int __rseq_size __attribute__((weak, visibility("default")));

static bool have_rseq;

static struct {
    struct lock lock;   /* one ends a favour at a time */
    uint32_t threads;   /* numbers given */
    int64_t not_before; /* no favour is granted before this time */
} favour;

__attribute__((constructor)) static void favour_init(void)
{
    if (!&__rseq_offset || !&__rseq_size || !__rseq_size ||
        rt_sys3(SYS_membarrier, MEMBARRIER_REGISTER_RSEQ, 0, 0))
        return;
    goc_mutex_rseq = __rseq_offset;
    store_release(&have_rseq, true);
}

/* To be read anew after every park, as m_raw. */
static inline uint32_t my_number(void)
{
    uint64_t n;
    __asm__ volatile("movq goc_mutex_mine@gottpoff(%%rip), %0\n\tmovl %%fs:(%0), %k0" : "=r"(n));
    return (uint32_t)n;
}

/* Is another thread favoured, so that this one may not change the word? */
static inline bool other_favoured(uint32_t s)
{
    return unlikely(s > FLAGS) && (s & ~(uint32_t)FLAGS) != my_number();
}

static long barrier(void)
{
    long r = rt_sys3(SYS_membarrier, MEMBARRIER_RSEQ, 0, 0);
    if (r < 0 && !rt_sys3(SYS_membarrier, MEMBARRIER_REGISTER_RSEQ, 0, 0)) /* after a fork */
        r = rt_sys3(SYS_membarrier, MEMBARRIER_RSEQ, 0, 0);
    return r;
}

/* Ends the favour of another thread, if there is one. Returns the word. */
static noinline uint32_t favour_end(goc_mutex *mu)
{
    lock_acquire(&favour.lock, RANK_SYNC);
    uint32_t s = load_relaxed(&mu->goc_state);
    while (other_favoured(s)) {
        if (!cas(mu, &s, s | ANNOUNCED, __ATOMIC_SEQ_CST))
            continue;
        long r = barrier();
        if (r < 0) {
            lock_release(&favour.lock);
            goc_fatal("sync: membarrier failed with error %ld", -r);
        }
        s = load_relaxed(&mu->goc_state);
        while (s & ANNOUNCED) /* or a sequence under way has wiped it out: once more */
            if (cas(mu, &s, s & (FLAGS & ~ANNOUNCED), __ATOMIC_ACQ_REL)) {
                uint32_t ended = (load_relaxed(&mu->goc_spare) >> HINT_ENDED) % 8 + 1;
                store_relaxed(&mu->goc_spare, ended << HINT_ENDED);
                favour.not_before += EVERY_NS;
                s &= FLAGS & ~ANNOUNCED;
            }
    }
    lock_release(&favour.lock);
    return s;
}

/* The owner's thread has earned a favour. */
static noinline void favour_grant(goc_mutex *mu, uint32_t me)
{
    int64_t now = rt_now();
    uint32_t s = LOCKED;
    lock_acquire(&favour.lock, RANK_SYNC);
    if (favour.not_before < now - AT_ONCE * EVERY_NS)
        favour.not_before = now - AT_ONCE * EVERY_NS;
    if (favour.not_before <= now)
        cas_strong(mu, &s, me | LOCKED, __ATOMIC_RELAXED);
    lock_release(&favour.lock);
}

/* A number for this thread, if the kernel knows its struct rseq (whose second word is the CPU
 * then). */
static noinline void favour_number(void)
{
    uint32_t n = load_relaxed(&favour.threads);
    const int32_t *rseq =
        (const int32_t *)((char *)__builtin_thread_pointer() + load_relaxed(&goc_mutex_rseq));
    while (n + 1 < THREADS && rseq[1] >= 0)
        if (__atomic_compare_exchange_n(&favour.threads, &n, n + 1, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            goc_mutex_mine = (n + 1) << FAVOUR;
            return;
        }
}

/* The mutex has just been locked by compare-and-swap, and had no number. */
static inline void favour_count(goc_mutex *mu)
{
    uint32_t me = my_number();
    uint32_t hint = load_relaxed(&mu->goc_spare), ended = (hint >> HINT_ENDED) % 8;
    if (ended == ENDS || !load_acquire(&have_rseq))
        return;
    if (hint >> HINT_THREAD == me >> FAVOUR && me != NOBODY) {
        store_relaxed(&mu->goc_spare, hint + 1);
        if (likely((hint & HINT_COUNT) < (uint32_t)EARN << 3 * ended))
            return;
        favour_grant(mu, me);
    } else if (me == NOBODY) {
        favour_number();
        me = my_number();
    }
    store_relaxed(&mu->goc_spare, me >> FAVOUR << HINT_THREAD | ended << HINT_ENDED);
}

#else

#define goc_mutex_lock_mine_(mu) false
#define goc_mutex_unlock_mine_(mu) false
static inline bool other_favoured(uint32_t s)
{
    return false;
}
static inline uint32_t favour_end(goc_mutex *mu)
{
    return load_relaxed(&mu->goc_state);
}
static inline void favour_count(goc_mutex *mu)
{
}

#endif

/* Without waiting, and without the sequence of the favoured thread. */
static inline bool lock_free(goc_mutex *mu)
{
    uint32_t s = load_relaxed(&mu->goc_state);
    if ((s & LOCKED) || other_favoured(s) || !cas_strong(mu, &s, s | LOCKED, __ATOMIC_ACQUIRE))
        return false;
    if (s == 0)
        favour_count(mu);
    return true;
}

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
        if (other_favoured(s))
            s = favour_end(mu);
        if (!(s & LOCKED)) {
            if (cas(mu, &s, (s | LOCKED) & ~(wait.woken ? WOKEN : 0), __ATOMIC_ACQUIRE))
                return;
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
    bool starving = s & STARVING;
    uint32_t next = mu->goc_queue ? WAITERS : 0;
    if (starving) {
        next |= LOCKED | (s & WOKEN);
        if ((next & WAITERS) && rt_now() - w->n > STARVE_NS)
            next |= STARVING;
        w->ok = true;
    } else {
        next |= WOKEN;
    }
    s = load_relaxed(&mu->goc_state); /* others may change the favour, and nothing else */
    while (!cas(mu, &s, (s & ~(uint32_t)STATE) | next, __ATOMIC_RELEASE))
        ;
    if (starving)
        g_ready_yield(g);
    else
        g_ready(g);
}

static noinline bool unlock_contended(goc_mutex *mu)
{
    uint32_t s = load_relaxed(&mu->goc_state);
    for (unsigned i = 0;;) {
        if (other_favoured(s))
            s = favour_end(mu);
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

static inline bool unlock_slow(goc_mutex *mu)
{
    uint32_t s = load_relaxed(&mu->goc_state);
    if (likely(!other_favoured(s)) &&
        likely((s & STATE) == LOCKED || (s & (STATE & ~QUEUE)) == (LOCKED | WAITERS | WOKEN)) &&
        cas_strong(mu, &s, s & ~(uint32_t)LOCKED, __ATOMIC_RELEASE))
        return true;
    return unlock_contended(mu);
}

/* --- for the other primitives ----------------------------------------------------------------- */

void mutex_lock_as(goc_mutex *mu, enum hook_wait why, const void *obj, uintptr_t pc)
{
    if (unlikely(!goc_mutex_lock_mine_(mu)) && !lock_free(mu))
        lock_wait(mu, why, obj, pc);
}

bool mutex_trylock_quiet(goc_mutex *mu)
{
    if (likely(goc_mutex_lock_mine_(mu)) || lock_free(mu))
        return true;
    uint32_t s = load_relaxed(&mu->goc_state);
    while (!(s & LOCKED)) {
        if (other_favoured(s))
            s = favour_end(mu);
        else if (cas(mu, &s, s | LOCKED, __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

bool mutex_unlock_quiet(goc_mutex *mu)
{
    return likely(goc_mutex_unlock_mine_(mu)) || unlock_slow(mu);
}

bool mutex_is_locked(const goc_mutex *mu)
{
    return load_relaxed(&mu->goc_state) & LOCKED;
}

/* --- the public functions, with the detector's side ------------------------------------------- */

/* Only what is not the favoured thread's comes here: its own way has no frame. */
static noinline void lock_slow_at(goc_mutex *mu, uintptr_t pc)
{
    if (unlikely(!lock_free(mu))) {
        hook_lock_wait(HOOK_OBJ_MUTEX, mu, HOOK_WRITE | HOOK_SPARE, pc);
        lock_wait(mu, HOOK_WAIT_MUTEX, mu, pc);
    }
    hook_acquire(NULL, mu);
    hook_locked(HOOK_OBJ_MUTEX, mu, HOOK_WRITE | HOOK_SPARE, pc);
}

static _Noreturn noinline void unlock_misuse(goc_mutex *mu, uintptr_t pc)
{
    hook_misuse(HOOK_MISUSE_UNLOCK_UNLOCKED, HOOK_OBJ_MUTEX, mu, "sync: unlock of unlocked mutex",
                pc);
    goc_fatal("sync: unlock of unlocked mutex");
}

static noinline void unlock_slow_at(goc_mutex *mu, uintptr_t pc)
{
#ifdef GOC_RACE
    if (unlikely(!mutex_is_locked(mu)))
        unlock_misuse(mu, pc);
    hook_unlock(HOOK_OBJ_MUTEX, mu, HOOK_WRITE, pc);
    hook_release(NULL, mu);
#endif
    if (unlikely(!unlock_slow(mu)))
        unlock_misuse(mu, pc);
}

void mutex_lock_at(goc_mutex *mu, uintptr_t pc)
{
    if (unlikely(!goc_mutex_lock_mine_(mu)))
        lock_slow_at(mu, pc);
}

void mutex_unlock_at(goc_mutex *mu, uintptr_t pc)
{
    if (unlikely(!goc_mutex_unlock_mine_(mu)))
        unlock_slow_at(mu, pc);
}

GOC_EXPORT void goc_mutex_lock(goc_mutex *mu)
{
    NEED(mu);
    if (unlikely(!goc_mutex_lock_mine_(mu)))
        lock_slow_at(mu, CALLER_PC());
}

GOC_EXPORT void goc_mutex_unlock(goc_mutex *mu)
{
    NEED(mu);
    if (unlikely(!goc_mutex_unlock_mine_(mu)))
        unlock_slow_at(mu, CALLER_PC());
}

GOC_EXPORT bool goc_mutex_trylock(goc_mutex *mu)
{
    NEED(mu);
    if (!mutex_trylock_quiet(mu))
        return false;
    hook_acquire(NULL, mu);
    hook_locked(HOOK_OBJ_MUTEX, mu, HOOK_WRITE | HOOK_TRY | HOOK_SPARE, CALLER_PC());
    return true;
}
