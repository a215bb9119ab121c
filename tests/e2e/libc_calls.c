/*
 * libc_calls.c - every function of libc_calls.def, asked what it touches, byte for byte.
 *
 * A goroutine calls the function (in a frame named after it) and says so by a relaxed store, which orders
 * nothing. Main then looks at what the function is said to touch:
 *
 *   a byte beyond the end, written: quiet        the first byte, read: a race exactly if it was written
 *   the first byte and the last, written: a race each
 *
 * each in a function of its own, called by one of the case's own, so that each is a finding of its own. The twin is the same with the end of the
 * goroutine awaited through a channel: everything is quiet. Prints what differs and how many findings there
 * must be; libc_calls.sh compares the reports with that.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <ftw.h>
#include <getopt.h>
#include <glob.h>
#include <goc.h>
#include <goc/race.h>
#include <grp.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <libgen.h>
#include <libintl.h>
#include <locale.h>
#include <math.h>
#include <mntent.h>
#include <mqueue.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <obstack.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <pwd.h>
#include <regex.h>
#include <resolv.h>
#include <sched.h>
#include <search.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
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
#include <syslog.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>
#include <utmp.h>
#include <utmpx.h>
#include <wchar.h>
#include <wordexp.h>

/* What headers give only to fortified programs, or to old ones. */
void *__memcpy_chk(void *, const void *, size_t, size_t);
void *__memmove_chk(void *, const void *, size_t, size_t);
void *__mempcpy_chk(void *, const void *, size_t, size_t);
void *__memset_chk(void *, int, size_t, size_t);
void __explicit_bzero_chk(void *, size_t, size_t);
char *__strcpy_chk(char *, const char *, size_t);
char *__stpcpy_chk(char *, const char *, size_t);
char *__strncpy_chk(char *, const char *, size_t, size_t);
char *__stpncpy_chk(char *, const char *, size_t, size_t);
char *__strcat_chk(char *, const char *, size_t);
char *__strncat_chk(char *, const char *, size_t, size_t);
size_t __strxfrm_l(char *, const char *, size_t, locale_t);
size_t __wcsxfrm_l(wchar_t *, const wchar_t *, size_t, locale_t);
char *__strdup(const char *);
char *__strndup(const char *, size_t);
wchar_t *__wcscpy_chk(wchar_t *, const wchar_t *, size_t);
wchar_t *__wcsncpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wcscat_chk(wchar_t *, const wchar_t *, size_t);
wchar_t *__wmemcpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wmemmove_chk(wchar_t *, const wchar_t *, size_t, size_t);
wchar_t *__wmemset_chk(wchar_t *, wchar_t, size_t, size_t);
size_t __mbstowcs_chk(wchar_t *, const char *, size_t, size_t);
size_t __wcstombs_chk(char *, const wchar_t *, size_t, size_t);
size_t __wcrtomb_chk(char *, wchar_t, mbstate_t *, size_t);
size_t __fread_chk(void *, size_t, size_t, size_t, FILE *);
size_t __fread_unlocked_chk(void *, size_t, size_t, size_t, FILE *);
char *__fgets_chk(char *, size_t, int, FILE *);
char *__fgets_unlocked_chk(char *, size_t, int, FILE *);
wchar_t *__fgetws_chk(wchar_t *, size_t, int, FILE *);
int __printf_chk(int, const char *, ...), __fprintf_chk(FILE *, int, const char *, ...);
int __dprintf_chk(int, int, const char *, ...), __sprintf_chk(char *, int, size_t, const char *, ...);
int __snprintf_chk(char *, size_t, int, size_t, const char *, ...);
int __asprintf_chk(char **, int, const char *, ...);
int __fwprintf_chk(FILE *, int, const wchar_t *, ...);
int __swprintf_chk(wchar_t *, size_t, int, size_t, const wchar_t *, ...);
int __isoc99_sscanf(const char *, const char *, ...), __isoc99_fscanf(FILE *, const char *, ...);
void __syslog_chk(int, int, const char *, ...);
int __xstat(int, const char *, struct stat *), __lxstat(int, const char *, struct stat *);
int __fxstat(int, int, struct stat *), __fxstatat(int, int, const char *, struct stat *, int);
int __xstat64(int, const char *, struct stat64 *), __lxstat64(int, const char *, struct stat64 *);
int __fxstat64(int, int, struct stat64 *), __fxstatat64(int, int, const char *, struct stat64 *, int);
ssize_t __readlink_chk(const char *, char *, size_t, size_t);
ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
char *__realpath_chk(const char *, char *, size_t), *__getcwd_chk(char *, size_t, size_t);
int __ttyname_r_chk(int, char *, size_t, size_t);
int __open_2(const char *, int), __open64_2(const char *, int);
ssize_t __read_chk(int, void *, size_t, size_t), __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);
int __getgroups_chk(int, gid_t *, size_t), __getlogin_r_chk(char *, size_t, size_t);
int getdate_r(const char *, struct tm *);
int capget(void *, void *), capset(void *, const void *);
float gammaf(float);
void __tsan_read1(void *), __tsan_write1(void *);

