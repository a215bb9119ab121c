/*
 * intercept_malloc.c - malloc and its family, C++'s new and delete, and mappings.
 *
 * glibc's allocator stays underneath, by its __libc_ names: those need no dlsym, so the first
 * malloc of a process, which may come from the loader or from dlsym itself, already works. What is
 * added is told to heap.c before the memory goes back and after it came.
 *
 * new and delete are taken over as well as malloc, though libstdc++'s end in malloc: it is the
 * program that calls them, not libstdc++ (an uninstrumented module whose frees are not looked at).
 * A program that defines its own keeps them, since these are weak. When memory is out, libstdc++'s
 * operator new is called, to throw as it does.
 *
 * Mappings. A mapping that comes is memory without a past; one that goes takes its past with it,
 * before the kernel can give the addresses to another thread. MAP_FIXED over something does both; over
 * the detector's own maps it fails, once with a line that says why. A mere wish for a place that the
 * shadow shares with another one is not passed on: the kernel then finds a place itself, as it may.
 *
 * Invariants
 *  - errno after a call is what the real function left.
 *  - Nothing here allocates; every function may be called before the detector stands.
 */
#include "heap.h"
#include "intercept.h"
#include "roots.h"
#include "stackmem.h"
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t w);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void *__libc_valloc(size_t n);
void *__libc_pvalloc(size_t n);
void __libc_free(void *p);

/* The allocator's own word before the block tells its extent; malloc_usable_size is not
   called for it, since that may be interposed by the program. */
#define CHUNK_MAPPED 2u
#define CHUNK_FLAGS 7ul
static size_t chunk_word(const void *p)
{
    return ((const size_t *)p)[-1];
}
static size_t chunk_usable(const void *p)
{
    size_t w = chunk_word(p);
    return (w & ~CHUNK_FLAGS) - (w & CHUNK_MAPPED ? 16 : 8);
}

static void *given(void *p, size_t n, uintptr_t pc)
{
    if (p && det_ready) {
        int saved = errno;
        heap_alloc(p, n, chunk_usable(p), pc);
        errno = saved;
    }
    return p;
}

static void taken(void *p, uintptr_t pc)
{
    if (!p)
        return;
    if (det_ready) {
        int saved = errno;
        size_t usable = chunk_usable(p);
        heap_free(p, usable, pc, icept_mem(pc));
        if (chunk_word(p) & CHUNK_MAPPED)
            det_clear((uintptr_t)p, usable);
        errno = saved;
    }
    __libc_free(p);
}

ICEPT_EXPORT(void *, malloc, (size_t n))
{
    return given(__libc_malloc(n), n, ICEPT_PC());
}
ICEPT_EXPORT(void *, calloc, (size_t n, size_t w))
{
    return given(__libc_calloc(n, w), n * w, ICEPT_PC());
}
ICEPT_EXPORT(void, free, (void *p))
{
    taken(p, ICEPT_PC());
}
ICEPT_EXPORT(void, cfree, (void *p))
{
    taken(p, ICEPT_PC());
}

/* As a free of the old block and a malloc whose contents the caller writes; the real function may
   do better, and does. */
