/*
 * locals.c - the name of memory that is no global: a local in somebody's frame, a block's member.
 *
 * A local. The detector cannot know names, but it can say which frame an address lies in: for the
 * frames of the goroutine whose stack it is, the return address into each and its frame pointer.
 * The variable follows from the function's DWARF: one whose place, relative to the frame, covers
 * the address. If none does (the frame was found by looking for what resembles one on a stack that
 * is in use), nothing is said rather than something wrong.
 *
 * A block. malloc has no type, but the code around the call nearly always has: `T *p =
 * malloc(sizeof *p)`. Among the pointers that the allocating function knows (variables, parameters,
 * its result) those are taken whose pointee is as large as the block, or divides it; one declared
 * on the line of the call wins, otherwise the type must be the only one. A wrong guess would
 * mislead, so two candidates of different types name nothing.
 */
#include "symbol.h"

#include <dwarf.h>
#include <string.h>

#define SCOPES 64

/* --- locals ------------------------------------------------------------------------------- */

/* Where frame-relative addresses count from, on x86-64 and aarch64 with a frame pointer. */
static Dwarf_Addr frame_base(Dwarf_Die *function, Dwarf_Addr fp)
{
    Dwarf_Attribute at;
    Dwarf_Op *op;
    size_t n;
    if (dwarf_attr_integrate(function, DW_AT_frame_base, &at) &&
        dwarf_getlocation(&at, &op, &n) == 0 && n == 1) {
        if (op->atom == DW_OP_reg6 || op->atom == DW_OP_reg29)
            return fp;
        if (op->atom == DW_OP_breg6 || op->atom == DW_OP_breg29)
            return fp + op->number;
    }
    return fp +
           16; /* the canonical frame address: above the saved pointer and the return address */
}

/* Does the variable live in the frame at `addr`, at pc (or, pc being 0, anywhere)? */
static bool lives_at(Dwarf_Die *var, Dwarf_Addr base, Dwarf_Addr pc, uint64_t addr, uint64_t *start)
{
    Dwarf_Die type;
    Dwarf_Attribute at;
    Dwarf_Op *op;
    Dwarf_Addr dummy, lo, hi;
    size_t n;
    ptrdiff_t next = 0;
    if (!dwarf_attr_integrate(var, DW_AT_location, &at) || !type_of(var, &type))
        return false;
    while ((next = dwarf_getlocations(&at, next, &dummy, &lo, &hi, &op, &n)) > 0) {
        if ((pc && (pc < lo || pc >= hi)) || n != 1 || op->atom != DW_OP_fbreg)
            continue;
        *start = base + op->number;
        if (addr >= *start && addr - *start < type_size(&type))
            return true;
    }
    return false;
}

static bool local_in(Dwarf_Die *scope, Dwarf_Addr base, Dwarf_Addr pc, uint64_t addr,
                     Dwarf_Die *out, uint64_t *start)
{
    Dwarf_Die d;
    if (dwarf_child(scope, &d) != 0)
        return false;
    do {
        int tag = dwarf_tag(&d);
        if ((tag == DW_TAG_variable || tag == DW_TAG_formal_parameter) &&
            lives_at(&d, base, pc, addr, start)) {
            *out = d;
            return true;
        }
    } while (dwarf_siblingof(&d, &d) == 0);
    return false;
}

/* The function has left the block whose variable it was. Of all blocks' variables at that place
   there must be only one: they may share it. Returns how many. */
static int local_anywhere(Dwarf_Die *scope, Dwarf_Addr base, uint64_t addr, Dwarf_Die *out,
                          uint64_t *start)
{
    Dwarf_Die d;
    uint64_t at;
    int n = 0;
    if (dwarf_child(scope, &d) != 0)
        return 0;
    do {
        int tag = dwarf_tag(&d);
        if ((tag == DW_TAG_variable || tag == DW_TAG_formal_parameter) &&
            lives_at(&d, base, 0, addr, &at)) {
            *out = d;
            *start = at;
            n++;
        } else if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) {
            n += local_anywhere(&d, base, addr, out, start);
        }
    } while (dwarf_siblingof(&d, &d) == 0);
    return n;
}

