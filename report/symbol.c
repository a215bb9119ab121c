/*
 * symbol.c - which function and line an address is.
 *
 * The program told where its files are mapped; the files themselves say the rest. libdwfl could
 * read the layout from /proc, but the program may be gone (or be another one, from a saved file)
 * by the time a finding is printed, so each module is given to libdwfl by hand at its load bias.
 * addr2line as a child was rejected: one process a module, and no types for naming.c.
 *
 * What is kept low is the time to the first line: a file is opened when an address in it is asked
 * for, its DWARF is read unit by unit, and the answer for an address is cached (a race in a loop
 * gives the same addresses again and again). gcc's objects say in .debug_aranges which unit an
 * address belongs to; clang's do not, and there the units' ranges are collected once.
 *
 * Return addresses point behind the call, which can be the next line or, after a call that does
 * not return, the next function: they are looked up one byte earlier. The offset printed is that
 * of the address itself, as Go does.
 *
 * libdw's dwarf_getscopes follows an inlined call into the abstract function's scopes and loses
 * the caller, so the scopes of an address are found here, by descending from the unit through
 * children that contain it; call_file and call_line of an inlined call give the caller's line.
 *
 * Frames of the runtime are recognised by their section: the libraries' code is put into one of its
 * own, goc_text, which stays in a stripped executable. What its headers put into the program's own
 * code is recognised by name.
 */
#include "symbol.h"

#include "hooks.h"

#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNTIME_SECTION "goc_text" /* the Makefile's */
#define RUNTIME_SOURCE "/usr/src/goc-race"
#define SCOPES 64

struct unit {
    Dwarf_Addr lo, hi;
    Dwarf_Off die;
};

struct cached {
    uint64_t pc;
    struct frame *frame;
    size_t n;
    struct cached *next;
};

static int no_elf(Dwfl_Module *mod, void **user, const char *name, Dwarf_Addr base, char **file,
                  Elf **elf)
{
    return -1;
}

static const Dwfl_Callbacks callbacks = {
    .find_elf = no_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo, /* debuglink, build id, debuginfod */
    .section_address = dwfl_offline_section_address,
};

void symbols_init(struct symbols *s, struct arena *a, const char *program)
{
    *s = (struct symbols){.arena = a, .program = program};
}

static bool same_module(const struct module *a, const struct module *b)
{
    return a->base == b->base && a->lo == b->lo && a->hi == b->hi && strcmp(a->path, b->path) == 0;
}

void symbols_modules(struct symbols *s, const struct module *m, size_t n)
{
    s->now = arena_alloc(s->arena, n * sizeof *s->now);
    s->nnow = n;
    for (size_t i = 0; i < n; i++) {
        struct object *o = s->objects;
        while (o && !same_module(&o->m, &m[i]))
            o = o->next;
        if (!o) {
            o = arena_alloc(s->arena, sizeof *o);
            o->m = m[i];
            o->next = s->objects;
            s->objects = o;
        }
        s->now[i] = o;
    }
    /* The same address may be another function now. */
    memset(s->cache, 0, sizeof s->cache);
}

void symbols_select(struct symbols *s, const char *program, struct object **now, size_t n)
{
    s->program = program;
    s->now = now;
    s->nnow = n;
    memset(s->cache, 0, sizeof s->cache);
}

void symbols_free(struct symbols *s)
{
    for (struct object *o = s->objects; o; o = o->next) {
        if (o->dwfl)
            dwfl_end(o->dwfl);
        free(o->units);
    }
    s->objects = NULL;
}

static bool same_build(struct object *o)
{
    const unsigned char *bits;
    GElf_Addr vaddr;
    int n = dwfl_module_build_id(o->mod, &bits, &vaddr);
    return n <= 0 || !o->m.build_id_len ||
           ((uint32_t)n == o->m.build_id_len && memcmp(bits, o->m.build_id, (size_t)n) == 0);
}

