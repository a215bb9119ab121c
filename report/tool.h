/* tool.h - the commands of goc-race. Each returns the status to exit with. */
#ifndef TOOL_H
#define TOOL_H

#include "options.h"

int launch(const struct options *o, char **argv); /* run a program */
int run_sources(const struct options *o, int nsrc, char **src, char **args);
int explore(const struct options *o, char **argv); /* run it under many schedules */
void schedule_check(const char *word);             /* fails if it is none */
/* For a program started alone: its records come from fd; answers >= 0: it asks what counts. */
int render_fd(const struct options *o, int fd, int answers);
int await(int pid); /* … that has become this tool, to end when its report is written */
int frames_fd(int fd);                          /* … that prints its own traces */
int driver(int argc, char **argv, bool cxx);    /* cc, c++ */
#define INLINE_ENV_CLANG "GOC_RACE_CLANG" /* to it: the clang that calls, with options */
int assembler(int argc, char **argv);           /* called as `as` */
struct buf;
/* The compiler's output with the fast path written in; how many calls it recognised. */
unsigned inline_calls(const char *text, struct buf *out);
int report(int argc, char **argv);
int explain(int argc, char **argv);
int completion(int argc, char **argv);

/* What SIGPIPE did when we were started; programs that we start get it back. */
extern void (*tool_sigpipe)(int);

/* Spawns argv and waits: its exit status, 128+N for a signal, 127 and a line if there is no such
   program. */
int spawn_wait(char **argv);

/* A temporary folder, removed with all in it by temp_clean (and by die, and by exit). */
const char *temp_dir(void);
void temp_clean(void);

#endif
