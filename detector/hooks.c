/*
 * hooks.c - the runtime's side of the door (runtime/hooks.h): goroutines' lives, happens-before, and
 * memory that the runtime moves for the program.
 *
 * Every edge of the Go memory model that goes through a runtime primitive is one of the calls here;
 * what each means is said in hooks.h. The functions are thin: find the goroutine, mark it busy (a signal
 * handler may interrupt), do it.
 */
#include "goroutine.h"
#include "emptywait.h"
#include "facts.h"
#include "leak.h"
#include "intercept.h"
#include "record.h"
#include "roots.h"
#include "stackmem.h"
#include "sync.h"

#include <errno.h>

static inline struct race_g *the(struct race_g *g)
{
    return g ? g : det_cur;
}

/* --- lives ------------------------------------------------------------------------------------------- */

struct race_g *hook_thread(uint64_t goid)
{
    det_init();
    struct race_g *g = det_cur;
    if (g) {
        /* The main thread's record, or one that pthread_create made: it has its number now. */
        if (g->main)
            g->goid = g->life->goid = goid;
        return g;
    }
    /* A thread nobody saw being made. */
    g = det_thread_create(0);
    det_set_cur(g);
    return g;
}

struct race_g *hook_go(uint64_t goid, const void *fn, uintptr_t pc)
{
    struct race_g *cur = det_cur;
    if (!cur)
        return g_new(NULL, goid, 0, (uintptr_t)fn, 0);
    leak_watch();
    u32 created = det_stack_save(cur, pc);
    return g_new(cur, goid, created, (uintptr_t)fn, 0);
}

/* errno is the goroutine's in name and the thread's in memory: the runtime carries its value along, so
   whoever runs next on this thread has a variable of its own at the same address. */
static void errno_changes_hands(void)
{
    if (unlikely(!det_tls.errno_shadow))
        det_tls.errno_shadow = shadow_of((uintptr_t)&errno);
    u64 *s = det_tls.errno_shadow;
    if (shadow_load(&s[0]) | shadow_load(&s[1]))
        det_clear((uintptr_t)&errno, sizeof errno);
}

void hook_run(struct race_g *g)
{
    if (g)
        errno_changes_hands();
    det_set_cur(g);
}

void hook_map(const void *p, size_t n)
{
    roots_own(p, n);
}

void hook_unmap(const void *p)
{
    roots_disown(p);
}

void hook_stack(struct race_g *g, void *lo, void *hi)
{
    g->stack_lo = g->life->stack_lo = (uintptr_t)lo;
    g->stack_hi = g->life->stack_hi = (uintptr_t)hi;
    stackmem_fresh((uintptr_t)lo, (uintptr_t)hi);
}

void hook_end(struct race_g *g)
{
    /* A thread that pthread_create made still has destructors to run; it ends after them. */
    if (icept_thread_is(g)) {
        det_set_cur(g);
        return;
    }
    g_end(g);
}

size_t hook_depth(void)
{
    struct race_g *g = det_cur;
    return g ? (size_t)(g->sp - g->sp_base) : 0;
}

void hook_unwound(size_t depth)
{
    if (det_cur)
        g_unwind(det_cur, depth);
}

/* --- happens-before ------------------------------------------------------------------------------------ */

#define SYNC_OP(name, op, order_op)                                                                          \
    void hook_##name(struct race_g *g, const void *obj)                                            \
    {                                                                                              \
        g = the(g);                                                                                \
        if (!g || g->ignore_sync || !obj)                                                          \
            return;                                                                                \
        uint8_t was = g->busy;                                                                     \
        g->busy = 1;                                                                               \
        op(g, (uintptr_t)obj);                                                                     \
        order_op(g, obj);                                                                          \
        g->busy = was;                                                                             \
    }
static inline void order_both(struct race_g *g, const void *obj)
{
    order_acquire(g, obj);
    order_release(g, obj);
}
SYNC_OP(acquire, g_acquire, order_acquire)
SYNC_OP(release, g_release, order_release)
SYNC_OP(release_merge, g_release_merge, order_release_merge)
SYNC_OP(acquire_release, g_acquire_release, order_both)

void hook_meet(struct race_g *other)
{
    struct race_g *g = det_cur;
    if (!g || !other)
        return;
    g->busy = 1;
    g_pass(g, other);
    g_pass(other, g);
    order_pass(g, other);
    order_pass(other, g);
    g->busy = 0;
}

void hook_hand_on(const void *from, const void *to)
{
    sync_hand_on((uintptr_t)from, (uintptr_t)to);
    order_hand_on((uintptr_t)from, (uintptr_t)to);
}

