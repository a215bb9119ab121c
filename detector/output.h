/* output.h - the stream of records. output.c */
#ifndef DET_OUTPUT_H
#define DET_OUTPUT_H

#include "det.h"
#include "record.h"

void output_init(void);
/* The lock of the stream and of the one finding that is being built. */
void output_lock(void);
void output_unlock(void);
/* One record, whole; under the lock. False: nobody reads any more. */
bool output_record(u32 type, u64 id, const void *payload, size_t n);
/* Modules are sent if they may have changed since they last were. */
void output_modules(void);
/* A module is about to go: its frames keep their names. */
void output_modules_note(void);
/* Is address a in a module's file-backed or bss mapping? */
bool output_in_module(uintptr_t a);
/* The writable data of the modules, one range after the other; *at is 0 at first. */
bool output_module_data(u32 *at, uintptr_t *lo, uintptr_t *hi);
/* With halt_on_error, under the lock, after a finding: does it count? Whoever reads knows the suppressions
   and the baseline; without any, everything does. */
bool output_counts(void);
/* The end, the program's own status being `own`: whether somebody rendered for us, and with which status he
   left. `at_once`: no other thread is to go on meanwhile; does not return then, if that can be done. */
bool output_finish(int own, int *status, bool at_once);
bool output_launched(void);
/* Is this number the detector's? The program does not know of it: it cannot close it, and where it wants
   the number for itself (dup2) the detector goes to another one. */
int output_next_fd(int from); /* the lowest not below `from`; -1: none */
void output_leave_fd(int fd);
void output_forked(void);
extern bool det_instrumented;
extern u64 det_started_ns;

/* A buffer of items. */
struct items {
    char *at;
    size_t n, cap;
};
void items_add(struct items *b, u32 tag, const void *head, size_t head_n, const void *rest,
               size_t rest_n);
extern struct items output_items; /* under the lock; emptied by the user */

/* The frames of the stack [lo, hi) from the one that holds `a` outwards: an address in each and its
   frame pointer; 0 if none can be made out. Under the output lock. (onstack.c) */
size_t det_frames_around(uintptr_t a, uintptr_t lo, uintptr_t hi, uintptr_t *pc, uintptr_t *fp,
                         size_t max);

#endif
