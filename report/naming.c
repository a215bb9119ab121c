/*
 * naming.c - the name of a piece of memory, as a programmer writes it.
 *
 * A race on 0x55d0c8 means little; on bank.accounts[1].balance it is half solved. The variable that
 * holds an address is found among the units of the finding's own frames first (whoever touches a
 * variable nearly always sees its definition), then among all units' outermost children, and only
 * then inside functions (static locals), which is the slow search. An index of all variables was
 * rejected: building it reads all of a large program's DWARF for what is usually one question.
 *
 * From the variable's type the path follows by dividing the offset: member, index, member, … until
 * the accessed bytes are a whole object. It stops at the types of the runtime and of pthreads:
 * nobody wants bank.mu.state.
 *
 * Without debug information the symbol table gives name and offset.
 */
#include "symbol.h"

#include <dwarf.h>
#include <string.h>

/* --- types -------------------------------------------------------------------------------- */

bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Attribute at;
    return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &at), type) != NULL;
}

static bool qualifier(int tag)
{
    return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_atomic_type ||
           tag == DW_TAG_restrict_type;
}

void type_peel(Dwarf_Die *t)
{
    Dwarf_Die next;
    while ((qualifier(dwarf_tag(t)) || dwarf_tag(t) == DW_TAG_typedef) && type_of(t, &next))
        *t = next;
}

Dwarf_Word type_size(Dwarf_Die *t)
{
    Dwarf_Word n;
    return dwarf_aggregate_size(t, &n) == 0 ? n : 0;
}

/* The extents of an array's dimensions; how many. 0 for an unknown one. */
static size_t dimensions(Dwarf_Die *array, Dwarf_Word *dim, size_t max)
{
    Dwarf_Die d;
    Dwarf_Attribute at;
    size_t n = 0;
    if (dwarf_child(array, &d) != 0)
        return 0;
    do {
        if (dwarf_tag(&d) != DW_TAG_subrange_type || n == max)
            continue;
        Dwarf_Word v;
        dim[n] = 0;
        if (dwarf_formudata(dwarf_attr(&d, DW_AT_count, &at), &v) == 0)
            dim[n] = v;
        else if (dwarf_formudata(dwarf_attr(&d, DW_AT_upper_bound, &at), &v) == 0)
            dim[n] = v + 1;
        n++;
    } while (dwarf_siblingof(&d, &d) == 0);
    return n;
}

static void spell(struct buf *b, Dwarf_Die *t, int depth)
{
    Dwarf_Die to;
    Dwarf_Word dim[8];
    int tag = dwarf_tag(t);
    const char *name = dwarf_diename(t);
    bool has = type_of(t, &to);
    if (depth > 16)
        return;
    switch (tag) {
    case DW_TAG_pointer_type:
        if (has && dwarf_tag(&to) == DW_TAG_array_type) {
            /* Of an array of no size: goc_chan's phantom (goc/chan.h). */
            Dwarf_Die each;
            bool bound = dimensions(&to, dim, 8) && dim[0];
            buf_str(b, bound ? "" : "goc_chan(");
            if (type_of(&to, &each))
                spell(b, &each, depth + 1);
            if (bound)
                buf_printf(b, " (*)[%llu]", (unsigned long long)dim[0]);
            else
                buf_str(b, ")");
            return;
        }
        if (has && dwarf_tag(&to) == DW_TAG_subroutine_type) {
            Dwarf_Die ret;
            if (type_of(&to, &ret))
                spell(b, &ret, depth + 1);
            else
                buf_str(b, "void");
            buf_str(b, " (*)()");
            return;
        }
        if (has)
            spell(b, &to, depth + 1);
        else
            buf_str(b, "void");
        buf_str(b, b->n && b->s[b->n - 1] == '*' ? "*" : " *");
        return;
    case DW_TAG_array_type: {
        if (has)
            spell(b, &to, depth + 1);
        size_t n = dimensions(t, dim, 8);
        for (size_t i = 0; i < n; i++)
            if (dim[i])
                buf_printf(b, "[%llu]", (unsigned long long)dim[i]);
            else
                buf_str(b, "[]");
        return;
    }
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
    case DW_TAG_atomic_type:
        buf_str(b, tag == DW_TAG_const_type      ? "const "
                   : tag == DW_TAG_volatile_type ? "volatile "
                                                 : "_Atomic ");
        /* fallthrough */
    case DW_TAG_restrict_type:
        if (has)
            spell(b, &to, depth + 1);
        else
            buf_str(b, "void");
        return;
    case DW_TAG_structure_type:
        buf_str(b, "struct ");
        break;
    case DW_TAG_union_type:
        buf_str(b, "union ");
        break;
    case DW_TAG_enumeration_type:
        buf_str(b, "enum ");
        break;
    default:
        break;
    }
    buf_str(b, name ? name : "{…}");
}

void type_name(struct buf *b, Dwarf_Die *t)
{
    spell(b, t, 0);
}

