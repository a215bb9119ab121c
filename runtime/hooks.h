/*
 * hooks.h - the one door between the runtime and the detector.
 *
 * The runtime says what happened, to which object, by which goroutine; it does
 * not know what a vector clock, a lock order or a report is. The detector
 * implements these functions; in a plain build (GOC_RACE not defined) they are
 * empty and compile to nothing.
 *
 * Rules both sides keep
 *
 *  - `struct race_g` is the detector's record of one goroutine (or of a thread
 *    that counts as one). The runtime only keeps the pointer, in its G.
 *  - Hooks run on whatever stack the caller has, also a small one: an
 *    implementation needs less than 1 KiB of it, takes no lock that program
 *    code can hold, and never calls back into the runtime.
 *  - A hook that publishes (release) comes before the instant at which another
 *    goroutine can see the effect; a hook that learns (acquire) comes after.
 *    The runtime calls both under the lock of the object concerned, so that the
 *    order of hook calls on one object is the order of the operations.
 *  - Nothing else orders: no hook is called for run queues, stack reuse, the
 *    netpoller or the runtime's own locks.
 *  - `obj` is an address that names a synchronisation object. Two objects never
 *    share an aligned 8-byte word. When its memory goes away: hook_forget.
 *  - `pc` is the return address in the program of the public function that was
 *    called (the program's frame on top of the report's stack).
 */
#ifndef GOC_HOOKS_H
#define GOC_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct race_g;

/* Why a goroutine waits. The names (hook_wait_name in the dump and in reports) are Go's. */
#define HOOK_WAITS(X)                                                                              \
    X(NONE, "running")                                                                             \
    X(RUNNABLE, "runnable")                                                                        \
    X(CHAN_RECV, "chan receive")                                                                   \
    X(CHAN_SEND, "chan send")                                                                      \
    X(CHAN_RECV_NIL, "chan receive (nil chan)")                                                    \
    X(CHAN_SEND_NIL, "chan send (nil chan)")                                                       \
    X(SELECT, "select")                                                                            \
    X(SELECT_NONE, "select (no cases)")                                                            \
    X(MUTEX, "sync.Mutex.Lock")                                                                    \
    X(RWMUTEX_R, "sync.RWMutex.RLock")                                                             \
    X(RWMUTEX_W, "sync.RWMutex.Lock")                                                              \
    X(WAITGROUP, "sync.WaitGroup.Wait")                                                            \
    X(ONCE, "sync.Once.Do")                                                                        \
    X(COND, "sync.Cond.Wait")                                                                      \
    X(SEM, "semacquire")                                                                           \
    X(SLEEP, "sleep")                                                                              \
    X(IO, "IO wait")                                                                               \
    X(SYSCALL, "syscall")                                                                          \
    X(THREAD_JOIN, "thread join")

enum hook_wait {
#define X(name, text) HOOK_WAIT_##name,
    HOOK_WAITS(X)
#undef X
        HOOK_WAIT_COUNT
};

/* What kind of object a lock or a misuse is about. */
enum hook_obj {
    HOOK_OBJ_NONE,
    HOOK_OBJ_CHAN,
    HOOK_OBJ_MUTEX,
    HOOK_OBJ_RWMUTEX,
    HOOK_OBJ_WAITGROUP,
    HOOK_OBJ_ONCE,
    HOOK_OBJ_COND,
    HOOK_OBJ_SEM,
    HOOK_OBJ_TIMER,
    HOOK_OBJ_CONTEXT,
    HOOK_OBJ_FD,
};

/* How a lock is taken. */
enum hook_mode {
    HOOK_WRITE = 0,   /* exclusive */
    HOOK_READ = 1,    /* shared */
    HOOK_TRY = 2,     /* or-ed in: the caller would not have waited */
    HOOK_SPARE = 32,  /* or-ed in: the u32 at obj + 4 is zero at first, and then the detector's */
};

