/*
 * Leaving and entering a goroutine's stack, x86-64 System V.
 *
 * A parked goroutine is six callee-saved registers and a return address at its saved stack pointer;
 * the compiler has saved the rest around the call. The scheduler's stack is never saved: it is
 * entered afresh at its top each time, so a park is one half switch out and one half switch in.
 *
 * Every call here has its return, although on another stack: the processor predicts returns from
 * the calls it has seen, and goroutines that wait in the same place (a chain, a ping-pong, a pool)
 * have been called alike, so that all returns after a switch are predicted too. A jump out of the
 * scheduler's depth instead makes each of them miss (67 ns a hop against 48).
 *
 * The x87 control word and MXCSR are callee-saved by the ABI too: see fp.h.
 */
    .text

/* What ctx_leave has pushed, but for the address to go on at. */
    .macro  pop_saved
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    .endm

/* void ctx_leave(void **save, void *stack, void *(*fn)(void *), void *arg)
   Save the caller at *save, call fn(arg) on the other stack, and go on where the context that it
   returns was saved. */
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
    .cfi_remember_state
    .cfi_def_cfa rsp, 8
    .cfi_undefined rip
    call    *%rdx
    .cfi_restore_state
    movq    %rax, %rsp
    pop_saved
    ret
    .cfi_endproc
    .size   ctx_leave, .-ctx_leave

/* void ctx_end(void *stack, void *(*fn)(void *), void *arg)
   The same without saving: this stack will not be needed again. The calls of who goes on are not
   those of who ends, so the first return would miss, and wait for a stack that is in no near cache;
   as a jump it is predicted, for nearly all wait in one place. */
    .globl  ctx_end
    .hidden ctx_end
    .type   ctx_end, @function
    .p2align 4
ctx_end:
    .cfi_startproc
    .cfi_undefined rip
    movq    %rdi, %rsp
    movq    %rdx, %rdi
    xorl    %ebp, %ebp
    call    *%rsi
    movq    %rax, %rsp
    pop_saved
    popq    %rcx
    jmp     *%rcx
    .cfi_endproc
    .size   ctx_end, .-ctx_end

/* void ctx_enter(void *sp): go on where ctx_leave saved `sp`. */
    .globl  ctx_enter
    .hidden ctx_enter
    .type   ctx_enter, @function
    .p2align 4
ctx_enter:
    .cfi_startproc
    movq    %rdi, %rsp
    pop_saved
    ret
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
