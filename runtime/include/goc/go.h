/*
 * go.h - goroutines: starting them, yielding, ending, defer and panic. Part of <goc.h>.
 */
#ifndef GOC_GO_H
#define GOC_GO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <goc/cplusplus.h>
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * errno belongs to the goroutine, which may be on another thread after any call that parks. libc says
 * that the address of errno never changes within a function, and compilers keep it; so here errno
 * goes through a function that promises nothing.
 */
int *goc_errno(void);
#undef errno
#define errno (*goc_errno())

/*
 * go(fn, ...) - start fn(...) in a new goroutine, as Go's go statement.
 *
 * 0 to 6 arguments: integers, enums, bools and pointers. They are evaluated here and now, once; the
 * call is checked as fn(...) would be, and a parameter of floating or struct type does not compile.
 * An integer must fit the parameter it is for. The result of fn is dropped. The goroutine's stack
 * grows to 256 KiB (64 KiB for those beyond 1,024 at once), or to GOC_STACK of the environment
 * ("64k", "1m"); beyond that the program ends with "goroutine stack exceeds".
 */
#define go(...) GOC_GO_PICK_(__VA_ARGS__, GOC_GO6_, GOC_GO5_, GOC_GO4_, GOC_GO3_, GOC_GO2_,        \
                             GOC_GO1_, GOC_GO0_, )(__VA_ARGS__)

/* The function beneath it. */
void goc_go(void (*fn)(void *), void *arg);
/* The same with a stack of `size` bytes (at least 16 KiB, at most 1 GiB, in pages) instead of the
   default one; 0: that one. More is a panic. The pages are touched only as the stack grows. */
void goc_go_stack(size_t size, void (*fn)(void *), void *arg);
/* n words as the arguments of fn; what go() expands to. */
void goc_go_call(void *fn, int n, const uintptr_t *arg);

/* Let other goroutines run; this one goes to the end of the queue. Go: runtime.Gosched. */
void goc_gosched(void);
/* End this goroutine after running its defers. In the main goroutine: the others go on, and the
   program dies when they have all ended, as in Go. Go: runtime.Goexit. */
void goc_goexit(void) __attribute__((noreturn));

/* Set how many goroutines run at the same time (n > 0) and return what it was. At the start it is
   GOMAXPROCS of the environment, or else the number of CPUs this process may use (its affinity, and
   its cgroup's quota). When a lower n returns no more than that run; or a second later, if a library's loop does
   not let itself be interrupted. Go: runtime.GOMAXPROCS. */
int goc_gomaxprocs(int n);
/* CPUs this process may use. Go: runtime.NumCPU. */
int goc_numcpu(void);
/* Goroutines that exist, foreign threads that called in included. Go: runtime.NumGoroutine. */
int goc_numgoroutine(void);

/* How many goroutines can never run again, each printed to standard error (goleak). Those that are
   about to end are given time to. In a plain build a goroutine counts that still waits for a channel,
   a lock, a WaitGroup or the like when only the caller could wake it; under goc-race it is proved
   that nobody can, and each is a finding. */
size_t goc_verify_no_leaks(void);

/* Tie this goroutine to the thread it runs on, for libraries with thread-local state: no other
   goroutine runs on it until as many unlocks. A goroutine that ends without them takes the thread along,
   unless it is the process's first one. Go: runtime.LockOSThread. */
void goc_lock_os_thread(void);
void goc_unlock_os_thread(void);

/* Call fn(arg), which may block in the kernel; meanwhile another thread runs the goroutines that
   would have waited behind it. */
void goc_blocking(void (*fn)(void *), void *arg);

/*
 * goc_defer(fn, arg) - call fn(arg) when the enclosing block is left: at its end, by return, break,
 * goto, goc_panic or goc_goexit (not by longjmp). fn takes one pointer. The last one runs first. Both
 * are evaluated now. It is a declaration: not a statement to put behind an if without braces.
 */
