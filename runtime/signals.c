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
 * when the scheduler does not: the dump takes no lock, and a handler needs no P.
 *
 * A program that has an action of its own for one of these signals keeps it. They are installed
 * with the first go statement: until then there is no goroutine but main, and nothing to add.
 */
#include "sched_impl.h"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

static struct rt_sigaction before[65];

static uintptr_t context_pc(const ucontext_t *uc)
{
#if defined __x86_64__
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
    return (uintptr_t)uc->uc_mcontext.pc;
#endif
}

static uint32_t faulted; /* one report; a fault in the report itself just kills */

static void on_fault(int sig, siginfo_t *info, void *context)
{
    struct m *m = m_raw();
    struct g *g = m ? m->cur : NULL;
    bool first = !__atomic_exchange_n(&faulted, 1, __ATOMIC_ACQ_REL);
    uintptr_t addr = (uintptr_t)info->si_addr;
    if (first && g && g->run.stack_hi && info->si_code > 0) {
        uintptr_t lo = (uintptr_t)g->run.stack_hi - g->run.stack_size;
        if (addr - lo < 4096) {
            rt_print("fatal error: goroutine stack exceeds %zu-byte limit\n", g->run.stack_size);
            dump_fault(g, context);
            die(2);
        }
    }
    const struct rt_sigaction *old = &before[sig];
    if (old->handler) {
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
    struct rt_sigaction none = {0};
    rt_signal(sig, &none, NULL); /* the instruction is tried again, and kills */
    if (info->si_code <= 0)
        rt_sys2(SYS_tkill, rt_sys0(SYS_gettid), sig);
}

static void on_quit(int sig, siginfo_t *info, void *context)
{
    struct m *m = m_raw();
    struct g *g = m ? m->cur : NULL;
    if (__atomic_exchange_n(&faulted, 1, __ATOMIC_ACQ_REL))
        return;
    rt_print("SIGQUIT: quit\n");
    dump_fault(g, context);
    dump_all(g, DUMP_OTHERS);
    die(2);
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *))
{
    struct rt_sigaction act = {.handler = handler, .flags = SA_SIGINFO | SA_ONSTACK};
    rt_signal(sig, NULL, &before[sig]);
    uintptr_t old = (uintptr_t)before[sig].handler;
    if (old && !(old > 1 && in_runtime(old))) /* 1: ignored. The detector's is passed on to */
        return;
    rt_signal(sig, &act, NULL);
}

void signals_init(void)
{
    install(SIGSEGV, on_fault);
    install(SIGBUS, on_fault);
    install(SIGFPE, on_fault);
    install(SIGILL, on_fault);
    install(SIGQUIT, on_quit);
}