/* Where the runtime's own code is in it. */
static void find_runtime(struct object *o)
{
    GElf_Addr bias;
    GElf_Shdr sh;
    size_t names;
    Elf *elf = o->mod ? dwfl_module_getelf(o->mod, &bias) : NULL;
    if (!elf || elf_getshdrstrndx(elf, &names) != 0)
        return;
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        const char *name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
        if (name && strcmp(name, RUNTIME_SECTION) == 0) {
            o->own_lo = sh.sh_addr + bias;
            o->own_hi = o->own_lo + sh.sh_size;
        }
    }
}

static void object_open(struct symbols *s, struct object *o)
{
    o->tried = true;
    o->path = *o->m.path ? o->m.path : s->program;
    if (!o->path)
        return;
    int fd = open(o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        o->why_not = strerror(errno);
        if (s->verbose)
            warn("%s: %s", o->path, o->why_not);
        return;
    }
    o->dwfl = dwfl_begin(&callbacks);
    if (!o->dwfl) {
        close(fd);
        return;
    }
    dwfl_report_begin(o->dwfl);
    o->mod = dwfl_report_elf(o->dwfl, o->path, o->path, fd, o->m.base, true);
    if (!o->mod)
        close(fd);
    dwfl_report_end(o->dwfl, NULL, NULL);
    if (o->mod && !same_build(o)) {
        o->why_not = "it has been built anew since";
        o->mod = NULL;
    }
    Dwarf_Addr bias;
    o->has_dwarf = o->mod && dwfl_module_getdwarf(o->mod, &bias);
    find_runtime(o);
    if (s->verbose)
        warn("%s: %s", o->path,
             o->has_dwarf ? "has debug information"
             : o->why_not ? o->why_not
                          : "no debug information");
}

struct object *symbols_object(struct symbols *s, uint64_t addr)
{
    for (size_t i = 0; i < s->nnow; i++) {
        struct object *o = s->now[i];
        if (addr < o->m.lo || addr >= o->m.hi)
            continue;
        if (!o->tried)
            object_open(s, o);
        return o;
    }
    return NULL;
}

static int unit_order(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;
    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* The ranges of every unit, sorted. */
static void collect_units(struct object *o, Dwarf *dw)
{
    size_t size = 0;
    Dwarf_CU *cu = NULL, *next;
    Dwarf_Die die, sub;
    uint8_t type;
    while (dwarf_get_units(dw, cu, &next, NULL, &type, &die, &sub) == 0) {
        cu = next;
        Dwarf_Die *d = type == DW_UT_skeleton && sub.addr ? &sub : &die;
        Dwarf_Addr base, lo, hi;
        for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &lo, &hi)) > 0;) {
            if (o->nunits == size) {
                size = size ? size * 2 : 256;
                o->units = xrealloc(o->units, size * sizeof *o->units);
            }
            if (lo < hi)
                o->units[o->nunits++] = (struct unit){lo, hi, dwarf_dieoffset(&die)};
        }
        (void)d;
    }
    if (o->nunits)
        qsort(o->units, o->nunits, sizeof *o->units, unit_order);
}

bool object_unit(struct object *o, uint64_t pc, Dwarf_Die *cu, Dwarf_Addr *bias)
{
    if (!o->mod || !o->has_dwarf)
        return false;
    Dwarf_Die *d = dwfl_module_addrdie(o->mod, pc, bias);
    /* libdwfl gives what lies behind a unit that has an entry there to that unit: not so where objects
       of both compilers are side by side. */
    if (d && dwarf_haspc(d, pc - *bias) > 0) {
        *cu = *d;
    } else {
        Dwarf *dw = dwfl_module_getdwarf(o->mod, bias);
        if (!o->units)
            collect_units(o, dw);
        size_t lo = 0, hi = o->nunits;
        Dwarf_Addr at = pc - *bias;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (o->units[mid].lo <= at)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (!lo || at >= o->units[lo - 1].hi || !dwarf_offdie(dw, o->units[lo - 1].die, cu))
            return false;
    }
    /* Split DWARF: the children are in the .dwo file. */
    Dwarf_Die sub, skeleton;
    uint8_t type;
    if (dwarf_cu_info(cu->cu, NULL, &type, &skeleton, &sub, NULL, NULL, NULL) == 0 &&
        type == DW_UT_skeleton && sub.addr)
        *cu = sub;
    return true;
}