#ifdef __cplusplus
#define goc_defer(f, a) GOC_DEFER_(f, a, __COUNTER__)
#define GOC_DEFER_(f, a, n)                                                                        \
    struct goc_deferred GOC_CAT_(goc_deferral_, n) =                                               \
        goc_deferral_of<struct goc_deferred>(+(f), (a));                                           \
    struct goc_deferred *GOC_CAT_(goc_deferred_, n)                                                \
        __attribute__((cleanup(goc_deferred_end), unused)) =                                       \
            goc_deferred_begin(&GOC_CAT_(goc_deferral_, n))
#else
#define goc_defer(f, a)                                                                            \
    struct goc_deferred *GOC_CAT_(goc_deferred_, __COUNTER__)                                      \
        __attribute__((cleanup(goc_deferred_end), unused)) =                                       \
            goc_deferred_begin(&(struct goc_deferred){                                             \
                .fn = (void (*)(void *))((void)sizeof((f)(a), 0), (f)), .arg = (void *)(a)})
#endif

/* Run this goroutine's defers, then print "panic: MESSAGE" and the goroutines' traces, and end the
   program with status 2; unless goc_pcall catches it. Go: panic. */
void goc_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
/* Call fn(arg). NULL, or, if a panic ended it, its message, which stays until this goroutine's next
   goc_pcall that catches one, or its end. Go: a deferred recover. */
const char *goc_pcall(void (*fn)(void *), void *arg);

/* --- behind the macros ------------------------------------------------------------------------ */

struct goc_deferred {
    void (*fn)(void *);
    void *arg;
    struct goc_deferred *next;
};
struct goc_deferred *goc_deferred_begin(struct goc_deferred *d);
void goc_deferred_end(struct goc_deferred **d);

#define GOC_CAT_(a, b) GOC_CAT2_(a, b)
#define GOC_CAT2_(a, b) a##b

#define GOC_GO_PICK_(fn, a, b, c, d, e, f, pick, ...) pick

/* The first check is the call itself, unevaluated. The second one is for parameters of floating type,
   to which C would convert an integer and which our word would not reach. clang: call with null
   pointers, which convert to pointers and, with the warning off, to integers, but never to those.
   gcc does not convert a pointer to an enum either; there the function's type is compared with what
   it would be if one parameter were floating and the others had the arguments' types. */
#ifdef __cplusplus
#define GOC_GO_CHECK_(call, nulls, is_float)
#elif defined __clang__
#define GOC_GO_CHECK_(call, nulls, is_float)                                                       \
    (void)sizeof(call, 0);                                                                         \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")          \
        _Pragma("GCC diagnostic ignored \"-Wnonnull\"")(void) sizeof(nulls, 0);                    \
    _Pragma("GCC diagnostic pop")
#else
#define GOC_GO_CHECK_(call, nulls, is_float)                                                       \
    (void)sizeof(call, 0);                                                                         \
    _Static_assert(!(is_float), "go: a parameter of floating type");
#endif
#define GOC_TYPE_OF_(x) __typeof__(((void)0, (x)))
#define GOC_IS_(fn, call, ...)                                                                     \
    __builtin_types_compatible_p(__typeof__(*(fn)), __typeof__(call)(__VA_ARGS__))
#define GOC_FLOAT1_(fn, a) (GOC_IS_(fn, (fn)(a), double) || GOC_IS_(fn, (fn)(a), float))
#define GOC_FLOAT2_(fn, a, b)                                                                      \
    (GOC_IS_(fn, (fn)(a, b), double, GOC_TYPE_OF_(b)) ||                                           \
     GOC_IS_(fn, (fn)(a, b), GOC_TYPE_OF_(a), double) ||                                           \
     GOC_IS_(fn, (fn)(a, b), double, double) ||                                                    \
     GOC_IS_(fn, (fn)(a, b), float, GOC_TYPE_OF_(b)) ||                                            \
     GOC_IS_(fn, (fn)(a, b), GOC_TYPE_OF_(a), float))
