/*
 * tsan_abi.c - every __tsan_* entry point that gcc 12-14 and clang 14-19 emit (atomics: atomic.c).
 *
 * The compiler calls these for each memory access of the program, so this file is where the time
 * goes. Nearly all accesses repeat one that the goroutine has already made in this epoch, and for
 * them the question "is it recorded?" is one or two compares of shadow words with det_self:
 *
 *   read   the last write of these bytes, or the last read, is our own of this epoch
 *   write  the last write is, and no read of these bytes stands since
 *
 * No branch on det_cur is needed, for a nobody's det_self matches nothing and the slow path sees it;
 * none on alignment for short accesses either: one that crosses a granule has the ninth bit in its
 * mask, which no plain word has set. (An 8-byte access in the middle of two granules would meet the
 * read word of the first and the write word of the second.) The arguments stay in their registers for
 * the tail call to the slow path.
 *
 * Programs built by `goc-race cc` make a stricter form of these tests themselves, for whole granules
 * (report/inline.c), and call for the rest.
 *
 * Unaligned and range entries, which are rare, go through det_read_range. Volatile accesses are plain
 * ones: volatile orders nothing in C.
 */
#include "goroutine.h"
#include "intercept.h"
#include "output.h"
#include "sync.h"

#define EXPORT __attribute__((visibility("default")))
EXPORT void __tsan_func_entry(void *pc);
#define PC ((uintptr_t)__builtin_return_address(0))

static noinline void slow(uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    DET_POINT();
    struct race_g *g = det_cur;
    if (!g || g->ignore)
        return;
    access_slow(g, pc, a, n, flags);
}

/* A granule that many have read has a set's number for its read word: is it one that we are in already? */
static noinline void slow_read(uintptr_t pc, uintptr_t a, size_t n)
{
    const struct race_g *g = det_cur;
    if (likely(g)) {
        u64 r = shadow_load(&shadow_of(a)[1]);
        if (r && r == g->set_mine && (a & 7) + n <= 8)
            return;
    }
    slow(pc, a, n, 0);
}

/* 8 bytes: two words in full. */
static inline u64 *shadow8(uintptr_t a)
{
    return (u64 *)(SHADOW_BASE + ((a << (64 - DET_ADDR_BITS)) >> (63 - DET_ADDR_BITS)));
}

/* The write word first: data that a goroutine made itself is what it reads most. */
static inline bool read_known(uintptr_t a, unsigned n)
{
    u64 me = det_self;
    if (n == 8) {
        const u64 *s = shadow8(a);
        me |= WORD_BYTES;
        return likely(((shadow_load(&s[0]) ^ me) | (a & 7)) == 0) ||
               ((shadow_load(&s[1]) ^ me) | (a & 7)) == 0;
    }
    u64 m = ((1ull << n) - 1) << (a & 7);
    const u64 *s = shadow_of(a);
    me |= m;
    m |= ~WORD_BYTES;
    return likely(((shadow_load(&s[0]) ^ me) & m) == 0) || ((shadow_load(&s[1]) ^ me) & m) == 0;
}

/* One branch: all that must be zero in one word. */
static inline bool write_known(uintptr_t a, unsigned n)
{
    u64 me = det_self;
    if (n == 8) {
        const u64 *s = shadow8(a);
        return ((shadow_load(&s[0]) ^ (me | WORD_BYTES)) | shadow_load(&s[1]) | (a & 7)) == 0;
    }
    u64 m = ((1ull << n) - 1) << (a & 7);
    const u64 *s = shadow_of(a);
    return (((shadow_load(&s[0]) ^ (me | m)) & (m | ~WORD_BYTES)) |
            (shadow_load(&s[1]) & (m | WORD_SPECIAL))) == 0;
}

#define READ(name, n)                                                                              \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        if (!likely(read_known((uintptr_t)a, n)))                                                  \
            slow_read(PC, (uintptr_t)a, n);                                                        \
    }
#define WRITE(name, n)                                                                             \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        if (!likely(write_known((uintptr_t)a, n)))                                                 \
            slow(PC, (uintptr_t)a, n, ACCESS_WRITE);                                               \
    }
/* A read and a write of the same place in one: if the write is known, so is the read. */
#define READ_WRITE(name, n)                                                                        \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        if (likely(write_known((uintptr_t)a, n)))                                                  \
            return;                                                                                \
        slow(PC, (uintptr_t)a, n, 0);                                                              \
        slow(PC, (uintptr_t)a, n, ACCESS_WRITE);                                                   \
    }
