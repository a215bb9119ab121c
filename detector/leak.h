/* leak.h - goroutines that can never go on. leak.c has the essay. */
#ifndef LEAK_H
#define LEAK_H

#include "facts.h"

enum leak_when {
    LEAK_PERIODIC, /* the program runs on: everybody's stack counts */
    LEAK_ASKED,    /* by a goroutine that is done: what it still has in hand does not count */
    LEAK_QUIT,     /* the program is about to be ended by SIGQUIT: everybody counts, nothing is too early */
    LEAK_EXIT,     /* the program ends */
};
/* Looks for them, reports those not reported before, and returns how many there are. `from`: the stack
   pointer from which on the calling goroutine's stack counts (0: it does not). */
size_t leak_check(enum leak_when when, uintptr_t from);
/* g (or NULL) ends the program. */
void leak_at_exit(struct race_g *g);
/* The program ends without running any more of its own code. */
void leak_exit_at_once(void);
/* exit is called by the program, whose frames from sp on still stand. */
void leak_exit_called(uintptr_t sp);
/* Starts the thread that looks now and then; at the first go statement. */
void leak_watch(void);

/* --- between leak.c, which asks and reports, and reach.c, which searches in a copy of the process ---- */

#define STUCK_MAX 65536
#define DATA_MAX 4096
#define WORDS_MAX 64
#define IDLE_MAX 4096

struct leak_question {
    const struct hook_world *world;
    uintptr_t main_thread_area;
    struct {
        uintptr_t lo, hi;
        bool allocators; /* the C library's: the allocator's own pointers stand there */
    } data[DATA_MAX];
    u32 data_n;
    enum leak_when when;
    uintptr_t from;
    struct race_g *caller;
    const uintptr_t *word; /* registers of the goroutine that SIGQUIT interrupted */
    size_t words;
    int handler; /* the thread that is in SIGQUIT's handler, in no code of the program's; 0: none */
    bool list; /* those who merely wait are wanted as well */
};
extern struct leak_question leak_q;

struct stuck {
    struct race_g *g;
    u32 seq;   /* of its wait */
    u32 group; /* of a deadlock, 0: a leak */
    bool left; /* what it waits on lies in a stack frame that has been left */
};
struct leak_answer {
    u32 n, blocked, groups, idle_n;
    bool too_many, done;
    struct stuck stuck[STUCK_MAX];
    struct stuck idle[IDLE_MAX]; /* they wait, and could go on */
};

struct snapshot;
void reach_search(const struct snapshot *s, void *out); /* out: struct leak_answer */
/* A wait that ends by itself, or is none. */
bool reach_needs_nobody(const struct waiting *w);

#endif
