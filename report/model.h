/*
 * model.h - a finding as the renderers see it: names, not addresses.
 *
 * decode.c makes one from a record, symbol.c and naming.c fill in the names, findings.c decides
 * whether it is new, the renderers print it. All of it lives in one arena.
 */
#ifndef MODEL_H
#define MODEL_H

#include "record.h"
#include "util.h"

struct frame {
    const char *func;   /* NULL if unknown */
    const char *file;   /* NULL if unknown */
    const char *module; /* NULL if the address is in none */
    uint32_t line, column;
    uint64_t offset;     /* of the address from the function's start */
    uint64_t module_off; /* and from the module's */
    bool inlined;        /* into the frame after it */
    bool runtime;        /* an address in libgoc */
};

struct stack {
    struct frame *frame; /* innermost first; those of the runtime are left out */
    size_t n;
    bool truncated;
};

struct held {
    struct record_lock r;
    const uint64_t *pc;
    struct stack stack;
    const char *name; /* of the lock's variable */
};

/* Where an object of the finding is kept (record.h). */
struct place {
    struct record_place r;
    const uint64_t *pc;
    const uint64_t *fp; /* of a stack */
};

struct part {
    struct record_part r;
    const uint64_t *pc;
    const uint64_t *fp; /* frame pointers, r.depth of them, or NULL */
    struct stack stack;
    const char *text;
    struct held *held;
    size_t nheld;
    /* What is at r.addr. */
    const char *name;  /* a path: bank.accounts[1].balance */
    const char *name2; /* of what is at r.addr2 */
    const char *owner; /* of a heap block: the variable that points at it, or NULL */
    const char
        *header; /* the struct of pointer, length and capacity that it is a member of, or NULL */
    const char *type;
    uint64_t type_size;
    const char *file; /* where it is declared */
    uint32_t line;
};

struct finding {
    struct record_finding r;
    uint64_t id; /* in its stream */
    uint64_t count;
    struct part *part;
    size_t nparts;
    struct place *place;
    size_t nplaces;
    uint64_t key;     /* what findings.c tells it apart by, free of addresses */
    const char *hint; /* one sentence, or NULL */
    const char *schedule; /* that shows it, or NULL */
    unsigned round;       /* the latest run that showed it */
    bool resolved;    /* the names came with the record (a saved one) */
    struct finding *next;
};

/* A signal that ended the program. */
struct crash {
    struct record_crash r;
    struct part part; /* the goroutine and its stack; role 0 if nothing is known of them */
    bool resolved;
    struct crash *next;
};
/* "crashed: SIGSEGV at address 0x0", "was killed: SIGKILL". */
const char *crash_message(struct arena *a, const struct crash *c);

/* The first part in that role, from `from` on (NULL: from the start); NULL if there is none. */
struct part *finding_part(const struct finding *f, enum record_role role, const struct part *from);

/* "DATA RACE", "data race(s)" and "race" of a kind. */
const char *kind_heading(unsigned kind);
const char *kind_total(unsigned kind);
const char *kind_word(unsigned kind);

/* "goroutine 7", "main goroutine", "thread 2". */
const char *part_who(struct arena *a, const struct part *p);
const char *part_who_capital(struct arena *a, const struct part *p);
/* What a goroutine waits in, from enum hook_wait; what an object is, from enum hook_obj. */
const char *wait_name(uint64_t wait);
const char *object_kind(uint64_t kind);
/* What a goroutine that waits so waits for: enum hook_obj. */
unsigned wait_object(uint64_t wait);
/* "'bank.mu'", or "mutex 0x00c000010020" if it has no name. */
const char *object_called(struct arena *a, uint64_t kind, uint64_t addr, const char *name);
/* "channel 'results'", "WaitGroup 0x00c000010020". */
const char *object_with_kind(struct arena *a, uint64_t kind, uint64_t addr, const char *name);
/* "it waits to receive from channel 'results' (made at main.c:7)", of a PART_WAIT with an object. */
const char *waits_for(struct arena *a, const struct part *p);
/* Does p tell what ordered, or seemed to order, the two accesses of a race? It is no place of the
   finding: which of them was there is chance. */
bool part_of_order(const struct part *p);
/* Are p->held all the locks its goroutine held? */
bool part_locks_known(const struct part *p);
/* What to try, for the patterns that studies found most common; NULL if none fits. */
const char *finding_hint(struct arena *a, const struct finding *f);
/* "Write", "Atomic read", …; lower: with a small initial. */
const char *part_access(const struct part *p, bool lower);

/* The frame that stands for a stack (the first with a source), and the part that stands for a
   finding; NULL if there is none. */
const struct frame *part_frame(const struct part *p);
const struct part *finding_main_part(const struct finding *f);
/* One line: what, on what, by whom, where. */
const char *finding_message(struct arena *a, const struct finding *f);
/* The same of whomsoever: numbers of goroutines change from run to run. */
const char *finding_title(struct arena *a, const struct finding *f);
/* The same from run to run, machine to machine, and after edits elsewhere in the file. */
uint64_t finding_fingerprint(const struct finding *f);

#endif
