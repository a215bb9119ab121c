/* launch.h - running a program, once or many times, into one set of findings. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "findings.h"

#include <signal.h>

struct program {
    bool elf, instrumented, goc; /* goc: needs libgoc.so */
};

struct run {
    struct findings all;
    struct decoder decoder;
    struct sink sink;
    const struct options *o;
    const char *path;
    struct program program;
    int signals;          /* signalfd of those that are passed on */
    sigset_t mask;        /* that we were started with */
    const char *schedule; /* for the next run; NULL: the machine's own */
    bool quiet;           /* nobody sees what the program prints */
    int answers;          /* to the program: does its finding count? -1: it does not ask */
    struct strs notices;
    /* Of the latest run. */
    unsigned pid; /* of the program, 0 if not ours */
    bool hello, exited, crashed;
    int stop; /* a signal that we passed on */
    struct record_exit end;
    struct record_schedule told;
};

struct ending {
    int status; /* the program's own, 128+N, or 124 */
    int signal; /* that killed it */
    bool core, timed_out;
};

void run_init(struct run *r, const struct options *o);
/* Finds the program (exits 126 or 127 if it cannot be run) and says what will not be checked. */
void run_prepare(struct run *r, const struct options *o, char **argv);
void run_once(struct run *r, char **argv, struct ending *e);
/* The status to exit with, over `own`, the program's; prints totals and closes the outputs.
   `overrides`: own counts more than findings. */
int verdict(struct run *r, int own, bool overrides);
/* How a signal ended it: "program crashed: SIGSEGV". */
const char *ending_words(const struct ending *e);

#endif
