/*
 * inject.c - what if a system call fails, or an allocation? Each of them, each time it is made.
 *
 * A program that uses the whole library (`work`) is run under a seccomp filter that stops one kind of
 * system call and asks this process what to do: the N-th is failed, the others go on. N grows from 1
 * until the program makes fewer. The runtime's system calls are instructions in its text, which
 * a preloaded library would not see; the filter sees them and libc's alike, on all threads. (ptrace would
 * do too, and would stop every thread at every signal.) Allocations are failed by a malloc of our own.
 *
 * However it is hit, the program may end in these ways, and no other: as if nothing had been (0), with
 * a message that names what could not be had (2), or with the call that returned -1 and its errno
 * told by `work` (3). Never by a signal, never by not ending.
 *
 * As a part of `make check` it takes a sample of the N of calls that are made often; INJECT=all takes
 * each. INJECT=mmap only that call. INJECT_SAY=1 prints every end.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <goc.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK = 0x7e57 };

/* --- the program that suffers ------------------------------------------------------------------- */

static unsigned long fail_malloc, mallocs; /* 0: none */
static bool marked;

/* Before any constructor, the runtime's included. */
static void mark(int argc, char **argv, char **env)
{
    for (; *env; env++)
        if (!strncmp(*env, "INJECT_MALLOC=", 14))
            fail_malloc = strtoul(*env + 14, NULL, 10);
    marked = true;
    syscall(SYS_getpgid, MARK);
}
__attribute__((section(".preinit_array"), used)) static void (*first)(int, char **, char **) = mark;

static bool no_memory(void)
{
    if (!fail_malloc || !marked || __atomic_add_fetch(&mallocs, 1, __ATOMIC_RELAXED) != fail_malloc)
        return false;
    errno = ENOMEM;
    syscall(SYS_getpgid, MARK + 1);
    return true;
}
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
    return no_memory() ? NULL : __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    return no_memory() ? NULL : __libc_realloc(p, n);
}

