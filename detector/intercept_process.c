/*
 * intercept_process.c - what happens to a process as a whole: signals, fork, its end, modules that
 * go.
 *
 * Signals. A handler's accesses belong to the goroutine that it interrupted; nothing has to be done
 * for that, since det_cur stays. Two things are missing and are added by a handler of our own
 * around the program's:
 *   - Order. Who installs a handler has prepared what it uses, and who sends a signal may have
 *     prepared more: both publish under the signal's word, the handler learns from it.
 *   - The detector may be what was interrupted (race_g.busy). Its data are then between two states,
 *     so the program's handler runs as nobody: its accesses are not looked at, rather than a lock
 *     taken twice. (TSan delays such signals to the next safe point; a handler that must run at
 * once, for SIGSEGV or a deadline, then does not.) Handlers of this library (crashes, the dump,
 * preemption) are invisible: a program that asks for the old handler sees the default, and one that
 * sets the default gets them back.
 *
 * fork. In the child only the calling thread lives on; a lock that another held would be held for
 * ever. The locks of this room and of the detector are taken before and released after, in
 * pthread_atfork handlers registered before any of the program's: so they are the last to be taken,
 * when the program's own handlers have run, and the first to be released. vfork is fork: a child
 * that shares memory with its suspended parent would write its history into the parent's. clone is each of
 * the two, as its flags say.
 *
 * The end. _exit and quick_exit go through hook_exit, which says with which status to end; exit and
 * the return from main come there by the runtime's own registration.
 *
 * Modules. Code and data of a closed library leave nothing behind in the shadow for the next
 * mapping at that address, which the loader makes without calling mmap where it could be seen.
 * Libraries that come announce themselves (__tsan_init); dlopen is not replaced, because it looks
 * at its caller.
 */
#include "heap.h"
#include "intercept.h"
#include "leak.h"
#include "output.h"
#include "sys.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

/* --- signals ---------------------------------------------------------------------------------- */

static u64 signal_word[NSIG];
static void *signal_fn[NSIG];          /* the program's handler */
static int signal_flags[NSIG];         /* its SA_SIGINFO */
static struct sigaction own_act[NSIG]; /* this library's handler that it replaced */
static bool own_kept[NSIG];

ICEPT_REAL(int, sigaction, (int sig, const struct sigaction *act, struct sigaction *old));

static void on_signal(int sig, siginfo_t *info, void *context)
{
    struct race_g *g = det_cur;
    bool blind = g && g->busy;
    if (blind)
        det_set_cur(NULL);
    else if (g)
        hook_acquire(NULL, &signal_word[sig]);
    void *fn = __atomic_load_n(&signal_fn[sig], __ATOMIC_ACQUIRE);
    __atomic_fetch_add(&det_in_handler, 1, __ATOMIC_RELAXED);
    if (signal_flags[sig] & SA_SIGINFO)
        ((void (*)(int, siginfo_t *, void *))fn)(sig, info, context);
    else
        ((void (*)(int))fn)(sig);
    __atomic_fetch_sub(&det_in_handler, 1, __ATOMIC_RELAXED);
    if (blind)
        det_set_cur(g);
}

/* Where a handler is a function and not SIG_DFL, SIG_IGN, SIG_ERR or SIG_HOLD. */
static bool is_function(const void *fn)
{
    return (uintptr_t)fn > 2 && (intptr_t)fn != -1;
}