#define ROOM __attribute__((aligned(64)))
struct bed {
    char a[256] ROOM, b[256] ROOM, c[256] ROOM, d[256] ROOM;
    wchar_t wa[64] ROOM, wb[64] ROOM, wc[64] ROOM;
    char s[8192 + 64] ROOM, t[8192 + 64] ROOM;
    char *pp[8] ROOM;
    char *q ROOM;
    wchar_t *wq ROOM;
    void *p ROOM, *u ROOM;
    size_t n ROOM, m ROOM;
    FILE *f ROOM;
    int fd ROOM;
    unsigned long r ROOM;
};
struct effect {
    char kind;
    char *p;
    size_t n;
};

/* --- what the table's words mean -------------------------------------------------------------- */

#define QUIET __attribute__((noinline, no_sanitize("thread")))
static locale_t c_locale;
static char *const subopts[] = {"one", "two", NULL};
static const struct option long_options[] = {{"x", 0, NULL, 0}, {0}};
static const struct timespec no_time;
static char big[(4u << 20) + 64], page[8192] __attribute__((aligned(4096)));
static char *here[] = {".", NULL};

static int by_int(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}
static int by_int_r(const void *a, const void *b, void *x)
{
    return by_int(a, b);
}
static int by_address(const void *a, const void *b)
{
    return (a > b) - (a < b);
}
static void *malloc_x(void *x, size_t n)
{
    return malloc(n);
}
static void free_x(void *x, void *p)
{
    free(p);
}
static int ftw_entry(const char *p, const struct stat *s, int f)
{
    return 0;
}
static int nftw_entry(const char *p, const struct stat *s, int f, struct FTW *w)
{
    return 0;
}

#define VA(ret, name, P, A, C)                      \
    static ret va_##name(UNWRAP P const C *f, ...)  \
    {                                               \
        va_list ap;                                 \
        va_start(ap, f);                            \
        ret r = name(UNWRAP A f, ap);               \
        va_end(ap);                                 \
        return r;                                   \
    }
#define UNWRAP(...) __VA_ARGS__
VA(int, vprintf, (), (), char)
VA(int, vfprintf, (FILE * s, ), (s, ), char)
VA(int, vdprintf, (int d, ), (d, ), char)
VA(int, vsprintf, (char *b, ), (b, ), char)
VA(int, vsnprintf, (char *b, size_t n, ), (b, n, ), char)
VA(int, vasprintf, (char **b, ), (b, ), char)
VA(int, vfwprintf, (FILE * s, ), (s, ), wchar_t)
VA(int, vswprintf, (wchar_t * b, size_t n, ), (b, n, ), wchar_t)
VA(int, vsscanf, (const char *b, ), (b, ), char)
VA(int, vfscanf, (FILE * s, ), (s, ), char)
VA(int, vswscanf, (const wchar_t *b, ), (b, ), wchar_t)
VA(int, vfwscanf, (FILE * s, ), (s, ), wchar_t)
static void va_vsyslog(int k, const char *f, ...)
{
    va_list ap;
    va_start(ap, f);
    vsyslog(k, f, ap);
    va_end(ap);
}