/* A call's failure is told, with its errno, and ends the program. */
#define TRY(call)                                                     \
    ({                                                                \
        long r_ = (long)(call);                                       \
        if (r_ < 0) {                                                 \
            int e_ = errno;                                           \
            dprintf(2, "told: %s: %s\n", #call, e_ ? strerror(e_) : "no errno"); \
            _exit(e_ ? 3 : 4);                                        \
        }                                                             \
        r_;                                                           \
    })
/* libc's own call, not the library's: told in the same way, without an errno if it returns it. */
#define LIBC(call)                                        \
    do {                                                  \
        if ((call) != 0) {                                \
            dprintf(2, "told: %s: libc's\n", #call);      \
            _exit(3);                                     \
        }                                                 \
    } while (0)

static goc_chan(int) numbers;
static goc_waitgroup all;

static void adds(int n)
{
    goc_send(numbers, n);
    goc_waitgroup_done(&all);
}

static void adds_one(void *arg)
{
    adds(1);
}

static void echo(int listener)
{
    char c[8];
    int fd = (int)TRY(goc_accept(listener, NULL, NULL));
    long n = TRY(goc_read(fd, c, sizeof c));
    if (n)
        TRY(goc_write(fd, c, (size_t)n));
    TRY(goc_close_fd(fd));
    goc_waitgroup_done(&all);
}

static void talk(const char *network, const char *address)
{
    char at[128], c = 'x';
    int listener = (int)TRY(goc_listen(network, address));
    TRY(goc_local_addr(listener, at, sizeof at));
    goc_waitgroup_add(&all, 1);
    go(echo, listener);
    int fd = (int)TRY(goc_dial(network, at, 5 * GOC_SECOND));
    TRY(goc_write(fd, &c, 1));
    long n = TRY(goc_read(fd, &c, 1));
    if (n != 1 || c != 'x') {
        dprintf(2, "told: the echo ended: no errno needed\n"); /* the other side was hit */
        _exit(3);
    }
    goc_waitgroup_wait(&all);
    TRY(goc_close_fd(fd));
    TRY(goc_close_fd(listener));
}

static void pipes(void)
{
    int p[2];
    char c = 'x';
    LIBC(pipe2(p, O_CLOEXEC));
    errno = 0;
    int r = goc_wait_fd(p[0], POLLIN, goc_now() + GOC_MILLISECOND);
    if (!(r < 0 && errno == ETIMEDOUT))
        TRY(r);
    TRY(goc_write(p[1], &c, 1));
    TRY(goc_read(p[0], &c, 1));
    TRY(goc_close_fd(p[0]));
    TRY(goc_close_fd(p[1]));
}

static void naps(void *arg)
{
    usleep(1000);
}
static void panics(void *arg)
{
    goc_panic("number %d", 7);
}
static void *stranger(void *arg)
{
    goc_waitgroup_add(&all, 1);
    adds(1);
    return NULL;
}
static void joins(void *thread)
{
    pthread_join(*(pthread_t *)thread, NULL);
}
static int part(void *arg)
{
    goc_gosched();
    return 0;
}
static void called(void *arg)
{
    goc_waitgroup_done(&all);
}
static void pinned(int n)
{
    goc_lock_os_thread();
    goc_gosched();
    adds(n);
}

#define MADE(made)                                                  \
    ({                                                              \
        __typeof__(made) p_ = (made);                               \
        if (!p_)                                                    \
            TRY(-1 + 0 * (long)sizeof #made);                       \
        p_;                                                         \
    })

static int work(void)
{
    goc_gomaxprocs(2);
    numbers = goc_chan_make(int, 0);
    goc_waitgroup_add(&all, 41);
    for (int i = 0; i < 40; i++)
        go(adds, i);
    go(pinned, 40);
    int sum = 0;
    for (int i = 0; i < 41; i++)
        sum += goc_recv(numbers);
    goc_waitgroup_wait(&all);
    goc_waitgroup_add(&all, 1);
    goc_go_stack(1 << 20, adds_one, NULL);
    int got = 0;
    goc_select(goc_on_recv(numbers, &got), goc_on_timeout(10 * GOC_SECOND));
    goc_sleep(GOC_MILLISECOND);

    goc_waitgroup_add(&all, 1);
    goc_timer *t = MADE(goc_after_func(GOC_MILLISECOND, called, NULL));
    goc_waitgroup_wait(&all);
    goc_timer_free(t);
    goc_ticker *tick = MADE(goc_ticker_new(GOC_MILLISECOND));
    goc_recv(goc_ticker_chan(tick));
    goc_ticker_stop(tick);

    goc_context *ctx = MADE(goc_with_timeout(goc_background(), GOC_MILLISECOND));
    goc_context *sub = MADE(goc_with_value(ctx, "k", "v"));
    goc_recv(goc_context_done(sub));
    goc_context_free(sub);
    goc_context_free(ctx);
    goc_errgroup eg;
    TRY(goc_errgroup_init(&eg, goc_background()));
    goc_errgroup_go(&eg, part, NULL);
    goc_errgroup_wait(&eg);
    goc_errgroup_free(&eg);

    goc_blocking(naps, NULL);
    pthread_t thread;
    LIBC(pthread_create(&thread, NULL, stranger, NULL));
    sum += goc_recv(numbers);
    goc_blocking(joins, &thread);
    if (!goc_pcall(panics, NULL))
        return 4;
    pipes();
    char address[40]; /* this process's own */
    snprintf(address, sizeof address, "@goc-inject-%d", (int)getpid());
    talk("unix", address);
    talk("tcp", "127.0.0.1:0");
    goc_chan_free(numbers);
    printf("done %d\n", sum);
    return sum == 40 * 41 / 2 + 1 ? 0 : 4;
}

/* --- the filter --------------------------------------------------------------------------------- */

struct run {
    int nr, error; /* fail the n-th call number nr like this; nr < 0: malloc */
    unsigned long n;
    unsigned long seen;
    bool counting, hung;
    int status; /* wait's */
    char text[8192];
    size_t len;
};

static int install_filter(int nr)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static void pass_fd(int to, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    sendmsg(to, &m, 0);
}

static int take_fd(int from)
{
    int fd = -1;
    char byte, control[CMSG_SPACE(sizeof fd)];
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof control};
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) > 0 && CMSG_FIRSTHDR(&m))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

/* Calls that are not failed: words to the terminal, and a wake-up, which has no way to fail. */
static bool passes(const struct seccomp_data *d)
{
    return (d->nr == SYS_write && d->args[0] <= 2) ||
           (d->nr == SYS_futex && (d->args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE);
}

/* One stopped call: on, or failed. */
static void decide(struct run *r, int listener, pid_t pid)
{
    struct seccomp_notif q = {0};
    struct seccomp_notif_resp a = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q))
        return;
    a.id = q.id;
    a.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if (q.data.nr == SYS_getpgid && q.data.args[0] == MARK) {
        r->counting = true;
    } else if (q.data.nr == SYS_getpgid && q.data.args[0] == MARK + 1) {
        r->seen = r->n;
    } else if (q.data.nr == r->nr && r->counting && !syscall(SYS_tgkill, pid, q.pid, 0) &&
               !passes(&q.data) && ++r->seen == r->n) {
        a.flags = 0;
        a.error = -r->error;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a);
}

