/*
 * prog.h - what the generator, the executor and the oracle share: a program and its trace.
 *
 * Both live in one piece of shared memory, made by the driver and mapped by the executor, so that
 * the trace survives whatever ends the executor (exit, deadlock, fatal error, a signal), and so
 * that a value that the runtime hands to a parked receiver lands in the trace itself.
 *
 * A program is a flat list of operations, each belonging to a body (body 0 is main's; the others
 * are started by SPAWN, GROUP, AFTER, any number of times). A body is the sub-list with its number.
 * No operation needs another: an UNLOCK of a mutex not held, a SEND on a closed channel, an access
 * to a heap slot that is empty are skipped when it comes to them. So any sub-list of a program is
 * again a program, which is what makes shrinking simple.
 *
 * A trace is a list of events in an order that agrees with what really happened: an event that
 * publishes is written before the operation starts, one that learns after it has returned. With one
 * P and no pre-emption nothing comes between the two, unless the operation parks.
 */
#ifndef ORACLE_PROG_H
#define ORACLE_PROG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_kind {
#define X(n) OP_##n,
#include "ops.def"
#undef X
    OP_COUNT
};

enum {
    MAX_OPS = 4096,
    MAX_EVENTS = 1 << 15,
    MAX_BODIES = 12,
    MAX_INST = 1200,
    N_MUTEX = 4,
    N_RW = 3,
    N_CHAN = 6,
    N_WG = 4,
    N_ONCE = 4,
    N_SEM = 2,
    N_HEAP = 6,
    N_ANN = 4,
    N_CTX = 3, /* each the child of the one before */
    N_TIMED = 3,
    ALL_CTX = N_CTX + N_TIMED, /* those that expire are the last */
    N_TICK = 2,
    N_SIGNAL = 2,
    N_PMUTEX = 5, /* POSIX mutexes; the last but one is a spin lock, the last C11's */
    P_SPIN = N_PMUTEX - 2,
    P_MTX = N_PMUTEX - 1,
    N_PRW = 2,
    N_PSEM = 2,
    N_PONCE = 3, /* the last is C11's */
    N_PIPE = 4, /* pipes; the last but one is a pair of sockets, the last a connection */
    PIPE_PAIR = N_PIPE - 2,
    PIPE_TCP = N_PIPE - 1,
    N_CELL = 24,
    ARENA = 1024, /* bytes of global memory, at most */
    STACKBUF = 64,
};

/* Areas of memory an access names. */
enum {
    AREA_GLOBAL = 0,
    AREA_ATOMIC = 1, /* the bytes of the atomic cells */
    AREA_HEAP = 2,   /* + slot: the block there now, or the last one that was there */
    AREA_STACK = 16, /* + body: a local of the goroutine of that body started last */
};

/* How an access is made. */
enum {
    HOW_PLAIN,     /* __tsan_{read,write}N, aligned mostly */
    HOW_UNALIGNED, /* __tsan_unaligned_* */
    HOW_VOLATILE,  /* __tsan_volatile_* */
    HOW_RANGE,     /* __tsan_*_range */
    HOW_LIBC,      /* memset, memcmp: the interposed functions */
    HOW_BOTH,      /* __tsan_read_writeN */
};

/* What a GROUP is; how a THREAD meets its creator. */
enum { GROUP_WAIT, GROUP_SIZED, GROUP_ERR };
enum { THREAD_JOIN, THREAD_LATER, THREAD_DETACHED, THREAD_BARRIER, THREAD_COND, THREAD_KEY };
/* By whose names a thread is made, and for how long it waits for a condition. */
enum { FLAVOUR_POSIX, FLAVOUR_C11, FLAVOUR_TIMED, FLAVOUR_CLOCK };
enum { JOIN_PLAIN, JOIN_TIMED, JOIN_TRY, JOIN_CLOCK };
/* How a lock of POSIX's is taken: timed and clocked ones have a deadline that is over. */
enum { LOCK_PLAIN, LOCK_TRY, LOCK_TIMED, LOCK_CLOCK };
enum { TICK_TICKER, TICK_AFTER, TICK_TIMER };

/* Indices in a trace beyond those of the program's own objects. */
enum {
    MUTEX_POSIX = N_MUTEX,
    MUTEX_OF = MUTEX_POSIX + N_PMUTEX, /* + the thread that waits for its creator's signal */
    ALL_MUTEX = MUTEX_OF + MAX_INST,
    RW_POSIX = N_RW,
    ALL_RW = RW_POSIX + N_PRW,
    WG_OF = N_WG, /* + who waits for its group; + the thread that is joined */
    ALL_WG = WG_OF + MAX_INST,
    SEM_OF = N_SEM, /* + who has a group with a limit */
    ALL_SEM = SEM_OF + MAX_INST,
    ONCE_POSIX = N_ONCE,
    ALL_ONCE = ONCE_POSIX + N_PONCE,
    CLOSE_CTX = N_CHAN,
    ALL_CLOSE = CLOSE_CTX + ALL_CTX,
    ANN_SEM = N_ANN, /* a POSIX semaphore: all posts before order a wait */
    ANN_PIPE = ANN_SEM + N_PSEM,
    ANN_BARRIER = ANN_PIPE + N_PIPE, /* + the thread that meets its creator there */
    ANN_COND = ANN_BARRIER + MAX_INST,
    ANN_SIGNAL = ANN_COND + MAX_INST,
    ALL_ANN = ANN_SIGNAL + N_SIGNAL,
};

