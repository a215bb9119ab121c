/*
 * intercept_libc.c - libc.def made into functions.
 *
 * The program's strings and buffers pass through code that the compiler did not instrument. TSan
 * replaces each such function by hand; here a table says what a function reads and writes, and this
 * file turns a line of it into an interceptor. A new function is a line in libc.def.
 *
 * Rejected: describing effects as data (an array of "argument 2 is a string read") and interpreting
 * it at each call. Lengths depend on results and on each other in too many ways for a small
 * language, and memcpy is called too often for an interpreter.
 *
 * The protocol of one interceptor
 *   1. Not a program's call (icept_mem): straight on to the real function.
 *   2. `before`: what is known before the call. A faulty pointer then faults here, with the
 *      program's frame on top of the report all the same, since this library's are left out.
 *   3. The real function, with whatever errno it leaves.
 *   4. `after`: what is known from the result.
 *
 * Invariants
 *  - The detector is entered only through det_read_range and det_write_range, which save errno's
 *    value by not touching it.
 *  - A reported length is what the function's contract lets it touch, not what one implementation
 *    happens to: strlen reads up to the end, memcmp all n bytes, strncpy writes all n.
 *  - Real functions are found once, at start (icept_init); a call before that finds its own.
 *
 * The hidden static objects. Where libc keeps state without a lock (strtok, setlocale, getenv
 * against setenv), the state has a stand-in here, 8 bytes of its own, that the call reads or
 * writes. A race on it is a race on the function.
 */
#include "intercept.h"
#include "slept.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <fnmatch.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <libintl.h>
#include <locale.h>
#include <math.h>
#include <mntent.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <netdb.h>
#include <obstack.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timeb.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include <utmp.h>
#include <utmpx.h>
#include <wchar.h>
#include <wordexp.h>

/* --- the real functions ----------------------------------------------------------------------- */

#define LIBC(ret, name, params, args, before, after) ICEPT_REAL_AS(ret, name, #name, NULL, params);
#define LIBV(name, params, args, before, after) ICEPT_REAL_AS(void, name, #name, NULL, params);
#define LIBS(ret, name, params, args, sync, before, after, learn) \
    ICEPT_REAL_AS(ret, name, #name, NULL, params);
#include "libc.def"
#undef LIBC
#undef LIBV
#undef LIBS

/* Interceptors of libm's functions find the real ones only if libm is there: it is linked because
   of this reference even when the program's own calls end here (--as-needed). */
__attribute__((used)) static double (*const keep_libm)(double) = cbrt;

/* --- what the table's words mean -------------------------------------------------------------- */

/* A sleep of a controlled schedule's time. */
#define BY_CLOCK(ns) \
    if (unlikely(det_sleep != NULL) && det_sleep(ns)) return 0
#define NAPPED() \
    if (det_cur) \
    slept_note(det_cur, pc)
static int64_t time_left(clockid_t c, int flags, const struct timespec *t)
{
    struct timespec now = {0};
    if (flags & TIMER_ABSTIME)
        clock_gettime(c, &now);
    return (int64_t)(t->tv_sec - now.tv_sec) * 1000000000 + t->tv_nsec - now.tv_nsec;
}

static size_t len(const char *s)
{
    return REAL(strlen)(s);
}
static size_t len_max(const char *s, size_t n)
{
    return REAL(strnlen)(s, n);
}
static size_t wlen(const wchar_t *s)
{
    return REAL(wcslen)(s);
}
static size_t wlen_max(const wchar_t *s, size_t n)
{
    return REAL(wcsnlen)(s, n);
}
static size_t first_wide_difference(const wchar_t *a, const wchar_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || !a[i])
            return i + 1;
    return n;
}

/* Bytes that a comparison of strings looks at: up to the first difference or the end. */
static size_t first_string_difference(const char *a, const char *b, size_t n, bool fold)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char x = a[i], y = b[i];
        if (fold && (unsigned)(x - 'A') < 26)
            x += 'a' - 'A';
        if (fold && (unsigned)(y - 'A') < 26)
            y += 'a' - 'A';
        if (x != y || !x)
            return i + 1;
    }
    return n;
}

/* What insque and remque take any structure for. */
struct queued {
    struct queued *next, *prev;
};

/* Bytes that a conversion looks at: the number and the character that ends it. */
static size_t integer_length(const char *s)
{
    char *end = (char *)s;
    int saved = errno;
    REAL(strtoll)(s, &end, 10);
    errno = saved;
    return (size_t)(end - s) + 1;
}
static size_t decimal_length(const char *s)
{
    char *end = (char *)s;
    int saved = errno;
    REAL(strtod)(s, &end);
    errno = saved;
    return (size_t)(end - s) + 1;
}