/* Name, type and declaration of a variable that begins at `start`, seen at p's address. */
static void describe(struct symbols *s, Dwarf_Die *cu, Dwarf_Die *var, uint64_t start,
                     struct part *p, Dwarf_Die *inner)
{
    struct buf b = {0}, t = {0};
    Dwarf_Attribute at;
    Dwarf_Word line, file;
    Dwarf_Die type;
    const char *name = dwarf_formstring(dwarf_attr_integrate(var, DW_AT_name, &at));
    buf_str(&b, name ? name : "?");
    type_of(var, &type);
    size_t header;
    type_path(&b, &type, p->r.addr - start, p->r.size, &header);
    if (header != SIZE_MAX)
        p->header = arena_strn(s->arena, b.s, header);
    type_name(&t, &type);
    if (inner)
        *inner = type;
    p->name = arena_str(s->arena, b.s);
    p->type = arena_str(s->arena, t.s);
    p->type_size = type_size(&type);
    if (dwarf_formudata(dwarf_attr_integrate(var, DW_AT_decl_line, &at), &line) == 0)
        p->line = (uint32_t)line;
    if (dwarf_formudata(dwarf_attr_integrate(var, DW_AT_decl_file, &at), &file) == 0)
        p->file = unit_file(s, cu, file);
    buf_free(&b);
    buf_free(&t);
}

bool symbols_local(struct symbols *s, struct part *p, Dwarf_Die *inner)
{
    for (size_t i = 0; p->fp && i < p->r.depth; i++) {
        uint64_t pc = p->pc[i] - 1;
        struct object *o = symbols_object(s, pc);
        Dwarf_Die cu, scope[SCOPES], var;
        Dwarf_Addr bias;
        uint64_t start;
        if (!o || !object_unit(o, pc, &cu, &bias))
            continue;
        if (unit_of_runtime(&cu))
            continue;
        size_t n = unit_scopes(&cu, pc - bias, scope, SCOPES), f = 0;
        while (f < n && dwarf_tag(&scope[f]) != DW_TAG_subprogram)
            f++;
        if (f == n)
            continue;
        Dwarf_Addr base = frame_base(&scope[f], p->fp[i]);
        for (size_t k = n; k-- > f;)
            if (local_in(&scope[k], base, pc - bias, p->r.addr, &var, &start)) {
                describe(s, &cu, &var, start, p, inner);
                return true;
            }
        if (i == 0 && local_anywhere(&scope[f], base, p->r.addr, &var, &start) == 1) {
            describe(s, &cu, &var, start, p, inner);
            return true;
        }
    }
    /* A stack that does not hold the variable says nothing. */
    p->stack.n = 0;
    return false;
}

/* --- blocks ------------------------------------------------------------------------------- */

struct guess {
    Dwarf_Die type; /* the pointee */
    bool any, exact, mixed;
};

static void consider(struct guess *g, Dwarf_Die *pointer, uint64_t size, bool on_line)
{
    Dwarf_Die t = *pointer, to, inner;
    type_peel(&t);
    if (dwarf_tag(&t) != DW_TAG_pointer_type || !type_of(&t, &to))
        return;
    inner = to;
    type_peel(&inner);
    int tag = dwarf_tag(&inner);
    Dwarf_Word n = type_size(&inner);
    bool aggregate =
        tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
    /* Bytes and numbers divide everything: only the line of the call makes them likely. */
    if (!n || size % n || (!on_line && (!aggregate || n != size)))
        return;
    if (on_line && !g->exact) {
        *g = (struct guess){.type = to, .any = true, .exact = true};
    } else if (!g->any) {
        *g = (struct guess){.type = to, .any = true};
    } else if (!g->exact) {
        Dwarf_Die have = g->type;
        type_peel(&have);
        g->mixed |= dwarf_dieoffset(&have) != dwarf_dieoffset(&inner);
    }
}

static void consider_scope(struct guess *g, Dwarf_Die *scope, uint64_t size, uint32_t line)
{
    Dwarf_Die d, type;
    Dwarf_Attribute at;
    int tag = dwarf_tag(scope);
    if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) && type_of(scope, &type))
        consider(g, &type, size, false);
    if (dwarf_child(scope, &d) != 0)
        return;
    do {
        Dwarf_Word decl = 0;
        tag = dwarf_tag(&d);
        if ((tag != DW_TAG_variable && tag != DW_TAG_formal_parameter) || !type_of(&d, &type))
            continue;
        dwarf_formudata(dwarf_attr_integrate(&d, DW_AT_decl_line, &at), &decl);
        consider(g, &type, size, decl == line);
    } while (dwarf_siblingof(&d, &d) == 0);
}

/* The innermost frame of a block's allocation that is the program's own: its scopes, outermost first. */
static size_t allocator(struct symbols *s, const struct part *p, Dwarf_Die *cu, Dwarf_Die *scope,
                        Dwarf_Addr *pc, uint32_t *line)
{
    for (size_t i = 0; i < p->r.depth && i < 4; i++) {
        struct object *o = symbols_object(s, p->pc[i] - 1);
        Dwarf_Addr bias;
        struct stack at;
        if (!o || !object_unit(o, p->pc[i] - 1, cu, &bias))
            continue;
        symbols_stack(s, &p->pc[i], 1, false, &at);
        if (!at.n) /* the runtime's own frame */
            continue;
        *line = at.frame[0].line;
        *pc = p->pc[i] - bias;
        return unit_scopes(cu, *pc - 1, scope, SCOPES);
    }
    return 0;
}

