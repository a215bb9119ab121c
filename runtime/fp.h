/*
 * fp.h - how a goroutine rounds is its own affair.
 *
 * The words that control rounding, traps and flushing of denormals (MXCSR and the x87 control word; FPCR)
 * are registers of the thread. fesetround in one goroutine must not change what another one computes that
 * has the thread after it, and must still hold when the goroutine goes on elsewhere. Saving and
 * loading them at every switch costs more than the rest of the switch, and nearly nobody changes them. So
 * a park only compares: with what the first go statement found in the goroutine that made it, which is
 * what every goroutine begins with. Who has something else sets it aside while it is parked; who
 * ends with it puts the common one back. An interrupted goroutine parks like any other (preempt.c).
 *
 * On x86-64 MXCSR alone is compared: fesetround, fesetenv and the like change both words. The precision of
 * long double changed alone (_FPU_SETCW) stays with the thread. The exception flags (fetestexcept) are not
 * looked at: what they have collected is the thread's.
 */
#ifndef GOC_FP_H
#define GOC_FP_H

#include "rt.h"

#if defined __x86_64__
struct fp {
    uint32_t mxcsr;
    uint16_t x87;
};
static inline void fp_get(struct fp *f)
{
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(f->mxcsr), "=m"(f->x87));
    f->mxcsr &= ~0x3fu; /* the flags */
}
static inline void fp_put(const struct fp *f)
{
    __asm__ volatile("fnclex\n\tldmxcsr %0\n\tfldcw %1" : : "m"(f->mxcsr), "m"(f->x87));
}
static inline bool fp_is(const struct fp *common)
{
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return !((mxcsr ^ common->mxcsr) & ~0x3fu);
}
#elif defined __aarch64__
struct fp {
    uint64_t fpcr;
};
static inline void fp_get(struct fp *f)
{
    __asm__ volatile("mrs %0, fpcr" : "=r"(f->fpcr));
}
static inline void fp_put(const struct fp *f)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(f->fpcr));
}
static inline bool fp_is(const struct fp *common)
{
    struct fp f;
    fp_get(&f);
    return f.fpcr == common->fpcr;
}
#endif

extern struct fp fp_common; /* of the start, then of the first go statement */

/* True if the goroutine that is about to leave its thread has settings of its own, kept in *f. */
static inline bool fp_set_aside(struct fp *f)
{
    if (likely(fp_is(&fp_common)))
        return false;
    fp_get(f);
    fp_put(&fp_common);
    return true;
}

#endif
