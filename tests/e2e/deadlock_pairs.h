/* What the files of deadlock_pairs share. */
#include <errno.h>
#include <goc.h>
#include <goc/race.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS GOC_MILLISECOND

struct pair {
    const char *name, *finds;
    void (*fn)(void);
};
#define PAIR(name, finds) {#name, finds, name}
extern const struct pair order_pairs[], stuck_pairs[], leak_pairs[], misuse_pairs[];

extern bool fixed; /* the twin runs */
extern goc_mutex a, b, c, d, gate;
extern goc_rwmutex rw, rw2;
extern goc_waitgroup done;

/* Halves that must not meet take turns: the one whose turn is k waits until k have ended. */
void turn_wait(int k);
void turn_wait_asleep(int k); /* while another one waits for settled() */
void turn_end(void);
/* Halves that must meet: returns once n have called it. */
void meet(int n);
/* Until all other goroutines wait: a sleep is a wait like any other. */
void settled(void);

void nested(goc_mutex *x, goc_mutex *y);
void nested_in_turn(goc_mutex *x, goc_mutex *y, int turn);
void write_in_turn(goc_rwmutex *x, int turn);
void unrelated(goc_chan(int) ch); /* receives */
