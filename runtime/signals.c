/*
 * signals.c - faults, stack overflow, and the dump on SIGQUIT.
 *
 * A goroutine's stack ends in a guard page, so running over it is a fault at an address there; the
 * handler needs a stack of its own to say so (each thread has an alternate one, sched_init.c). Any
 * other fault prints the goroutine's trace and is then left to kill the program as it would have,
 * so that the status and the core file are the same; in a race build it goes to the detector, which
 * was there before us.
 *
 * SIGQUIT is Go's: every goroutine, what it waits for and since when, then exit status 2. It works
 * when the scheduler does not: the dump takes no lock, and a handler needs no P. Sent to one of our
 * threads by the dump itself, it makes that thread stand still while its stack is walked (dump.c).
 *
 * A program that has an action of its own for one of these signals keeps it. They are installed
 * with the first go statement: until then there is no goroutine but main, and nothing to add.
 */
#include "sched_impl.h"
#include "sigcontext.h"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static struct rt_sigaction before[65];

/* Room below the stack pointer in which a function may touch, and the kernel lays a handler's frame. */
enum { REACH = 64 << 10 };

/* The limit of the stack that g has run over, or 0 if that is not what happened. A goroutine's ends in
   its guard; where no frame for a handler fits any more, the kernel gives no address. The process's own
   stack grows up to its resource limit, down from the strings that the kernel laid on it. */
static size_t overflown(const struct g *g, const siginfo_t *info, const ucontext_t *uc)
{
    uintptr_t addr = (uintptr_t)info->si_addr, sp = context_sp(uc);
    if (!g || info->si_code <= 0)
        return 0;
    if (g->run.stack_hi) {
        uintptr_t lo = (uintptr_t)g->run.stack_hi - g->run.stack_size;
        if (addr - lo < GUARD || (info->si_code == SI_KERNEL && sp - lo < GUARD + REACH / 4))
            return g->run.stack_size;
        return 0;
    }
    uint64_t limit[2];
    uintptr_t hi = getauxval(AT_EXECFN);
    if (!(g->flags & GF_MAIN) || !hi ||
        rt_sys4(SYS_prlimit64, 0, RLIMIT_STACK, NULL, limit) < 0 || limit[0] >= hi)
        return 0;
    uintptr_t lo = ((hi + 4095) & ~(uintptr_t)4095) - limit[0];
    if (sp - lo + REACH < 4 * REACH && (info->si_code == SI_KERNEL || sp - addr + REACH < 2 * REACH))
        return limit[0];
    return 0;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    struct m *m = m_raw();
    struct g *g = m ? m->cur : NULL;
    bool first = end_claim(true);
    uintptr_t addr = (uintptr_t)info->si_addr;
    rt_gather(first); /* a fault in a dump: what there is of it */
    size_t limit = first && sig == SIGSEGV ? overflown(g, info, context) : 0;
    if (limit) {
        rt_print("fatal error: goroutine stack exceeds %zu-byte limit\n", limit);
        dump_fault(g, context);
        die(2);
    }
    const struct rt_sigaction *old = &before[sig];
    if (old->handler) {
        rt_gather(false);
        rt_signal(sig, old, NULL);
        if (old->flags & SA_SIGINFO)
            ((void (*)(int, siginfo_t *, void *))old->handler)(sig, info, context);
        else
            ((void (*)(int))old->handler)(sig);
        return;
    }
    if (first) {
        rt_print("fatal error: unexpected signal\n[signal %s code=0x%x addr=0x%lx pc=0x%lx]\n",
                 sig == SIGSEGV  ? "SIGSEGV: segmentation violation"
                 : sig == SIGBUS ? "SIGBUS: bus error"
                 : sig == SIGFPE ? "SIGFPE: floating-point exception"
                                 : "SIGILL: illegal instruction",
                 (unsigned)info->si_code, (unsigned long)addr, (unsigned long)context_pc(context));
        if (g)
            dump_fault(g, context);
    }
    rt_gather(false);
    struct rt_sigaction none = {0};
    rt_signal(sig, &none, NULL); /* the instruction is tried again, and kills */
    if (info->si_code <= 0)
        rt_sys2(SYS_tkill, rt_sys0(SYS_gettid), sig);
}

static void on_quit(int sig, siginfo_t *info, void *context)
{
    struct m *m = m_raw();
    struct g *g = m ? m->cur : NULL;
    if (dump_hold(m, context))
        return;
    if (!end_claim(false))
        return;
    rt_gather(true);
    rt_print("SIGQUIT: quit\n");
#ifdef GOC_RACE
    const ucontext_t *uc = context;
#if defined __x86_64__
    hook_quit((const uintptr_t *)uc->uc_mcontext.gregs, NGREG, context_sp(uc));
#else
    hook_quit((const uintptr_t *)uc->uc_mcontext.regs, 31, context_sp(uc));
#endif
#endif
    dump_fault(g, context);
    dump_all(g, DUMP_OTHERS);
#ifdef GOC_RACE
    dump_threads(g ? NULL : context);
#endif
    die(2);
}

static bool install(int sig, void (*handler)(int, siginfo_t *, void *))
{
    struct rt_sigaction act = {.handler = handler, .flags = SA_SIGINFO | SA_ONSTACK};
    rt_signal(sig, NULL, &before[sig]);
    uintptr_t old = (uintptr_t)before[sig].handler;
    if (old && !(old > 1 && in_runtime(old))) /* 1: ignored. The detector's is passed on to */
        return false;
    rt_signal(sig, &act, NULL);
    return true;
}

static bool quit_is_ours;

bool signals_interrupt(int tid, struct m *m)
{
    if (!quit_is_ours)
        return m && preempt_signal(m);
    return rt_sys3(SYS_tgkill, rt_sys0(SYS_getpid), tid, SIGQUIT) == 0;
}

void signals_timed(void)
{
    quit_is_ours = install(SIGQUIT, on_quit);
}

void signals_init(void)
{
    install(SIGSEGV, on_fault);
    install(SIGBUS, on_fault);
    install(SIGFPE, on_fault);
    install(SIGILL, on_fault);
    quit_is_ours = install(SIGQUIT, on_quit);
}
