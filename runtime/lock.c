/*
 * lock.c - the runtime's internal lock.
 *
 * It protects a few dozen instructions: a channel's queue, a timer heap. A pthread mutex would be
 * the detector's business in a race build, and its unlock costs an atomic exchange; a ticket lock
 * convoys when a holder loses its CPU, which on few cores it does. So: test-and-set; a short spin,
 * because the holder is probably about to leave; then the CPU is given to whoever has it; at last
 * short sleeps, so that a holder of lower priority can run. Unlock is a plain store.
 *
 * Ranks (sched.h) make the order of locks data. With GOC_DEBUG each thread keeps the ranks it
 * holds, and taking a lower one than the last is fatal on the spot, deadlock or not. RANK_CHAN and
 * RANK_TIMER may repeat: select holds several channels, in address order.
 */
#include "sched_impl.h"

#include <sys/syscall.h>

void lock_slow(struct lock *l)
{
    for (unsigned i = 0;; i++) {
        if (!load_relaxed(&l->word) && !__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
            return;
        if (i < 60)
            cpu_relax();
        else if (i < 200)
            rt_sys0(SYS_sched_yield);
        else
            rt_usleep(50);
    }
}

/* More than fit (a select over many channels) are counted, and of the last rank there is. */
void lock_ranked(struct lock *l, enum lock_rank rank)
{
    struct m *m = m_raw();
    if (m) {
        unsigned n = m->lock_depth < countof(m->lock_rank) ? m->lock_depth : countof(m->lock_rank);
        enum lock_rank last = n ? m->lock_rank[n - 1] : RANK_NONE;
        if (rank < last ||
            (rank == last && rank != RANK_CHAN && rank != RANK_SYNC && rank != RANK_TIMER)) {
            rt_print("goc: internal lock order: rank %d taken while holding %d\n", (int)rank,
                     (int)last);
            __builtin_trap();
        }
        if (n < countof(m->lock_rank))
            m->lock_rank[n] = (uint8_t)rank;
        m->lock_depth++;
    }
    if (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
        lock_slow(l);
}

void unlock_ranked(struct lock *l)
{
    struct m *m = m_raw();
    if (m && m->lock_depth)
        m->lock_depth--;
    if (!load_relaxed(&l->word)) {
        rt_print("goc: internal lock released but not held\n");
        __builtin_trap();
    }
    __atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}
