/*
 * snapshot.c - the process as it was at one instant.
 *
 * To find out what goroutines can still reach, gigabytes have to be read while nothing moves, and the
 * program must not stand still for longer than a few hundred milliseconds. So the program is held only for
 * as long as it takes to copy it: a child made by clone shares the pages copy-on-write, has the same
 * addresses, and can take its time. It has one thread, so nothing in it changes; it writes its answer
 * into shared memory and ends. The child has no exit signal: the program gets no SIGCHLD and its
 * wait() does not see it.
 *
 * What a copy lacks is the registers of the other threads: a pointer may be nowhere else. Threads that
 * run are therefore interrupted first (SIGSTKFLT, which nothing uses), leave their registers in a slot
 * and wait until the copy is made. Threads that sleep in the kernel are left alone, because an
 * interrupted poll or nanosleep would return EINTR to a program that never asked for signals. So
 * the functions of libc that sleep put the caller's registers on the stack before they do
 * (ICEPT_MAY_SLEEP; tests/e2e/sleeping_registers.c goes through them), and all of the stack is looked
 * at. Of a thread that sleeps in a call which is not among them, a pointer that is only in a register is
 * not seen. The kernel tells which is which, and where their stacks are (/proc/self/task/TID/syscall).
 *
 * Rejected: a tracer process with ptrace (not allowed in many containers), reading while the
 * program is stopped (a second per gigabyte; and what the search trips over would be the program's crash,
 * so it is not done either where clone fails), write barriers (the price of a garbage collector).
 */
#include "snapshot.h"
#include "roots.h"
#include "sys.h"
#include <signal.h>
#include <sys/prctl.h>
#include <ucontext.h>

#define THREADS_MAX 8192
#define HOLD_SIGNAL SIGSTKFLT
#define HOLD_NS 250000000ull /* for longer nobody is kept waiting for the last thread */
#define CHILD_SECONDS 30

static struct {
    u32 round, acks, go; /* go: the last round that is over */
    u32 n;
    bool blind; /* the kernel does not say which threads sleep */
    struct snapshot_thread *slot;
} stop;

/* --- holding threads ------------------------------------------------------------------------------- */

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static void hold(int sig, siginfo_t *info, void *context)
{
    int tid = (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    u32 round = __atomic_load_n(&stop.round, __ATOMIC_ACQUIRE);
    u32 go = __atomic_load_n(&stop.go, __ATOMIC_ACQUIRE);
    if (go == round)
        return; /* too late */
    for (u32 i = 0; i < stop.n; i++) {
        struct snapshot_thread *t = &stop.slot[i];
        if (t->tid != tid || t->round != round || t->held)
            continue;
#if defined(__x86_64__)
        const ucontext_t *uc = context;
        u32 n = 0;
        for (u32 k = 0; k < NGREG; k++)
            t->regs[n++] = (uintptr_t)uc->uc_mcontext.gregs[k];
        t->sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
        const uintptr_t *fp = (const uintptr_t *)uc->uc_mcontext.fpregs;
        for (u32 k = 20; fp && k < 20 + 32; k++) /* xmm0-15 */
            t->regs[n++] = fp[k];
#else
        const ucontext_t *uc = context;
        for (u32 k = 0; k < 31; k++)
            t->regs[k] = uc->uc_mcontext.regs[k];
        t->sp = uc->uc_mcontext.sp;
#endif
        __atomic_store_n(&t->held, true, __ATOMIC_RELEASE);
        __atomic_fetch_add(&stop.acks, 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&stop.go, __ATOMIC_ACQUIRE) == go)
            sys_call(SYS_futex, (long)&stop.go, FUTEX_WAIT, go, 0, 0, 0);
        return;
    }
}

struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    u64 mask;
};
#if defined(__x86_64__)
/* libc's is not to be had without libc's sigaction. */
__asm__(".text\n\t.type snapshot_sigreturn, @function\n"
        "snapshot_sigreturn:\n\tmov $15, %eax\n\tsyscall\n");
extern void snapshot_sigreturn(void) __attribute__((visibility("hidden")));
#endif

