/*
 * Where an interrupted goroutine continues (preempt.c). The stack pointer is at a copy of what the
 * kernel saved for the signal. The two instructions of the return from a signal stand right behind the
 * call: debuggers and unwinders know it by these very bytes, and read the interrupted code's registers
 * from the copy.
 */
    .text
    .globl  preempt_entry
    .hidden preempt_entry
    .type   preempt_entry, %function
    .p2align 4
preempt_entry:
    mov     x0, sp
    bl      preempt_park
    mov     x8, #139
    svc     #0
    .size   preempt_entry, .-preempt_entry

    .section .note.GNU-stack,"",%progbits
