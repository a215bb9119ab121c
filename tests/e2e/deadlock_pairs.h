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
#define SOON goc_sleep(15 * MS)

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

void nested(goc_mutex *x, goc_mutex *y);
void nested_after(goc_mutex *x, goc_mutex *y, int ms);
void write_once(goc_rwmutex *x, int ms);
void unrelated(goc_chan(int) ch); /* receives */
