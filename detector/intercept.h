/*
 * intercept.h - how a function of libc is replaced, and when the replacement looks.
 *
 * An interceptor is a weak, exported function with libc's own symbol name (given by an asm label,
 * so that no header's declaration and no builtin stands in its way). The dynamic linker finds it
 * before libc's because the executable (static libgoc-race.a) or libgoc-race.so comes earlier in
 * the search order; the real one is what dlsym(RTLD_NEXT) finds. Weak: a program that has a
 * function of its own with such a name keeps it.
 *
 * When it looks. Three questions, each a few instructions:
 *
 *   icept_sync(pc)  is somebody running (det_cur), and is the caller not this library itself? Then
 *                   the call synchronises. The caller may be any code: a mutex locked inside an
 *                   uninstrumented library orders as well as any other.
 *   icept_mem(pc)   is the caller's module instrumented as well? Then the call's reads and writes
 * of memory are the program's accesses. In a module that is not, atomics and inlined locks are
 * invisible, so that a finding there could be false. det_cur alone   (heap) the block's record
 * names the goroutine.
 *
 * This library's own code is told by its section: the race build's objects have their .text renamed
 * to goc_text, whose ends the linker names. So the runtime's own threads, locks and descriptors are
 * nobody's business, without a word in the runtime.
 *
 * Order of events. What a call publishes is published before the real function runs, what it learns
 * is learned after it returned, and memory is looked at on the side of the real call where its
 * length is known. det_cur is read again after any real function that can run program code
 * (comparison functions, once routines), because a goroutine may have changed threads in it.
 */
#ifndef INTERCEPT_H
#define INTERCEPT_H

#include "det.h"

/* The ends of this library's own code. */
extern const char __start_goc_text[] __attribute__((visibility("hidden")));
extern const char __stop_goc_text[] __attribute__((visibility("hidden")));

static inline bool icept_own(uintptr_t pc)
{
    return pc - (uintptr_t)__start_goc_text < (uintptr_t)(__stop_goc_text - __start_goc_text);
}

/* Code ranges of instrumented modules; the first two are the executable's, before and after this
   library's own code when that is linked into it. */
struct icept_range {
    uintptr_t lo, size;
};
#define ICEPT_RANGES 1024
extern struct icept_range icept_range[ICEPT_RANGES] __attribute__((visibility("hidden")));
bool icept_in_module(uintptr_t pc);

static inline bool icept_sync(uintptr_t pc)
{
    return det_cur && !icept_own(pc);
}
static inline bool icept_mem(uintptr_t pc)
{
    return det_self && (pc - icept_range[0].lo < icept_range[0].size || icept_in_module(pc));
}

#define ICEPT_PC() ((uintptr_t)__builtin_return_address(0))

/* The function that the program calls by `name`. */
#define ICEPT_EXPORT(ret, name, params)                                                  \
    __attribute__((weak, visibility("default"))) ret icept_##name params __asm__(#name); \
    ret icept_##name params

/* The real function, resolved by icept_init from the list in section goc_icept; `ver` names the
   symbol version where the default one may not be what dlsym gives. */
struct icept_real {
    const char *name, *ver;
    void **to;
};
#define ICEPT_REAL_AS(ret, id, name, ver, params)  \
    static ret(*real_##id) params;                 \
    static const struct icept_real real_entry_##id \
        __attribute__((used, aligned(8), section("goc_icept"))) = {name, ver, (void **)&real_##id}
#define ICEPT_REAL(ret, name, params) ICEPT_REAL_AS(ret, name, #name, NULL, params)
#define REAL(name) \
    (likely(real_##name != NULL) ? real_##name : (icept_resolve(&real_entry_##name), real_##name))
/* Finds it now; a function that this libc lacks ends the program with a message that names it. */
void icept_resolve(const struct icept_real *r);

/* An interceptor and its real function in one go. */
#define ICEPT(ret, name, params)   \
    ICEPT_REAL(ret, name, params); \
    ICEPT_EXPORT(ret, name, params)

/* At the beginning of a function that may sleep in the kernel: the registers that its caller expects
   back are on its stack meanwhile, where the search for stuck goroutines finds what they point at.
   (snapshot.c: of a thread that sleeps nothing else is to be had.) Something must follow the call
   that sleeps, or the function has been left by then. */
#define ICEPT_MAY_SLEEP() __builtin_unwind_init()
#define ICEPT_SLEPT() __asm__ volatile("" ::: "memory")
/* The same for a function that sleeps only sometimes: fn(a, b, c, d) in a frame of its own. */
static noinline __attribute__((unused)) int icept_asleep(void *fn, long a, long b, long c, long d)
{
    ICEPT_MAY_SLEEP();
    int r = ((int (*)(long, long, long, long))fn)(a, b, c, d);
    ICEPT_SLEPT();
    return r;
}
#define ICEPT_ASLEEP(name, a, b, c, d) \
    icept_asleep((void *)REAL(name), (long)(a), (long)(b), (long)(c), (long)(d))

/* A synchronisation object narrower than 8 bytes may share its word with a neighbour: the name
   under which the detector knows the one at p. */
const void *icept_name(const volatile void *p);
void icept_name_drop(const volatile void *p);

/* Called by det_init once the detector stands, and after dlopen or dlclose. */
void icept_init(void);
void icept_modules(void);
/* An instrumented object's constructor runs: its module may be new. */
void icept_module_starts(void);
/* Is g the record of this thread, which the program created? */
bool icept_thread_is(const struct race_g *g);

/* The rooms' own set-up, in icept_init's order. */
void icept_threads_init(void);
void icept_signals_init(void);
void icept_exit_init(void);

/* What address a stands for, if it is an object of this room: "Location is …" into buf. */
bool icept_describe(uintptr_t a, char *buf, size_t size);
bool icept_describe_fd(uintptr_t a, char *buf, size_t size);

/* A timer that may start threads is set: they know what its setter knows. */
void icept_timer_set(void);

/* Around fork: phase 0 before, 1 after it in the parent, 2 after it in the child. */
void heap_fork(int phase);
void icept_threads_fork(int phase);
void icept_locks_fork(int phase);
void icept_fd_fork(int phase);
/* The current thread publishes its end to who finds a lock that it left locked. */
void icept_locks_thread_end(void);

/* Streams behind descriptors, stream.c: the call on fd learned from, or published to, the
   other end. Nothing for descriptors that no one in this process has the other end of. */
void icept_fd_in(int fd);
void icept_fd_out(int fd);
/* The same for a stdio stream, which may have memory behind it: after a call that read, before one that
   writes. errno stays. */
struct _IO_FILE;
void icept_stream_in(struct _IO_FILE *f, uintptr_t pc);
void icept_stream_out(struct _IO_FILE *f);
int icept_stream_fd(struct _IO_FILE *f); /* below 0: it has none */

/* Is fd the detector's own, and the call not? Then errno says that there is no such descriptor. */
bool icept_fd_hidden(int fd, uintptr_t pc);
int icept_fd_close_range(unsigned first, unsigned last, int flags, uintptr_t pc);

/* A thread of the detector's own, that no one is told of and that gets no signals. */
void icept_start_thread(void *(*fn)(void *));

#endif
