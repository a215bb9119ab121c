/* findings.h - the findings of a run or of several files: told apart, counted, handed to outputs.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "decode.h"
#include "options.h"
#include "symbol.h"

struct findings;

/* One place that findings are written to. */
struct output {
    const struct renderer *how;
    FILE *f;
    const char *path; /* for messages; NULL: a standard stream */
    bool color;
    void *state;
    struct output *next;
};

/* A format. `finding` and `crash` are called as they come, `end` once; each may be NULL. */
struct renderer {
    const char *name;
    void (*begin)(struct output *o, struct findings *all);
    void (*finding)(struct output *o, struct findings *all, struct finding *f);
    void (*crash)(struct output *o, struct findings *all, struct crash *c);
    void (*waiting)(struct output *o, struct findings *all, struct finding *f);
    void (*end)(struct output *o, struct findings *all);
};

extern const struct renderer text_renderer, json_renderer, sarif_renderer, junit_renderer,
    github_renderer, man_renderer, html_renderer;

#define KINDS (FINDING_MISUSE + 1)

struct findings {
    struct arena arena;
    const struct options *options;
    struct symbols symbols;
    struct finding *first, **last; /* those that count, in order */
    const char *schedule; /* of the run at hand; NULL: none was asked for */
    unsigned round;       /* of exploring: which run it is */
    uint64_t crashes[16]; /* exploring: those told */
    size_t n, kind[KINDS];
    size_t printed;
    struct finding **table; /* by key, open addressing */
    size_t table_size, table_used;
    struct seen *seen; /* the streams' ids */
    size_t nseen, seen_size;
    struct writer_state *writers, *writer;
    struct suppressions *suppressions;
    struct crash *crash; /* newest first */
    size_t suppressed, known; /* by a suppression; in the baseline */
    struct output *outputs;
    const char *program; /* for headings: what ran */
    unsigned long lost;
    int status; /* to print and exit with; set before findings_end */
    bool say_status;
    bool ran; /* a run (not a file) */
};

void findings_init(struct findings *all, const struct options *o);
/* Fails with one line if one of the files that would be written cannot be. Nothing is made. */
void findings_check_outputs(const struct options *o);

/* Outputs are opened before the program starts, so that one that cannot be is told at once. */
void findings_output(struct findings *all, const char *format, const char *path, FILE *f);
/* --output and --save. */
void findings_outputs(struct findings *all);

/* A finding from the stream: named if it is not, dropped if it is known, else printed. Does it
 * count? */
bool findings_add(struct findings *all, struct finding *f);
void findings_repeat(struct findings *all, uint64_t id, uint64_t count);
void findings_crash(struct findings *all, struct crash *c);
/* The program was ended by a signal that left no record. The caller has said so. */
void findings_died(struct findings *all, int signal);
/* Goroutines that merely wait at the end: told, not counted. */
void findings_waiting(struct findings *all, struct finding *f);
/* The records that follow are of that process: its ids and modules are its own. `fresh`: it has
   just said hello. */
void findings_writer(struct findings *all, unsigned writer, bool fresh);
/* The findings so far, to outputs that were added after them. */
void findings_replay(struct findings *all);
/* Totals, and everything written and closed. Fails if an output cannot be. */
void findings_end(struct findings *all);
void findings_free(struct findings *all);

/* Reads a saved file; fails with one line if it is none. `baseline`: its findings become known. */
void findings_load(struct findings *all, const char *path, bool baseline);

/* suppress.c */
struct suppressions *suppressions_read(const char *path);
bool suppressions_match(struct suppressions *s, const struct finding *f);
void suppressions_report(const struct suppressions *s, FILE *f);
void suppressions_generate(const struct finding *f, FILE *out);

#endif
