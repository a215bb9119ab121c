/*
 * crash.c - a signal that is about to kill the program.
 *
 * The findings made so far are with the launcher already; what is added is where it happened: a
 * REC_CRASH with the goroutine and its shadow stack. Then the default action takes its course, so the
 * exit status is the one the program would have had. A handler that the program (or the
 * runtime, for stack overflow) installs later replaces ours, and is then in charge.
 */
#include "goroutine.h"
#include "output.h"
#include "sys.h"
#include <signal.h>
#include <ucontext.h>

struct kernel_sigaction {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    u64 mask;
};

#if defined(__x86_64__)
#define SA_RESTORER_FLAG 0x04000000ul
__asm__(".pushsection .text\n"
        ".hidden det_sigreturn\n"
        ".type det_sigreturn, @function\n"
        "det_sigreturn:\n\tmov $15, %eax\n\tsyscall\n"
        ".size det_sigreturn, .-det_sigreturn\n"
        ".popsection");
extern void det_sigreturn(void);
#endif

struct crash {
    int sig;
    siginfo_t *info;
    uintptr_t pc;
};

static void record(void *arg)
{
    struct crash *c = arg;
    struct race_g *g = det_cur;
    static uintptr_t st[DET_STACK_MAX];
    struct record_crash head = {(u32)c->sig, (u32)c->info->si_code, (u64)c->info->si_addr, c->pc,
                                g && g->life ? g->life->goid : 0};
    if (c->sig == SIGABRT)
        head.addr = 0;
    output_items.n = 0;
    items_add(&output_items, ITEM_CRASH, &head, sizeof head, NULL, 0);
    if (g && g->life) {
        struct record_part p = {.role = PART_RELATED,
                                .flags = g->life->flags | PART_EXACT_PC,
                                .goid = g->life->goid,
                                .addr = head.addr};
        size_t n = det_g_stack(g, c->pc, st, DET_STACK_MAX);
        p.depth = (uint16_t)n;
        items_add(&output_items, ITEM_PART, &p, sizeof p, st, n * sizeof *st);
    }
    output_modules();
    output_record(REC_CRASH, 0, output_items.at, output_items.n);
}

/* Also for a handler that is in charge instead of ours and has decided that this is the end. */
void det_crash(int sig, siginfo_t *info, void *context)
{
    static u32 once;
    if (!output_launched() && det_findings() == 0)
        return; /* nobody listens, and there is nothing else to tell */
    if (__atomic_exchange_n(&once, 1, __ATOMIC_ACQ_REL))
        return;
    struct crash c = {sig, info, 0};
    ucontext_t *u = context;
#if defined(__x86_64__)
    c.pc = (uintptr_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    c.pc = (uintptr_t)u->uc_mcontext.pc;
#endif
    output_lock();
    det_on_stack(record, &c);
    output_unlock();
}

static void handler(int sig, siginfo_t *info, void *context)
{
    det_crash(sig, info, context);
    struct kernel_sigaction dfl = {0};
    sys_call(SYS_rt_sigaction, sig, (long)&dfl, 0, 8, 0, 0);
    /* A fault happens again when we return; what was sent has to be sent again. */
    if (info->si_code <= 0) {
        long pid = sys_getpid(), tid = sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
        sys_call(SYS_tgkill, pid, tid, sig, 0, 0, 0);
    }
}

#define ALTERNATE (64u << 10)

void crash_init(void)
{
#if defined(__x86_64__)
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    /* Mapped: what handlers leave there, registers of whom they interrupted, is not the program's data (roots.c). */
    stack_t ss = {.ss_sp = det_map(ALTERNATE), .ss_size = ALTERNATE}, old;
    sys_call(SYS_sigaltstack, 0, (long)&old, 0, 0, 0, 0);
    if (old.ss_flags & SS_DISABLE)
        sys_call(SYS_sigaltstack, (long)&ss, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        struct kernel_sigaction sa = {handler, SA_SIGINFO | SA_ONSTACK | SA_RESTORER_FLAG,
                                      det_sigreturn, 0};
        sys_call(SYS_rt_sigaction, fatal[i], (long)&sa, 0, 8, 0, 0);
    }
#endif
}