static void run_once(struct run *r, const char *how)
{
    int out[2], pair[2];
    char number[64];
    ck_assert(!pipe2(out, O_CLOEXEC) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    r->seen = r->len = 0;
    r->counting = r->hung = false;
    pid_t pid = fork();
    if (!pid) {
        snprintf(number, sizeof number, "INJECT_MALLOC=%lu", r->nr < 0 ? r->n : 0);
        char *argv[] = {"inject", (char *)how, NULL}, *env[] = {number, "GOMAXPROCS=2", "GOCRACE_TOOL=", NULL};
        dup2(out[1], 1);
        dup2(out[1], 2);
        pass_fd(pair[1], install_filter(r->nr));
        execve("/proc/self/exe", argv, env);
        _exit(127);
    }
    close(out[1]);
    close(pair[1]);
    int listener = take_fd(pair[0]);
    close(pair[0]);
    double until = unit_now() + 20;
    for (bool open = true; open;) {
        struct pollfd p[2] = {{listener, POLLIN, 0}, {out[0], POLLIN, 0}};
        if (unit_now() > until) {
            r->hung = true;
            if (getenv("INJECT_SAY"))
                fprintf(stderr, "pid %d hangs\n", pid), sleep(atoi(getenv("INJECT_SAY")));
            kill(pid, SIGKILL);
        }
        if (poll(p, 2, 1000) <= 0)
            continue;
        if (p[0].revents & POLLIN)
            decide(r, listener, pid);
        if (p[1].revents) {
            char buf[4096];
            ssize_t k = read(out[0], buf, sizeof buf);
            if (k <= 0)
                open = false;
            if (k > 0 && r->len + (size_t)k < sizeof r->text) {
                memcpy(r->text + r->len, buf, (size_t)k);
                r->len += (size_t)k;
            }
        }
    }
    r->text[r->len] = 0;
    close(out[0]);
    close(listener);
    waitpid(pid, &r->status, 0);
}

/* --- every call ---------------------------------------------------------------------------------- */

#define CALL(name, error) {#name, SYS_##name, error}
static const struct call {
    const char *name;
    int nr, error;
} calls[] = {
    {"malloc", -1, ENOMEM},
    CALL(mmap, ENOMEM),
    CALL(munmap, ENOMEM),
    CALL(mprotect, ENOMEM),
    CALL(madvise, EINVAL),
    CALL(madvise, ENOMEM),
    {"process_madvise", 440, EPERM},
    {"pidfd_open", 434, EMFILE},
    {"clone3", 435, EAGAIN},
    {"clone3", 435, ENOMEM},
    CALL(futex, EINTR),
    CALL(membarrier, EINVAL),
    CALL(sigaltstack, ENOMEM),
    CALL(rt_sigaction, EINVAL),
    CALL(sched_getaffinity, EINVAL),
    CALL(sched_yield, EINTR),
    CALL(clock_nanosleep, EINTR),
    CALL(tgkill, EAGAIN),
    CALL(openat, EMFILE),
    CALL(newfstatat, EBADF),
    CALL(fstat, EBADF),
    CALL(epoll_create1, EMFILE),
    CALL(eventfd2, EMFILE),
    CALL(epoll_ctl, ENOMEM),
    CALL(epoll_ctl, ENOSPC),
    CALL(epoll_pwait, EINTR),
    {"epoll_pwait2", 441, EINTR},
    {"epoll_pwait2", 441, ENOSYS},
    CALL(ppoll, EINTR),
    CALL(ppoll, ENOMEM),
    CALL(preadv2, EOPNOTSUPP),
    CALL(preadv2, EINTR),
    CALL(preadv2, EIO),
    CALL(pwritev2, EOPNOTSUPP),
    CALL(pwritev2, EINTR),
    CALL(pwritev2, EIO),
    CALL(read, EINTR),
    CALL(read, EIO),
    CALL(write, EINTR),
    CALL(write, EIO),
    CALL(recvfrom, EINTR),
    CALL(recvfrom, ECONNRESET),
    CALL(sendto, EINTR),
    CALL(sendto, ENOBUFS),
    CALL(socket, EMFILE),
    CALL(setsockopt, ENOPROTOOPT),
    CALL(bind, EADDRINUSE),
    CALL(listen, EADDRINUSE),
    CALL(accept4, EINTR),
    CALL(accept4, ECONNABORTED),
    CALL(accept4, EMFILE),
    CALL(accept4, ENFILE),
    CALL(connect, EINTR),
    CALL(connect, EAGAIN),
    CALL(connect, ECONNREFUSED),
    CALL(getsockopt, ENOBUFS),
    CALL(getpeername, ENOBUFS),
    CALL(getsockname, ENOBUFS),
    CALL(fcntl, EINVAL),
    CALL(close, EINTR),
    CALL(close, EIO),
};

static bool ended_well(const struct run *r)
{
    if (r->hung || !WIFEXITED(r->status))
        return false;
    switch (WEXITSTATUS(r->status)) {
    case 0:
        return unit_contains(r->text, "done ");
    case 2:
        return unit_contains(r->text, "fatal error: cannot ") ||
               (unit_contains(r->text, ": ") && unit_contains(r->text, "memory"));
    case 3:
        return unit_contains(r->text, "told: ");
    }
    return false;
}

/* All N at first, then with growing steps. */
static unsigned long after(unsigned long n, bool every)
{
    return every || n < 12 ? n + 1 : n + n / 6;
}

START_TEST(each_failure_ends_well)
{
    static struct run r;
    const char *only = getenv("INJECT");
    bool every = only && !strcmp(only, "all"), say = getenv("INJECT_SAY"), bad = false;
    if (every)
        only = NULL;
    unsigned long runs = 0;
    for (const struct call *c = calls; c < calls + sizeof calls / sizeof *calls; c++) {
        if (only && strcmp(only, c->name))
            continue;
        unsigned long fatal = 0, told = 0, n = 1;
        for (;; n = after(n, every || only)) {
            r = (struct run){.nr = c->nr, .error = c->error, .n = n};
            run_once(&r, "--work");
            runs++;
            bool well = ended_well(&r);
            if (r.seen < n && well)
                break;
            fatal += WIFEXITED(r.status) && WEXITSTATUS(r.status) == 2;
            told += WIFEXITED(r.status) && WEXITSTATUS(r.status) == 3;
            if (say || !well)
                fprintf(stderr, "%s %lu (%s): %s%s %d: %.*s\n", c->name, n, strerror(c->error),
                       well ? "" : "BAD: ", r.hung ? "hangs" : WIFEXITED(r.status) ? "exit" : "signal",
                       WIFEXITED(r.status) ? WEXITSTATUS(r.status) : WTERMSIG(r.status),
                       well ? (int)strcspn(r.text, "\n") : 1200, r.text);
            bad |= !well;
            if (n > r.seen)
                break;
        }
        if (say)
            fprintf(stderr, "%-18s %-40s %5lu calls, %lu fatal, %lu told\n", c->name, strerror(c->error), r.seen,
                   fatal, told);
    }
    fprintf(stderr, "%lu runs\n", runs);
    ck_assert(!bad);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        return work();
    if (!fork())
        _exit(install_filter(SYS_getpgid) < 0);
    int status;
    wait(&status);
    if (status) {
        printf("no seccomp notifications here\n");
        return 77;
    }
    const TTest *const tests[] = {each_failure_ends_well};
    return unit_main("inject", 280, tests, 1);
}
