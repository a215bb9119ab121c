/* oracle.h - the judge: which pairs of accesses in a trace are races, by definition. */
#ifndef ORACLE_H
#define ORACLE_H

#include "prog.h"

#define ACCESS_FRESH (UINT32_MAX - 1) /* as time: no access, here memory begins a new life */
struct access {
    uint32_t g, op;
    uint32_t event; /* whose clock says what it knows */
    uint32_t time;  /* who knows this much of g knows the access */
    uint32_t epoch; /* how often g has published before: within one, nobody can tell two apart */
    uint64_t addr;
    uint32_t size;
    bool write, atomic, free;
};

struct race {
    uint64_t byte;
    uint32_t cur, prev; /* accesses */
};

struct edge {
    uint32_t from, to; /* events */
};

struct verdict {
    struct access *access;
    uint32_t naccess;
    struct race *race;
    uint32_t nrace;
    struct edge *edge;
    uint32_t nedge;
    bool inconclusive; /* the trace ends where it cannot tell what happened */
};

/* Judge the trace in s. What it fills in belongs to it, until the next call. */
void oracle_judge(const struct shared *s, struct verdict *v);

/* coverage.c: which primitives did the programs use? False if one was never. */
void coverage_add(const struct shared *s);
bool coverage_print(void);

/* Does access a (an index) happen before access b? */
bool oracle_ordered(uint32_t a, uint32_t b);

/* std.c: the trace in RAPID's STD format; what the oracle found, in the words of rapid.c. */
void oracle_std(const struct shared *s, const struct verdict *v, void *file);
void oracle_races(const struct verdict *v, void *file);

#endif