#define WITH_PC(name, n)                                                                           \
    EXPORT void __tsan_read##name##_pc(void *a, void *pc)                                          \
    {                                                                                              \
        if (!read_known((uintptr_t)a, n))                                                          \
            slow((uintptr_t)pc, (uintptr_t)a, n, 0);                                               \
    }                                                                                              \
    EXPORT void __tsan_write##name##_pc(void *a, void *pc)                                         \
    {                                                                                              \
        if (!write_known((uintptr_t)a, n))                                                         \
            slow((uintptr_t)pc, (uintptr_t)a, n, ACCESS_WRITE);                                    \
    }
#define SIZE(n)                                                                                    \
    READ(read##n, n)                                                                               \
    WRITE(write##n, n)                                                                             \
    READ(volatile_read##n, n)                                                                      \
    WRITE(volatile_write##n, n)                                                                    \
    READ_WRITE(read_write##n, n)                                                                   \
    WITH_PC(n, n)

SIZE(1)
SIZE(2)
SIZE(4)
SIZE(8)

#define WIDE(name, n)                                                                              \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        det_read_range(PC, (uintptr_t)a, n);                                                       \
    }
#define WIDE_WRITE(name, n)                                                                        \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        det_write_range(PC, (uintptr_t)a, n);                                                      \
    }
#define WIDE_BOTH(name, n)                                                                         \
    EXPORT void __tsan_##name(void *a)                                                             \
    {                                                                                              \
        det_read_range(PC, (uintptr_t)a, n);                                                       \
        det_write_range(PC, (uintptr_t)a, n);                                                      \
    }
WIDE(read16, 16)
WIDE_WRITE(write16, 16)
WIDE(volatile_read16, 16)
WIDE_WRITE(volatile_write16, 16)
WIDE_BOTH(read_write16, 16)
#define UNALIGNED(n)                                                                               \
    WIDE(unaligned_read##n, n)                                                                     \
    WIDE_WRITE(unaligned_write##n, n)                                                              \
    WIDE(unaligned_volatile_read##n, n)                                                            \
    WIDE_WRITE(unaligned_volatile_write##n, n)                                                     \
    WIDE_BOTH(unaligned_read_write##n, n)
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)

EXPORT void __tsan_read16_pc(void *a, void *pc)
{
    det_read_range((uintptr_t)pc, (uintptr_t)a, 16);
}
EXPORT void __tsan_write16_pc(void *a, void *pc)
{
    det_write_range((uintptr_t)pc, (uintptr_t)a, 16);
}
EXPORT void __tsan_read_range(void *a, size_t n)
{
    det_read_range(PC, (uintptr_t)a, n);
}
EXPORT void __tsan_write_range(void *a, size_t n)
{
    det_write_range(PC, (uintptr_t)a, n);
}
EXPORT void __tsan_read_range_pc(void *a, size_t n, void *pc)
{
    det_read_range((uintptr_t)pc, (uintptr_t)a, n);
}
EXPORT void __tsan_write_range_pc(void *a, size_t n, void *pc)
{
    det_write_range((uintptr_t)pc, (uintptr_t)a, n);
}

/* The virtual table pointer of a C++ object: writing the value that is there already (each destructor
   does) is no access. */
EXPORT void __tsan_vptr_update(void **vptr, void *value)
{
    if (*vptr != value)
        det_write_range(PC, (uintptr_t)vptr, sizeof *vptr);
}
EXPORT void __tsan_vptr_read(void **vptr)
{
    det_read_range(PC, (uintptr_t)vptr, sizeof *vptr);
}

/* clang's names for the mem functions it makes up itself. */
EXPORT void *__tsan_memcpy(void *to, const void *from, size_t n)
{
    det_read_range(PC, (uintptr_t)from, n);
    det_write_range(PC, (uintptr_t)to, n);
    return det_memcpy(to, from, n);
}
EXPORT void *__tsan_memmove(void *to, const void *from, size_t n)
{
    det_read_range(PC, (uintptr_t)from, n);
    det_write_range(PC, (uintptr_t)to, n);
    return det_memmove(to, from, n);
}
EXPORT void *__tsan_memset(void *to, int c, size_t n)
{
    det_write_range(PC, (uintptr_t)to, n);
    return det_memset(to, c, n);
}

/* --- the call stack ----------------------------------------------------------------------------------- */

static noinline void entry_grows(void *pc)
{
    struct race_g *g = det_cur;
    if (g->busy)
        return;
    g->busy = 1;
    g_stack_grow(g);
    g->busy = 0;
    __tsan_func_entry(pc);
}

/* report/inline.c writes the same, and __tsan_func_exit, into compiled programs. */
EXPORT void __tsan_func_entry(void *pc)
{
    struct race_g *g = det_cur;
    if (unlikely(!g))
        return;
    if (unlikely(g->sp == g->sp_end)) {
        entry_grows(pc);
        return;
    }
    uintptr_t *sp = g->sp;
    g->sp = sp + 1; /* before the store: a signal handler that comes between uses the next slot */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *sp = (uintptr_t)pc;
}

EXPORT void __tsan_func_exit(void)
{
    struct race_g *g = det_cur;
    if (unlikely(!g))
        return;
    uintptr_t *sp = g->sp;
    if (likely(sp > g->sp_base)) {
        g->sp = --sp;
        if (sp < g->sp_synced)
            g->sp_synced = sp;
    }
}

/* --- the rest ------------------------------------------------------------------------------------------ */

EXPORT void __tsan_init(void)
{
    det_instrumented = true;
    det_init();
    icept_module_starts();
}
EXPORT void __tsan_ignore_thread_begin(void)
{
    det_ignore_begin();
}
EXPORT void __tsan_ignore_thread_end(void)
{
    det_ignore_end();
}

/* The public annotations (sanitizer/tsan_interface.h). */
EXPORT void __tsan_acquire(void *a)
{
    hook_acquire(NULL, a);
}
EXPORT void __tsan_release(void *a)
{
    hook_release_merge(NULL, a);
}

#define MUTEX_READ_LOCK (1u << 3)
#define MUTEX_TRY (1u << 4)
#define MUTEX_TRY_FAILED (1u << 5)
#define MUTEX_READ_OF(flags) (((flags) & MUTEX_READ_LOCK) ? HOOK_READ : HOOK_WRITE)

EXPORT void __tsan_mutex_create(void *m, unsigned flags)
{
}
EXPORT void __tsan_mutex_destroy(void *m, unsigned flags)
{
    hook_forget(m, 8);
}
EXPORT void __tsan_mutex_pre_lock(void *m, unsigned flags)
{
    if (!(flags & MUTEX_TRY))
        hook_lock_wait(HOOK_OBJ_MUTEX, m, MUTEX_READ_OF(flags), PC);
    det_ignore_begin(); /* what the lock does inside is its own affair */
}
EXPORT void __tsan_mutex_post_lock(void *m, unsigned flags, int recursion)
{
    det_ignore_end();
    if (flags & MUTEX_TRY_FAILED)
        return;
    hook_acquire(NULL, m);
    hook_locked(HOOK_OBJ_MUTEX, m, MUTEX_READ_OF(flags) | (flags & MUTEX_TRY ? HOOK_TRY : 0), PC);
}
EXPORT int __tsan_mutex_pre_unlock(void *m, unsigned flags)
{
    hook_unlock(HOOK_OBJ_MUTEX, m, MUTEX_READ_OF(flags), PC);
    if (flags & MUTEX_READ_LOCK)
        hook_release_merge(NULL, m);
    else
        hook_release(NULL, m);
    det_ignore_begin();
    return 0;
}
EXPORT void __tsan_mutex_post_unlock(void *m, unsigned flags)
{
    det_ignore_end();
}
EXPORT void __tsan_mutex_pre_signal(void *m, unsigned flags)
{
    det_ignore_begin();
}
EXPORT void __tsan_mutex_post_signal(void *m, unsigned flags)
{
    det_ignore_end();
}
EXPORT void __tsan_mutex_pre_divert(void *m, unsigned flags)
{
    det_ignore_end();
}
EXPORT void __tsan_mutex_post_divert(void *m, unsigned flags)
{
    det_ignore_begin();
}

/* Dynamic annotations, as Chromium, Abseil and folly call them. */
#define ANNOTATION(name, ...) EXPORT void name(const char *file, int line, ##__VA_ARGS__)
ANNOTATION(AnnotateHappensBefore, const volatile void *a)
{
    hook_release_merge(NULL, (const void *)a);
}
ANNOTATION(AnnotateHappensAfter, const volatile void *a)
{
    hook_acquire(NULL, (const void *)a);
}
ANNOTATION(AnnotateIgnoreReadsBegin)
{
    det_ignore_begin();
}
ANNOTATION(AnnotateIgnoreReadsEnd)
{
    det_ignore_end();
}
ANNOTATION(AnnotateIgnoreWritesBegin)
{
    det_ignore_begin();
}
ANNOTATION(AnnotateIgnoreWritesEnd)
{
    det_ignore_end();
}
ANNOTATION(AnnotateRWLockCreate, const volatile void *l)
{
}
ANNOTATION(AnnotateRWLockDestroy, const volatile void *l)
{
    hook_forget((const void *)l, 8);
}
ANNOTATION(AnnotateRWLockAcquired, const volatile void *l, long write)
{
    hook_acquire(NULL, (const void *)l);
}
ANNOTATION(AnnotateRWLockReleased, const volatile void *l, long write)
{
    if (write)
        hook_release(NULL, (const void *)l);
    else
        hook_release_merge(NULL, (const void *)l);
}
ANNOTATION(AnnotateNewMemory, const volatile void *p, size_t n)
{
    det_clear((uintptr_t)p, n);
}
ANNOTATION(AnnotateBenignRaceSized, const volatile void *p, size_t n, const char *why)
{
}
