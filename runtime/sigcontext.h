/* sigcontext.h - where a signal found its thread, on either architecture. */
#ifndef GOC_SIGCONTEXT_H
#define GOC_SIGCONTEXT_H

#include <stdint.h>
#include <ucontext.h>

static inline uintptr_t context_pc(const ucontext_t *uc)
{
#if defined __x86_64__
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
#else
    return (uintptr_t)uc->uc_mcontext.pc;
#endif
}

static inline uintptr_t context_sp(const ucontext_t *uc)
{
#if defined __x86_64__
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)uc->uc_mcontext.sp;
#endif
}

/* Where the thread goes on when the handler returns. */
static inline void context_redirect(ucontext_t *uc, uintptr_t pc, uintptr_t sp)
{
#if defined __x86_64__
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
    uc->uc_mcontext.gregs[REG_RSP] = (greg_t)sp;
#else
    uc->uc_mcontext.pc = pc;
    uc->uc_mcontext.sp = sp;
#endif
}

#endif
