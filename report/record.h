/*
 * record.h - the record format: the one door between the detector and the report.
 *
 * The detector, inside the program, writes records; goc-race, outside it, reads them from a pipe as
 * they come, or from a file (--save). A record holds addresses, never names: symbols, formats and
 * files are the reader's business.
 *
 * Layout. A stream is a `struct record_head` of type REC_HELLO first, then any records, REC_EXIT
 * last (absent when the program was killed). A record is a head and `len` bytes of payload: a
 * sequence of items. An item is a `struct record_item` head and `len` bytes, padded with zeros to a
 * multiple of 8. All integers are in the byte order of the machine that wrote them (REC_HELLO tells
 * which: its magic reads wrong on the other kind). A reader skips items and records whose type it
 * does not know, and refuses a stream of another major version.
 *
 * One write(2) carries one record, whole and in order, and a record of at most PIPE_BUF bytes is
 * atomic even when several processes share the pipe; a longer one is written under the detector's
 * output lock.
 */
#ifndef GOC_RECORD_H
#define GOC_RECORD_H

#include <stdint.h>

#define RECORD_MAGIC 0x45434152434f47ull /* "GOCRACE" little-endian */
#define RECORD_MAJOR 1
#define RECORD_MINOR 0
#define RECORD_MAX (16u << 20) /* no record is longer; a longer one is corrupt */

/* Environment by which the launcher speaks to the detector; the detector removes the first two from
   the environment so that the program's children do not see them. */
#define RECORD_ENV_FD                                                       \
    "GOCRACE_FD" /* descriptor number to write records to; with a ',' and   \
                    another: halt_on_error, and from there comes after each \
                    finding a 'y' if it counts, else an 'n' */
#define RECORD_ENV_NOTICE "GOCRACE_LAUNCHED" /* "1": the launcher has set up the address space */
#define RECORD_ENV_OPTIONS "GOCRACE"         /* "name=value name=value" */
#define RECORD_ENV_TOOL "GOCRACE_TOOL"       /* path of goc-race, for a program started alone */

struct record_head {
    uint32_t len;   /* of the payload, a multiple of 8 */
    uint16_t type;  /* enum record_type */
    uint16_t flags; /* the low 16 bits of the writer's pid, for processes that share a pipe; or 0 */
    uint64_t id;    /* of a finding: 1, 2, …; else 0 */
};
_Static_assert(sizeof(struct record_head) == 16, "record head");

struct record_item {
    uint16_t tag; /* enum record_tag */
    uint16_t flags;
    uint32_t len; /* without the padding */
};
_Static_assert(sizeof(struct record_item) == 8, "record item");

enum record_type {
    REC_HELLO = 1,   /* payload: struct record_hello, then ITEM_ARG… */
    REC_MODULES = 2, /* ITEM_MODULE…: all modules mapped now; replaces the earlier list */
    REC_FINDING = 3, /* ITEM_FINDING first, then parts */
    REC_REPEAT = 4,  /* ITEM_COUNT: finding `id` was seen that many times in all */
    REC_NOTICE = 5,  /* ITEM_TEXT: one line for standard error ("goc-race: …") */
    REC_CRASH = 6,   /* ITEM_CRASH, then parts: a signal is about to kill the program */
    REC_EXIT = 7,    /* ITEM_EXIT: the program ends; nothing follows */
    REC_SCHEDULE = 8, /* ITEM_SCHEDULE: how a controlled schedule went; just before the end */
    REC_WAITING = 9, /* as REC_FINDING, of no kind: goroutines that wait at the end, and could go on */
};

enum record_tag {
    ITEM_ARG = 1,     /* bytes: one argument of the command line */
    ITEM_MODULE = 2,  /* struct record_module, build id, path */
    ITEM_FINDING = 3, /* struct record_finding */
    ITEM_PART = 4,    /* struct record_part, then its stack: uint64_t pc[] */
    ITEM_TEXT = 5,    /* bytes: belongs to the part before it, or to the record */
    ITEM_COUNT = 6,   /* uint64_t */
    ITEM_CRASH = 7,   /* struct record_crash */
    ITEM_EXIT = 8,    /* struct record_exit */
    ITEM_LOCK = 9, /* struct record_lock, then its stack: a lock held, belongs to the part before */
    ITEM_FRAME_POINTERS = 10, /* uint64_t fp[]: of the frames of the part before, as many as pc[] */
    ITEM_PLACE = 11, /* struct record_place, then its stack: where an object of this finding is kept */
    ITEM_SCHEDULE = 12,       /* struct record_schedule */
};

struct record_hello {
    uint64_t magic;
    uint16_t major, minor;
    uint32_t pid;
    uint64_t instrumented; /* 1: some object calls __tsan_*; 0 so far none */
};

struct record_module {
    uint64_t base;                   /* load bias: add it to the file's addresses */
    uint64_t lo, hi;                 /* mapped range */
    uint32_t build_id_len, path_len; /* bytes that follow, in this order, not terminated */
};

/* What is wrong. The names are those of cli.md's headings. */
enum record_kind {
    FINDING_NONE = 0,
    FINDING_RACE = 1,       /* DATA RACE */
    FINDING_LOCK_ORDER = 2, /* POTENTIAL DEADLOCK */
    FINDING_DEADLOCK = 3,   /* DEADLOCK */
    FINDING_LEAK = 4,       /* GOROUTINE LEAK */
    FINDING_MISUSE = 5,     /* SYNC MISUSE */
};

struct record_finding {
    uint32_t kind;    /* enum record_kind */
    uint32_t subkind; /* within a kind: enum hook_misuse, enum record_race */
    uint64_t time_ns; /* since the program started */
};

