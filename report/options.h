/* options.h - the options of options.def, parsed. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "util.h"

enum option_where { RUN = 1, REPORT = 2, DET = 4, EXPLORE = 8 };

enum option_id {
#define OPT(name, type, def, lo, hi, arg, where, help) OPTION_##name,
#include "options.def"
#undef OPT
    OPTION_COUNT
};

struct options {
#define OPTION_BOOL long
#define OPTION_NUM long
#define OPTION_TIME double
#define OPTION_STR const char *
#define OPTION_FILE_IN const char *
#define OPTION_WORD const char *
#define OPTION_SET const char *
#define OPTION_LIST struct strs
#define OPT(name, type, def, lo, hi, arg, where, help) OPTION_##type name;
#include "options.def"
#undef OPT
    bool given[OPTION_COUNT]; /* by the environment or the command line */
    bool explore;             /* the command is that one */
    const char *schedule;     /* of replay, or NULL */
};

/* The defaults, then $GOCRACE. A bad one fails. */
void options_init(struct options *o);

/* Parses options at argv[i] of a command (`where`: RUN or REPORT) until the first word that is
   none; returns that word's index ("--" is skipped). A bad one fails; --help prints and exits 0. */
int options_parse(struct options *o, int argc, char **argv, int i, int where, const char *command);

/* "name=value …" of those given and read by the detector, for the program's $GOCRACE. */
char *options_env(const struct options *o);

/* The list for --help, to f. */
void options_help(FILE *f, int where);
/* The same list as mdoc, and as completion words. */
void options_man(FILE *f, int where);
void options_words(FILE *f, int where);

/* Is `word` one of the comma- or bar-separated words? */
bool word_in(const char *words, const char *word, size_t n);

#endif
