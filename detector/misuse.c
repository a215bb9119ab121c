/*
 * misuse.c - what was done to a synchronisation object that must not be done.
 *
 * Most misuses are noticed by the object's own code, which calls hook_misuse and then ends the program in
 * Go's words; here they become findings, so that they are reported like everything else, with the
 * goroutine, who started it, and who held the object. The others are noticed by what held.c and waitfor.c
 * know, because the object's code never runs:
 *
 *   freed         the memory of a lock that is held, or of a WaitGroup or semaphore that somebody waits
 *                 on, is given back
 *   left          a lock in a frame of its holder's stack, which the function has returned from: seen at
 *                 the next lock that the goroutine takes above, at the latest when it ends. (A look
 *                 at the stack at every return would be, but it costs what a return costs.) That somebody
 *                 waits on such an object is seen when stuck goroutines are looked for (reach.c)
 *   overwritten   a held goc_mutex is no longer the lock that it was: its bytes were set anew
 *   copied        a goc_mutex carries the number of another one that is in use. Each gets a number of its
 *                 own, in a word that the type has to spare, at its first lock; so the copy is
 *                 known whichever way it was made, and a block that was moved (realloc) is no copy,
 *                 since the original's life has ended
 *   ended, exit   a goroutine ends with a lock held, or the one that ends the program does
 *   slow          detect=slow: a lock was held for longer than slow_lock_ms
 *
 * None of these ends the program.
 *
 * A goroutine that ends with a lock held is a misuse in C, although Go allows another goroutine to unlock it:
 * if the program does pass this lock on (held.c has seen it), it is left alone; if it has not so far,
 * whoever waits for it waits for somebody who has ended. Of those who hold locks when the program ends only
 * the one that ends it counts: the others are in the middle of something, as always. _exit, quick_exit
 * and fatal errors run none of the program's code that could need the lock, and are left out.
 *
 * Rejected: to see copies of pthread's mutexes by watching memcpy. An assignment of a struct is a few
 * moves, and they have no word to spare.
 */
#include "facts.h"
#include "record.h"

struct misuse {
    struct race_g *g;
    u32 what, kind;
    uintptr_t obj, pc;
    u32 stack; /* instead of the goroutine's own */
    const char *text;
    u32 lock; /* whose holders are shown */
    struct race_g *waiter;
};

u64 det_slow_ns;

static bool plain_lock(const struct lock_rec *r)
{
    return r->kind == HOOK_OBJ_MUTEX || r->kind == HOOK_OBJ_RWMUTEX;
}

static void report(void *arg)
{
    struct misuse *m = arg;
    struct finding *f = finding_begin(FINDING_MISUSE, m->what);
    if (!f)
        return;
    struct record_part p = {.role = PART_MISUSE, .addr = m->obj, .aux = m->kind};
    if (m->g) {
        p.goid = m->g->goid;
        p.flags = det_g_flags(m->g);
    }
    if (m->stack) {
        finding_part_stack(f, &p, m->stack);
    } else {
        uintptr_t pc[DET_STACK_MAX];
        size_t n = m->g ? det_g_stack(m->g, m->pc, pc, DET_STACK_MAX) : 0;
        finding_part(f, &p, pc, n);
    }
    if (m->text)
        finding_text(f, m->text);
    struct held_fact h[4];
    u32 n = m->lock ? held_holders(m->lock, h, 4) : 0;
    for (u32 k = 0; k < n; k++) {
        const struct lock_rec *r = lock_at(m->lock);
        struct record_part holder = {.role = PART_HOLDER, .flags = det_g_flags(h[k].g),
                                     .goid = h[k].g->goid, .addr = r->name,
                                     .aux = (u64)r->kind << 8 | (h[k].mode & HOOK_READ)};
        finding_part_stack(f, &holder, h[k].stack);
    }
    const struct waiting *w = m->waiter ? m->waiter->wait : NULL;
    if (w) {
        struct record_part waits = {.role = PART_WAIT, .flags = det_g_flags(m->waiter),
                                    .goid = m->waiter->goid, .addr = m->obj, .aux = w->why};
        uintptr_t pc[DET_STACK_MAX];
        finding_part(f, &waits, pc, det_g_stack(m->waiter, w->pc, pc, DET_STACK_MAX));
    }
    if (m->g)
        finding_creator(f, m->g);
    if (w)
        finding_creator(f, m->waiter);
    for (u32 k = 0; k < n; k++)
        finding_creator(f, h[k].g);
    finding_end(f);
}

