/*
 * hint.c - one sentence on what to try, for the patterns that are recognised for certain.
 *
 * Studies of races in production code (of Go programs above all) find a few mistakes again and
 * again: a lock on one side only, two different locks, an atomic on one side only, a flag tested
 * before the lock, a variable of the creator's passed by reference, use after free, close against
 * send, Add inside the goroutine (found by it, or by the Wait that was too early), an atomic flag
 * with too weak an order, a sleep in place of a wait, a slice whose header is not changed as one.
 * Those that the finding itself shows get a hint that names the objects; where the pattern is only
 * likely, nothing is said: a wrong hint costs more than none.
 */
#include "model.h"

#include "hooks.h"

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

/* bank.balance; config->port of a block that something points at. */
static const char *memory_name(struct arena *a, const struct finding *f)
{
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        if (!p->name || p->r.role < PART_GLOBAL || p->r.role > PART_STACK)
            continue;
        return p->owner && p->name[0] != '[' ? arena_printf(a, "%s->%s", p->owner, p->name)
                                             : p->name;
    }
    return NULL;
}

/* Whether the lock is there for this memory at all is not known: hence "if". */
static const char *one_side(struct arena *a, const struct finding *f, const struct part *with,
                            const struct part *without)
{
    const struct held *l = with->held;
    const char *memory = memory_name(a, f);
    const char *name = object_called(a, l->r.kind, l->r.addr, l->name);
    const struct frame *at = l->stack.n && l->stack.frame[0].file ? &l->stack.frame[0] : NULL;
    const char *where = at ? arena_printf(a, " (locked at %s:%u)", at->file, at->line) : "";
    for (size_t i = 1; i < with->nheld; i++) {
        name = arena_printf(a, "%s and %s", name,
                            object_called(a, l[i].r.kind, l[i].r.addr, l[i].name));
        where = "";
    }
    return arena_printf(a, "only %s holds %s%s; if that is what guards %s, %s must hold it as well",
                        part_who(a, with), name, where,
                        memory ? arena_printf(a, "'%s'", memory) : "it", part_who(a, without));
}

static const char *lock_hint(struct arena *a, const struct finding *f, const struct part *x,
                             const struct part *y)
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
    if (!x->nheld && !y->nheld)
        return NULL;
    if (!x->nheld || !y->nheld)
        return one_side(a, f, x->nheld ? x : y, x->nheld ? y : x);
    return arena_printf(a, "the two hold different locks (%s and %s); hold one lock around both",
                        object_called(a, x->held->r.kind, x->held->r.addr, x->held->name),
                        object_called(a, y->held->r.kind, y->held->r.addr, y->held->name));
}

static const struct frame *innermost(const struct part *p)
{
    return p->stack.n ? &p->stack.frame[0] : NULL;
}

static bool same_function(const struct frame *a, const struct frame *b)
{
    return a && b && a->func && b->func && a->file && b->file && strcmp(a->func, b->func) == 0 &&
           strcmp(a->file, b->file) == 0;
}

/* if (x) …; lock; … x = …; unlock: a read before the lock that the write is under, in one function. */
static const char *checked_twice(struct arena *a, const struct finding *f, const struct part *x,
                                 const struct part *y)
{
    const struct part *reads = x->r.flags & PART_WRITE ? y : x, *writes = reads == x ? y : x;
    if (!part_locks_known(x) || !part_locks_known(y) || reads->r.flags & PART_WRITE ||
        shared_lock(x, y))
        return NULL;
    const struct frame *r = innermost(reads), *w = innermost(writes);
    for (size_t i = 0; i < writes->nheld && same_function(r, w); i++) {
        const struct held *l = &writes->held[i];
        const struct frame *at = l->stack.n ? &l->stack.frame[0] : NULL;
        if (!same_function(at, w) || r->line > at->line || at->line > w->line)
            continue;
        const char *name = memory_name(a, f);
        return arena_printf(a,
                            "%s%s%s is read before %s is locked and written after; lock first (to "
                            "initialise once, goc_once_do)",
                            name ? "'" : "", name ? name : "it", name ? "'" : "",
                            object_called(a, l->r.kind, l->r.addr, l->name));
    }
    return NULL;
}

/* The stack that goroutine goid was started from. */
static const struct part *started(const struct finding *f, const struct part *who)
{
    const struct part *p = NULL;
    while ((p = finding_part(f, PART_CREATED, p)))
        if (p->r.goid == who->r.goid && !((p->r.flags ^ who->r.flags) & PART_THREAD))
            return p;
    return NULL;
}

/* Wait writes the object, the first Add reads it. Is Add inside a goroutine that whoever waits has
   started? */
static const char *waitgroup_hint(const struct finding *f, const struct part *x,
                                  const struct part *y)
{
    const struct part *wait = x->r.flags & PART_WRITE ? x : y, *add = wait == x ? y : x;
    const struct part *go = started(f, add);
    if (add->r.flags & PART_WRITE)
        return NULL;
    for (size_t i = 0; go && i < wait->stack.n; i++)
        if (same_function(innermost(go), &wait->stack.frame[i]))
            return "call goc_waitgroup_add before the go statement, not inside the goroutine";
    return "nothing orders this goc_waitgroup_add before the goc_waitgroup_wait";
}

