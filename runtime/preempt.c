/*
 * preempt.c - interrupting a goroutine that does not yield.
 *
 * Compiled C has no safe points, and adding them costs every loop. A signal stops a thread
 * anywhere, but a goroutine that leaves its thread inside malloc or stdio takes a lock with it, and
 * one that leaves it inside the scheduler wrecks the scheduler. So the handler looks where the
 * thread was: if the program counter is in the text of the program itself, and not in the runtime
 * linked into it, no lock of libc's is held by code below it that could be half way through (a
 * callback called by libc is the exception: qsort's may be interrupted, which is harmless).
 * Anywhere else nothing is done, and the monitor tries again in a few milliseconds.
 *
 * Under detection the program is in the detector most of the time, and a loop may have to be hit forty
 * times before a signal finds it in code of its own. So while the monitor wants somebody to stop, the
 * detector asks at each access that takes longer than a look (preempt_turn); a loop all of whose accesses
 * are known already is in its own code often enough.
 *
 * The handler does not switch: it makes the interrupted code look as if it had called
 * preempt_entry (preempt_*.S) and returns, so the signal is over and its mask gone. On x86-64 the
 * entry keeps the 128 bytes below the stack pointer, which the compiler may use without saying so,
 * saves every register, flags and vector state, and yields like anybody else. AArch64 cannot jump
 * to where it was without a register to hold the address, so there the handler copies what the
 * kernel saved for the signal onto the goroutine's stack, and the entry, having yielded, returns
 * from that signal a second time: the kernel puts every register back, those of SVE included.
 *
 * Not preempted: fully static programs (libc's text cannot be told apart), code that runs with
 * other signals blocked than its thread began with (a signal handler is such), goroutines with less
 * stack left than the frame needs, and programs that take SIGURG for themselves.
 */
#include "sched_impl.h"
#include "sigcontext.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined __x86_64__
#include <cpuid.h>
#endif

/* All code of the library is in sections of this name (see the Makefile). */
extern const char __start_goc_text[] __attribute__((visibility("hidden")));
extern const char __stop_goc_text[] __attribute__((visibility("hidden")));

bool in_runtime(uintptr_t pc)
{
    return pc - (uintptr_t)__start_goc_text <
           (uintptr_t)__stop_goc_text - (uintptr_t)__start_goc_text;
}

#ifdef GOC_RACE

/* In a call that the compiler put into the program's code, so that what holds for its own instructions
   holds here, and nothing has to be kept but what a call keeps. */
void preempt_turn(void)
{
    struct m *m = m_raw();
    if (!m || !m->cur || m->foreign || m->inside)
        return;
    struct p *p = m->p;
    if ((p ? load_relaxed(&p->preempt) : m->bereft) && rt_sigmask() == m->sigmask)
        g_park(yield_spent, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, 0);
}

#endif

void preempt_entry(void);
static uintptr_t text_lo, text_hi;
static bool usable;

static int find_text(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool dynamic = false;
    for (int i = 0; i < info->dlpi_phnum; i++) { /* the first object is the program */
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_INTERP)
            dynamic = true;
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X) {
            text_lo = info->dlpi_addr + ph->p_vaddr;
            text_hi = text_lo + ph->p_memsz;
        }
    }
    if (!dynamic)
        text_lo = text_hi = 0;
    return 1;
}

/* Room that the interrupted code's state takes on its stack: 0, it cannot be kept. */
#if defined __x86_64__

uint64_t preempt_mask; /* state components that xsave saves */
uint64_t preempt_size; /* and the room they need */

static void measure_state(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27))
        return;
    uint32_t lo, hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    uint64_t mask = (uint64_t)hi << 32 | lo;
    mask &= ~((uint64_t)3 << 17); /* AMX tiles: a program must ask for them, and 8 KiB is a lot */
    uint64_t size = 576;
    for (unsigned i = 2; i < 63; i++)
        if (mask >> i & 1) {
            __cpuid_count(0xd, i, a, b, c, d);
            if (a + b > size)
                size = a + b;
        }
    preempt_mask = mask;
    preempt_size = (size + 63) & ~(uint64_t)63;
}

void preempt_park(void)
{
    g_park(yield_spent, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, 0);
}

static void interrupt(siginfo_t *info, ucontext_t *uc)
{
    uintptr_t sp = context_sp(uc) - 128 - 8;
    *(uintptr_t *)sp = context_pc(uc);
    context_redirect(uc, (uintptr_t)preempt_entry, sp);
}

#else

