/*
 * slept.c - the sleep that seemed to put two accesses in order.
 *
 * `go(work); goc_sleep(...); use(result)` never fails where it is tried, and a race report of it meets
 * disbelief: the two accesses are 100 ms apart. If the one who makes the later access has slept
 * since the earlier one, the report says so.
 *
 * What has to be known is whether an access was made before a sleep ended, and accesses have no
 * times. But their goroutines have epochs: at the end of a sleep the epochs of all goroutines are
 * noted. An access in an earlier epoch was before; one in the same epoch was if its goroutine waits, in
 * the same wait, then and now; one of a goroutine that is not there any more, though it had been
 * started, was as well. Otherwise nothing is said.
 *
 * The notes are a few, and overwritten in turn: a hint that is lost is no loss. Programs with more than
 * OTHERS goroutines get none, so that a hundred thousand sleepers do not pay for each other.
 */
#include "slept.h"
#include "facts.h"
#include "goroutine.h"
#include "history.h"

#define NAPS 64 /* a power of two */
#define OTHERS 32

static struct nap {
    u32 lock;
    u32 n;
    u64 goid, newest[2]; /* whoever slept; numbers given out by then */
    bool thread;
    uintptr_t pc;
    struct {
        u32 id, epoch;
        u32 wait; /* its wait's number; 0: it ran */
    } other[OTHERS];
} naps[NAPS];
static u32 next;

static u32 wait_number(const struct race_g *g)
{
    const struct waiting *w = g->wait;
    return w && (w->why != HOOK_WAIT_NONE || w->lock) ? __atomic_load_n(&w->seq, __ATOMIC_ACQUIRE) | 1
                                                      : 0;
}

void slept_note(const struct race_g *g, uintptr_t pc)
{
    struct nap *nap = &naps[__atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % NAPS];
    det_lock(&nap->lock);
    nap->n = 0;
    u32 at = 0;
    struct race_g *x;
    while ((x = det_g_each(&at)) && nap->n < OTHERS) {
        nap->other[nap->n].id = x->id;
        nap->other[nap->n].epoch = x->epoch;
        nap->other[nap->n++].wait = wait_number(x);
    }
    nap->goid = x ? 0 : g->goid; /* too many: nobody's */
    nap->thread = g->thread;
    nap->newest[0] = history_newest(false);
    nap->newest[1] = history_newest(true);
    nap->pc = pc;
    det_unlock(&nap->lock);
}

static bool was_before(const struct nap *nap, u32 id, u32 epoch, u64 goid, bool thread)
{
    for (u32 i = 0; i < nap->n; i++) {
        if (nap->other[i].id != id)
            continue;
        if (epoch < nap->other[i].epoch)
            return true;
        u32 at = 0;
        for (struct race_g *x; epoch == nap->other[i].epoch && (x = det_g_each(&at));)
            if (x->id == id)
                return nap->other[i].wait && wait_number(x) == nap->other[i].wait;
        return false;
    }
    return goid <= nap->newest[thread];
}

bool slept_since(const struct race_g *g, u32 id, u32 epoch, u64 goid, bool thread, uintptr_t *pc)
{
    u32 from = __atomic_load_n(&next, __ATOMIC_RELAXED);
    for (u32 i = 1; i <= NAPS; i++) {
        struct nap *nap = &naps[(from - i) % NAPS];
        if (nap->goid != g->goid || nap->thread != g->thread)
            continue;
        det_lock(&nap->lock);
        bool yes = nap->goid == g->goid && was_before(nap, id, epoch, goid, thread);
        *pc = nap->pc;
        det_unlock(&nap->lock);
        return yes; /* the latest decides */
    }
    return false;
}
