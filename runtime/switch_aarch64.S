/*
 * Leaving and entering a goroutine's stack, AArch64. See switch_x86_64.S for the protocol.
 * A parked goroutine is x19-x30 and d8-d15 at its saved stack pointer.
 */
    .text

/* What ctx_leave has stored, the address to go on at included. */
    .macro  load_saved
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #160
    .endm

    .globl  ctx_leave
    .hidden ctx_leave
    .type   ctx_leave, %function
    .p2align 4
ctx_leave:
    .cfi_startproc
    sub     sp, sp, #160
    .cfi_def_cfa_offset 160
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mov     x9, sp
    str     x9, [x0]
    mov     sp, x1
    mov     x0, x3
    mov     x29, #0
    .cfi_remember_state
    .cfi_def_cfa sp, 0
    .cfi_undefined x30
    blr     x2
    .cfi_restore_state
    mov     sp, x0
    load_saved
    ret
    .cfi_endproc
    .size   ctx_leave, .-ctx_leave

    .globl  ctx_end
    .hidden ctx_end
    .type   ctx_end, %function
    .p2align 4
ctx_end:
    .cfi_startproc
    .cfi_undefined x30
    mov     sp, x0
    mov     x0, x2
    mov     x29, #0
    mov     x30, #0
    blr     x1
    b       ctx_enter
    .cfi_endproc
    .size   ctx_end, .-ctx_end

    .globl  ctx_enter
    .hidden ctx_enter
    .type   ctx_enter, %function
    .p2align 4
ctx_enter:
    .cfi_startproc
    mov     sp, x0
    load_saved
    ret
    .cfi_endproc
    .size   ctx_enter, .-ctx_enter

    .globl  ctx_start
    .hidden ctx_start
    .type   ctx_start, %function
    .p2align 4
ctx_start:
    .cfi_startproc
    .cfi_undefined x30
    mov     sp, x0
    mov     x0, x2
    mov     x29, #0
    mov     x30, #0
    blr     x1
    brk     #0
    .cfi_endproc
    .size   ctx_start, .-ctx_start

    .section .note.GNU-stack, "", %progbits