#define STATES(X)                                                                         \
    X(strtok)                                                                             \
    X(locale) X(localeconv) X(environ) X(drand48) X(hsearch) X(l64a) X(ecvt) X(getmntent) \
        X(getpwent) X(getgrent) X(qecvt) X(textdomain) X(random) X(getusershell)          \
            X(getutent) X(gethostent) X(getservent) X(getprotoent) X(getnetent)
#define X(name) static u64 state_##name;
STATES(X)
#undef X

bool icept_describe(uintptr_t a, char *buf, size_t size)
{
    static const struct {
        const u64 *at;
        const char *name;
    } states[] = {
#define X(name) {&state_##name, #name},
        STATES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (a - (uintptr_t)states[i].at < sizeof(u64)) {
            det_format(buf, size, "Location is the C library's hidden state of %s, one for all",
                       states[i].name);
            return true;
        }
    return icept_describe_fd(a, buf, size);
}

#define R(p, n) det_read_range(pc, (uintptr_t)(p), (n));
#define W(p, n) det_write_range(pc, (uintptr_t)(p), (n));
#define RS(s) R(s, len(s) + 1)
#define WS(s) W(s, len(s) + 1)
#define RSN(s, n) R(s, len_max(s, n) < (n) ? len_max(s, n) + 1 : (n))
#define RW(s) R(s, (wlen(s) + 1) * sizeof(wchar_t))
#define WW(s) W(s, (wlen(s) + 1) * sizeof(wchar_t))
#define RWN(s, n) R(s, (wlen_max(s, n) < (n) ? wlen_max(s, n) + 1 : (n)) * sizeof(wchar_t))
/* A list of strings that NULL ends. */
#define STRINGS(v)                                           \
    for (char *const *at = (v); at; at = *at ? at + 1 : NULL) { \
        R(at, sizeof *at)                                    \
        if (*at) {                                           \
            RS(*at)                                          \
        }                                                    \
    }
#define END                             \
    char *end = (char *)s, **given = e; \
    e = &end;
#define ENDED                   \
    if (given) {                \
        *given = end;           \
        W(given, sizeof *given) \
    }                           \
    R(s, (size_t)(end - s) + 1)
#define WEND                                  \
    wchar_t *end = (wchar_t *)s, **given = e; \
    e = &end;
#define WENDED                  \
    if (given) {                \
        *given = end;           \
        W(given, sizeof *given) \
    }                           \
    R(s, ((size_t)(end - s) + 1) * sizeof *s)
#define STATE_R(x) R(&state_##x, sizeof state_##x)
#define STATE_W(x) W(&state_##x, sizeof state_##x)
#define FOUT(f) icept_stream_out(f);
#define FIN(f) icept_stream_in(f, pc);

/* --- the functions ---------------------------------------------------------------------------- */

#define LIBC(ret, name, params, args, before, after) \
    ICEPT_EXPORT(ret, name, params)                  \
    {                                                \
        uintptr_t pc = ICEPT_PC();                   \
        if (!icept_mem(pc))                          \
            return REAL(name) args;                  \
        before;                                      \
        ret r = REAL(name) args;                     \
        after;                                       \
        return r;                                    \
    }
#define LIBV(name, params, args, before, after) \
    ICEPT_EXPORT(void, name, params)            \
    {                                           \
        uintptr_t pc = ICEPT_PC();              \
        if (!icept_mem(pc)) {                   \
            REAL(name) args;                    \
            return;                             \
        }                                       \
        before;                                 \
        REAL(name) args;                        \
        after;                                  \
    }
#define LIBS(ret, name, params, args, sync, before, after, learn) \
    ICEPT_EXPORT(ret, name, params)                               \
    {                                                             \
        ICEPT_MAY_SLEEP();                                        \
        uintptr_t pc = ICEPT_PC();                                \
        bool ordered = icept_sync(pc), seen = icept_mem(pc);      \
        if (seen) {                                               \
            before;                                               \
        }                                                         \
        if (ordered) {                                            \
            sync;                                                 \
        }                                                         \
        ret r = REAL(name) args;                                  \
        ICEPT_SLEPT();                                            \
        if (ordered) {                                            \
            learn;                                                \
        }                                                         \
        if (seen) {                                               \
            after;                                                \
        }                                                         \
        return r;                                                 \
    }
#include "libc.def"
