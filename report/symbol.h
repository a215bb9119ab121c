/* symbol.h - addresses of a program to functions, lines and variables, by libdw. */
#ifndef SYMBOL_H
#define SYMBOL_H

#include "decode.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

/* One mapped file, opened when the first address in it is asked for. */
struct object {
    struct module m;
    bool tried;
    const char *path;    /* what it was opened as */
    const char *why_not; /* NULL, or why it has no names */
    Dwfl *dwfl;
    Dwfl_Module *mod; /* NULL: no file, or another build of it */
    bool has_dwarf;
    uint64_t own_lo, own_hi; /* the runtime's code */
    struct unit *units;      /* of clang's objects, which have no .debug_aranges */
    size_t nunits;
    struct object *next;
};

struct symbols {
    struct arena *arena;
    const char *program; /* its path, for a module that has none */
    struct object *objects;
    struct object **now; /* those of the last list of modules */
    size_t nnow;
    struct cached *cache[1024];
    bool verbose;       /* say which files are read */
    bool stripped_hint; /* a program's frame had no debug information */
};

void symbols_init(struct symbols *s, struct arena *a, const char *program);
void symbols_modules(struct symbols *s, const struct module *m, size_t n);
/* Goes back to another process's list. */
void symbols_select(struct symbols *s, const char *program, struct object **now, size_t n);
void symbols_free(struct symbols *s);

/* The frames of a stack; those of the runtime are left out, and what is below main or the
   goroutine's function. `exact`: pc[0] is an instruction's own address. */
void symbols_stack(struct symbols *s, const uint64_t *pc, size_t n, bool exact, struct stack *out);

/* The object that an address is in, opened; NULL if none. */
struct object *symbols_object(struct symbols *s, uint64_t addr);
/* The compilation unit of a code address, and what to subtract from the address in it. */
bool object_unit(struct object *o, uint64_t pc, Dwarf_Die *cu, Dwarf_Addr *bias);
/* From the unit's children down to pc, outermost first: functions, blocks, inlined calls. Returns
   how many (at most max). */
size_t unit_scopes(Dwarf_Die *cu, Dwarf_Addr pc, Dwarf_Die *scope, size_t max);

/* Everything in a finding: stacks, names of memory and locks (naming.c). */
void symbols_finding(struct symbols *s, struct finding *f);
void symbols_crash(struct symbols *s, struct crash *c);

/* The name, type and declaration of the variable at [addr, addr+size) in a module's data. */
/* `inner`, if given, is the type of what is at addr; set if out->type is. */
bool symbols_data(struct symbols *s, const struct finding *f, uint64_t addr, uint64_t size,
                  struct part *out, Dwarf_Die *inner);
/* Of a heap block (PART_HEAP): the type it was allocated as and the member accessed, from the
   function that allocated it; of memory on a stack (PART_STACK with frame pointers): the local
   variable. False if it is not known. */
bool symbols_heap(struct symbols *s, struct part *p);
bool symbols_local(struct symbols *s, struct part *p, Dwarf_Die *inner);
/* The two halves of symbols_heap. */
bool symbols_heap_type(struct symbols *s, const struct part *p, Dwarf_Die *type);
void symbols_member(struct symbols *s, struct part *p, Dwarf_Die *block);
/* The variable that the result of the allocating call is put into, and what it points at. */
const char *symbols_result(struct symbols *s, const struct part *p, Dwarf_Die *to);

/* What the object of that kind (enum hook_obj) at addr is called; NULL if nobody knows. made: the
   file and line where it is declared or, being a block, was made (object.c). */
const char *symbols_called(struct symbols *s, const struct finding *f, uint64_t addr, unsigned kind,
                           struct frame *made);
/* A block that symbols_heap says nothing of, by what points at it. */
void symbols_block(struct symbols *s, const struct finding *f, struct part *p);

/* What naming.c knows of types, for locals.c. */
bool type_of(Dwarf_Die *die, Dwarf_Die *type);
void type_peel(Dwarf_Die *type); /* typedefs and qualifiers */
Dwarf_Word type_size(Dwarf_Die *type);
void type_name(struct buf *b, Dwarf_Die *type);
/* The path from an object of that type to the bytes [off, off+size); type becomes the innermost. */
void type_path(struct buf *b, Dwarf_Die *type, Dwarf_Word off, Dwarf_Word size, size_t *header);

/* Is it of the runtime's own source? */
bool source_of_runtime(const char *file);
bool unit_of_runtime(Dwarf_Die *cu);

/* The absolute path of a unit's file number `file`. */
const char *unit_file(struct symbols *s, Dwarf_Die *cu, Dwarf_Word file);

#endif