size_t unit_scopes(Dwarf_Die *parent, Dwarf_Addr pc, Dwarf_Die *scope, size_t max)
{
    Dwarf_Die d;
    if (!max || dwarf_child(parent, &d) != 0)
        return 0;
    do {
        switch (dwarf_tag(&d)) {
        case DW_TAG_subprogram:
        case DW_TAG_inlined_subroutine:
        case DW_TAG_lexical_block:
            if (dwarf_haspc(&d, pc) > 0) {
                scope[0] = d;
                return 1 + unit_scopes(&d, pc, scope + 1, max - 1);
            }
            break;
        case DW_TAG_namespace:
        case DW_TAG_structure_type:
        case DW_TAG_class_type: {
            size_t n = unit_scopes(&d, pc, scope, max);
            if (n)
                return n;
            break;
        }
        default:
            break;
        }
    } while (dwarf_siblingof(&d, &d) == 0);
    return 0;
}

/* A function's name; C++: with its classes and namespaces, as a reader writes it. */
static const char *scope_name(struct arena *a, Dwarf_Die *die)
{
    Dwarf_Attribute at;
    const char *name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &at));
    if (!name)
        return NULL;
    int lang = dwarf_srclang(die);
    if (lang == DW_LANG_C89 || lang == DW_LANG_C99 || lang == DW_LANG_C11 || lang == DW_LANG_C)
        return name;
    /* The declaration stands inside its class, the definition may not. */
    Dwarf_Die decl = *die, next, *scopes;
    while (dwarf_formref_die(dwarf_attr(&decl, DW_AT_abstract_origin, &at), &next) ||
           dwarf_formref_die(dwarf_attr(&decl, DW_AT_specification, &at), &next))
        decl = next;
    int n = dwarf_getscopes_die(&decl, &scopes);
    struct buf b = {0};
    for (int i = n - 1; i > 0; i--) {
        int tag = dwarf_tag(&scopes[i]);
        if (tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type) {
            const char *outer = dwarf_diename(&scopes[i]);
            buf_printf(&b, "%s::", outer ? outer : "(anonymous)");
        }
    }
    if (n > 0)
        free(scopes);
    buf_str(&b, name);
    name = arena_str(a, b.s);
    buf_free(&b);
    return name;
}

static const char *absolute(struct arena *a, Dwarf_Die *cu, const char *file)
{
    Dwarf_Attribute at;
    if (!file || file[0] == '/')
        return file;
    const char *dir = dwarf_formstring(dwarf_attr(cu, DW_AT_comp_dir, &at));
    if (!dir)
        return file;
    if (has_prefix(file, "./"))
        file += 2;
    return arena_printf(a, "%s/%s", dir, file);
}

/* "a/b/../c" to "a/c", as a build in another folder leaves it. */
static const char *tidy(struct arena *a, const char *path)
{
    if (!path || !strstr(path, "/../"))
        return path;
    char *s = arena_str(a, path);
    for (char *up; (up = strstr(s, "/../")) && up > s;) {
        char *p = up;
        while (p > s && p[-1] != '/')
            p--;
        memmove(p, up + 4, strlen(up + 4) + 1);
    }
    return s;
}

bool source_of_runtime(const char *file)
{
    size_t n = strlen(RUNTIME_SOURCE);
    return file && has_prefix(file, RUNTIME_SOURCE) && (file[n] == '/' || !file[n]);
}

bool unit_of_runtime(Dwarf_Die *cu)
{
    Dwarf_Attribute at;
    return source_of_runtime(dwarf_formstring(dwarf_attr(cu, DW_AT_comp_dir, &at)));
}

