/*
 * intercept_jump.c - setjmp and longjmp.
 *
 * A longjmp leaves functions without their __tsan_func_exit, so the shadow call stack would keep their
 * frames for ever. setjmp notes how deep it was, under the address of the buffer, and longjmp
 * goes back to that. A note whose function has returned is deeper than the stack is now, and goes when
 * the next one is made, so they do not pile up.
 *
 * setjmp returns to its caller's frame a second time, long after: an interceptor written in C would
 * have no frame to return to then. The entry points are in intercept_jump_x86_64.S: they call
 * det_jump_note and jump, not call, to the real function, which then sees the program's frame.
 *
 * Rejected: an entry's frame address beside each pc on the shadow stack (a compare in every
 * function entry), demangling the buffer (glibc's secret).
 */
#include "intercept.h"
#include "goroutine.h"
#include <setjmp.h>

#if defined(__x86_64__)
struct jump {
    uintptr_t env;
    size_t depth;
};

ICEPT_REAL(int, setjmp, (jmp_buf));
ICEPT_REAL(int, _setjmp, (jmp_buf));
ICEPT_REAL(int, __sigsetjmp, (jmp_buf, int));

/* Called by the entry points; which of them decides what is returned: the real one. */
enum { SETJMP, UNDERSCORE_SETJMP, SIGSETJMP };
__attribute__((visibility("hidden"), used)) void *det_jump_note(void *env, int which)
{
    struct race_g *g = det_cur;
    if (g && !g->busy) {
        size_t depth = (size_t)(g->sp - g->sp_base);
        u32 n = 0;
        g->busy = 1;
        for (u32 i = 0; i < g->jump_count; i++)
            if (g->jumps[i].depth <= depth && g->jumps[i].env != (uintptr_t)env)
                g->jumps[n++] = g->jumps[i];
        if (n == g->jump_room) {
            u32 room = n ? 2 * n : 4;
            struct jump *to = det_alloc(room * sizeof *to);
            det_copy(to, g->jumps, n * sizeof *to);
            if (g->jumps)
                det_release(g->jumps, g->jump_room * sizeof *to);
            g->jumps = to;
            g->jump_room = room;
        }
        g->jumps[n++] = (struct jump){(uintptr_t)env, depth};
        g->jump_count = n;
        g->busy = 0;
    }
    return which == SETJMP              ? (void *)REAL(setjmp)
           : which == UNDERSCORE_SETJMP ? (void *)REAL(_setjmp)
                                        : (void *)REAL(__sigsetjmp);
}

static void jump_to(const void *env)
{
    struct race_g *g = det_cur;
    for (u32 i = 0; g && i < g->jump_count; i++)
        if (g->jumps[i].env == (uintptr_t)env)
            g_unwind(g, g->jumps[i].depth);
}

#define JUMP(name, env_t)                                                                          \
    ICEPT_REAL(void, name, (env_t, int));                                                          \
    ICEPT_EXPORT(void, name, (env_t env, int value))                                               \
    {                                                                                              \
        jump_to(env);                                                                              \
        REAL(name)(env, value);                                                                    \
        __builtin_unreachable();                                                                   \
    }
JUMP(longjmp, jmp_buf)
JUMP(_longjmp, jmp_buf)
JUMP(siglongjmp, sigjmp_buf)
JUMP(__longjmp_chk, jmp_buf)
#endif

void g_jumps_drop(struct race_g *g)
{
#if defined(__x86_64__)
    if (g->jumps)
        det_release(g->jumps, g->jump_room * sizeof *g->jumps);
    g->jumps = NULL;
    g->jump_count = g->jump_room = 0;
#endif
}