#define S(x, text) strcpy(b->x, text);
#define WS(x, text) wcscpy(b->x, text);
#define TM(x) *(struct tm *)b->x = (struct tm){.tm_year = 124, .tm_mon = 1, .tm_mday = 5};
#define TEXT b->f = fopen("text", "r");
#define SCRATCH b->f = fopen("/dev/null", "w");
#define TEXT_FD b->fd = open("text", O_RDONLY);
#define COPY_FD b->fd = open("copy", O_RDWR | O_CREAT, 0600);
#define IOV                                    \
    ((struct iovec *)b->s)[0] = (struct iovec){b->a, 4}; \
    ((struct iovec *)b->s)[1] = (struct iovec){b->b, 3};
#define VM ((struct iovec *)b->t)[0] = (struct iovec){b->d, 4};
#define MSG(x) \
    IOV *(struct msghdr *)b->x = (struct msghdr){.msg_iov = (struct iovec *)b->s, .msg_iovlen = 2};
#define SOCKETS                                                  \
    {                                                            \
        int pair[2];                                             \
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0) {    \
            b->fd = pair[0];                                     \
            send(pair[1], "hello", 5, 0);                        \
        }                                                        \
    }
#define EPOLL                                                                   \
    {                                                                           \
        b->fd = epoll_create1(0);                                               \
        struct epoll_event one = {.events = EPOLLIN};                           \
        epoll_ctl(b->fd, EPOLL_CTL_ADD, eventfd(1, 0), &one);                   \
    }
#define TIMER                                                       \
    {                                                               \
        struct sigevent none = {.sigev_notify = SIGEV_NONE};        \
        timer_create(CLOCK_MONOTONIC, &none, (timer_t *)&b->u);     \
    }
#define PTY                                             \
    b->m = (size_t)posix_openpt(O_RDWR | O_NOCTTY);     \
    if ((int)b->m >= 0 && !grantpt((int)b->m) && !unlockpt((int)b->m)) \
        b->fd = open(ptsname((int)b->m), O_RDWR | O_NOCTTY);
#define CHILD                    \
    b->m = (size_t)fork();       \
    if (b->m == 0)               \
        _exit(3);
#define ATTR pthread_attr_init((pthread_attr_t *)b->s);

#define K(x) __atomic_store_n(&b->r, (unsigned long)(x), __ATOMIC_RELAXED)
#define RESULT ((char *)__atomic_load_n(&b->r, __ATOMIC_RELAXED))
#define E(k, at, bytes) *e++ = (struct effect){k, (char *)(at), bytes};
#define R(p, n) E('R', p, n)
#define W(p, n) E('W', p, n)
#define r(p, n) E('r', p, n)
#define w(p, n) E('w', p, n)
#define STATE E('S', NULL, 0)
#define SKIP_IF(cond)  \
    if (cond) {        \
        *skipped = 1;  \
        return e;      \
    }
#define LEN(s) length(s)
QUIET static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n + 1;
}

/* --- the looks -------------------------------------------------------------------------------- */

#define PROBES(i)                                                                            \
    static __attribute__((noinline)) void probe_past_##i(char *p) { __tsan_write1(p); }      \
    static __attribute__((noinline)) void probe_read_##i(char *p) { __tsan_read1(p); }       \
    static __attribute__((noinline)) void probe_first_##i(char *p) { __tsan_write1(p); }     \
    static __attribute__((noinline)) void probe_last_##i(char *p) { __tsan_write1(p); }
#define EACH(D) D(0) D(1) D(2) D(3) D(4) D(5) D(6) D(7)
EACH(PROBES)
static void (*const probes[8][4])(char *) = {
#define D(i) {probe_past_##i, probe_read_##i, probe_first_##i, probe_last_##i},
    EACH(D)
#undef D
};

/* --- the table made into functions ------------------------------------------------------------ */