/* The runtime's and pthreads' types are whole to a reader. */
static bool opaque(Dwarf_Die *t)
{
    Dwarf_Die d = *t, next;
    for (;;) {
        const char *n = dwarf_diename(&d);
        if (n && (has_prefix(n, "goc_") || has_prefix(n, "pthread_") || strcmp(n, "sem_t") == 0))
            return true;
        if (!(qualifier(dwarf_tag(&d)) || dwarf_tag(&d) == DW_TAG_typedef) || !type_of(&d, &next))
            return false;
        d = next;
    }
}

static bool member_at(Dwarf_Die *agg, Dwarf_Word off, Dwarf_Word size, Dwarf_Die *member,
                      Dwarf_Word *start)
{
    Dwarf_Die d, t;
    Dwarf_Attribute at;
    bool found = false;
    if (dwarf_child(agg, &d) != 0)
        return false;
    do {
        Dwarf_Word v = 0;
        if (dwarf_tag(&d) != DW_TAG_member || !type_of(&d, &t))
            continue;
        if (dwarf_formudata(dwarf_attr(&d, DW_AT_data_member_location, &at), &v) != 0) {
            if (dwarf_formudata(dwarf_attr(&d, DW_AT_data_bit_offset, &at), &v) == 0)
                v /= 8;
            else
                v = 0;
        }
        Dwarf_Word n = type_size(&t);
        if (off < v || off >= v + n)
            continue;
        /* Of a union's members the one of the access's own size says most. */
        if (!found || n == size) {
            *member = d;
            *start = v;
            found = true;
        }
        if (n == size)
            break;
    } while (dwarf_siblingof(&d, &d) == 0);
    return found;
}

static bool one_of(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(s, *list) == 0)
            return true;
    return false;
}

/* A pointer, a length and a capacity, called so: the header of a slice. */
static bool slice_header(Dwarf_Die *agg)
{
    static const char *const lengths[] = {"len",  "length", "n",     "nr",     "num",
                                          "size", "used",   "count", "nitems", NULL};
    static const char *const capacities[] = {"cap",  "capacity", "alloc", "allocated", "max",
                                             "room", "limit",    "size",  "reserved",  NULL};
    Dwarf_Die d, t;
    int members = 0, pointers = 0, length = 0, capacity = 0;
    if (dwarf_child(agg, &d) != 0)
        return false;
    do {
        const char *name = dwarf_diename(&d);
        if (dwarf_tag(&d) != DW_TAG_member || !name || !type_of(&d, &t))
            continue;
        type_peel(&t);
        int tag = dwarf_tag(&t);
        members++;
        pointers += tag == DW_TAG_pointer_type;
        if (tag == DW_TAG_base_type && !length && one_of(name, lengths))
            length++;
        else if (tag == DW_TAG_base_type && one_of(name, capacities))
            capacity++;
    } while (dwarf_siblingof(&d, &d) == 0);
    return members == 3 && pointers == 1 && length == 1 && capacity == 1;
}

/* The path from an object of type t to the bytes [off, off+size): appended to b; t becomes the
   innermost type. *header: how much of b is the path of a slice's header that the bytes are a
   member of; SIZE_MAX if they are of none. */
void type_path(struct buf *b, Dwarf_Die *t, Dwarf_Word off, Dwarf_Word size, size_t *header)
{
    *header = SIZE_MAX;
    for (int depth = 0; depth < 32 && !opaque(t); depth++) {
        Dwarf_Die inner = *t, to;
        type_peel(&inner);
        int tag = dwarf_tag(&inner);
        Dwarf_Word start, dim[8];
        bool whole = off == 0 && size && type_size(&inner) == size;
        if (tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type) {
            Dwarf_Die member;
            if (!member_at(&inner, off, size, &member, &start))
                return;
            /* All of it: the only member if there is but one, else the object itself. */
            if (whole && (!type_of(&member, &to) || type_size(&to) != size))
                return;
            const char *name = dwarf_diename(&member);
            if (slice_header(&inner))
                *header = b->n;
            if (name)
                buf_printf(b, ".%s", name);
            type_of(&member, t);
            off -= start;
        } else if (tag == DW_TAG_array_type && type_of(&inner, &to)) {
            Dwarf_Word n = type_size(&to);
            size_t k = dimensions(&inner, dim, 8);
            if (!n || !k || (size > n && off % n == 0))
                return;
            Dwarf_Word i = off / n, stride = 1;
            for (size_t d = 1; d < k; d++)
                stride *= dim[d] ? dim[d] : 1;
            for (size_t d = 0; d < k; d++) {
                buf_printf(b, "[%llu]", (unsigned long long)(i / stride));
                i %= stride;
                if (d + 1 < k && dim[d + 1])
                    stride /= dim[d + 1];
            }
            *t = to;
            off %= n;
        } else {
            return;
        }
    }
}

/* --- variables ---------------------------------------------------------------------------- */