void misuse_event(struct race_g *g, enum hook_misuse what, enum hook_obj kind, const void *obj,
                  const char *text, uintptr_t pc)
{
    struct misuse m = {.g = g, .what = what, .kind = kind, .obj = (uintptr_t)obj, .pc = pc,
                       .text = text, .lock = obj ? lock_find((uintptr_t)obj) : 0};
    det_on_own_stack(report, &m);
}

void misuse_freed(struct race_g *g, u32 lock, uintptr_t pc)
{
    const struct lock_rec *r = lock_at(lock);
    struct misuse m = {.g = g, .what = HOOK_MISUSE_FREE_IN_USE, .kind = r->kind, .obj = r->addr,
                       .pc = pc, .text = "the memory of a lock that is held is given back",
                       .lock = lock};
    det_on_own_stack(report, &m);
}

void misuse_ended_holding(struct race_g *g)
{
    struct held *h = g->held;
    for (u32 k = 0; k < h->n; k++) {
        struct held_lock *e = h->lock[k];
        const struct lock_rec *r = lock_at(e->lock);
        if (r->passed_on || e->left || !plain_lock(r))
            continue;
        struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = r->kind, .obj = r->addr,
                           .stack = held_stack(e),
                           .text = "the goroutine ends and still holds the lock that it took here"};
        det_on_own_stack(report, &m);
        return;
    }
}

void misuse_exit(struct race_g *g)
{
    struct held *h = g ? g->held : NULL;
    for (u32 k = 0; h && k < h->n; k++) {
        struct held_lock *e = h->lock[k];
        const struct lock_rec *r = lock_at(e->lock);
        if (r->passed_on || e->left || held_gone(e) || !plain_lock(r))
            continue;
        struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = r->kind, .obj = r->addr,
                           .stack = held_stack(e),
                           .text = "the program is ended by a goroutine that holds the lock taken here"};
        det_on_own_stack(report, &m);
        return;
    }
}

void misuse_frame_left(struct held_lock *e, uintptr_t pc)
{
    const struct lock_rec *r = lock_at(e->lock);
    struct misuse m = {.g = e->g, .what = HOOK_MISUSE_FREE_IN_USE, .kind = r->kind, .obj = r->addr,
                       .stack = held_stack(e),
                       .text = "the function has returned whose local is this lock, still held"};
    det_on_own_stack(report, &m);
}

void misuse_copied(struct race_g *g, u32 kind, uintptr_t obj, u32 original, uintptr_t pc)
{
    struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = kind, .obj = obj, .pc = pc,
                       .text = "the lock is a copy of one that was in use", .lock = original};
    det_on_own_stack(report, &m);
}

void misuse_overwritten(struct race_g *g, u32 lock, uintptr_t pc)
{
    const struct lock_rec *r = lock_at(lock);
    struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = r->kind, .obj = r->addr, .pc = pc,
                       .text = "the lock was set anew while it was held", .lock = lock};
    det_on_own_stack(report, &m);
}

void misuse_slow(struct race_g *g, struct held_lock *e, u64 ms, uintptr_t pc)
{
    const struct lock_rec *r = lock_at(e->lock);
    char text[96];
    det_format(text, sizeof text, "the lock was held for %lu ms (slow_lock_ms=%lu)",
               (unsigned long)ms, (unsigned long)(det_slow_ns / 1000000));
    struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = r->kind, .obj = r->addr, .pc = pc,
                       .text = text, .lock = e->lock};
    det_on_own_stack(report, &m);
}

void misuse_waited(struct race_g *g, u32 kind, uintptr_t obj, const char *text, struct race_g *waiter,
                   uintptr_t pc)
{
    struct misuse m = {.g = g, .what = HOOK_MISUSE_FREE_IN_USE, .kind = kind, .obj = obj, .pc = pc,
                       .text = text, .waiter = waiter};
    det_on_own_stack(report, &m);
}