static int install(int sig, const struct sigaction *act, struct sigaction *old)
{
    if (sig <= 0 || sig >= NSIG)
        return REAL(sigaction)(sig, act, old);
    struct sigaction mine, was;
    void *fn_was = signal_fn[sig];
    int flags_was = signal_flags[sig];
    if (act) {
        mine = *act;
        if (is_function((void *)act->sa_handler)) {
            hook_release_merge(NULL, &signal_word[sig]);
            mine.sa_sigaction = on_signal;
            mine.sa_flags |= SA_SIGINFO;
            signal_flags[sig] = act->sa_flags;
            __atomic_store_n(&signal_fn[sig], (void *)act->sa_handler, __ATOMIC_RELEASE);
        } else if (act->sa_handler == SIG_DFL && own_kept[sig]) {
            mine = own_act[sig];
        }
    }
    int r = REAL(sigaction)(sig, act ? &mine : NULL, &was);
    if (r) {
        signal_fn[sig] = fn_was;
        signal_flags[sig] = flags_was;
        return r;
    }
    if (was.sa_sigaction == on_signal) {
        was.sa_handler = (void (*)(int))fn_was;
        if (!(flags_was & SA_SIGINFO))
            was.sa_flags &= ~SA_SIGINFO;
    } else if (is_function((void *)was.sa_handler) && icept_own((uintptr_t)was.sa_handler)) {
        own_act[sig] = was;
        own_kept[sig] = true;
        was = (struct sigaction){.sa_handler = SIG_DFL};
    }
    if (old)
        *old = was;
    return r;
}

ICEPT_EXPORT(int, sigaction, (int sig, const struct sigaction *act, struct sigaction *old))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_own(pc) || !det_ready)
        return REAL(sigaction)(sig, act, old);
    if (act && icept_mem(pc))
        det_read_range(pc, (uintptr_t)act, sizeof *act);
    int r = install(sig, act, old);
    if (r == 0 && old && icept_mem(pc))
        det_write_range(pc, (uintptr_t)old, sizeof *old);
    return r;
}

static void (*install_simple(int sig, void (*fn)(int), int flags))(int)
{
    struct sigaction act = {.sa_handler = fn, .sa_flags = flags}, old;
    sigaddset(&act.sa_mask, sig);
    return install(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}
typedef void (*signal_handler)(int);
#define SIGNAL(name, flags)                                   \
    ICEPT(signal_handler, name, (int sig, signal_handler fn)) \
    {                                                         \
        if (icept_own(ICEPT_PC()) || !det_ready)              \
            return REAL(name)(sig, fn);                       \
        return install_simple(sig, fn, flags);                \
    }
SIGNAL(signal, SA_RESTART)
SIGNAL(bsd_signal, SA_RESTART)
SIGNAL(ssignal, SA_RESTART)
SIGNAL(__sysv_signal, SA_RESETHAND | SA_NODEFER)

static void sends(int sig)
{
    if (sig > 0 && sig < NSIG)
        hook_release_merge(NULL, &signal_word[sig]);
}
static void receives(int sig)
{
    if (sig > 0 && sig < NSIG)
        hook_acquire(NULL, &signal_word[sig]);
}

#define SEND(name, params, args)    \
    ICEPT(int, name, params)        \
    {                               \
        if (icept_sync(ICEPT_PC())) \
            sends(sig);             \
        return REAL(name) args;     \
    }
SEND(raise, (int sig), (sig))
SEND(kill, (pid_t p, int sig), (p, sig))
SEND(killpg, (pid_t p, int sig), (p, sig))
SEND(tgkill, (pid_t p, pid_t t, int sig), (p, t, sig))
SEND(pthread_kill, (pthread_t t, int sig), (t, sig))
SEND(sigqueue, (pid_t p, int sig, union sigval v), (p, sig, v))
SEND(pthread_sigqueue, (pthread_t t, int sig, union sigval v), (t, sig, v))

ICEPT(int, sigwait, (const sigset_t *set, int *sig))
{
    uintptr_t pc = ICEPT_PC();
    int r = ICEPT_ASLEEP(sigwait, set, sig, 0, 0);
    if (r == 0 && icept_sync(pc))
        receives(*sig);
    if (r == 0 && icept_mem(pc))
        det_write_range(pc, (uintptr_t)sig, sizeof *sig);
    return r;
}
#define SIGWAITINFO(name, params, args)                         \
    ICEPT(int, name, params)                                    \
    {                                                           \
        ICEPT_MAY_SLEEP();                                      \
        uintptr_t pc = ICEPT_PC();                              \
        int r = REAL(name) args;                                \
        ICEPT_SLEPT();                                          \
        if (r > 0 && icept_sync(pc))                            \
            receives(r);                                        \
        if (r > 0 && info && icept_mem(pc))                     \
            det_write_range(pc, (uintptr_t)info, sizeof *info); \
        return r;                                               \
    }
SIGWAITINFO(sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info))
SIGWAITINFO(sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *t),
            (set, info, t))

