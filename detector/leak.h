/* leak.h - goroutines that can never go on. leak.c has the essay. */
#ifndef LEAK_H
#define LEAK_H

#include "facts.h"

enum leak_when {
    LEAK_PERIODIC, /* the program runs on: everybody's stack counts */
    LEAK_ASKED,    /* by a goroutine that is done: what it still has in hand does not count */
    LEAK_EXIT,     /* the program ends */
};
/* Looks for them, reports those not reported before, and returns how many there are. `from`: the stack
   pointer from which on the calling goroutine's stack counts (0: it does not). */
size_t leak_check(enum leak_when when, uintptr_t from);
void leak_at_exit(void);
/* exit is called by the program, whose frames from sp on still stand. */
void leak_exit_called(uintptr_t sp);
/* Starts the thread that looks now and then; at the first go statement. */
void leak_watch(void);

#endif