static bool install(void)
{
    struct kernel_sigaction sa = {hold, SA_SIGINFO | SA_ONSTACK | SA_RESTART, NULL, ~0ull}, old = {0};
#if defined(__x86_64__)
    sa.flags |= 0x04000000; /* SA_RESTORER */
    sa.restorer = snapshot_sigreturn;
#endif
    sys_call(SYS_rt_sigaction, HOLD_SIGNAL, 0, (long)&old, 8, 0, 0);
    if (old.handler && old.handler != hold)
        return false; /* the program has a use for it after all */
    return sys_call(SYS_rt_sigaction, HOLD_SIGNAL, (long)&sa, 0, 8, 0, 0) == 0;
}

/* --- what the kernel knows of a thread --------------------------------------------------------------- */

enum asleep { RUNS, SLEEPS, GONE, NOT_SAID };

/* The file says "running", or the call's number, six arguments, the stack pointer and the pc. */
static enum asleep thread_sleeps(int tid, uintptr_t *sp)
{
    char path[64], text[256];
    det_format(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    long fd = sys_open(path, 0);
    if (fd < 0)
        return fd == -2 || fd == -3 ? GONE : NOT_SAID;
    long n = sys_read((int)fd, text, sizeof text - 1);
    sys_close((int)fd);
    if (n <= 0)
        return n == -3 ? GONE : NOT_SAID;
    if (text[0] == 'r')
        return RUNS;
    text[n] = 0;
    uintptr_t v[16] = {0};
    u32 words = 0;
    for (char *p = text; *p && words < 16;) {
        while (*p == ' ' || *p == '\n')
            p++;
        if (!*p)
            break;
        if (p[0] == '0' && p[1] == 'x')
            p += 2;
        for (; *p && *p != ' ' && *p != '\n'; p++)
            v[words] = v[words] << 4 | (uintptr_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
        words++;
    }
    if (words < 3)
        return NOT_SAID;
    *sp = v[words - 2];
    return SLEEPS;
}

/* Calls fn for every thread of the process. */
static bool each_thread(bool (*fn)(int tid))
{
    static char buf[32768];
    long fd = sys_open("/proc/self/task", 0200000 /* O_DIRECTORY */);
    if (fd < 0)
        return false;
    bool good = true;
    for (long n; good && (n = sys_call(SYS_getdents64, fd, (long)buf, sizeof buf, 0, 0, 0)) > 0;)
        for (long at = 0; good && at < n;) {
            const char *name = buf + at + 19;
            int tid = 0;
            while (*name >= '0' && *name <= '9')
                tid = tid * 10 + *name++ - '0';
            if (tid)
                good = fn(tid);
            at += *(uint16_t *)(buf + at + 16);
        }
    sys_close((int)fd);
    return good;
}

static int self;
static u32 moving, signalled;

static struct snapshot_thread *slot_of(int tid)
{
    for (u32 i = 0; i < stop.n; i++)
        if (stop.slot[i].tid == tid)
            return &stop.slot[i];
    if (stop.n == THREADS_MAX)
        return NULL;
    struct snapshot_thread *t = &stop.slot[stop.n];
    t->tid = tid;
    t->round = stop.round;
    t->held = t->idle = false;
    t->sp = 0;
    for (u32 k = 0; k < SNAPSHOT_REGS; k++)
        t->regs[k] = 0;
    __atomic_store_n(&stop.n, stop.n + 1, __ATOMIC_RELEASE);
    moving++;
    return t;
}

static bool look(int tid)
{
    if (tid == self)
        return true;
    struct snapshot_thread *t = slot_of(tid);
    if (!t)
        return false;
    if (__atomic_load_n(&t->held, __ATOMIC_ACQUIRE))
        return true;
    uintptr_t sp = 0;
    enum asleep s = stop.blind ? RUNS : thread_sleeps(tid, &sp);
    if (s == NOT_SAID) {
        stop.blind = true;
        s = RUNS;
    }
    if (s == GONE) {
        t->sp = 0;
        return true;
    }
    if (s == SLEEPS) {
        if (t->sp != sp)
            moving++; /* look again: it may just have gone to sleep, or be about to wake */
        t->sp = sp;
        return true;
    }
    moving++;
    signalled++;
    sys_call(SYS_tgkill, sys_getpid(), tid, HOLD_SIGNAL, 0, 0, 0);
    return true;
}

static bool hold_all(u64 began)
{
    while (sys_now_ns() - began < HOLD_NS) {
        u32 acks = __atomic_load_n(&stop.acks, __ATOMIC_ACQUIRE);
        moving = signalled = 0;
        if (!each_thread(look))
            return false;
        if (moving == 0)
            return true;
        for (u32 k = 0; k < 400 && signalled; k++) {
            if (__atomic_load_n(&stop.acks, __ATOMIC_ACQUIRE) - acks >= signalled)
                break;
            sys_sleep_us(50);
        }
    }
    return false;
}

static void let_go(void)
{
    __atomic_store_n(&stop.go, stop.round, __ATOMIC_RELEASE);
    sys_call(SYS_futex, (long)&stop.go, FUTEX_WAKE, 0x7fffffff, 0, 0, 0);
}

/* --- the copy ---------------------------------------------------------------------------------------- */

static bool child_waited(long pid)
{
    for (long ms = 0; ms < CHILD_SECONDS * 1000; ms += ms < 20 ? 1 : 5) {
        int status = 0;
        long r = sys_call(SYS_wait4, pid, (long)&status, 1 /* WNOHANG */ | 0x40000000 /* __WALL */, 0,
                          0, 0);
        if (r == pid)
            return status == 0;
        if (r < 0 && r != -4)
            return false;
        sys_sleep_us(ms < 20 ? 1000 : 5000);
    }
    sys_call(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
    sys_call(SYS_wait4, pid, 0, 0x40000000, 0, 0, 0);
    return false;
}

static void maps_copied(int advice)
{
    sys_madvise((void *)SHADOW_BASE, SYNC_META_BASE - SHADOW_BASE, advice);
    sys_madvise((void *)SYNC_META_BASE, HEAP_META_BASE - SYNC_META_BASE, advice);
}

/* In the copy: threads were held at any instruction, perhaps in the middle of changing what is read here.
   Where that makes the search fail, the copy ends and there is no answer; it is not the program that has
   crashed, and its handlers are not to be called. */
static void faults_are_mine(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct kernel_sigaction dfl = {0};
    for (u32 i = 0; i < sizeof signals / sizeof *signals; i++)
        sys_call(SYS_rt_sigaction, signals[i], (long)&dfl, 0, 8, 0, 0);
}

bool snapshot_run(void (*fn)(const struct snapshot *s, void *out), void *out, size_t n, u64 *held_ns)
{
    if (!stop.slot)
        stop.slot = det_map(THREADS_MAX * sizeof *stop.slot);
    if (!install())
        return false;
    long shared = sys_mmap(NULL, n, SYS_PROT_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared < 0 && shared > -4096)
        return false;
    roots_own((void *)shared, n);
    stop.n = 0;
    self = (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    __atomic_store_n(&stop.round, stop.round + 1, __ATOMIC_RELEASE);
    u64 began = sys_now_ns();
    bool good = hold_all(began);
    long pid = -1;
    if (good) {
        struct snapshot s = {stop.slot, stop.n, self};
        /* The larger part of the memory is of no use there, and its page tables cost the most. */
        maps_copied(MADV_DONTFORK);
        pid = sys_call(SYS_clone, 0, 0, 0, 0, 0, 0);
        if (pid != 0)
            maps_copied(MADV_DOFORK);
        if (pid == 0) {
            sys_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
            faults_are_mine();
            fn(&s, (void *)shared);
            sys_exit_group(0);
        }
    }
    let_go();
    *held_ns = sys_now_ns() - began;
    good = pid > 0 && child_waited(pid);
    if (good)
        det_copy(out, (void *)shared, n);
    roots_disown((void *)shared);
    sys_munmap((void *)shared, n);
    return good;
}