/* --- fork ------------------------------------------------------------------------------------- */

static void fork_phase(int phase)
{
    icept_threads_fork(phase);
    icept_locks_fork(phase);
    icept_fd_fork(phase);
    heap_fork(phase);
}
/* A handler's accesses may be findings, and need what is held from before the copy until after it: no
   signal comes meanwhile but a fault's. */
static u64 mask_before; /* under the locks */
static void fork_before(void)
{
    u64 all = ~(1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) | 1ull << (SIGILL - 1));
    u64 old = 0;
    sys_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&old, 8, 0, 0);
    det_fork_before(); /* the finding that is being made needs what the others guard: it comes first */
    fork_phase(0);
    mask_before = old;
}
static void fork_parent(void)
{
    u64 mask = mask_before;
    fork_phase(1);
    det_fork_parent();
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8, 0, 0);
}
static void fork_child(void)
{
    u64 mask = mask_before;
    det_fork_child();
    fork_phase(2);
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8, 0, 0);
}

ICEPT_EXPORT(pid_t, vfork, (void))
{
    return fork();
}

void icept_signals_init(void)
{
    if (pthread_atfork(fork_before, fork_parent, fork_child))
        det_die("no memory for the fork handlers");
}

/* --- clone -------------------------------------------------------------------------------------- */

/* A child with memory of its own is one of fork. One that shares the memory but is no thread of libc's has
   the caller's own storage, and with it the record of the caller: if that waits until the child has called
   exec or exit (CLONE_VFORK), the child is nobody while it runs; if it goes on, the child gets a copy of the
   storage, in which it is nobody. What nobody does is not looked at: a line says so. */
struct cloned {
    int (*fn)(void *);
    void *arg;
};
static int clone_forked(void *p)
{
    struct cloned c = *(struct cloned *)p;
    fork_child();
    sys_exit_group(hook_exit(c.fn(c.arg)));
}

#if defined(__x86_64__)
static int lowest_storage(struct dl_phdr_info *info, size_t size, void *lowest)
{
    uintptr_t at = (uintptr_t)info->dlpi_tls_data, *lo = lowest;
    if (at && at < *lo && *lo - at < 1u << 20) /* the others are apart, and shared */
        *lo = at;
    return 0;
}
/* The variables lie below the thread pointer, the word at which is itself; of what libc keeps above it, the
   part that compiled code reads (the guard of stacks) is copied. */
static void *storage_copy(void)
{
    enum { ABOVE = 0x300, ROOM = 8192 };
    uintptr_t self, lo;
    __asm__("movq %%fs:0, %0" : "=r"(self));
    lo = self;
    dl_iterate_phdr(lowest_storage, &lo);
    char *to = (char *)(((uintptr_t)det_map(self - lo + ROOM) + (self - lo) + 4095) & ~4095ul) + self % 4096;
    det_copy(to - (self - lo), (void *)lo, self - lo + ABOVE);
    ((void **)to)[0] = ((void **)to)[2] = to;
    *(struct det_tls *)(to - (self - (uintptr_t)&det_tls)) = (struct det_tls){0};
    return to;
}
#else
static void *storage_copy(void)
{
    return NULL;
}
#endif

