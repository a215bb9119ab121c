/*
 * intercept_jump_x86_64.S - setjmp, _setjmp, __sigsetjmp: note the depth of the shadow stack, then
 * jump to the real one with everything as the caller left it (intercept_jump.c says why).
 */
        .text

        .macro  entry name, which
        .weak   \name
        .type   \name, @function
\name:
        .cfi_startproc
        endbr64
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        pushq   %rsi
        .cfi_adjust_cfa_offset 8
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        movl    $\which, %esi
        call    det_jump_note
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %rsi
        .cfi_adjust_cfa_offset -8
        popq    %rdi
        .cfi_adjust_cfa_offset -8
        jmp     *%rax
        .cfi_endproc
        .size   \name, .-\name
        .endm

        entry   setjmp, 0
        entry   _setjmp, 1
        entry   __sigsetjmp, 2

        .section .note.GNU-stack, "", @progbits
