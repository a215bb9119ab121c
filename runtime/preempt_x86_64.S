/*
 * Where an interrupted goroutine continues (preempt.c): as if the program had called this, but
 * without knowing, so that nothing at all may be changed. On the stack, from the top: the 128 bytes
 * of red zone, the address to go on at, flags, fifteen registers, the vector state.
 */
    .text
    .globl  preempt_entry
    .hidden preempt_entry
    .type   preempt_entry, @function
    .p2align 4
preempt_entry:
    .cfi_startproc
    .cfi_signal_frame
    .cfi_def_cfa rsp, 136
    .cfi_offset rip, -136
    pushfq
    .cfi_adjust_cfa_offset 8
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_offset rbp, -152
    movq    %rsp, %rbp
    .cfi_def_cfa rbp, 152
    pushq   %rax
    pushq   %rbx
    .cfi_offset rbx, -168
    pushq   %rcx
    pushq   %rdx
    pushq   %rsi
    pushq   %rdi
    pushq   %r8
    pushq   %r9
    pushq   %r10
    pushq   %r11
    pushq   %r12
    .cfi_offset r12, -240
    pushq   %r13
    .cfi_offset r13, -248
    pushq   %r14
    .cfi_offset r14, -256
    pushq   %r15
    .cfi_offset r15, -264
    movq    %rsp, %rbx
    subq    preempt_size(%rip), %rsp
    andq    $-64, %rsp
    xorl    %eax, %eax              /* the header tells xrstor what is there: it must start as 0 */
    movq    %rax, 512(%rsp)
    movq    %rax, 520(%rsp)
    movq    %rax, 528(%rsp)
    movq    %rax, 536(%rsp)
    movq    %rax, 544(%rsp)
    movq    %rax, 552(%rsp)
    movq    %rax, 560(%rsp)
    movq    %rax, 568(%rsp)
    movl    preempt_mask(%rip), %eax
    movl    4+preempt_mask(%rip), %edx
    xsave64 (%rsp)
    cld
    call    preempt_park
    movl    preempt_mask(%rip), %eax
    movl    4+preempt_mask(%rip), %edx
    xrstor64 (%rsp)
    movq    %rbx, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %r11
    popq    %r10
    popq    %r9
    popq    %r8
    popq    %rdi
    popq    %rsi
    popq    %rdx
    popq    %rcx
    popq    %rbx
    popq    %rax
    popq    %rbp
    popfq
    ret     $128
    .cfi_endproc
    .size   preempt_entry, .-preempt_entry

/* What a signal handler returns to. Debuggers and unwinders know it by these very bytes. */
    .globl  rt_sigreturn
    .hidden rt_sigreturn
    .type   rt_sigreturn, @function
    .p2align 4
    nop
rt_sigreturn:
    movq    $15, %rax
    syscall
    .size   rt_sigreturn, .-rt_sigreturn

    .section .note.GNU-stack, "", @progbits