/* Misuse of a synchronisation object; the runtime panics or dies right after. */
enum hook_misuse {
    HOOK_MISUSE_UNLOCK_UNLOCKED,
    HOOK_MISUSE_RUNLOCK_UNLOCKED,
    HOOK_MISUSE_NEGATIVE_WAITGROUP,
    HOOK_MISUSE_WAITGROUP_REUSED,
    HOOK_MISUSE_CLOSE_NIL,
    HOOK_MISUSE_CLOSE_CLOSED,
    HOOK_MISUSE_SEND_CLOSED,
    HOOK_MISUSE_FREE_IN_USE,
    HOOK_MISUSE_COND_UNLOCKED,
    HOOK_MISUSE_SEM_RELEASE,
    HOOK_MISUSE_OTHER,
};

#ifdef GOC_RACE

/* --- life of a goroutine ------------------------------------------------- */

/* The calling thread, which the runtime did not start (main's, or a library's), becomes a
   goroutine. Returns the record it already has if the detector saw the thread's creation. */
struct race_g *hook_thread(uint64_t goid);

/* The current goroutine executes a go statement: the record of the new goroutine, which knows all
   that its creator knows now. `fn` is the function it will run. */
struct race_g *hook_go(uint64_t goid, const void *fn, uintptr_t pc);

/* On this thread, from now on, `g` runs; NULL: the scheduler, whose accesses are nobody's. */
void hook_run(struct race_g *g);

/* `g` is about to run on [lo, hi) for the first time: what was remembered of accesses to that
   memory is forgotten. Called before hook_run, when the stack is not in use by anyone. */
void hook_stack(struct race_g *g, void *lo, void *hi);

/* How many functions the current goroutine is in; and: it is back there, having left the others
   without returning from them (a panic that was recovered). */
size_t hook_depth(void);
void hook_unwound(size_t depth);

/* `g` has ended; the record must not be used by the runtime any more. */
void hook_end(struct race_g *g);

/* The range of address space that goroutine stacks come from (once, before the first hook_stack,
   again for each further range). */
void hook_stack_arena(void *lo, void *hi);

/* [p, p+n) has been mapped for the runtime's own use (stacks among it), and: it is about to be
   unmapped, all of it. What stands there is not the program's, and reaches nobody. */
void hook_map(const void *p, size_t n);
void hook_unmap(const void *p);

/* --- happens-before ------------------------------------------------------ */
/* `g` NULL means the current goroutine; else it is one that is parked, on whose behalf the current
   one completes an operation. */

void hook_acquire(struct race_g *g, const void *obj);       /* g learns what was published at obj */
void hook_release(struct race_g *g, const void *obj);       /* obj holds what g knows, only that */
void hook_release_merge(struct race_g *g, const void *obj); /* obj holds that as well */
void hook_acquire_release(struct race_g *g, const void *obj); /* both: a buffered channel's slot */

/* The current goroutine and the parked `other` meet (unbuffered channel): each learns what the
   other knew. */
void hook_meet(struct race_g *other);

/* What was published at `from` counts as published at `to`, and nothing else. */
void hook_hand_on(const void *from, const void *to);

/* One-way: `to` learns what `from` knows (NULL: the current one). */
void hook_pass(struct race_g *from, struct race_g *to);

/* obj is no longer a synchronisation object; its word may become another one, unrelated. */
void hook_forget(const void *obj, size_t size);

/* --- memory of the program that the runtime reads or writes for it -------- */

void hook_read(uintptr_t pc, const void *p, size_t n);
void hook_write(uintptr_t pc, void *p, size_t n);
/* The same on behalf of a parked goroutine (a value handed straight to a waiting receiver). */
void hook_write_for(struct race_g *g, uintptr_t pc, void *p, size_t n);
void hook_read_for(struct race_g *g, uintptr_t pc, const void *p, size_t n);
/* An access to an object as such, for the races Go finds on objects: close against send, free
   against use, WaitGroup Add against Wait. No clock is touched. */
void hook_obj_read(uintptr_t pc, enum hook_obj kind, const void *obj);
void hook_obj_write(uintptr_t pc, enum hook_obj kind, const void *obj);
/* Orders nothing, for a hint: a Wait of the current goroutine has found wg at zero; its Add takes wg from
   there. */
void hook_wait_empty(uintptr_t pc, const void *wg);
void hook_add_first(const void *wg);

/* The current goroutine has read from, is about to write to, is about to close a descriptor: what goes
   through a pipe or socket is ordered. */