#define X(name, set, call, effects)                                                                \
    static __attribute__((noinline)) void set_##name(struct bed *b)                                \
    {                                                                                              \
        UNWRAP set                                                                                 \
    }                                                                                              \
    static __attribute__((noinline)) void call_##name(struct bed *b)                               \
    {                                                                                              \
        UNWRAP call;                                                                               \
        __asm__ volatile("");                                                                      \
    }                                                                                              \
    static __attribute__((noinline)) void look_##name(int i, int which, char *p)                   \
    {                                                                                              \
        probes[i][which](p);                                                                       \
        __asm__ volatile("");                                                                      \
    }                                                                                              \
    QUIET static struct effect *effects_##name(struct bed *b, struct effect *e, int *skipped)      \
    {                                                                                              \
        UNWRAP effects;                                                                            \
        return e;                                                                                  \
    }
#include "libc_calls.def"
#undef X

static const struct function {
    const char *name;
    void (*set)(struct bed *), (*call)(struct bed *);
    void (*look)(int, int, char *);
    struct effect *(*effects)(struct bed *, struct effect *, int *);
} functions[] = {
#define X(name, set, call, effects) {#name, set_##name, call_##name, look_##name, effects_##name},
#include "libc_calls.def"
#undef X
};

static long expected, wrong;

static void look(const struct function *t, int i, int which, char *at, long want)
{
    static const char *const what[] = {"a write behind its end", "a read of its first byte",
                                       "a write of its first byte", "a write of its last byte"};
    long before = goc_race_errors();
    t->look(i, which, at);
    long got = goc_race_errors() - before;
    expected += got; /* what was wrong is told here, the reports are compared with what was found */
    if (got != want) {
        dprintf(2, "WRONG %s, effect %d: %s: %ld findings, not %ld\n", t->name, i, what[which], got, want);
        wrong++;
    }
}

/* Cleared by hand: a block's first writes are then main's own, as a program's would be. */
static struct bed *bed(const struct function *t)
{
    struct bed *b = aligned_alloc(64, sizeof *b);
    memset(b, 0, sizeof *b);
    b->fd = -1;
    t->set(b);
    return b;
}

static void caller(const struct function *t, struct bed *b, int *called, goc_chan(goc_unit) ended)
{
    t->call(b);
    __atomic_store_n(called, 1, __ATOMIC_RELAXED);
    goc_send(ended, GOC_UNIT);
}

static void try(const struct function *t, bool ordered)
{
    struct bed *b = bed(t), *other = bed(t);
    struct effect e[8] = {0};
    int called = 0, skipped = 0;
    goc_chan(goc_unit) ended = goc_chan_make(goc_unit, 1);
    go(caller, t, b, &called, ended);
    while (!__atomic_load_n(&called, __ATOMIC_RELAXED))
        goc_gosched();
    if (ordered)
        goc_recv(ended);
    int n = (int)(t->effects(b, e, &skipped) - e);
    if (skipped && !ordered)
        dprintf(2, "skipped: %s does not work here\n", t->name);
    for (int i = 0; i < n; i++) {
        bool exact = e[i].kind == 'R' || e[i].kind == 'W';
        bool writes = e[i].kind == 'W' || e[i].kind == 'w';
        if (e[i].kind == 'S') {
            long before = goc_race_errors();
            t->call(other);
            long got = goc_race_errors() - before;
            expected += got;
            if ((got > 0) == ordered) {
                dprintf(2, "WRONG %s: called again%s: %ld findings\n", t->name,
                        ordered ? " in order" : "", got);
                wrong++;
            }
            continue;
        }
        if (exact)
            look(t, i, 0, e[i].p + e[i].n, 0);
        look(t, i, 1, e[i].p, writes && !ordered);
        look(t, i, 2, e[i].p, !ordered);
        if (e[i].n > 1)
            look(t, i, 3, e[i].p + e[i].n - 1, !ordered);
    }
    if (!ordered)
        goc_recv(ended);
    goc_chan_free(ended);
}

int main(int argc, char **argv)
{
    c_locale = newlocale(LC_ALL_MASK, "C", NULL);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (argc > 1 && strcmp(argv[1], functions[i].name))
            continue;
        try(&functions[i], false);
        try(&functions[i], true);
    }
    dprintf(2, "findings: %ld\nwrong: %ld\n", expected, wrong);
    return wrong != 0;
}
