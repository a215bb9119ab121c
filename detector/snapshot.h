/* snapshot.h - the process as it was at one instant. snapshot.c has the essay. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "det.h"

#define SNAPSHOT_REGS 96
struct snapshot_thread {
    int tid;
    u32 round;
    bool held;    /* it was running: regs holds its registers */
    bool idle;    /* runs nobody's code */
    uintptr_t sp; /* 0: not known */
    uintptr_t regs[SNAPSHOT_REGS];
};
struct snapshot {
    struct snapshot_thread *thread;
    u32 n;
    int self; /* the thread that asked */
};

/* Calls fn in a copy of the process; what it leaves in `out` (n bytes, zeroed before) comes back.
   False: the threads could not be held, or there was no copy to be had, or it has died. The caller is on a stack of the
   detector's own. */
bool snapshot_run(void (*fn)(const struct snapshot *s, void *out), void *out, size_t n,
                  u64 *held_ns);

#endif
