/*
 * hint.c - one sentence on what to try, for the patterns that are recognised for certain.
 *
 * Studies of races in production code (of Go programs above all) find a few mistakes again and
 * again: a lock on one side only, two different locks, an atomic on one side only, a flag tested
 * outside the lock, a variable of the creator's passed by reference, use after free, close against
 * send, Add inside the goroutine. Those that the finding itself shows get a hint that names the
 * objects; where the pattern is only likely, nothing is said: a wrong hint costs more than none.
 */
#include "model.h"

#include <string.h>

bool part_locks_known(const struct part *p)
{
    return (p->r.role == PART_ACCESS || p->r.role == PART_PREVIOUS) &&
           (p->nheld || p->r.flags & PART_LOCKS);
}

static const struct held *shared_lock(const struct part *a, const struct part *b)
{
    for (size_t i = 0; i < a->nheld; i++)
        for (size_t k = 0; k < b->nheld; k++)
            if (a->held[i].r.addr == b->held[k].r.addr)
                return &a->held[i];
    return NULL;
}

static const char *lock_hint(struct arena *a, const struct part *x, const struct part *y)
{
    if (!part_locks_known(x) || !part_locks_known(y))
        return NULL;
    /* They race, so that a lock they share was held for reading by both. */
    const struct held *shared = shared_lock(x, y);
    if (shared)
        return arena_printf(a,
                            "%s is held for reading on both sides, and one writes; lock it for "
                            "writing there",
                            object_called(a, shared->r.kind, shared->r.addr, shared->name));
    /* A lock on one side only: the line about the mutexes says it already. */
    if (!x->nheld || !y->nheld)
        return NULL;
    return arena_printf(a, "the two hold different locks (%s and %s); hold one lock around both",
                        object_called(a, x->held->r.kind, x->held->r.addr, x->held->name),
                        object_called(a, y->held->r.kind, y->held->r.addr, y->held->name));
}

static const char *race_hint(struct arena *a, const struct finding *f)
{
    const struct part *now = finding_part(f, PART_ACCESS, NULL);
    const struct part *old = finding_part(f, PART_PREVIOUS, NULL);
    const struct part *local = finding_part(f, PART_STACK, NULL);
    const struct part *object = finding_part(f, PART_OBJECT, NULL);
    if (!now || !old)
        return NULL;
    if (f->r.subkind == RACE_OBJECT)
        return object && strcmp(object_kind(object->r.aux), "WaitGroup") == 0
                   ? "call goc_waitgroup_add before the go statement, not inside the goroutine"
                   : NULL;
    if ((now->r.flags | old->r.flags) & PART_FREE)
        return arena_printf(a, "the memory is freed while %s still uses it; wait for it first",
                            part_who(a, now->r.flags & PART_FREE ? old : now));
    if ((now->r.flags ^ old->r.flags) & PART_ATOMIC)
        return "one access is atomic and the other is not; make both atomic";
    const char *lock = lock_hint(a, now, old);
    if (lock)
        return lock;
    if (local && local->name && (local->r.goid == now->r.goid) != (local->r.goid == old->r.goid))
        return arena_printf(
            a,
            "'%s' is a local of %s that %s reaches by reference; pass its value, or "
            "wait for that goroutine",
            local->name, part_who(a, local), part_who(a, local->r.goid == now->r.goid ? old : now));
    return NULL;
}

const char *finding_hint(struct arena *a, const struct finding *f)
{
    return f->r.kind == FINDING_RACE ? race_hint(a, f) : NULL;
}