#define GOC_FLOAT3_(fn, a, b, c)                                                                   \
    (GOC_IS_(fn, (fn)(a, b, c), double, GOC_TYPE_OF_(b), GOC_TYPE_OF_(c)) ||                       \
     GOC_IS_(fn, (fn)(a, b, c), GOC_TYPE_OF_(a), double, GOC_TYPE_OF_(c)) ||                       \
     GOC_IS_(fn, (fn)(a, b, c), GOC_TYPE_OF_(a), GOC_TYPE_OF_(b), double) ||                       \
     GOC_IS_(fn, (fn)(a, b, c), double, double, double) ||                                         \
     GOC_IS_(fn, (fn)(a, b, c), float, GOC_TYPE_OF_(b), GOC_TYPE_OF_(c)) ||                        \
     GOC_IS_(fn, (fn)(a, b, c), GOC_TYPE_OF_(a), float, GOC_TYPE_OF_(c)) ||                        \
     GOC_IS_(fn, (fn)(a, b, c), GOC_TYPE_OF_(a), GOC_TYPE_OF_(b), float) ||                        \
     GOC_IS_(fn, (fn)(a, b, c), float, float, float))

#define GOC_T_(x) GOC_TYPE_OF_(x)
#define GOC_FLOAT4_(fn, a, b, c, d)                                                                \
    (GOC_ONE4_(fn, a, b, c, d, double) || GOC_ONE4_(fn, a, b, c, d, float))
#define GOC_ONE4_(fn, a, b, c, d, F)                                                               \
    (GOC_IS_(fn, (fn)(a, b, c, d), F, GOC_T_(b), GOC_T_(c), GOC_T_(d)) ||                          \
     GOC_IS_(fn, (fn)(a, b, c, d), GOC_T_(a), F, GOC_T_(c), GOC_T_(d)) ||                          \
     GOC_IS_(fn, (fn)(a, b, c, d), GOC_T_(a), GOC_T_(b), F, GOC_T_(d)) ||                          \
     GOC_IS_(fn, (fn)(a, b, c, d), GOC_T_(a), GOC_T_(b), GOC_T_(c), F))
#define GOC_FLOAT5_(fn, a, b, c, d, e)                                                             \
    (GOC_ONE5_(fn, a, b, c, d, e, double) || GOC_ONE5_(fn, a, b, c, d, e, float))
#define GOC_ONE5_(fn, a, b, c, d, e, F)                                                            \
    (GOC_IS_(fn, (fn)(a, b, c, d, e), F, GOC_T_(b), GOC_T_(c), GOC_T_(d), GOC_T_(e)) ||            \
     GOC_IS_(fn, (fn)(a, b, c, d, e), GOC_T_(a), F, GOC_T_(c), GOC_T_(d), GOC_T_(e)) ||            \
     GOC_IS_(fn, (fn)(a, b, c, d, e), GOC_T_(a), GOC_T_(b), F, GOC_T_(d), GOC_T_(e)) ||            \
     GOC_IS_(fn, (fn)(a, b, c, d, e), GOC_T_(a), GOC_T_(b), GOC_T_(c), F, GOC_T_(e)) ||            \
     GOC_IS_(fn, (fn)(a, b, c, d, e), GOC_T_(a), GOC_T_(b), GOC_T_(c), GOC_T_(d), F))
#define GOC_FLOAT6_(fn, a, b, c, d, e, f)                                                          \
    (GOC_ONE6_(fn, a, b, c, d, e, f, double) || GOC_ONE6_(fn, a, b, c, d, e, f, float))
#define GOC_ONE6_(fn, a, b, c, d, e, f, F)                                                         \
    (GOC_IS_(fn, (fn)(a, b, c, d, e, f), F, GOC_T_(b), GOC_T_(c), GOC_T_(d), GOC_T_(e), GOC_T_(f)) || \
     GOC_IS_(fn, (fn)(a, b, c, d, e, f), GOC_T_(a), F, GOC_T_(c), GOC_T_(d), GOC_T_(e), GOC_T_(f)) || \
     GOC_IS_(fn, (fn)(a, b, c, d, e, f), GOC_T_(a), GOC_T_(b), F, GOC_T_(d), GOC_T_(e), GOC_T_(f)) || \
     GOC_IS_(fn, (fn)(a, b, c, d, e, f), GOC_T_(a), GOC_T_(b), GOC_T_(c), F, GOC_T_(e), GOC_T_(f)) || \
     GOC_IS_(fn, (fn)(a, b, c, d, e, f), GOC_T_(a), GOC_T_(b), GOC_T_(c), GOC_T_(d), F, GOC_T_(f)) || \
     GOC_IS_(fn, (fn)(a, b, c, d, e, f), GOC_T_(a), GOC_T_(b), GOC_T_(c), GOC_T_(d), GOC_T_(e), F))

