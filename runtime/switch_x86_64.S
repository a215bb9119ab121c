/*
 * Leaving and entering a goroutine's stack, x86-64 System V.
 *
 * A parked goroutine is six callee-saved registers and a return address at its saved stack pointer;
 * the compiler has saved the rest around the call. The scheduler's stack is never saved: it is
 * entered afresh at its top each time, so a park is one half switch out and one half switch in.
 * The last jump is an indirect one, not `ret`: the return predictor knows the stack that was left.
 *
 * The x87 control word and MXCSR are callee-saved by the ABI too: see fp.h.
 */
    .text

/* void ctx_leave(void **save, void *stack, void (*fn)(void *), void *arg)
   Save the caller at *save, then call fn(arg) on the other stack; fn does not return. */
    .globl  ctx_leave
    .hidden ctx_leave
    .type   ctx_leave, @function
    .p2align 4
ctx_leave:
    .cfi_startproc
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    movq    %rcx, %rdi
    xorl    %ebp, %ebp
    pushq   $0
    jmp     *%rdx
    .cfi_endproc
    .size   ctx_leave, .-ctx_leave

/* void ctx_enter(void *sp): go on where ctx_leave saved `sp`. */
    .globl  ctx_enter
    .hidden ctx_enter
    .type   ctx_enter, @function
    .p2align 4
ctx_enter:
    .cfi_startproc
    movq    %rdi, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    popq    %rcx
    jmp     *%rcx
    .cfi_endproc
    .size   ctx_enter, .-ctx_enter

/* void ctx_start(void *stack, void (*fn)(void *), void *arg)
   Call fn(arg) on a stack nobody is on; fn does not return, and unwinding ends here. The registers
   that a callee saves are cleared: it would keep the previous goroutine's pointers on its stack, and
   the search for stuck goroutines takes what is there for something in use. */
    .globl  ctx_start
    .hidden ctx_start
    .type   ctx_start, @function
    .p2align 4
ctx_start:
    .cfi_startproc
    .cfi_undefined rip
    movq    %rdi, %rsp
    movq    %rdx, %rdi
    xorl    %ebp, %ebp
    xorl    %ebx, %ebx
    xorl    %r12d, %r12d
    xorl    %r13d, %r13d
    xorl    %r14d, %r14d
    xorl    %r15d, %r15d
    call    *%rsi
    ud2
    .cfi_endproc
    .size   ctx_start, .-ctx_start

    .section .note.GNU-stack, "", @progbits
