/*
 * object.c - what a programmer calls a channel, a mutex, a WaitGroup.
 *
 * One in a module's data has the variable's name (naming.c). One in a heap block or on a stack is
 * called by what it is a member of and by what points there: the detector says which words of memory
 * do (ITEM_PLACE), and of those the first counts that is known to be a variable or member of a
 * pointer's type, in this order:
 *
 *   in a module's data       bank.requests      srv->lock     the name everybody uses
 *   in a heap block          srv->in[1]         struct server.in[1] if nothing named points there
 *   on a stack               results                          its owner's name for it
 *   where it was made        results                          the variable that the call's result is put
 *                                                             into, for which nothing in memory is needed
 *
 * A member wants the block's type: from its allocation (locals.c), or from the variable that points
 * at it. Rejected: naming it by the place that made it alone (ten channels made in one loop are ten
 * names), and text such as "the 2nd argument of worker()": what is passed has a name where it lives.
 *
 * The memory of the runtime itself holds such words too, in its own variables and on its frames; they have
 * names and types as well, and are told by the file they are declared in.
 */
#include "symbol.h"

#include "hooks.h"

#include <dwarf.h>
#include <string.h>

static bool pointer(Dwarf_Die *type, Dwarf_Die *to)
{
    Dwarf_Die t = *type;
    type_peel(&t);
    return dwarf_tag(&t) == DW_TAG_pointer_type && type_of(&t, to);
}

static bool is_chan(Dwarf_Die *to)
{
    Dwarf_Die t = *to;
    type_peel(&t);
    return dwarf_tag(&t) == DW_TAG_array_type;
}

static bool type_is(Dwarf_Die *type, const char *name)
{
    const char *n = dwarf_diename(type);
    return n && strcmp(n, name) == 0;
}

/* A context's channel is called by the context, a timer's by the timer. */
static const char *chan_of(struct symbols *s, Dwarf_Die *to, const char *name)
{
    static const struct {
        const char *type, *call;
    } owners[] = {{"goc_context", "goc_context_done"},
                  {"goc_timer", "goc_timer_chan"},
                  {"goc_ticker", "goc_ticker_chan"}};
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (type_is(to, owners[i].type))
            return arena_printf(s->arena, "%s(%s)", owners[i].call, name);
    return NULL;
}

/* A block of memory as locals.c wants it. */
static struct part block_part(struct symbols *s, const struct place *p, uint64_t at, uint64_t size)
{
    struct part part = {.r = {.role = PART_HEAP,
                              .depth = (uint16_t)p->r.depth,
                              .addr = p->r.base,
                              .size = p->r.size,
                              .addr2 = at,
                              .aux = size},
                        .pc = p->pc};
    symbols_stack(s, p->pc, p->r.depth, false, &part.stack);
    return part;
}

/* Does this word belong to a variable that the program declares? Its name, and what it points at. */
static const char *pointer_name(struct symbols *s, const struct finding *f, const struct place *p,
                                Dwarf_Die *to)
{
    struct part part = {.r = {.addr = p->r.at, .size = 8, .depth = (uint16_t)p->r.depth},
                        .pc = p->pc,
                        .fp = p->fp};
    Dwarf_Die type;
    if (p->r.where == PLACE_POINTER_DATA) {
        if (!symbols_data(s, f, p->r.at, 8, &part, &type) || !part.type)
            return NULL;
    } else if (!p->fp || !symbols_local(s, &part, &type)) {
        return NULL;
    }
    if (part.file && source_of_runtime(part.file))
        return NULL;
    return pointer(&type, to) ? part.name : NULL;
}

/* The variable, in data or else on a stack, that points at a block. */
static const char *who_points_at(struct symbols *s, const struct finding *f, uint64_t block,
                                 Dwarf_Die *to)
{
    static const unsigned order[] = {PLACE_POINTER_DATA, PLACE_POINTER_STACK};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < f->nplaces; i++) {
            const struct place *p = &f->place[i];
            if (p->r.where != order[k] || p->r.points_at != block)
                continue;
            const char *name = pointer_name(s, f, p, to);
            if (name)
                return name;
        }
    return NULL;
}

static bool same_type(Dwarf_Die *a, Dwarf_Die *b)
{
    Dwarf_Die x = *a, y = *b;
    type_peel(&x);
    type_peel(&y);
    const char *n = dwarf_diename(&x), *m = dwarf_diename(&y);
    return dwarf_dieoffset(&x) == dwarf_dieoffset(&y) || (n && m && strcmp(n, m) == 0);
}

/* What is at `at` in a block: srv->lock, items[3].lock, struct server.lock; NULL if its type is not
   known. `inner` becomes the member's type. */
