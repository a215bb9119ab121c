/* What the files of race_pairs share. */
#include <goc.h>
#include <goc/race.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS GOC_MILLISECOND

/* Either a whole case, or two halves that two goroutines run one after the other, in both orders.
 */
struct pair {
    const char *name;
    void (*fn)(void);
    void (*first)(void), (*second)(void);
};
#define PAIR(name)        \
    {                     \
#name, name, 0, 0 \
    }
#define HALVES(name)                          \
    {                                         \
#name, 0, name##_first, name##_second \
    }
extern const struct pair memory_pairs[], program_pairs[], channel_pairs[], sync_pairs[],
    thread_pairs[];

extern bool fixed; /* the twin runs */

/* A value that the compiler must have computed, and one that it must not know. */
#define USE(x) __asm__ volatile("" : : "r"(x) : "memory")
#define HIDE(x) __asm__ volatile("" : "+r"(x) : : "memory")

/* One after the other in time, and nothing else: relaxed atomics in functions without
 * instrumentation. */
void turn_end(void);       /* one more thing has happened */
void turn_wait(int n);     /* until n have */
void others_ended(void);   /* until the caller is the only goroutine */
void others_blocked(void); /* until all others wait */

/* A goroutine runs the first and ends, then another one runs the second, if there is one. */
void in_turn(void (*first)(void), void (*second)(void));