/* Close and free write the channel; send, receive and len read it; receives have an address of
   their own, which free alone writes. */
static const char *chan_hint(struct arena *a, const struct part *object, const struct part *x,
                             const struct part *y)
{
    const char *ch = object_with_kind(a, object->r.aux, object->r.addr, object->name);
    const struct part *uses = x->r.flags & PART_WRITE ? y : x;
    if (uses->r.flags & PART_WRITE)
        return NULL;
    if (x->r.addr != object->r.addr)
        return arena_printf(a, "%s is freed while %s may still receive from it; wait for it first",
                            ch, part_who(a, uses));
    return arena_printf(a,
                        "nothing orders the send of %s before the close of %s; let the sender close "
                        "it, or wait for the senders first",
                        part_who(a, uses), ch);
}

static const char *weak_hint(struct arena *a, const struct finding *f, const struct part *now)
{
    const struct part *p = finding_part(f, PART_WEAK, NULL);
    if (!p)
        return NULL;
    const char *what = p->name ? arena_printf(a, "'%s'", p->name)
                               : arena_printf(a, "the atomic at 0x%012llx",
                                              (unsigned long long)p->r.addr);
    if (p->r.aux == WEAK_LOAD)
        return arena_printf(a,
                            "%s is stored with release order after the one access, but %s loads it "
                            "with memory_order_relaxed before the other; load it with "
                            "memory_order_acquire",
                            what, part_who(a, now));
    return arena_printf(a,
                        "%s is stored with memory_order_relaxed after the one access and loaded "
                        "before the other; memory_order_release there and memory_order_acquire here "
                        "would order them",
                        what);
}

/* Pointer, length and capacity have to agree. */
static const char *slice_hint(struct arena *a, const struct finding *f)
{
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        if (p->header && p->name)
            return arena_printf(
                a,
                "'%s' is part of the header of a slice ('%s'), whose pointer, length and "
                "capacity must change as one; hold one lock around all uses of it",
                p->name, p->header);
    }
    return NULL;
}

static const char *sleep_hint(struct arena *a, const struct finding *f)
{
    const struct part *p = finding_part(f, PART_SLEPT, NULL);
    const struct frame *at = p ? innermost(p) : NULL;
    if (!at || !at->file)
        return NULL;
    return arena_printf(a,
                        "between the two %s slept (%s:%u), and a sleep orders nothing; hand over by a "
                        "channel, a WaitGroup or a lock",
                        part_who(a, p), at->file, at->line);
}

/* Add inside the goroutine, and Wait came first. */
static const char *empty_hint(struct arena *a, const struct finding *f, const struct part *x,
                              const struct part *y)
{
    const struct part *p = finding_part(f, PART_EMPTY_WAIT, NULL);
    const struct frame *at = p ? innermost(p) : NULL;
    if (!at || !at->file)
        return NULL;
    return arena_printf(
        a,
        "%s waited for %s (%s:%u) when it was at zero, and %s added to it later; call "
        "goc_waitgroup_add before the go statement, not inside the goroutine",
        part_who(a, p), object_called(a, p->r.aux, p->r.addr, p->name), at->file, at->line,
        part_who(a, x->r.goid == p->r.goid ? y : x));
}

static const char *race_hint(struct arena *a, const struct finding *f)
{
    const struct part *now = finding_part(f, PART_ACCESS, NULL);
    const struct part *old = finding_part(f, PART_PREVIOUS, NULL);
    const struct part *local = finding_part(f, PART_STACK, NULL);
    const struct part *object = finding_part(f, PART_OBJECT, NULL);
    const char *hint;
    if (!now || !old)
        return NULL;
    if (object && object->r.aux == HOOK_OBJ_WAITGROUP)
        return waitgroup_hint(f, now, old);
    if (object && object->r.aux == HOOK_OBJ_CHAN)
        return chan_hint(a, object, now, old);
    if (f->r.subkind == RACE_OBJECT)
        return NULL;
    if ((now->r.flags | old->r.flags) & PART_FREE)
        return arena_printf(a, "the memory is freed while %s still uses it; wait for it first",
                            part_who(a, now->r.flags & PART_FREE ? old : now));
    if ((now->r.flags ^ old->r.flags) & PART_ATOMIC)
        return "one access is atomic and the other is not; make both atomic";
    if ((hint = empty_hint(a, f, now, old)) || (hint = checked_twice(a, f, now, old)) ||
        (hint = lock_hint(a, f, now, old)) || (hint = weak_hint(a, f, now)) ||
        (hint = slice_hint(a, f)))
        return hint;
    if (local && local->name && (local->r.goid == now->r.goid) != (local->r.goid == old->r.goid))
        return arena_printf(
            a,
            "'%s' is a local of %s that %s reaches by reference; pass its value, or "
            "wait for that goroutine",
            local->name, part_who(a, local), part_who(a, local->r.goid == now->r.goid ? old : now));
    return sleep_hint(a, f);
}

const char *finding_hint(struct arena *a, const struct finding *f)
{
    return f->r.kind == FINDING_RACE ? race_hint(a, f) : NULL;
}