void hook_fd_open(int fd); /* a new one, which has nothing of the last that had its number */
void hook_fd_in(int fd);
void hook_fd_out(int fd);
void hook_fd_close(int fd, uintptr_t pc);

/* --- locks and waiting: facts for lock order and the wait-for model ------- */

void hook_lock_wait(enum hook_obj kind, const void *obj, int mode, uintptr_t pc); /* will block */
void hook_locked(enum hook_obj kind, const void *obj, int mode, uintptr_t pc);
void hook_unlock(enum hook_obj kind, const void *obj, int mode, uintptr_t pc);

/* The current goroutine has sent to (or received from) a channel of capacity 1, which may be in use as
   a lock; slot is where its value is. */
void hook_chan_one(const void *ch, const void *slot, bool sent, uintptr_t pc);

/* `g` (the current goroutine) parks on n objects; obj[] must stay valid until hook_unpark; a NULL
   among them is a timer, which will wake it. Called before it can be woken. */
void hook_park(struct race_g *g, enum hook_wait why, const void *const *obj, size_t n,
               uintptr_t pc);
/* `g` continues (called by the goroutine itself, once it runs again). */
void hook_unpark(struct race_g *g);

/* --- ends ---------------------------------------------------------------- */

/* Recorded as a finding; returns, and the runtime goes on to its panic or fatal error. */
void hook_misuse(enum hook_misuse what, enum hook_obj kind, const void *obj, const char *text,
                 uintptr_t pc);

/* Every goroutine waits and nothing can wake one. Recorded as a finding for the n goroutines given;
   the runtime then ends the program with status 2 through hook_exit. */
void hook_deadlock(struct race_g *const *g, size_t n);

/* The program is about to end with `status` (main returned, exit, fatal error, _exit): everything
   still to be found and written is; returns the status to end with. Idempotent. */
int hook_exit(int status);

/* From now on (until as many falses) the current goroutine's accesses and synchronisation are not
   looked at. */
void hook_ignore(bool on);

/* Findings so far. */
size_t hook_findings(void);

/* Threads that the detector has started for itself: they never call the runtime, so they are no reason
   to think that somebody might still wake a goroutine. */
size_t hook_own_threads(void);

/* SIGQUIT is about to end the program, from a handler that interrupted a goroutine with these registers:
   what is stuck is found first. Waits for that, at most some seconds. */
void hook_quit(const uintptr_t *reg, size_t n, uintptr_t sp);

/* Is somebody going to send SIGQUIT after a time? Then traces are wanted of whatever program. And what
   reports call the current thread; 0 if it is no thread of the program's own making. */
bool hook_timed(void);
uint64_t hook_thread_number(void);

/* Number of goroutines proved stuck for good, each reported as a leak (goc_verify_no_leaks). */
size_t hook_leaks(void);

/* --- the state of the runtime, as asked by the search for goroutines that are stuck ---------------- */

struct hook_goroutine {
    struct race_g *race;
    const void *record; /* the runtime's own: whoever has its address may be about to wake it */
    enum { HOOK_G_RUNNING, HOOK_G_RUNNABLE, HOOK_G_WAITING } state;
    uintptr_t sp;     /* saved, while it does not run; 0: it is on its own thread */
    int tid;          /* then: that thread */
    const uintptr_t *arg; /* of one that has not run yet */
    size_t args;
};
struct hook_world {
    /* These run in a copy of the process in which nothing else does: they take no lock, change
       nothing, and may find what another thread was changing half changed. */
    void (*goroutines)(void (*fn)(void *arg, const struct hook_goroutine *g), void *arg);
    /* Threads of the runtime that run nobody's code now: asleep, or the monitor. */
    void (*idle_threads)(void (*fn)(void *arg, int tid), void *arg);
    /* Where the scheduler's stacks begin on the threads that it started, and how large they are at
       most: above are the thread's own frames and thread-local variables. */
    void (*thread_stacks)(void (*fn)(uintptr_t sp, size_t at_most));
    /* Memory that points at every timer, pending or firing (low bits of a pointer may be marks). */
    void (*timers)(void (*fn)(void *arg, const void *p, size_t n), void *arg);
    /* These in the process itself. Is it ending by a panic or fatal error? */
    bool (*dying)(void);
    /* While hook_wish: the current goroutine is at a place where it may stop, if it is one that shall. */
    void (*turn)(void);
    /* Does a seed decide who runs when (control.c)? Then: the current goroutine is where another one may
       go first; libc is to sleep (false: let it); another one goes on, who may hold what the current one
       wants (false: nobody can); and at the end, points, switches, a digest of them, and how often
       something happened that the schedule does not decide. */
    bool controlled;
    void (*point)(void);
    bool (*sleep)(int64_t ns);
    bool (*yield)(void);
    void (*told)(uint64_t out[4]);
};
void hook_world(const struct hook_world *world); /* once, when the runtime starts */
/* A goroutine has had its time, and a signal seldom finds it in code of its own: every place where
   the program calls the detector for more than it can see at once is asked from now on (off: no more). */