struct op {
    uint16_t kind, body;
    int32_t a, b, c, d;
};

enum event_kind {
    EV_NONE,
    EV_START, /* a, b: stack buffer and its size */
    EV_FINISH,
    EV_GO,          /* a: instance started */
    EV_ACCESS,      /* a, b: address and size; flags. An object as such is its first byte */
    EV_ATOMIC,      /* a, b: address and size; c: order | failure order << 8; flags; val: tag */
    EV_ATOMIC_DONE, /* a: index of the EV_ATOMIC; val: value read; flags: what it turned out to be
                     */
    EV_FENCE,       /* c: order */
    EV_LOCKED,      /* a: index, c: 0 mutex, 1 reader, 2 writer */
    EV_UNLOCK,
    EV_SEND,     /* a: channel; the message is this event's index + 1 */
    EV_SENT,     /* a: index of the EV_SEND */
    EV_RECV,     /* a: channel; val: the message, once received */
    EV_RECEIVED, /* a: index of the EV_RECV; flags: EV_CLOSED */
    EV_CLOSE,    /* a: channel */
    EV_WG_DONE,  /* a: index */
    EV_WG_WAITED,
    EV_ONCE_RAN,  /* a: index: its function is about to return */
    EV_ONCE_DONE, /* goc_once_do has returned */
    EV_CWAIT,     /* a: index: about to wait */
    EV_CWAITED,
    EV_CSIGNAL, /* a: index */
    EV_CBROADCAST,
    EV_SEM_ACQUIRE,  /* a: index, b: n: about to */
    EV_SEM_ACQUIRED, /* a: index of the EV_SEM_ACQUIRE */
    EV_SEM_RELEASE,  /* a: index, b: n */
    EV_SEM_LEFT,     /* a: index of the EV_SEM_ACQUIRE, whose context ended first */
    EV_MALLOC,       /* a, b: block and usable size */
    EV_ACQUIRE,      /* a: annotation */
    EV_RELEASE,
    EV_RELEASE_MERGE,
    EV_FORK,     /* a: number of the child */
    EV_CTX_MADE, /* a: context, which will expire */
    EV_CTX_SEEN, /* a: context, whose end was seen; c: 1 if it is what came of making it */
    EV_TICK_MADE, /* a: ticker */
    EV_TICK_WAIT, /* a: ticker; val: the time received, once it is */
    EV_TICKED,    /* a: index of the EV_TICK_WAIT */
};

enum {
    EV_WRITE = 1,
    EV_IS_ATOMIC = 2,
    EV_FREE = 4,
    EV_LOAD = 8,
    EV_STORE = 16,
    EV_RMW = 32,
    EV_CLOSED = 64,
};

struct event {
    uint16_t kind, flags;
    uint32_t g;  /* instance */
    uint32_t op; /* index into ops */
    uint32_t child; /* 0, or the number of the child of fork that did it */
    uint64_t a, b, c;
    uint64_t val;
};
_Static_assert(sizeof(struct event) == 48, "event");

struct shared {
    uint64_t seed;
    uint32_t par;      /* more than one P: see oracle.c for what is then asked */
    uint32_t arena;    /* bytes of global memory in use */
    uint32_t max_inst; /* goroutines it may start */
    uint32_t drain;    /* main lets the others come to rest before it returns */
    uint32_t cap[N_CHAN];
    uint32_t sem_size[N_SEM];
    uint32_t nbodies, nops;
    struct op op[MAX_OPS];
    /* written by the executor */
    uint32_t nevents; /* may run past MAX_EVENTS: the log was full */
    uint32_t ninst;
    uint32_t done; /* main came to its end */
    uint32_t children, children_found; /* of fork; that said by their status that there were findings */
    struct event ev[MAX_EVENTS];
};

/* Code addresses that no program has: the frame above an access names its instance and operation.
 */
#define FAKE_PC 0x200000000000ull
#define FAKE_END 0x210000000000ull
static inline uint64_t fake_pc(uint32_t inst, uint32_t op)
{
    return FAKE_PC + ((uint64_t)inst << 20 | (uint64_t)op << 4) + 1;
}

/* Where cell i lies among the atomic bytes; several small ones share one aligned word. */
static inline void cell_place(int i, uint32_t *off, uint32_t *size)
{
    static const uint8_t place[N_CELL][2] = {
        {0, 8},  {8, 8},   {16, 8},  {24, 8}, {32, 4},  {36, 4},  {40, 4},  {44, 4},
        {48, 2}, {50, 2},  {52, 2},  {54, 2}, {56, 1},  {57, 1},  {58, 1},  {59, 1},
        {60, 4}, {64, 16}, {80, 16}, {96, 8}, {104, 4}, {108, 1}, {110, 2}, {112, 8},
    };
    *off = place[i][0];
    *size = place[i][1];
}
enum { ATOMIC_BYTES = 120 };

extern const char *const op_name[OP_COUNT];

/* gen.c */
void program_generate(struct shared *s, uint64_t seed, bool par);
/* text.c: a program as text, one operation a line; false: it is not one */
void program_write(const struct shared *s, void *file);
bool program_read(struct shared *s, void *file);

#endif