static void *resize(void *p, size_t n, uintptr_t pc)
{
    if (!p)
        return given(__libc_malloc(n), n, pc);
    if (!n) {
        taken(p, pc);
        return NULL;
    }
    if (!det_ready)
        return __libc_realloc(p, n);
    if (n > PTRDIFF_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    int saved = errno;
    struct heap_block old = {.size = chunk_usable(p)};
    heap_find((uintptr_t)p, &old);
    heap_free(p, chunk_usable(p), pc, icept_mem(pc));
    errno = saved;
    void *q = __libc_realloc(p, n);
    saved = errno;
    if (!q) {
        heap_unfree(p);
    } else {
        heap_alloc(q, n, chunk_usable(q), pc);
        size_t copied = old.size < n ? old.size : n;
        if (icept_mem(pc) && copied <= 1u << 20)
            det_write_range(pc, (uintptr_t)q, copied);
    }
    errno = saved;
    return q;
}
ICEPT_EXPORT(void *, realloc, (void *p, size_t n))
{
    return resize(p, n, ICEPT_PC());
}
ICEPT_EXPORT(void *, reallocarray, (void *p, size_t n, size_t w))
{
    size_t all;
    if (__builtin_mul_overflow(n, w, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(p, all, ICEPT_PC());
}

ICEPT_EXPORT(void *, memalign, (size_t align, size_t n))
{
    return given(__libc_memalign(align, n), n, ICEPT_PC());
}
ICEPT_EXPORT(void *, aligned_alloc, (size_t align, size_t n))
{
    return given(__libc_memalign(align, n), n, ICEPT_PC());
}
ICEPT_EXPORT(int, posix_memalign, (void **to, size_t align, size_t n))
{
    uintptr_t pc = ICEPT_PC();
    if (align % sizeof(void *) || align & (align - 1) || !align)
        return EINVAL;
    int saved = errno;
    void *p = given(__libc_memalign(align, n), n, pc);
    errno = saved;
    if (!p)
        return ENOMEM;
    *to = p;
    if (icept_mem(pc))
        det_write_range(pc, (uintptr_t)to, sizeof *to);
    return 0;
}
ICEPT_EXPORT(void *, valloc, (size_t n))
{
    return given(__libc_valloc(n), n, ICEPT_PC());
}
ICEPT_EXPORT(void *, pvalloc, (size_t n))
{
    void *p = __libc_pvalloc(n);
    return given(p, p ? chunk_usable(p) : n, ICEPT_PC());
}
/* What the program may use is what it asked for: a write beyond would not be looked at rightly. */
ICEPT_EXPORT(size_t, malloc_usable_size, (void *p))
{
    return p ? chunk_usable(p) : 0;
}

/* --- C++ -------------------------------------------------------------------------------------- */

/* Mangled names: _Znwm is operator new(unsigned long), _Zna its array form, _Zdl and _Zda the
 * deletes. */
#define NEW(name, params, align, args)                                                 \
    ICEPT_REAL(void *, name, params);                                                  \
    ICEPT_EXPORT(void *, name, params)                                                 \
    {                                                                                  \
        uintptr_t pc = ICEPT_PC();                                                     \
        void *p = (align) > 16 ? __libc_memalign(align, n) : __libc_malloc(n ? n : 1); \
        return p ? given(p, n, pc) : REAL(name) args;                                  \
    }
#define DELETE(name, params)         \
    ICEPT_EXPORT(void, name, params) \
    {                                \
        taken(p, ICEPT_PC());        \
    }
NEW(_Znwm, (size_t n), 0, (n))
NEW(_Znam, (size_t n), 0, (n))
NEW(_ZnwmRKSt9nothrow_t, (size_t n, const void *t), 0, (n, t))
NEW(_ZnamRKSt9nothrow_t, (size_t n, const void *t), 0, (n, t))
NEW(_ZnwmSt11align_val_t, (size_t n, size_t a), a, (n, a))
NEW(_ZnamSt11align_val_t, (size_t n, size_t a), a, (n, a))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void *t), a, (n, a, t))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void *t), a, (n, a, t))
DELETE(_ZdlPv, (void *p))
DELETE(_ZdaPv, (void *p))
DELETE(_ZdlPvm, (void *p, size_t n))
DELETE(_ZdaPvm, (void *p, size_t n))
DELETE(_ZdlPvRKSt9nothrow_t, (void *p, const void *t))
DELETE(_ZdaPvRKSt9nothrow_t, (void *p, const void *t))
DELETE(_ZdlPvSt11align_val_t, (void *p, size_t a))
DELETE(_ZdaPvSt11align_val_t, (void *p, size_t a))
DELETE(_ZdlPvmSt11align_val_t, (void *p, size_t n, size_t a))
DELETE(_ZdaPvmSt11align_val_t, (void *p, size_t n, size_t a))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t a, const void *t))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t a, const void *t))

/* --- mappings --------------------------------------------------------------------------------- */

