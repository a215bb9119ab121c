/*
 * goc/mutex_inline.h - the mutex that favours this thread, locked and unlocked without a call.
 *
 * How it works is told in the runtime's mutex.c. A program built with this header and a library
 * that does it otherwise go together: such a library (and that of race builds is one) keeps NOBODY
 * in goc_mutex_mine, a value that no mutex's word has, and every lock and unlock is a call. So is
 * it without optimisation and under -fsanitize=thread. For goc/sync.h to include.
 */
#ifndef GOC_MUTEX_INLINE_H
#define GOC_MUTEX_INLINE_H

enum { GOC_MUTEX_NOBODY_ = 64 };

extern __thread uint32_t goc_mutex_mine __attribute__((tls_model("initial-exec")));
extern ptrdiff_t goc_mutex_rseq;

/* "If mu's word is as for this thread, store", as one step for whoever calls membarrier: a
   restartable sequence from 1 to 2, to which the kernel lets nothing come back that it has
   interrupted there. The thread may change until the instruction before 1, hence the second look;
   before the first one has succeeded, goc_mutex_rseq may not be set. The kernel is made to forget the
   sequence at its end, since the code may be a plugin's, and be unmapped by dlclose while the thread's
   struct rseq would still point there: at the next interrupt the kernel would kill. EXPECT and MAKE turn this
   thread's number, in eax, into the word expected, in ecx, and the one to store, in eax. */
#define GOC_MUTEX_SEQUENCE_(EXPECT, MAKE)                                      \
    __asm__ goto(".pushsection .data.rel.ro.goc_mutex, \"aw?\", @progbits\n\t" \
                 ".balign 32\n"                                                \
                 "3:\t.long 0, 0\n\t"                                          \
                 ".quad 1f, 2f - 1f, 4f\n\t"                                   \
                 ".popsection\n\t"                                             \
                 "movq goc_mutex_mine@gottpoff(%%rip), %%rdx\n\t"              \
                 "movl %%fs:(%%rdx), %%eax\n\t" EXPECT "\n\t"                  \
                 "cmpl %%ecx, (%[word])\n\t"                                   \
                 "jne %l[no]\n\t"                                              \
                 "leaq 3b(%%rip), %%rax\n\t"                                   \
                 "movq %%rax, %%fs:8(%[rseq])\n"                               \
                 "1:\tmovl %%fs:(%%rdx), %%eax\n\t" EXPECT "\n\t"              \
                 "cmpl %%ecx, (%[word])\n\t"                                   \
                 "jne 4f\n\t" MAKE "\n\t"                                      \
                 "movl %%eax, (%[word])\n"                                     \
                 "2:\tmovq $0, %%fs:8(%[rseq])\n\t"                           \
                 ".pushsection .text.unlikely, \"ax?\", @progbits\n\t"         \
                 ".byte 0x0f, 0xb9, 0x3d\n\t"                                  \
                 ".long 0x53053053\n" /* the signature that glibc registers */ \
                 "4:\tmovq $0, %%fs:8(%[rseq])\n\t"                           \
                 "jmp %l[no]\n\t"                                             \
                 ".popsection"                                                 \
                 :                                                             \
                 : [word] "r"(&mu->goc_state), [rseq] "r"(goc_mutex_rseq)      \
                 : "rax", "rcx", "rdx", "memory", "cc"                         \
                 : no)

#define GOC_MUTEX_INLINE_ extern inline __attribute__((__gnu_inline__))

GOC_MUTEX_INLINE_ __attribute__((__always_inline__)) bool goc_mutex_lock_mine_(goc_mutex *mu)
{
    GOC_MUTEX_SEQUENCE_("movl %%eax, %%ecx", "orl $1, %%eax");
    return true;
no:
    return false;
}

GOC_MUTEX_INLINE_ __attribute__((__always_inline__)) bool goc_mutex_unlock_mine_(goc_mutex *mu)
{
    GOC_MUTEX_SEQUENCE_("leal 1(%%rax), %%ecx", "");
    return true;
no:
    return false;
}

#ifdef __has_feature
#if __has_feature(thread_sanitizer) && !defined GOC_MUTEX_CALLS
#define GOC_MUTEX_CALLS
#endif
#endif
#if defined __OPTIMIZE__ && !defined __SANITIZE_THREAD__ && !defined GOC_MUTEX_CALLS

void goc_mutex_lock_call_(goc_mutex *mu) __asm__("goc_mutex_lock");
void goc_mutex_unlock_call_(goc_mutex *mu) __asm__("goc_mutex_unlock");

GOC_MUTEX_INLINE_ void goc_mutex_lock(goc_mutex *mu)
{
    if (!mu || !goc_mutex_lock_mine_(mu))
        goc_mutex_lock_call_(mu);
}

GOC_MUTEX_INLINE_ void goc_mutex_unlock(goc_mutex *mu)
{
    if (!mu || !goc_mutex_unlock_mine_(mu))
        goc_mutex_unlock_call_(mu);
}

#endif
#endif