const char *unit_file(struct symbols *s, Dwarf_Die *cu, Dwarf_Word file)
{
    Dwarf_Files *files;
    size_t n;
    if (dwarf_getsrcfiles(cu, &files, &n) != 0 || file >= n)
        return NULL;
    return tidy(s->arena, absolute(s->arena, cu, dwarf_filesrc(files, file, NULL, NULL)));
}

/* Names that belong to the runtime whatever is known of their source, and what libc runs below. */
static bool runtime_name(const char *f)
{
    static const char *const below[] = {"_start",
                                        "__libc_start_main",
                                        "__libc_start_call_main",
                                        "clone",
                                        "clone3",
                                        "__clone",
                                        "__clone3",
                                        "start_thread",
                                        "__libc_start_main_impl",
                                        "generic_start_main"};
    if (!f)
        return false;
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        if (strcmp(f, below[i]) == 0)
            return true;
    return has_prefix(f, "goc_") || has_prefix(f, "__tsan_") || has_prefix(f, "__goc_");
}

static bool runtime_frame(const struct frame *f)
{
    if (!f->func || !runtime_name(f->func))
        return f->runtime;
    /* A program may call its own functions what it likes, where its source says that they are its
     * own. */
    bool ours = has_prefix(f->func, "goc_") && f->file && !strstr(f->file, "/goc/");
    return f->runtime || !ours;
}

/* The line of an address. Code of no line (clang marks so what it has moved or made up) belongs, for a
   reader, to the nearest line before it in the same function. */
static Dwarf_Line *line_of(Dwarf_Die *cu, Dwarf_Addr start, Dwarf_Addr pc)
{
    Dwarf_Line *l = dwarf_getsrc_die(cu, pc);
    Dwarf_Lines *lines;
    Dwarf_Addr at;
    size_t n;
    int line;
    if (!l || dwarf_lineno(l, &line) != 0 || line || dwarf_getsrclines(cu, &lines, &n) != 0)
        return l;
    /* They are in the order of addresses. */
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (dwarf_lineaddr(dwarf_onesrcline(lines, mid), &at) == 0 && at <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool end;
    while (lo-- > 0) {
        Dwarf_Line *before = dwarf_onesrcline(lines, lo);
        if (dwarf_lineaddr(before, &at) != 0 || at < start)
            break;
        if (dwarf_lineno(before, &line) == 0 && line && dwarf_lineendsequence(before, &end) == 0 &&
            !end)
            return before;
    }
    return l;
}

/* The .dwo file is not at hand: the lines are in the program itself, the function in its symbols. */
static size_t line_only(struct symbols *s, struct object *o, uint64_t pc, uint64_t at, Dwarf_Die *cu,
                        Dwarf_Addr bias, struct frame *out)
{
    GElf_Off off = 0;
    GElf_Sym sym;
    int line = 0, column = 0;
    const char *func = dwfl_module_addrinfo(o->mod, at, &off, &sym, NULL, NULL, NULL);
    Dwarf_Line *l = func ? line_of(cu, at - off - bias, at - bias) : NULL;
    if (!l || dwarf_lineno(l, &line) != 0 || !line)
        return 0;
    dwarf_linecol(l, &column);
    *out = (struct frame){
        .func = func,
        .file = tidy(s->arena, absolute(s->arena, cu, dwarf_linesrc(l, NULL, NULL))),
        .line = (uint32_t)line,
        .column = (uint32_t)column,
        .offset = off + (pc - at),
    };
    return 1;
}

/* Where the piece of a function that holds pc starts. A function in two pieces (what is seldom run
   stands elsewhere, under a symbol of its own) has no one start: an offset is from its piece's. */
static Dwarf_Addr piece_start(Dwarf_Die *function, Dwarf_Addr pc)
{
    Dwarf_Addr base, lo, hi;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(function, at, &base, &lo, &hi)) > 0;)
        if (lo <= pc && pc < hi)
            return lo;
    return dwarf_entrypc(function, &lo) == 0 ? lo : 0;
}