static void mapped(void *p, size_t n)
{
    if (p != MAP_FAILED && det_ready && det_app((uintptr_t)p)) {
        heap_drop((uintptr_t)p, n);
        det_forget((uintptr_t)p, n);
    }
}
static void unmapped(void *p, size_t n)
{
    if (det_ready && n && det_app((uintptr_t)p) && det_app((uintptr_t)p + n - 1))
        det_forget((uintptr_t)p, n);
}

/* The detector's maps, one beside the other. */
static bool over_maps(uintptr_t p, size_t n)
{
    return p < STACKMEM_BASE + (1ull << (DET_ADDR_BITS - 12)) && p + n > SHADOW_BASE;
}
static bool place_taken(void *at, size_t n)
{
    static u32 said;
    if (!det_ready || !over_maps((uintptr_t)at, n))
        return false;
    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        det_notice("a mapping at the fixed address 0x%lx was refused: the detector's maps of memory lie "
                   "there", (unsigned long)at);
    errno = ENOMEM;
    return true;
}
static void *place_wished(void *at, size_t n)
{
    return det_app((uintptr_t)at) && det_app((uintptr_t)at + n) ? at : NULL;
}

#define MMAP(name)                                                                     \
    ICEPT(void *, name, (void *at, size_t n, int prot, int flags, int fd, off_t off))  \
    {                                                                                  \
        if (icept_own(ICEPT_PC()))                                                     \
            return REAL(name)(at, n, prot, flags, fd, off);                            \
        if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))                              \
            at = place_wished(at, n);                                                  \
        else if ((flags & MAP_FIXED) && place_taken(at, n))                            \
            return MAP_FAILED;                                                         \
        void *p = REAL(name)(at, n, prot, flags, fd, off);                             \
        mapped(p, n);                                                                  \
        return p;                                                                      \
    }
MMAP(mmap)
MMAP(mmap64)
ICEPT(int, munmap, (void *p, size_t n))
{
    if (!icept_own(ICEPT_PC()) && !((uintptr_t)p & 4095)) {
        if (n && place_taken(p, n)) {
            errno = EINVAL;
            return -1;
        }
        unmapped(p, n);
    }
    return REAL(munmap)(p, n);
}

/* The end of the data goes up and down: what is above it later is another memory than before. */
ICEPT(void *, sbrk, (intptr_t n))
{
    if (!n || icept_own(ICEPT_PC()))
        return REAL(sbrk)(n);
    roots_break_moved();
    if (n < 0)
        unmapped((char *)REAL(sbrk)(0) + n, (size_t)-n);
    void *was = REAL(sbrk)(n);
    if (n > 0)
        mapped(was, (size_t)n); /* -1 as MAP_FAILED */
    return was;
}
ICEPT(int, brk, (void *to))
{
    if (icept_own(ICEPT_PC()))
        return REAL(brk)(to);
    roots_break_moved();
    char *was = REAL(sbrk)(0);
    if ((char *)to < was)
        unmapped(to, (size_t)(was - (char *)to));
    int r = REAL(brk)(to);
    if (r == 0 && (char *)to > was)
        mapped(was, (size_t)((char *)to - was));
    return r;
}
/* Pages that move keep no history: what was known of their old place is dropped with it. */
ICEPT_REAL(void *, mremap, (void *p, size_t old, size_t n, int flags, ...));
ICEPT_EXPORT(void *, mremap, (void *p, size_t old, size_t n, int flags, void *to))
{
    if (icept_own(ICEPT_PC()))
        return REAL(mremap)(p, old, n, flags, to);
    if ((flags & MREMAP_FIXED) && place_taken(to, n))
        return MAP_FAILED;
    void *q = REAL(mremap)(p, old, n, flags, to);
    if (q == MAP_FAILED)
        return q;
    if (q != p) {
        unmapped(p, old);
        mapped(q, n);
    } else if (n > old) {
        mapped((char *)p + old, n - old);
    } else if (n < old) {
        unmapped((char *)p + n, old - n);
    }
    return q;
}
