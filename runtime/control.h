/*
 * control.h - a schedule that is decided by a seed and not by the machine: control.c.
 *
 * In race builds alone, and there one load and one branch where it is not asked for.
 */
#ifndef GOC_CONTROL_H
#define GOC_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct m;
struct p;

#ifdef GOC_RACE

extern bool control_on __attribute__((visibility("hidden")));

void control_init(void); /* reads $GOC_SCHEDULE; before any goroutine runs */
void control_fork(void); /* in the child: it goes its own way */

/* The current goroutine is about to do something that others may see: another one may go first.
   Called on its own stack, where it may be parked; nothing where it may not. */
void control_point(void);

/* On the scheduler's stack, with a P: who runs next; NULL: nobody can, and no timer is set. */
struct g *control_next(struct m *m);
bool control_ready(void);         /* somebody could run, whom the queues do not show */
void control_spawned(struct g *g);
bool control_gosched(void);       /* false: there was nobody to yield to */
int control_procs(int n);         /* goc_gomaxprocs */
bool control_stalled(int64_t now); /* for the monitor: no point has been reached for a second */
void control_slip(void);          /* something happened that no schedule decides */

int64_t control_now(void);
uint32_t control_rand(void);

/* For the detector, through struct hook_world. */
bool control_sleep(int64_t ns);
bool control_yield(void);
void control_told(uint64_t out[4]);

#define sched_point() (unlikely(control_on) ? control_point() : (void)0)

#else

#define control_on false
#define control_init() ((void)0)
#define control_fork() ((void)0)
#define control_next(m) ((struct g *)0)
#define control_ready() false
#define control_spawned(g) ((void)0)
#define control_gosched() true
#define control_procs(n) (n)
#define control_stalled(now) true
#define control_slip() ((void)0)
#define sched_point() ((void)0)

#endif

#endif
