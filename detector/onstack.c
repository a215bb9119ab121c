/*
 * onstack.c - which frame of a stack an address lies in.
 *
 * A race on a local is told by the local's name, and the name follows from the frame: the function
 * and its frame pointer. The owner of the stack may be parked, or may be running on another thread
 * this very moment, and the runtime's saved registers are not the detector's business, so the
 * frames are not unwound from where the owner is: they are recognised where they lie. A function
 * that keeps a frame pointer begins by pushing its caller's, which leaves two words: a frame
 * pointer that points upwards on the same stack, and above it a return address. The record p of the
 * frame that holds an address is the first above it for which there is another record q below that
 * points to p: q's return address leads into the function we want.
 *
 * What is found may be a dead frame, or no frame at all. That is for the reader to see: it names a
 * variable only if the function has one at exactly that place.
 *
 * The stack is read through the kernel, a page at a time: a page below may be a guard.
 */
#include "output.h"
#include "sys.h"

#define BELOW (16u << 10)
#define ABOVE (48u << 10)
#define PAGE 4096u

#define WINDOW (BELOW + ABOVE + 2 * PAGE)
static u64 *window; /* in pages of the detector's own: leak.c would take it for the program's words */
static uintptr_t from, to; /* what of the stack it holds */

static void look(uintptr_t a, uintptr_t lo, uintptr_t hi)
{
    from = (a > lo + BELOW ? a - BELOW : lo) & ~(uintptr_t)(PAGE - 1);
    to = hi - a > ABOVE ? a + ABOVE : hi;
    to &= ~(uintptr_t)15;
    if (!window)
        window = det_map(WINDOW);
    long pid = sys_getpid();
    for (uintptr_t p = from; p < to; p += PAGE) {
        size_t n = to - p < PAGE ? to - p : PAGE;
        char *at = (char *)window + (p - from);
        long mine[2] = {(long)at, (long)n}, its[2] = {(long)p, (long)n};
        if (sys_call(SYS_process_vm_readv, pid, (long)mine, 1, (long)its, 1, 0) != (long)n)
            det_zero(at, n);
    }
}

static u64 word(uintptr_t a)
{
    return window[(a - from) / 8];
}

size_t det_frames_around(uintptr_t a, uintptr_t lo, uintptr_t hi, uintptr_t *pc, uintptr_t *fp,
                         size_t max)
{
    if (a < lo || a >= hi || hi - lo < 64 || !max)
        return 0;
    look(a, lo, hi);
    for (uintptr_t p = (a + 15) & ~(uintptr_t)15; p + 16 <= to; p += 16) {
        if (!output_in_module(word(p + 8)))
            continue;
        for (uintptr_t q = p - 16; q > from; q -= 16) {
            if (word(q) != p || !output_in_module(word(q + 8)))
                continue;
            size_t n = 0;
            pc[n] = word(q + 8);
            fp[n++] = p;
            while (n < max && p + 16 <= to && output_in_module(word(p + 8))) {
                pc[n] = word(p + 8);
                fp[n++] = word(p);
                if (word(p) <= p || word(p) % 16 || word(p) + 16 > to)
                    break;
                p = word(p);
            }
            return n;
        }
    }
    return 0;
}