ICEPT(int, clone, (int (*fn)(void *), void *stack, int flags, void *arg, pid_t *parent, void *tls, pid_t *child))
{
    struct race_g *g = det_cur;
    if (!det_ready || icept_own(ICEPT_PC()) || (flags & CLONE_THREAD))
        return REAL(clone)(fn, stack, flags, arg, parent, tls, child);
    if (!(flags & CLONE_VM)) {
        struct cloned c = {fn, arg};
        fork_before();
        int r = REAL(clone)(clone_forked, stack, flags, &c, parent, tls, child), saved = errno;
        fork_parent();
        errno = saved;
        return r;
    }
    static u32 said;
    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        det_notice("clone has made a child that shares the memory and is no thread: what it does is not checked");
    if (!(flags & (CLONE_VFORK | CLONE_SETTLS)) && (tls = storage_copy()))
        flags |= CLONE_SETTLS; /* the copy stays: nobody tells when the child ends */
    if (flags & CLONE_VFORK)
        det_set_cur(NULL);
    int r = REAL(clone)(fn, stack, flags, arg, parent, tls, child);
    if (flags & CLONE_VFORK)
        det_set_cur(g);
    return r;
}

/* --- ptrace ------------------------------------------------------------------------------------- */

/* What a debugger's call reads and writes of the caller; what it does to the other process is nobody's. */
ICEPT(long, ptrace, (int what, pid_t pid, void *at, void *data))
{
    uintptr_t pc = ICEPT_PC();
    struct iovec *v = data;
    size_t in = 0, out = 0;
    switch (data && icept_mem(pc) ? what : 0) {
#if defined(__x86_64__)
    case PTRACE_GETREGS:
        out = sizeof(struct user_regs_struct);
        break;
    case PTRACE_SETREGS:
        in = sizeof(struct user_regs_struct);
        break;
    case PTRACE_GETFPREGS:
        out = sizeof(struct user_fpregs_struct);
        break;
    case PTRACE_SETFPREGS:
        in = sizeof(struct user_fpregs_struct);
        break;
#endif
    case PTRACE_GETSIGINFO:
        out = sizeof(siginfo_t);
        break;
    case PTRACE_SETSIGINFO:
        in = sizeof(siginfo_t);
        break;
    case PTRACE_GETEVENTMSG:
        out = sizeof(unsigned long);
        break;
    case PTRACE_GETSIGMASK:
        out = (size_t)at;
        break;
    case PTRACE_SETSIGMASK:
        in = (size_t)at;
        break;
    case PTRACE_SETREGSET:
        det_read_range(pc, (uintptr_t)v->iov_base, v->iov_len);
        break;
    }
    bool set = data && icept_mem(pc) && (what == PTRACE_GETREGSET || what == PTRACE_SETREGSET);
    if (set)
        det_read_range(pc, (uintptr_t)v, sizeof *v);
    if (in)
        det_read_range(pc, (uintptr_t)data, in);
    long r = REAL(ptrace)(what, pid, at, data);
    int saved = errno;
    if (r == 0 && out)
        det_write_range(pc, (uintptr_t)data, out);
    if (r == 0 && set && what == PTRACE_GETREGSET) {
        det_write_range(pc, (uintptr_t)v->iov_base, v->iov_len);
        det_write_range(pc, (uintptr_t)&v->iov_len, sizeof v->iov_len);
    }
    errno = saved;
    return r;
}

/* --- limits ------------------------------------------------------------------------------------- */

/* A program that limits its own address space, or data, means what it uses itself: the limit that the kernel
   is given is higher by what the detector has reserved, and some room for what it will need; the one that the
   program is told is lower by that. */
