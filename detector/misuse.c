/*
 * misuse.c - what was done to a synchronisation object that must not be done.
 *
 * Most misuses are noticed by the object's own code, which calls hook_misuse and then ends the program in
 * Go's words; here they become findings, so that they are reported like everything else, with the
 * goroutine, who started it, and who held the object. Two are noticed by held.c alone, because
 * the object's code never runs: the memory of a held lock is given back, and a goroutine ends with a lock
 * held. Neither ends the program.
 *
 * A goroutine that ends with a lock held is one in C, although Go allows another goroutine to unlock it:
 * if the program does pass this lock on (held.c has seen it), it is left alone; if it has not so far,
 * whoever waits for it waits for somebody who has ended.
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
};

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
    if (m->g)
        finding_creator(f, m->g);
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
        if (r->passed_on || (r->kind != HOOK_OBJ_MUTEX && r->kind != HOOK_OBJ_RWMUTEX))
            continue;
        struct misuse m = {.g = g, .what = HOOK_MISUSE_OTHER, .kind = r->kind, .obj = r->addr,
                           .stack = held_stack(e),
                           .text = "the goroutine ends and still holds the lock that it took here"};
        det_on_own_stack(report, &m);
        return;
    }
}