#define GOC_N_ ((void *)0)
#ifdef __cplusplus
#define GOC_FN_(fn) (void *)goc_call_.function
#define GOC_FN0_(fn) goc_call_of_none(+(fn))
#define GOC_W_(x) (x)
#define GOC_WORDS_(fn, n, ...)                                                                     \
    auto goc_call_ = goc_call_of(+(fn));                                                           \
    uintptr_t goc_args_[n];                                                                        \
    goc_call_.words(goc_args_, __VA_ARGS__);
#else
/* A function as a word: ISO C has no such conversion, POSIX does. */
#define GOC_FN_(fn) (__extension__(void *)(fn))
#define GOC_FN0_(fn) GOC_FN_(fn)
#define GOC_WORDS_(fn, n, ...) const uintptr_t goc_args_[] = {__VA_ARGS__};
/* 1 is an integer (2 char, 3 enum, 4 bool by another name), 5 a pointer, 8 a floating type. */
#define GOC_W_(x)                                                                                  \
    ((uintptr_t)(x) + 0 * sizeof(char[__builtin_classify_type(x) != 8 && \
                                   sizeof(__typeof__(((void)0, (x)))) <= 8 ? 1 : -1]))
#endif

#define GOC_GO0_(fn)                                                                               \
    do {                                                                                           \
        GOC_GO_CHECK_((fn)(), (fn)(), 0)                                                              \
        goc_go_call(GOC_FN0_(fn), 0, 0);                                                           \
    } while (0)
#define GOC_GO_BODY_(fn, call, nulls, is_float, n, ...)                                                      \
    do {                                                                                           \
        GOC_GO_CHECK_(call, nulls, is_float)                                                            \
        GOC_WORDS_(fn, n, __VA_ARGS__)                                                             \
        goc_go_call(GOC_FN_(fn), n, goc_args_);                                                    \
    } while (0)
#define GOC_GO1_(fn, a)                                                                            \
    GOC_GO_BODY_(fn, (fn)(a), (fn)(GOC_N_), GOC_FLOAT1_(fn, a), 1, GOC_W_(a))
#define GOC_GO2_(fn, a, b)                                                                         \
    GOC_GO_BODY_(fn, (fn)(a, b), (fn)(GOC_N_, GOC_N_), GOC_FLOAT2_(fn, a, b), 2, GOC_W_(a),        \
                 GOC_W_(b))
#define GOC_GO3_(fn, a, b, c)                                                                      \
    GOC_GO_BODY_(fn, (fn)(a, b, c), (fn)(GOC_N_, GOC_N_, GOC_N_), GOC_FLOAT3_(fn, a, b, c), 3, GOC_W_(a), GOC_W_(b),         \
                 GOC_W_(c))
#define GOC_GO4_(fn, a, b, c, d)                                                                   \
    GOC_GO_BODY_(fn, (fn)(a, b, c, d), (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_),      \
                 GOC_FLOAT4_(fn, a, b, c, d), 4, GOC_W_(a),         \
                 GOC_W_(b), GOC_W_(c), GOC_W_(d))
#define GOC_GO5_(fn, a, b, c, d, e)                                                                \
    GOC_GO_BODY_(fn, (fn)(a, b, c, d, e), (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_), \
                 GOC_FLOAT5_(fn, a, b, c, d, e), 5,         \
                 GOC_W_(a), GOC_W_(b), GOC_W_(c), GOC_W_(d), GOC_W_(e))
#define GOC_GO6_(fn, a, b, c, d, e, f)                                                             \
    GOC_GO_BODY_(fn, (fn)(a, b, c, d, e, f),                                                       \
                 (fn)(GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_, GOC_N_),                             \
                 GOC_FLOAT6_(fn, a, b, c, d, e, f), 6, GOC_W_(a), GOC_W_(b),    \
                 GOC_W_(c), GOC_W_(d), GOC_W_(e), GOC_W_(f))

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