static u64 limit_more[2];
static int limit_kind(int what)
{
    return what == RLIMIT_AS ? 0 : what == RLIMIT_DATA ? 1 : -1;
}
static u64 reserved(void)
{
    char text[64] = "";
    long fd = sys_open("/proc/self/statm", O_RDONLY);
    u64 pages = 0;
    if (fd >= 0) {
        sys_read((int)fd, text, sizeof text - 1);
        sys_close((int)fd);
    }
    for (const char *p = text; *p >= '0' && *p <= '9'; p++)
        pages = pages * 10 + (u64)(*p - '0');
    return (pages ? pages * 4096 : 1ull << 46) + (4ull << 30);
}
static rlim_t higher(rlim_t l, u64 more)
{
    return l > RLIM_INFINITY - more ? RLIM_INFINITY : l + more;
}
static int limit(pid_t pid, int what, const struct rlimit *set, struct rlimit *old)
{
    int kind = pid == 0 || pid == sys_getpid() ? limit_kind(what) : -1;
    struct rlimit is = {0, 0}, to;
    if (kind >= 0 && set && set->rlim_cur <= set->rlim_max) {
        sys_call(SYS_prlimit64, 0, what, 0, (long)&is, 0, 0);
        if (!limit_more[kind])
            limit_more[kind] = reserved();
        to.rlim_max = higher(set->rlim_max, limit_more[kind]);
        if (to.rlim_max > is.rlim_max) /* which may not be raised */
            to.rlim_max = is.rlim_max;
        to.rlim_cur = higher(set->rlim_cur, limit_more[kind]);
        if (to.rlim_cur > to.rlim_max)
            to.rlim_cur = to.rlim_max;
        set = &to;
    }
    u64 more = kind >= 0 ? limit_more[kind] : 0;
    struct rlimit was;
    long r = sys_call(SYS_prlimit64, pid, what, (long)set, old ? (long)&was : 0, 0, 0);
    if (r < 0) {
        errno = (int)-r;
        return -1;
    }
    if (old) {
        if (was.rlim_cur != RLIM_INFINITY && was.rlim_cur >= more)
            was.rlim_cur -= more;
        if (was.rlim_max != RLIM_INFINITY && was.rlim_max >= more)
            was.rlim_max -= more;
        *old = was;
    }
    return 0;
}
_Static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "one function for both");
#define LIMIT(name, params, pid, set, old)                                    \
    ICEPT_EXPORT(int, name, params)                                           \
    {                                                                         \
        uintptr_t pc = ICEPT_PC();                                            \
        bool seen = icept_mem(pc);                                            \
        if (seen && (set))                                                    \
            det_read_range(pc, (uintptr_t)(set), sizeof(struct rlimit));      \
        int r = limit(pid, what, set, old);                                   \
        if (seen && r == 0 && (old))                                          \
            det_write_range(pc, (uintptr_t)(old), sizeof(struct rlimit));     \
        return r;                                                             \
    }
#define NO_LIMIT ((struct rlimit *)NULL)
LIMIT(getrlimit, (int what, struct rlimit *l), 0, NO_LIMIT, l)
LIMIT(getrlimit64, (int what, struct rlimit *l), 0, NO_LIMIT, l)
LIMIT(setrlimit, (int what, const struct rlimit *l), 0, l, NO_LIMIT)
LIMIT(setrlimit64, (int what, const struct rlimit *l), 0, l, NO_LIMIT)
LIMIT(prlimit, (pid_t pid, int what, const struct rlimit *l, struct rlimit *old), pid, l, old)
LIMIT(prlimit64, (pid_t pid, int what, const struct rlimit *l, struct rlimit *old), pid, l, old)

/* --- the end ---------------------------------------------------------------------------------- */

static int quick_status;

ICEPT_REAL(void, _exit, (int status));
ICEPT_EXPORT(void, _exit, (int status))
{
    if (!icept_own(ICEPT_PC()) && det_ready) {
        leak_exit_at_once();
        status = hook_exit(status);
    }
    REAL(_exit)(status);
    __builtin_unreachable();
}
ICEPT_REAL(void, _Exit, (int status));
ICEPT_EXPORT(void, _Exit, (int status))
{
    if (!icept_own(ICEPT_PC()) && det_ready) {
        leak_exit_at_once();
        status = hook_exit(status);
    }
    REAL(_Exit)(status);
    __builtin_unreachable();
}

/* Called by the program, not by libc when main returns: the caller's frames still stand, and what
   they hold can still be used by the handlers. */
ICEPT(void, exit, (int status))
{
    leak_exit_called((uintptr_t)__builtin_frame_address(0) + 16);
    REAL(exit)(status);
    __builtin_unreachable();
}

/* The handlers of quick_exit run last in, first out: ours, registered at the start, ends it. */
static void quick_end(void)
{
    leak_exit_at_once();
    REAL(_exit)(hook_exit(quick_status));
}
ICEPT(void, quick_exit, (int status))
{
    quick_status = status;
    REAL(quick_exit)(status);
    __builtin_unreachable();
}