void hook_wish(bool on);

#else

#define HOOK_NOTHING(...) ((void)0)
#define hook_wish(on) HOOK_NOTHING(on)
#define hook_thread(goid) ((struct race_g *)0)
#define hook_go(goid, fn, pc) ((struct race_g *)0)
#define hook_run(g) HOOK_NOTHING(g)
#define hook_stack(g, lo, hi) HOOK_NOTHING(g)
#define hook_depth() ((size_t)0)
#define hook_unwound(depth) ((void)(depth))
#define hook_end(g) HOOK_NOTHING(g)
#define hook_stack_arena(lo, hi) HOOK_NOTHING(lo)
#define hook_map(p, n) HOOK_NOTHING(p)
#define hook_unmap(p) HOOK_NOTHING(p)
#define hook_acquire(g, obj) HOOK_NOTHING(g)
#define hook_release(g, obj) HOOK_NOTHING(g)
#define hook_release_merge(g, obj) HOOK_NOTHING(g)
#define hook_acquire_release(g, obj) HOOK_NOTHING(g)
#define hook_meet(other) HOOK_NOTHING(other)
#define hook_hand_on(from, to) HOOK_NOTHING(from)
#define hook_pass(from, to) HOOK_NOTHING(from)
#define hook_forget(obj, size) HOOK_NOTHING(obj)
#define hook_read(pc, p, n) HOOK_NOTHING(pc)
#define hook_write(pc, p, n) HOOK_NOTHING(pc)
#define hook_write_for(g, pc, p, n) HOOK_NOTHING(g)
#define hook_read_for(g, pc, p, n) HOOK_NOTHING(g)
#define hook_obj_read(pc, kind, obj) HOOK_NOTHING(pc)
#define hook_obj_write(pc, kind, obj) HOOK_NOTHING(pc)
#define hook_wait_empty(pc, wg) HOOK_NOTHING(pc)
#define hook_add_first(wg) HOOK_NOTHING(wg)
#define hook_fd_open(fd) HOOK_NOTHING(fd)
#define hook_fd_in(fd) HOOK_NOTHING(fd)
#define hook_fd_out(fd) HOOK_NOTHING(fd)
#define hook_fd_close(fd, pc) HOOK_NOTHING(fd)
#define hook_lock_wait(kind, obj, mode, pc) HOOK_NOTHING(kind)
#define hook_locked(kind, obj, mode, pc) HOOK_NOTHING(kind)
#define hook_unlock(kind, obj, mode, pc) HOOK_NOTHING(kind)
#define hook_chan_one(ch, slot, sent, pc) HOOK_NOTHING(sent)
#define hook_park(g, why, obj, n, pc) HOOK_NOTHING(g)
#define hook_unpark(g) HOOK_NOTHING(g)
#define hook_misuse(what, kind, obj, text, pc) HOOK_NOTHING(what)
#define hook_deadlock(g, n) HOOK_NOTHING(g)
#define hook_exit(status) (status)
#define hook_ignore(on) HOOK_NOTHING(on)
#define hook_findings() ((size_t)0)
#define hook_own_threads() ((size_t)0)
#define hook_quit(reg, n, sp) HOOK_NOTHING(reg)
#define hook_timed() false
#define hook_thread_number() ((uint64_t)0)
#define hook_leaks() ((size_t)0)
#define hook_world(world) HOOK_NOTHING(world)

#endif

#endif
