/*
 * stackmem.c - stacks begin clean.
 *
 * A goroutine that gets the stack of one that has ended must not meet its accesses: they would look
 * like races between two owners of the same bytes. Clearing the shadow of the whole stack at each
 * start would cost more than the start (64 KiB of stack have 128 KiB of shadow, and most goroutines
 * touch a few hundred bytes of it). So what was touched is noted, a bit for each 512 bytes, and
 * only that is cleared.
 *
 * Noted by address, whoever touches: others hold pointers into a stack, also after its goroutine
 * has ended. Such an access races with what the dead one did, and is what the next owner must not
 * meet; so stacks are cleared when they are given out, not when they are given back, and a mark of
 * how far down the owner itself got (the first design) is not enough.
 *
 * The bits are set on the slow path of accesses, where every word of the shadow comes from, and
 * when a synchronisation object is made. The test there is one comparison with the range that holds
 * all stacks; other memory in between is marked for nothing.
 */
#include "stackmem.h"
#include "facts.h"
#include "sync.h"

uintptr_t stackmem_lo, stackmem_size;
static u32 arena_lock;

void stackmem_arena(uintptr_t lo, uintptr_t hi)
{
    det_lock(&arena_lock);
    uintptr_t was_lo = stackmem_lo, was_hi = stackmem_lo + stackmem_size;
    if (stackmem_size) {
        lo = lo < was_lo ? lo : was_lo;
        hi = hi > was_hi ? hi : was_hi;
    }
    /* In this order a reader that sees one of the two sees a range within the new one. */
    if (stackmem_size == 0 || lo == was_lo) {
        __atomic_store_n(&stackmem_lo, lo, __ATOMIC_RELEASE);
        __atomic_store_n(&stackmem_size, hi - lo, __ATOMIC_RELEASE);
    } else {
        __atomic_store_n(&stackmem_size, hi - lo, __ATOMIC_RELEASE);
        __atomic_store_n(&stackmem_lo, lo, __ATOMIC_RELEASE);
    }
    det_unlock(&arena_lock);
}

void stackmem_mark(uintptr_t a, size_t n)
{
    for (uintptr_t b = a >> STACKMEM_SHIFT, last = (a + n - 1) >> STACKMEM_SHIFT; b <= last; b++) {
        uint8_t *p = stackmem_of(b << STACKMEM_SHIFT), bit = (uint8_t)(1u << (b & 7));
        if (!(__atomic_load_n(p, __ATOMIC_RELAXED) & bit))
            __atomic_fetch_or(p, bit, __ATOMIC_RELAXED);
    }
}

static void fresh_page(uintptr_t page, u32 bits)
{
    while (bits) {
        u32 first = (u32)__builtin_ctz(bits), run = (u32)__builtin_ctz(~(bits >> first));
        uintptr_t lo = page + ((uintptr_t)first << STACKMEM_SHIFT);
        det_clear(lo, (size_t)run << STACKMEM_SHIFT);
        sync_forget_stack(lo, (size_t)run << STACKMEM_SHIFT);
        lock_event_forget(lo, (size_t)run << STACKMEM_SHIFT, false, 0);
        bits &= ~(((1u << run) - 1) << first);
    }
}

void stackmem_fresh(uintptr_t lo, uintptr_t hi)
{
    /* From the top, where nearly all of it is; eight pages at a time below. */
    uint8_t *first = stackmem_of(lo), *p = stackmem_of(hi);
    uintptr_t page = hi;
    while (p > first) {
        if (((uintptr_t)p & 7) == 0 && p - first >= 8 &&
            __atomic_load_n((u64 *)p - 1, __ATOMIC_RELAXED) == 0) {
            p -= 8;
            page -= 8 * 4096;
            continue;
        }
        p--;
        page -= 4096;
        if (__atomic_load_n(p, __ATOMIC_RELAXED))
            fresh_page(page, __atomic_exchange_n(p, 0, __ATOMIC_ACQ_REL));
    }
}