/* Where the innermost function at pc starts, be it one that was inlined: lines before it are another's. */
static Dwarf_Addr innermost_start(Dwarf_Die *scope, size_t n, Dwarf_Addr pc)
{
    while (n && dwarf_tag(&scope[n - 1]) == DW_TAG_lexical_block)
        n--;
    return n ? piece_start(&scope[n - 1], pc) : pc;
}

/* An address to its frames by DWARF: the function and, before it, what was inlined into it. */
static size_t dwarf_frames(struct symbols *s, struct object *o, uint64_t pc, uint64_t at,
                           struct frame *out)
{
    Dwarf_Die cu, scope[SCOPES];
    Dwarf_Addr bias;
    if (!object_unit(o, at, &cu, &bias))
        return 0;
    size_t n = unit_scopes(&cu, at - bias, scope, SCOPES);
    while (n && dwarf_tag(&scope[n - 1]) == DW_TAG_lexical_block)
        n--;
    if (!n)
        return line_only(s, o, pc, at, &cu, bias, out);
    Dwarf_Addr entry = 0, dummy;
    for (size_t i = 0; i < n; i++)
        if (dwarf_tag(&scope[i]) == DW_TAG_subprogram)
            entry = piece_start(&scope[i], at - bias);
    const char *file = NULL;
    int line = 0, column = 0;
    Dwarf_Line *l = line_of(&cu, innermost_start(scope, n, at - bias), at - bias);
    if (!l) {
        Dwfl_Line *fl = dwfl_module_getsrc(o->mod, at);
        l = fl ? dwfl_dwarf_line(fl, &dummy) : NULL;
    }
    if (l) {
        file = tidy(s->arena, absolute(s->arena, &cu, dwarf_linesrc(l, NULL, NULL)));
        dwarf_lineno(l, &line);
        dwarf_linecol(l, &column);
    }
    size_t k = 0;
    for (size_t i = n; i-- > 0;) {
        int tag = dwarf_tag(&scope[i]);
        if (tag == DW_TAG_lexical_block)
            continue;
        out[k++] = (struct frame){
            .func = scope_name(s->arena, &scope[i]),
            .file = file,
            .line = (uint32_t)line,
            .column = (uint32_t)column,
            .offset = pc - bias - entry,
            .inlined = tag == DW_TAG_inlined_subroutine,
        };
        if (tag == DW_TAG_subprogram)
            break;
        Dwarf_Attribute attr;
        Dwarf_Word v;
        if (dwarf_formudata(dwarf_attr(&scope[i], DW_AT_call_file, &attr), &v) == 0)
            file = unit_file(s, &cu, v);
        line = dwarf_formudata(dwarf_attr(&scope[i], DW_AT_call_line, &attr), &v) == 0 ? (int)v : 0;
        column =
            dwarf_formudata(dwarf_attr(&scope[i], DW_AT_call_column, &attr), &v) == 0 ? (int)v : 0;
    }
    return k;
}

/* All frames of one address, cached. `at` is where to look: pc or the byte before. */
static struct cached *frames_of(struct symbols *s, uint64_t pc, uint64_t at)
{
    struct cached **head = &s->cache[(pc * 0x9e3779b97f4a7c15u) >> 54], *c;
    for (c = *head; c; c = c->next)
        if (c->pc == (pc ^ (at != pc ? 1ull << 63 : 0)))
            return c;
    struct frame v[SCOPES + 1];
    struct object *o = symbols_object(s, at);
    size_t n = o ? dwarf_frames(s, o, pc, at, v) : 0;
    if (!n) {
        v[n++] = (struct frame){0};
        GElf_Off off = 0;
        GElf_Sym sym;
        if (o && o->mod)
            v[0].func = dwfl_module_addrinfo(o->mod, at, &off, &sym, NULL, NULL, NULL);
        if (v[0].func)
            v[0].offset = off + (pc - at);
    }
    for (size_t i = 0; i < n && o; i++) {
        v[i].module = o->path ? o->path : "?";
        v[i].module_off = pc - o->m.base;
        v[i].runtime = at >= o->own_lo && at < o->own_hi;
    }
    c = arena_alloc(s->arena, sizeof *c);
    c->pc = pc ^ (at != pc ? 1ull << 63 : 0);
    c->frame = arena_alloc(s->arena, n * sizeof *v);
    memcpy(c->frame, v, n * sizeof *v);
    c->n = n;
    c->next = *head;
    *head = c;
    return c;
}

