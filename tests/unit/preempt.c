/*
 * preempt.c - an interrupted goroutine has everything back: sixteen vector registers in their whole
 * width, the general ones, the carry flag, and the 128 bytes below its stack pointer.
 *
 * What a compiler keeps where is its own affair, so that a loop in C (preemption_keeps_registers in go.c)
 * may pass with half of them lost. Here a function in assembly fills them all with what its caller says, counts
 * down, and gives them back. Several goroutines with different values do so on one P, beside one
 * that sleeps for a fifth of a millisecond again and again: each time its timer is due the loop is interrupted.
 */
#include "common.h"

#include <goc.h>
#include <stdatomic.h>
#include <string.h>

#if defined __x86_64__

/* In the order of the assembly: ymm0-15, the red zone downwards, rax rbx rbp r8-r15, carry. */
enum { VECTORS = 64, ZONE = 16, GENERAL = 11, WORDS = VECTORS + ZONE + GENERAL + 1 };

void hold(const uint64_t *in, uint64_t *out, long rounds);
__asm__(".text\n"
        ".globl hold\n"
        ".type hold, @function\n"
        "hold:\n"
        "    pushq %rbx\n    pushq %rbp\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        ".set i, 0\n"
        ".rept 16\n"
        "    movq 512+8*i(%rdi), %rax\n"
        "    movq %rax, -8-8*i(%rsp)\n"
        ".set i, i+1\n"
        ".endr\n"
        ".macro each_vector to\n"
        "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "    .if \\to\n    vmovdqu %ymm\\n, 32*\\n(%rsi)\n"
        "    .else\n    vmovdqu 32*\\n(%rdi), %ymm\\n\n    .endif\n"
        "    .endr\n"
        ".endm\n"
        "    each_vector 0\n"
        "    movq %rdx, %rcx\n"
        "    movq 640(%rdi), %rax\n    movq 648(%rdi), %rbx\n    movq 656(%rdi), %rbp\n"
        "    movq 664(%rdi), %r8\n    movq 672(%rdi), %r9\n    movq 680(%rdi), %r10\n"
        "    movq 688(%rdi), %r11\n    movq 696(%rdi), %r12\n    movq 704(%rdi), %r13\n"
        "    movq 712(%rdi), %r14\n    movq 720(%rdi), %r15\n"
        "    movq 728(%rdi), %rdx\n"
        "    btq $0, %rdx\n" /* the carry, which dec leaves alone */
        "1:  decq %rcx\n"
        "    jnz 1b\n"
        "    movq $0, 728(%rsi)\n"
        "    setc 728(%rsi)\n"
        "    movq %rax, 640(%rsi)\n    movq %rbx, 648(%rsi)\n    movq %rbp, 656(%rsi)\n"
        "    movq %r8, 664(%rsi)\n    movq %r9, 672(%rsi)\n    movq %r10, 680(%rsi)\n"
        "    movq %r11, 688(%rsi)\n    movq %r12, 696(%rsi)\n    movq %r13, 704(%rsi)\n"
        "    movq %r14, 712(%rsi)\n    movq %r15, 720(%rsi)\n"
        ".set i, 0\n"
        ".rept 16\n"
        "    movq -8-8*i(%rsp), %rax\n"
        "    movq %rax, 512+8*i(%rsi)\n"
        ".set i, i+1\n"
        ".endr\n"
        "    each_vector 1\n"
        "    vzeroupper\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbp\n    popq %rbx\n"
        "    ret\n"
        ".size hold, .-hold\n");

enum { HOLDERS = 4, ROUNDS = 40 };
static atomic_int left;
static atomic_long interrupted, wrong;
static atomic_int last; /* who held last: another one since, and the loop has been interrupted */

static void holds(int who)
{
    uint64_t in[WORDS], out[WORDS], seed = 77 + (uint64_t)who;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < WORDS; i++)
            in[i] = unit_random(&seed);
        in[WORDS - 1] &= 1;
        atomic_store_explicit(&last, who, memory_order_relaxed);
        hold(in, out, 10000000);
        if (atomic_load_explicit(&last, memory_order_relaxed) != who)
            interrupted++;
        for (int i = 0; i < WORDS; i++)
            wrong += in[i] != out[i];
    }
    left--;
}

START_TEST(everything_comes_back)
{
    if (!__builtin_cpu_supports("avx2"))
        return; /* the loop in go.c has what there is */
    goc_gomaxprocs(1);
    left = HOLDERS;
    for (int i = 0; i < HOLDERS; i++)
        go(holds, i + 1);
    while (left)
        goc_sleep(200 * GOC_MICROSECOND);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_gt(interrupted, 0);
}
END_TEST

#else

START_TEST(everything_comes_back)
{
}
END_TEST

#endif

UNIT_MAIN("preempt", 60, everything_comes_back)