static const char *member_name(struct symbols *s, const struct finding *f, const struct place *p,
                               uint64_t at, uint64_t size, Dwarf_Die *inner)
{
    struct part part = block_part(s, p, at, size);
    Dwarf_Die type, to;
    bool typed = symbols_heap_type(s, &part, &type);
    const char *owner = who_points_at(s, f, p->r.base, &to);
    Dwarf_Word each = owner ? type_size(&to) : 0;
    if (owner && (!each || p->r.size % each || (typed && !same_type(&type, &to))))
        owner = NULL;
    if (!typed && !owner)
        return NULL;
    if (!typed)
        type = to;
    uint64_t off = at - p->r.base;
    struct buf b = {0};
    each = type_size(&type);
    bool several = p->r.size > each;
    *inner = type;
    if (owner)
        buf_str(&b, owner);
    else
        type_name(&b, &type);
    if (several)
        buf_printf(&b, "[%llu]", (unsigned long long)(off / each));
    struct buf path = {0};
    size_t header;
    type_path(&path, inner, off % each, size, &header);
    if (path.n && path.s[0] == '.' && owner && !several)
        buf_printf(&b, "->%s", path.s + 1);
    else if (path.n)
        buf_str(&b, path.s);
    const char *name = owner || path.n ? arena_str(s->arena, b.s) : NULL;
    buf_free(&b);
    buf_free(&path);
    return name;
}

static const struct place *home(const struct finding *f, uint64_t object)
{
    for (size_t i = 0; i < f->nplaces; i++)
        if (f->place[i].r.where <= PLACE_STACK && f->place[i].r.at == object)
            return &f->place[i];
    return NULL;
}

/* By the block that points at it: the member there, or what the runtime keeps for its owner. */
static const char *from_block(struct symbols *s, const struct finding *f, const struct place *p)
{
    Dwarf_Die type, to;
    const char *name = member_name(s, f, p, p->r.at, 8, &type);
    if (name)
        return pointer(&type, &to) ? name : NULL;
    name = who_points_at(s, f, p->r.base, &to);
    if (!name) {
        struct part made = block_part(s, p, p->r.base, p->r.size);
        name = symbols_result(s, &made, &to);
    }
    return name ? chan_of(s, &to, name) : NULL;
}

/* A block that is the object: by what points at it. */
static const char *block_name(struct symbols *s, const struct finding *f, const struct place *p)
{
    Dwarf_Die to;
    const char *name = NULL;
    static const unsigned order[] = {PLACE_POINTER_DATA, PLACE_POINTER_HEAP, PLACE_POINTER_STACK};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < f->nplaces; i++) {
            const struct place *q = &f->place[i];
            if (q->r.where != order[k] || q->r.points_at != p->r.base)
                continue;
            if (q->r.where != PLACE_POINTER_HEAP)
                name = pointer_name(s, f, q, &to);
            else
                name = from_block(s, f, q);
            if (name)
                return name;
        }
    struct part made = block_part(s, p, p->r.base, p->r.size);
    name = symbols_result(s, &made, &to);
    if (!name)
        return NULL;
    return is_chan(&to) ? name : chan_of(s, &to, name);
}

const char *symbols_called(struct symbols *s, const struct finding *f, uint64_t addr, unsigned kind,
                           struct frame *made)
{
    struct part part = {0};
    Dwarf_Die type;
    *made = (struct frame){0};
    if (!addr)
        return NULL;
    const struct place *p = home(f, addr);
    if (!p) {
        if (!symbols_data(s, f, addr, 1, &part, NULL))
            return NULL;
        *made = (struct frame){.file = part.file, .line = part.line};
        return part.name;
    }
    if (p->r.where == PLACE_STACK) {
        part = (struct part){.r = {.addr = addr, .size = 1, .depth = (uint16_t)p->r.depth},
                             .pc = p->pc,
                             .fp = p->fp};
        if (!p->fp || !symbols_local(s, &part, NULL))
            return NULL;
        *made = (struct frame){.file = part.file, .line = part.line};
        return part.name;
    }
    part = block_part(s, p, addr, 1);
    if (part.stack.n)
        *made = part.stack.frame[0];
    /* A channel is a block of the runtime's; what is no channel and has a block may be its first member. */
    const char *name = NULL;
    if (kind != HOOK_OBJ_CHAN && kind != HOOK_OBJ_NONE)
        name = member_name(s, f, p, addr, 1, &type);
    if (!name && p->r.base == addr)
        name = block_name(s, f, p);
    return name;
}

/* Who points at a block, and if the allocation did not tell its type, the accessed member by that.
 */
void symbols_block(struct symbols *s, const struct finding *f, struct part *p)
{
    Dwarf_Die to;
    const char *owner = who_points_at(s, f, p->r.addr, &to);
    Dwarf_Word each = owner ? type_size(&to) : 0;
    if (!each || p->r.size % each)
        return;
    if (!p->type)
        symbols_member(s, p, &to);
    struct buf type = {0};
    type_name(&type, &to);
    bool said = p->name && has_prefix(p->name, owner); /* squares[50] */
    if (!said && p->type && strcmp(type.s, p->type) == 0)
        p->owner = owner;
    buf_free(&type);
}