void symbols_stack(struct symbols *s, const uint64_t *pc, size_t n, bool exact, struct stack *out)
{
    size_t room = 0, k = 0;
    struct frame *v = NULL;
    for (size_t i = 0; i < n; i++) {
        struct cached *c = frames_of(s, pc[i], exact && i == 0 ? pc[i] : pc[i] - 1);
        if (k + c->n > room) {
            room = (k + c->n) * 2 + 8;
            v = xrealloc(v, room * sizeof *v);
        }
        for (size_t j = 0; j < c->n; j++)
            if (!runtime_frame(&c->frame[j]))
                v[k++] = c->frame[j];
        /* main's caller is libc, whatever its name is there. */
        if (c->n && c->frame[c->n - 1].func && strcmp(c->frame[c->n - 1].func, "main") == 0) {
            size_t rest = i + 1;
            while (rest < n && !frames_of(s, pc[rest], pc[rest] - 1)->frame[0].file)
                rest++;
            if (rest == n)
                break;
        }
    }
    out->frame = arena_alloc(s->arena, k * sizeof *v);
    if (k)
        memcpy(out->frame, v, k * sizeof *v);
    out->n = k;
    free(v);
    for (size_t i = 0; i < k; i++)
        if (!out->frame[i].file && out->frame[i].module && s->program &&
            strcmp(out->frame[i].module, s->program) == 0)
            s->stripped_hint = true;
}

/* What part p names: an object, and where it was made. */
static void name_object(struct symbols *s, const struct finding *f, struct part *p, unsigned kind)
{
    struct frame made;
    p->name = symbols_called(s, f, p->r.addr, kind, &made);
    if (!p->file) {
        p->file = made.file;
        p->line = made.line;
    }
}

static void name_memory(struct symbols *s, const struct finding *f, struct part *p)
{
    struct frame made;
    switch (p->r.role) {
    case PART_GLOBAL:
        symbols_data(s, f, p->r.addr, p->r.size, p, NULL);
        break;
    case PART_HEAP:
        symbols_heap(s, p);
        symbols_block(s, f, p);
        break;
    case PART_STACK:
        symbols_local(s, p, NULL);
        break;
    case PART_WAIT:
        name_object(s, f, p, wait_object(p->r.aux));
        break;
    case PART_WEAK:
        name_object(s, f, p, HOOK_OBJ_NONE);
        break;
    case PART_OBJECT:
    case PART_MISUSE:
    case PART_EMPTY_WAIT:
        name_object(s, f, p, (unsigned)p->r.aux);
        break;
    case PART_HOLDER:
    case PART_EDGE:
        name_object(s, f, p, (unsigned)(p->r.aux >> 8));
        if (p->r.role == PART_EDGE)
            p->name2 = symbols_called(s, f, p->r.addr2, (unsigned)(p->r.aux >> 8), &made);
        break;
    default:
        break;
    }
}

void symbols_finding(struct symbols *s, struct finding *f)
{
    for (size_t i = 0; i < f->nparts; i++) {
        struct part *p = &f->part[i];
        struct frame made;
        symbols_stack(s, p->pc, p->r.depth, p->r.flags & PART_EXACT_PC, &p->stack);
        for (size_t k = 0; k < p->nheld; k++) {
            struct held *l = &p->held[k];
            symbols_stack(s, l->pc, l->r.depth, false, &l->stack);
            l->name = symbols_called(s, f, l->r.addr, l->r.kind, &made);
        }
        name_memory(s, f, p);
    }
    f->resolved = true;
}

void symbols_crash(struct symbols *s, struct crash *c)
{
    struct part *p = &c->part;
    symbols_stack(s, p->pc, p->r.depth, p->r.flags & PART_EXACT_PC, &p->stack);
    c->resolved = true;
}