enum record_race {
    RACE_DATA = 0,
    RACE_USE_AFTER_FREE = 1, /* the earlier access is the free */
    RACE_OBJECT = 2,         /* on a channel, WaitGroup or lock as such */
};

/* A part of a finding: somebody did something somewhere. Parts come in the order of printing. */
enum record_role {
    PART_ACCESS = 1,     /* the access at hand: addr, size, flags, goid, stack */
    PART_PREVIOUS = 2,   /* the earlier access; stack empty if it could not be restored */
    PART_CREATED = 3,    /* the go statement (or pthread_create) that started goroutine goid */
    PART_GLOBAL = 4,     /* the memory is in a module's data: addr, size (reader names it) */
    PART_HEAP = 5,       /* in a heap block: addr, size = the block's; stack: who allocated it */
    PART_FREED = 6,      /* that block was freed by goid, here */
    PART_STACK = 7,      /* on the stack of goid: addr; aux = distance from the stack's top */
    PART_OBJECT = 8,     /* a runtime object: addr, aux = enum hook_obj; stack: who made it */
    PART_TLS = 9,        /* in the thread-local storage of goid */
    PART_WAIT = 10,      /* goid waits: aux = enum hook_wait, addr = the object, stack */
    PART_HOLDER = 11,    /* goid holds addr (aux = hook_obj << 8 | mode), locked at stack */
    PART_EDGE = 12,      /* goid took addr2 while holding addr; stack: the second acquisition */
    PART_EDGE_HELD = 13, /* where the first lock of the PART_EDGE before it was taken */
    PART_MISUSE = 14,    /* where it happened; ITEM_TEXT says what */
    PART_RELATED = 15,   /* a further stack; ITEM_TEXT says what it is */
    PART_SLEPT =
        16,         /* goid (of PART_ACCESS) slept here after PART_PREVIOUS and before its access */
    PART_WEAK = 17, /* goid (of PART_PREVIOUS) wrote the atomic at addr after its access, and
                       PART_ACCESS's goroutine read it before its own; aux: enum record_weak */
    PART_KNEW = 18, /* what PART_ACCESS's goroutine knew of goid (of PART_PREVIOUS): aux: enum
                       record_knew; stack: the last of goid's accesses that is known */
    PART_EMPTY_WAIT = 19, /* goid found the WaitGroup at addr at zero, here, before its access; the
                            other side, started by then, added to it later */
};

enum record_knew {
    KNEW_NOTHING = 1, /* of all that it did since it was created */
    KNEW_UP_TO = 2,   /* the access at hand was later; stack empty if it could not be restored */
};

enum record_weak {
    WEAK_STORE = 1, /* the write published nothing */
    WEAK_LOAD = 2,  /* the write did, and the read did not acquire it */
};

enum record_flags {
    PART_READ = 0,
    PART_WRITE = 1 << 0,
    PART_ATOMIC = 1 << 1,
    PART_FREE = 1 << 2,      /* the access is free() */
    PART_FINISHED = 1 << 3,  /* the goroutine has ended ("finished"), else "running" */
    PART_MAIN = 1 << 4,      /* goid is the main goroutine */
    PART_THREAD = 1 << 5,    /* goid is a thread that the runtime did not start: "thread N" */
    PART_TRUNCATED = 1 << 6, /* the stack's outer end is missing */
    PART_EXACT_PC = 1 << 7,  /* pc[0] is an instruction's own address, not a return address */
    PART_LOCKS = 1 << 8,     /* the locks held are known: the ITEM_LOCKs that follow are all */
};

struct record_part {
    uint16_t role;  /* enum record_role */
    uint16_t depth; /* pc[] entries that follow, innermost first; all but the first (see
                       PART_EXACT_PC) are return addresses */
    uint32_t flags; /* enum record_flags */
    uint64_t goid;
    uint64_t addr, size;
    uint64_t addr2, aux;
};
_Static_assert(sizeof(struct record_part) == 48, "record part");

struct record_lock {
    uint64_t addr;
    uint32_t kind, mode; /* enum hook_obj, enum hook_mode */
    uint32_t depth, reserved;
};

/* Where an object that a part or a lock names is, and which words of memory point at the block it is in,
   or at the block that such a word is in. */
enum record_where {
    PLACE_HEAP = 1,          /* the object at `at` is in a heap block */
    PLACE_STACK = 2,         /* ... on goid's stack */
    PLACE_POINTER_HEAP = 3,  /* the word at `at` is in a heap block, and holds points_at */
    PLACE_POINTER_STACK = 4, /* ... on goid's stack */
    PLACE_POINTER_DATA = 5,  /* ... in a module's data */
};

struct record_place {
    uint32_t where, depth; /* pc[] entries that follow. Of a block: who allocated it. Of a stack: the
                              frames from that of `at` outwards, and as many frame pointers */
    uint64_t at, points_at;
    uint64_t base, size; /* of the block */
    uint64_t goid;
};
_Static_assert(sizeof(struct record_place) == 48, "record place");

struct record_crash {
    uint32_t signal, code;
    uint64_t addr, pc, goid;
};

struct record_schedule {
    uint64_t points;   /* places where a switch was possible */
    uint64_t switches; /* where one was made */
    uint64_t digest;   /* of who ran when: the same in every replay */
    uint64_t slips;    /* times that something happened which the schedule does not decide */
};
_Static_assert(sizeof(struct record_schedule) == 32, "filled as four words");

struct record_exit {
    int32_t status; /* the program's own */
    uint32_t reserved;
    uint64_t findings; /* distinct findings written */
    uint64_t lost;     /* findings that could not be written */
};

#endif
