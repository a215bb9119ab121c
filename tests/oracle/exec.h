/*
 * exec.h - what the parts of the executor share (exec.c says what it is).
 *
 * The operations are run by what they are about: memory and atomics, libgoc's own objects, POSIX's.
 * Each part keeps its objects, and what its guards know of them, to itself; each has one function
 * that runs an operation of its kinds and says whether it was one. What is shared is the log, the
 * goroutines that run, and a word for each that one part has to know of another.
 */
#ifndef ORACLE_EXEC_H
#define ORACLE_EXEC_H

#define _GNU_SOURCE
#include "prog.h"
#include <goc.h>
#include <pthread.h>
#include <threads.h>

/* Of the ABI, what is not about memory (exec_memory.c has that). */
void __tsan_init(void);
void __tsan_func_entry(void *);
void __tsan_func_exit(void);

extern struct shared *S;
extern bool par;         /* several Ps: uses only that are safe in any order */
extern uint32_t child;   /* of fork: which one this process is; 0: it is none */
extern struct run *runs[MAX_INST];

/* A goroutine: lives in its own stack. */
struct run {
    uint32_t inst, body, op;
    uint32_t mutex, rlocked, wlocked; /* held, a bit each */
    uint32_t pmutex, prlocked, pwlocked;
    bool thread;
    uint32_t sem[N_SEM];
    uint32_t entered; /* frames that CALL has left open, until the goroutine's end */
    goc_waitgroup group;
    goc_sized_waitgroup sized;
    goc_errgroup errgroup;
    unsigned char *buffer; /* STACKBUF bytes that others may be told of */
};

/* It is running, its buffer can be named; all of its program; it is about to end. */
void run_begins(struct run *x);
void run_all(struct run *x);
void run_body(struct run *x, uint32_t body); /* another one's program, without an end */
void run_ends(struct run *x);
/* Whose stack is this? goc_once_do gives its function no argument. */
struct run *run_here(void);

/* How a goroutine or thread is started. */
struct start {
    uint32_t inst, body;
    struct run *group; /* whose it is in; NULL: none */
    int how;           /* GROUP_*, THREAD_* */
    bool limited;
    uint32_t acquire; /* the event that asked for its slot */
    uint32_t feeds;   /* 1 + the pipe that it writes to before all else; 0: none */
    uint32_t phase; /* of a thread */
    uint32_t region, made_by; /* what its end writes, the operation that made it */
    int flavour, rounds;      /* FLAVOUR_*; how often its destructor asks for another */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    mtx_t c11_mutex;
    cnd_t c11_cond;
    pthread_barrier_t barrier;
    bool signalled;
};
/* NULL: the program has started all that it may. */
struct start *new_instance(uint32_t body);

uint32_t log_event(struct run *x, int kind, int flags, uint64_t a, uint64_t b, uint64_t c);
enum { MUTEX, READER, WRITER }; /* c of EV_LOCKED and EV_UNLOCK */

/* Runs the operation and returns true, or false: it is not one of this part's. */
bool memory_op(struct run *x, const struct op *o);
bool libgoc_op(struct run *x, const struct op *o);
bool thread_op(struct run *x, const struct op *o);
bool posix_op(struct run *x, const struct op *o);
bool process_op(struct run *x, const struct op *o);

/* exec_memory.c: an access of n bytes of the arena beside those that the program lists; and whether
   blocks are allocated that the log says nothing of (a thread's, a context's): memory that was freed
   may have been given out again. */
void write_global(struct run *x, uint32_t off, uint32_t n);
extern bool unseen_blocks;
/* The same of stacks: libgoc runs a goroutine of its own when a context expires. The stack of one that has
   ended may then have had another life. */
extern bool unseen_stacks;
extern unsigned char *stack_buffer[MAX_BODIES];
extern uint32_t stack_of[MAX_BODIES]; /* whose it is */

/* Before the program begins. False: this machine has not enough. */
void libgoc_objects(void);
bool posix_objects(void);
bool thread_objects(void);
bool process_objects(void);

/* exec_libgoc.c: s begins soon, and writes to the pipe first. */
void start_later(struct run *x, struct start *s, uint32_t pipe);
/* exec_posix.c: what a goroutine that was started for it writes to a pipe. */
void feed(struct run *x, uint32_t pipe);

/* exec_thread.c: a thread runs, and no goroutine is to begin an operation; what a thread may do, and
   what the child of fork may. */
extern uint32_t thread_runs;
bool for_thread(int kind);
bool for_child(int kind);

#endif