bool symbols_heap_type(struct symbols *s, const struct part *p, Dwarf_Die *type)
{
    Dwarf_Die cu, scope[SCOPES];
    Dwarf_Addr pc;
    uint32_t line;
    struct guess g = {0};
    if (!p->stack.n || !p->r.size)
        return false;
    size_t n = allocator(s, p, &cu, scope, &pc, &line);
    for (size_t k = 0; k < n; k++)
        consider_scope(&g, &scope[k], p->r.size, line);
    *type = g.type;
    return g.any && !g.mixed;
}

void symbols_member(struct symbols *s, struct part *p, Dwarf_Die *block)
{
    struct buf name = {0}, type = {0};
    Dwarf_Die inner = *block;
    Dwarf_Word each = type_size(block);
    uint64_t off = p->r.addr2 >= p->r.addr ? p->r.addr2 - p->r.addr : 0;
    type_name(&type, block);
    if (p->r.size > each)
        buf_printf(&name, "[%llu]", (unsigned long long)(off / each));
    size_t header;
    type_path(&name, &inner, off % each, p->r.aux ? p->r.aux : 1, &header);
    p->type = arena_str(s->arena, type.s);
    if (header == 0)
        p->header = p->type;
    else if (header != SIZE_MAX)
        p->header = arena_strn(s->arena, name.s + (name.s[0] == '.'), header - (name.s[0] == '.'));
    p->type_size = each;
    if (name.n)
        p->name = arena_str(s->arena, name.s + (name.s[0] == '.'));
    buf_free(&name);
    buf_free(&type);
}

bool symbols_heap(struct symbols *s, struct part *p)
{
    Dwarf_Die type;
    if (!symbols_heap_type(s, p, &type))
        return false;
    symbols_member(s, p, &type);
    /* '[50]' of 'int' is called by the pointer that the allocation went to: a[50]. */
    Dwarf_Die to;
    const char *pointer = p->name && p->name[0] == '[' ? symbols_result(s, p, &to) : NULL;
    if (pointer)
        p->name = arena_printf(s->arena, "%s%s", pointer, p->name);
    return true;
}

/* Is the variable in the register of a call's result, where the call returns to, or from the next
   instruction on, which moves it out of there? Register 0 on x86-64 and aarch64 alike. */
static bool in_result(Dwarf_Die *var, Dwarf_Addr pc)
{
    Dwarf_Attribute at;
    Dwarf_Op *op;
    Dwarf_Addr base, lo, hi;
    size_t n;
    ptrdiff_t next = 0;
    if (!dwarf_attr_integrate(var, DW_AT_location, &at))
        return false;
    while ((next = dwarf_getlocations(&at, next, &base, &lo, &hi, &op, &n)) > 0)
        if (lo <= pc + 4 && pc < hi && n == 1 && op->atom == DW_OP_reg0)
            return true;
    return false;
}

const char *symbols_result(struct symbols *s, const struct part *p, Dwarf_Die *to)
{
    Dwarf_Die cu, scope[SCOPES], var, type, d, on_line;
    Dwarf_Attribute at;
    Dwarf_Addr pc;
    uint32_t line;
    int found = 0, same_line = 0;
    size_t n = allocator(s, p, &cu, scope, &pc, &line);
    for (size_t k = n; k-- > 0;) {
        if (dwarf_child(&scope[k], &d) != 0)
            continue;
        do {
            Dwarf_Word decl = 0;
            if (dwarf_tag(&d) != DW_TAG_variable || !type_of(&d, &type))
                continue;
            type_peel(&type);
            if (dwarf_tag(&type) != DW_TAG_pointer_type)
                continue;
            if (in_result(&d, pc)) {
                var = d;
                found++;
            }
            dwarf_formudata(dwarf_attr_integrate(&d, DW_AT_decl_line, &at), &decl);
            if (decl == line) {
                on_line = d;
                same_line++;
            }
        } while (dwarf_siblingof(&d, &d) == 0);
    }
    if (!found && same_line == 1) {
        var = on_line;
        found = 1;
    }
    if (found != 1 || !type_of(&var, &type))
        return NULL;
    type_peel(&type);
    return type_of(&type, to) ? dwarf_formstring(dwarf_attr_integrate(&var, DW_AT_name, &at)) : NULL;
}