/* What is to run at the end knows what whoever asked for it knew: static objects of C++ are
   destroyed by another thread than the one that made them, and libc's list of these calls is the
   order between. */
struct at_exit {
    u32 link;
    void (*fn)(void *, int);
    void *arg;
};
static struct slab at_exits;
static u64 at_exit_word;

static void run_at_exit(void *arg, int status)
{
    struct at_exit e = *(struct at_exit *)arg;
    hook_acquire(NULL, &at_exit_word);
    slab_free(&at_exits, (u32)(((char *)arg - at_exits.base) / at_exits.size));
    e.fn(e.arg, status);
}

ICEPT(int, __cxa_atexit, (void (*fn)(void *, int), void *arg, void *module))
{
    u32 i = icept_sync(ICEPT_PC()) && at_exits.base ? slab_alloc(&at_exits) : 0;
    if (!i)
        return REAL(__cxa_atexit)(fn, arg, module);
    struct at_exit *e = slab_at(&at_exits, i);
    *e = (struct at_exit){.fn = fn, .arg = arg};
    hook_release_merge(NULL, &at_exit_word);
    int r = REAL(__cxa_atexit)(run_at_exit, e, module);
    if (r)
        slab_free(&at_exits, i);
    return r;
}

/* The same with the arguments the other way round. */
static void run_on_exit(int status, void *arg)
{
    struct at_exit e = *(struct at_exit *)arg;
    hook_acquire(NULL, &at_exit_word);
    slab_free(&at_exits, (u32)(((char *)arg - at_exits.base) / at_exits.size));
    ((void (*)(int, void *))(void *)e.fn)(status, e.arg);
}
ICEPT(int, on_exit, (void (*fn)(int, void *), void *arg))
{
    u32 i = icept_sync(ICEPT_PC()) && at_exits.base ? slab_alloc(&at_exits) : 0;
    if (!i)
        return REAL(on_exit)(fn, arg);
    struct at_exit *e = slab_at(&at_exits, i);
    *e = (struct at_exit){.fn = (void (*)(void *, int))(void *)fn, .arg = arg};
    hook_release_merge(NULL, &at_exit_word);
    int r = REAL(on_exit)(run_on_exit, e);
    if (r)
        slab_free(&at_exits, i);
    return r;
}

void icept_exit_init(void)
{
    slab_init(&at_exits, "calls at exit", sizeof(struct at_exit), 1u << 24);
    at_quick_exit(quick_end);
}

/* --- modules that go -------------------------------------------------------------------------- */

#define MODULES 4096
struct module_list {
    u32 n;
    struct icept_range at[MODULES];
};

static int module_note(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct module_list *l = arg;
    uintptr_t lo = UINTPTR_MAX, hi = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t a = info->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD)
            continue;
        lo = a < lo ? a : lo;
        hi = a + p->p_memsz > hi ? a + p->p_memsz : hi;
    }
    if (lo < hi && l->n < MODULES)
        l->at[l->n++] = (struct icept_range){lo, hi - lo};
    return 0;
}

ICEPT(int, dlclose, (void *handle))
{
    if (icept_own(ICEPT_PC()) || !det_ready)
        return REAL(dlclose)(handle);
    struct module_list *before = det_map(2 * sizeof *before), *after = before + 1;
    dl_iterate_phdr(module_note, before);
    output_modules_note();
    int r = REAL(dlclose)(handle);
    dl_iterate_phdr(module_note, after);
    bool changed = false;
    for (u32 i = 0; i < before->n; i++) {
        bool still = false;
        for (u32 j = 0; j < after->n && !still; j++)
            still = before->at[i].lo == after->at[j].lo;
        if (!still) {
            det_forget(before->at[i].lo, before->at[i].size);
            changed = true;
        }
    }
    if (changed) {
        icept_modules();
        det_modules_changed();
    }
    det_unmap(before, 2 * sizeof *before);
    return r;
}