static bool variable_address(Dwarf_Die *v, Dwarf_Addr *addr)
{
    Dwarf_Attribute at, where;
    Dwarf_Op *op;
    size_t n;
    if (!dwarf_attr(v, DW_AT_location, &at) || dwarf_getlocation(&at, &op, &n) != 0 || n != 1)
        return false;
    if (op->atom == DW_OP_addr) {
        *addr = op->number;
        return true;
    }
    return (op->atom == DW_OP_addrx || op->atom == DW_OP_GNU_addr_index) && dwarf_getlocation_attr(&at, op, &where) == 0 &&
           dwarf_formaddr(&where, addr) == 0;
}

static bool variable_type(Dwarf_Die *v, Dwarf_Die *type)
{
    return type_of(v, type);
}

/* Among the children of die (deep: also inside functions and blocks) the variable that holds addr.
 */
static bool find_variable(Dwarf_Die *die, Dwarf_Addr addr, bool deep, Dwarf_Die *out)
{
    Dwarf_Die d, t;
    if (dwarf_child(die, &d) != 0)
        return false;
    do {
        Dwarf_Addr at;
        switch (dwarf_tag(&d)) {
        case DW_TAG_variable:
            if (variable_address(&d, &at) && addr >= at && variable_type(&d, &t) &&
                addr - at < (type_size(&t) ? type_size(&t) : 1)) {
                *out = d;
                return true;
            }
            break;
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block:
            if (deep && find_variable(&d, addr, deep, out))
                return true;
            break;
        case DW_TAG_namespace:
            if (find_variable(&d, addr, deep, out))
                return true;
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&d, &d) == 0);
    return false;
}

static bool search(struct object *o, const struct finding *f, Dwarf_Addr addr, bool inside,
                   Dwarf_Die *cu, Dwarf_Die *var)
{
    Dwarf_Addr bias;
    for (size_t i = 0; f && i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        for (size_t k = 0; k < p->r.depth && k < 4; k++)
            if (p->pc[k] > o->m.lo && p->pc[k] <= o->m.hi &&
                object_unit(o, p->pc[k] - 1, cu, &bias) && find_variable(cu, addr, true, var))
                return true;
    }
    Dwarf *dw = dwfl_module_getdwarf(o->mod, &bias);
    for (int deep = 0; deep <= inside; deep++) {
        Dwarf_CU *unit = NULL, *next;
        Dwarf_Die die, sub;
        uint8_t type;
        while (dwarf_get_units(dw, unit, &next, NULL, &type, &die, &sub) == 0) {
            unit = next;
            *cu = type == DW_UT_skeleton && sub.addr ? sub : die;
            if (find_variable(cu, addr, deep, var))
                return true;
        }
    }
    return false;
}

bool symbols_data(struct symbols *s, const struct finding *f, uint64_t addr, uint64_t size,
                  struct part *out, Dwarf_Die *inner)
{
    struct object *o = symbols_object(s, addr);
    if (!o || !o->mod)
        return false;
    GElf_Off off = 0;
    GElf_Sym sym;
    const char *name = dwfl_module_addrinfo(o->mod, addr, &off, &sym, NULL, NULL, NULL);
    if (name && GELF_ST_TYPE(sym.st_info) == STT_FUNC)
        name = NULL;
    if (name && sym.st_size && off >= sym.st_size)
        name = NULL;
    Dwarf_Addr bias = 0, at = 0;
    Dwarf_Die cu, var, type;
    Dwarf_Attribute attr;
    if (o->has_dwarf)
        dwfl_module_getdwarf(o->mod, &bias);
    /* A static local's symbol has a suffix; without symbols nothing is ruled out. */
    bool inside = !name || strchr(name, '.');
    if (!o->has_dwarf || !search(o, f, addr - bias, inside, &cu, &var)) {
        if (!name)
            return false;
        out->name = off ? arena_printf(s->arena, "%s+%#llx", name, (unsigned long long)off)
                        : arena_str(s->arena, name);
        return true;
    }
    struct buf b = {0};
    name = dwarf_formstring(dwarf_attr_integrate(&var, DW_AT_name, &attr));
    buf_str(&b, name ? name : "?");
    variable_address(&var, &at);
    if (variable_type(&var, &type)) {
        size_t header;
        type_path(&b, &type, addr - bias - at, size, &header);
        if (header != SIZE_MAX)
            out->header = arena_strn(s->arena, b.s, header);
        struct buf t = {0};
        type_name(&t, &type);
        if (inner)
            *inner = type;
        out->type = arena_str(s->arena, t.s);
        out->type_size = type_size(&type);
        buf_free(&t);
    }
    out->name = arena_str(s->arena, b.s);
    buf_free(&b);
    Dwarf_Word line, file;
    if (dwarf_formudata(dwarf_attr_integrate(&var, DW_AT_decl_line, &attr), &line) == 0)
        out->line = (uint32_t)line;
    if (dwarf_formudata(dwarf_attr_integrate(&var, DW_AT_decl_file, &attr), &file) == 0)
        out->file = unit_file(s, &cu, file);
    return true;
}