void hook_pass(struct race_g *from, struct race_g *to)
{
    from = the(from);
    to = the(to);
    if (from && to && from != to) {
        g_pass(from, to);
        order_pass(from, to);
    }
}

void hook_forget(const void *obj, size_t size)
{
    sync_forget((uintptr_t)obj, size);
    lock_event_forget((uintptr_t)obj, size, false, 0);
}

/* --- memory ------------------------------------------------------------------------------------------- */

void hook_read(uintptr_t pc, const void *p, size_t n)
{
    det_read_range(pc, (uintptr_t)p, n);
}

void hook_write(uintptr_t pc, void *p, size_t n)
{
    det_write_range(pc, (uintptr_t)p, n);
}

/* A parked goroutine's access: its record is ours to use until it is made ready. */
static void access_for(struct race_g *g, uintptr_t pc, const void *p, size_t n, u32 flags)
{
    if (g && !g->ignore)
        access_slow(g, pc, (uintptr_t)p, n, flags);
}

void hook_write_for(struct race_g *g, uintptr_t pc, void *p, size_t n)
{
    access_for(the(g), pc, p, n, ACCESS_WRITE);
}

void hook_read_for(struct race_g *g, uintptr_t pc, const void *p, size_t n)
{
    access_for(the(g), pc, p, n, 0);
}

/* The object as such is its first byte. */
static void object_access(uintptr_t pc, enum hook_obj kind, const void *obj, u32 flags)
{
    struct race_g *g = det_cur;
    if (!g)
        return;
    g->object = (uint8_t)kind;
    access_for(g, pc, obj, 1, flags);
}

void hook_obj_read(uintptr_t pc, enum hook_obj kind, const void *obj)
{
    object_access(pc, kind, obj, ACCESS_OBJECT);
}

void hook_obj_write(uintptr_t pc, enum hook_obj kind, const void *obj)
{
    object_access(pc, kind, obj, ACCESS_OBJECT | ACCESS_WRITE);
}

bool hook_timed(void)
{
    char value[32];
    return det_option("timeout", value, sizeof value) && value[0] &&
           !(value[0] == '0' && !value[1]);
}

uint64_t hook_thread_number(void)
{
    return det_cur && det_cur->thread ? det_cur->goid : 0;
}

void hook_wait_empty(uintptr_t pc, const void *wg)
{
    struct race_g *g = det_cur;
    if (g && !g->ignore_sync)
        emptywait_note(g, (uintptr_t)wg, pc);
}

void hook_add_first(const void *wg)
{
    if (det_cur)
        emptywait_added(det_cur, (uintptr_t)wg);
}

/* --- locks and waiting --------------------------------------------------------------------------------- */

#define LOCK_EVENT(name, event)                                                                    \
    void hook_##name(enum hook_obj kind, const void *obj, int mode, uintptr_t pc)                  \
    {                                                                                              \
        struct race_g *g = det_cur;                                                                \
        if (!g || g->ignore_sync)                                                                  \
            return;                                                                                \
        uint8_t was = g->busy;                                                                     \
        g->busy = 1;                                                                               \
        event(g, kind, obj, mode, pc);                                                             \
        g->busy = was;                                                                             \
    }
LOCK_EVENT(lock_wait, lock_event_wait)
LOCK_EVENT(locked, lock_event_locked)
LOCK_EVENT(unlock, lock_event_unlock)

void hook_chan_one(const void *ch, const void *slot, bool sent, uintptr_t pc)
{
    struct race_g *g = det_cur;
    if (!g || g->ignore_sync)
        return;
    uint8_t was = g->busy;
    g->busy = 1;
    lock_event_chan(g, ch, slot, sent, pc);
    g->busy = was;
}

void hook_park(struct race_g *g, enum hook_wait why, const void *const *obj, size_t n, uintptr_t pc)
{
    if (g)
        wait_event_park(g, why, obj, n, pc);
}

void hook_unpark(struct race_g *g)
{
    if (g)
        wait_event_unpark(g);
}

void hook_misuse(enum hook_misuse what, enum hook_obj kind, const void *obj, const char *text,
                 uintptr_t pc)
{
    misuse_event(det_cur, what, kind, obj, text, pc);
}

void hook_deadlock(struct race_g *const *g, size_t n)
{
    wait_event_deadlock(g, n);
}

void hook_ignore(bool on)
{
    struct race_g *g = det_cur;
    if (!g)
        return;
    if (on) {
        g->ignore_sync++;
        det_ignore_begin();
    } else if (g->ignore_sync) {
        g->ignore_sync--;
        det_ignore_end();
    }
}

size_t hook_findings(void)
{
    return det_findings();
}