struct sigframe { /* as the kernel lays it */
    siginfo_t info;
    ucontext_t uc;
};
static const uint64_t preempt_size = sizeof(struct sigframe) + 16;

static void measure_state(void)
{
}

/* The goroutine may have come to another thread, with another signal stack, which stays as it is, and
   in principle with other signals blocked. */
void preempt_park(struct sigframe *f)
{
    g_park(yield_spent, NULL, HOOK_WAIT_RUNNABLE, NULL, 0, 0);
    rt_copy(&f->uc.uc_sigmask, &m_raw()->sigmask, sizeof m_raw()->sigmask);
}

/* What is saved beside the registers: is it the goroutine's? */
enum record_kind { RECORD_KEEP, RECORD_DROP, RECORD_STAY };
static enum record_kind record_kind(uint32_t magic, uint32_t size)
{
    switch (magic) {
    case 0x46508001: /* FPSIMD */
    case 0x53564501: /* SVE */
    case 0x46504d52: /* FPMR */
    case 0x45535201: /* ESR: what the fault was */
        return RECORD_KEEP;
    case 0x54504902: /* TPIDR2: the thread's own, which another thread must not get */
        return RECORD_DROP;
    case 0x54366345: /* ZA, which is off if there is nothing behind the head */
        return size == 16 ? RECORD_KEEP : RECORD_STAY;
    default: /* unknown, or says where it lies */
        return RECORD_STAY;
    }
}

/* Copies the records; false: there is one that cannot go elsewhere. */
static bool records_copy(char *to, const char *from, size_t n)
{
    struct {
        uint32_t magic, size;
    } r;
    for (size_t at = 0; at + sizeof r <= n; at += r.size) {
        rt_copy(&r, from + at, sizeof r);
        if (r.magic == 0) {
            rt_copy(to, &r, sizeof r);
            return true;
        }
        enum record_kind kind = record_kind(r.magic, r.size);
        if (kind == RECORD_STAY || r.size < sizeof r || r.size > n - at)
            return false;
        if (kind == RECORD_KEEP) {
            rt_copy(to, from + at, r.size);
            to += r.size;
        }
    }
    return false;
}

static void interrupt(siginfo_t *info, ucontext_t *uc)
{
    struct sigframe *f = (void *)((context_sp(uc) - sizeof *f) & ~(uintptr_t)15);
    mcontext_t *mc = &f->uc.uc_mcontext;
    rt_copy(&f->info, info, sizeof *info);
    rt_copy(&f->uc, uc, offsetof(ucontext_t, uc_mcontext.__reserved));
    if (!records_copy((char *)mc->__reserved, (const char *)uc->uc_mcontext.__reserved, sizeof mc->__reserved))
        return;
    f->uc.uc_stack.ss_flags = 0x40000000; /* no such flag: the kernel leaves the signal stack alone */
    context_redirect(uc, (uintptr_t)preempt_entry, (uintptr_t)f);
}

#endif

static void on_signal(int sig, siginfo_t *info, void *context)
{
    struct m *m = m_raw();
    ucontext_t *uc = context;
    uintptr_t pc = context_pc(uc), sp = context_sp(uc);
    if (m && dump_hold(m, context))
        return;
    if (info->si_code != SI_TKILL || !m || !m->cur || m->foreign || m->inside)
        return;
    if (pc - text_lo >= text_hi - text_lo || in_runtime(pc))
        return;
    uint64_t mask;
    rt_copy(&mask, &uc->uc_sigmask, sizeof mask);
    if (mask != m->sigmask)
        return;
    struct g *g = m->cur;
    if (!(g->flags & GF_MAIN)) {
        uintptr_t lo = (uintptr_t)g->run.stack_hi - g->run.stack_size;
        if (sp - lo > g->run.stack_size || sp - lo < preempt_size + 8192)
            return; /* not on its stack, or too near its end */
    }
    interrupt(info, uc);
}

void preempt_init(void)
{
    dl_iterate_phdr(find_text, NULL);
    measure_state();
    struct rt_sigaction old;
    rt_signal(SIGURG, NULL, &old);
    if (!text_hi || !preempt_size || old.handler)
        return;
    struct rt_sigaction act = {.handler = on_signal, .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    rt_signal(SIGURG, &act, NULL);
    usable = true;
}

bool preempt_signal(struct m *m)
{
    if (!usable)
        return false;
    rt_sys3(SYS_tgkill, rt_sys0(SYS_getpid), m->tid, SIGURG);
    return true;
}
