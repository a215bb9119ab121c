/*
 * inject.c - what if a system call fails, or an allocation? Each of them, at each place, each time.
 *
 * Programs that use the whole library are run under a seccomp filter that stops system calls and
 * asks this process what to do. The runtime's calls are instructions in its text, which a preloaded
 * library would not see; the filter sees them and libc's alike, on all threads. (ptrace would do
 * too, and would stop every thread at every signal.) Allocations are failed by a malloc of our own.
 *
 * The places are not listed here, they are found: each program is run once with all its calls
 * stopped and let go, and what it called, from which instruction, is the list. Then one kind of
 * call is stopped, and the n-th from that instruction failed, with each error that `calls` has for
 * it. A call that `calls` does not have fails the test, unless `left` says why it may stay out: a
 * call that the runtime begins to make cannot be forgotten. (Addresses are the same in each run:
 * randomisation is off.)
 *
 * The programs: `work` uses everything and returns from main; `dies` panics, and `quits` gets a
 * SIGQUIT while goroutines run and wait, both with the helper that finds lines (runtime/lines.c),
 * whose own calls fail as well, before its exec and after it; `races`, under detection, has a
 * finding, for which goc-race is started.
 *
 * However it is hit, a program may end as documented and in no other way: as if nothing had been;
 * with a message that names what could not be had (2, or 125 from the detector); with the call that
 * returned -1 and its errno told by the program (3). One that dies does so with its words, its
 * traces and its status, whatever becomes of the helper, and a finding is told, whatever becomes of
 * who renders it. Never by a signal, never by not ending; and nobody is left behind.
 *
 * As a part of `make check` it takes a sample of the n at a place called often; INJECT=all takes
 * each, and prints the table. INJECT=mmap only that call. INJECT_SAY=1 prints every end.
 */
#include "common.h"
#include "inject_programs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the filter ----------------------------------------------------------------------------------
 */

enum { EVERYTHING = -2, MALLOC = -1 };

struct site {
    int nr;
    bool own; /* of the program, not of a process that it started */
    const struct program *program;
    uint64_t ip;
    unsigned long count;
    char where[80]; /* file+0xoffset */
};

struct run {
    const struct program *program;
    int nr,
        error; /* fail the n-th call from there like this; EVERYTHING: note where calls come from */
    bool own;
    uint64_t ip;
    unsigned long n;

    unsigned long seen;
    bool counting, hung;
    int status; /* wait's */
    char text[8192];
    size_t len;
};

enum { SITES = 1024 };
static struct site sites[SITES];
static size_t site_count;

static int install_filter(int nr, int pass)
{
    struct sock_filter one[] =
        {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 1, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        },
                       every[] = {
                           /* but the one by which this filter's other end leaves the process */
                           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 3),
                           BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                    offsetof(struct seccomp_data, args[0])),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)pass, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                       };
    struct sock_fprog prog = {sizeof one / sizeof *one, one};
    if (nr == EVERYTHING)
        prog = (struct sock_fprog){sizeof every / sizeof *every, every};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &prog);
}

static void pass_fd(int to, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
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
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) > 0 && CMSG_FIRSTHDR(&m))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    return fd;
}

/* Which file address `ip` of the process is in, "NAME+0xOFFSET"; for ip 0 the end of its heap. */
static uint64_t look_at_maps(pid_t pid, uint64_t ip, char *where, size_t size)
{
    char name[40], line[600];
    unsigned long lo, hi, offset, heap = 0;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f)) {
        char path[512] = "?";
        if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %511[^\n]", &lo, &hi, &offset, path) < 3)
            continue;
        if (!strcmp(path, "[heap]"))
            heap = hi;
        if (ip >= lo && ip < hi && where) {
            const char *slash = strrchr(path, '/');
            snprintf(where, size, "%.40s+0x%lx", slash ? slash + 1 : path,
                     (unsigned long)(ip - lo + offset));
        }
    }
    if (f)
        fclose(f);
    return heap;
}

/* Calls that are not failed: words that cannot be said any more, and what has no way to fail. */
static bool passes(const struct run *r, const struct seccomp_data *d)
{
    if (d->nr == SYS_close && r->program != programs)
        return true; /* it closes whatever it returns, which a filter cannot do: the reader would
                        wait */
    return ((d->nr == SYS_write || d->nr == SYS_writev) && d->args[0] <= 2 && r->error != EINTR) ||
           (d->nr == SYS_futex && (d->args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE) ||
           (d->nr == SYS_brk && !d->args[0]);
}

static void note(struct run *r, const struct seccomp_data *d, pid_t tid, bool own)
{
    struct site *s = sites;
    while (s < sites + site_count && !(s->nr == d->nr && s->ip == d->instruction_pointer &&
                                       s->own == own && (own || s->program == r->program)))
        s++;
    ck_assert(s < sites + SITES);
    if (s == sites + site_count) {
        *s = (struct site){d->nr, own, r->program, d->instruction_pointer, 0, "?"};
        look_at_maps(tid, s->ip, s->where, sizeof s->where);
        site_count++;
    }
    s->count++;
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
    bool own = !syscall(SYS_tgkill, pid, q.pid, 0), counted = false;
    if (q.data.nr == SYS_getpgid && q.data.args[0] == MARK) {
        r->counting = true;
    } else if (q.data.nr == SYS_getpgid && q.data.args[0] == MARK + 1) {
        r->seen = r->n;
    } else if (r->counting && !passes(r, &q.data)) {
        if (r->nr == EVERYTHING)
            note(r, &q.data, (pid_t)q.pid, own);
        else if (q.data.nr == r->nr && own == r->own && q.data.instruction_pointer == r->ip) {
            counted = true;
            if (++r->seen == r->n) {
                a.flags = 0;
                a.error = -r->error;
                if (r->nr == SYS_brk) { /* its way to fail: what it was */
                    a.error = 0;
                    a.val = (int64_t)look_at_maps(pid, 0, NULL, 0);
                }
            }
        }
    }
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &a) && counted)
        r->seen--; /* a signal came first; the call is begun again */
}

static void run_once(struct run *r)
{
    int out[2], pair[2];
    char number[64], tool[4200];
    ck_assert(!pipe2(out, O_CLOEXEC) && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    snprintf(tool, sizeof tool, "GOCRACE_TOOL=%s%s", *r->program->tool ? unit_build() : "",
             r->program->tool);
    r->seen = r->len = 0;
    r->counting = r->hung = false;
    pid_t pid = fork();
    if (!pid) {
        setpgid(0, 0);
        personality(ADDR_NO_RANDOMIZE);
        snprintf(number, sizeof number, "INJECT_MALLOC=%lu", r->nr == MALLOC ? r->n : 0);
        char *argv[] = {"inject", (char *)r->program->name, NULL},
             *env[] = {number, "GOMAXPROCS=2", tool, NULL};
        dup2(out[1], 1);
        dup2(out[1], 2);
        pass_fd(pair[1], install_filter(r->nr, pair[1]));
        execve("/proc/self/exe", argv, env);
        _exit(127);
    }
    close(out[1]);
    close(pair[1]);
    int listener = take_fd(pair[0]);
    close(pair[0]);
    /* Until nobody holds the pipe and nobody is under the filter: the program and whoever it
     * started. */
    double until = unit_now() + 20;
    for (bool open = true, filtered = true; open || filtered;) {
        struct pollfd p[2] = {{filtered ? listener : -1, POLLIN, 0},
                              {open ? out[0] : -1, POLLIN, 0}};
        if (unit_now() > until) {
            r->hung = true;
            if (getenv("INJECT_SAY"))
                fprintf(stderr, "pid %d hangs\n", pid), sleep(atoi(getenv("INJECT_SAY")));
            kill(-pid, SIGKILL);
            until += 20;
        }
        if (poll(p, 2, 1000) <= 0)
            continue;
        if (p[0].revents & POLLIN)
            decide(r, listener, pid);
        else if (p[0].revents)
            filtered = false;
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
    while (waitpid(-1, NULL, __WALL) > 0)
        ; /* a helper that died after it came to us */
}

/* --- every call ----------------------------------------------------------------------------------
 */

#define CALL(name, error)        \
    {                            \
#name, SYS_##name, error \
    }
static const struct call {
    const char *name;
    int nr, error;
} calls[] = {
    {"malloc", MALLOC, ENOMEM},
    CALL(mmap, ENOMEM),
    CALL(munmap, ENOMEM),
    CALL(mprotect, ENOMEM),
    CALL(brk, ENOMEM),
    CALL(madvise, EINVAL),
    CALL(madvise, ENOMEM),
    {"process_madvise", 440, EPERM},
    CALL(mincore, ENOMEM),
    {"pidfd_open", 434, EMFILE},
    {"clone3", 435, EAGAIN},
    {"clone3", 435, ENOMEM},
    CALL(clone, EAGAIN),
    CALL(execve, ENOENT),
    CALL(execve, ENOMEM),
    CALL(wait4, ECHILD),
    CALL(kill, EPERM),
    CALL(futex, EINTR),
    CALL(membarrier, EINVAL),
    CALL(sigaltstack, ENOMEM),
    CALL(rt_sigaction, EINVAL),
    CALL(rt_sigprocmask, EINVAL),
    CALL(rt_sigtimedwait, EAGAIN),
    CALL(sched_getaffinity, EINVAL),
    CALL(sched_yield, EINTR),
    CALL(clock_nanosleep, EINTR),
    CALL(nanosleep, EINTR),
    CALL(tgkill, EAGAIN),
    CALL(openat, EMFILE),
    CALL(newfstatat, EBADF),
    CALL(fstat, EBADF),
    CALL(faccessat, EACCES),
    CALL(readlinkat, ENOENT),
    CALL(getdents64, EIO),
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
    CALL(writev, EINTR),
    CALL(write, EINTR),
    CALL(write, EIO),
    CALL(recvfrom, EINTR),
    CALL(recvfrom, ECONNRESET),
    CALL(sendto, EINTR),
    CALL(sendto, ENOBUFS),
    CALL(socket, EMFILE),
    CALL(socketpair, EMFILE),
    CALL(pipe2, EMFILE),
    CALL(dup, EMFILE),
    CALL(dup3, EBADF),
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
    {"close_range", 436, ENOSYS},
    CALL(prlimit64, EPERM),
};
enum { CALLS = sizeof calls / sizeof *calls };

/* Calls that stay out. */
static const struct {
    int nr;
    const char *why;
} left[] = {
    {SYS_exit, "does not return"},
    {SYS_exit_group, "does not return"},
    {SYS_rt_sigreturn, "does not return"},
    {SYS_getpid, "cannot fail"},
    {SYS_gettid, "cannot fail"},
    {SYS_getppid, "cannot fail"},
    {SYS_clock_gettime, "cannot fail with a clock that there is"},
    {SYS_set_robust_list, "libc's, where a thread begins"},
    {334 /* rseq */, "libc's, where a thread begins"},
    {SYS_getrandom, "libc's, in malloc"},
    {SYS_getpgid, "this test's"},
};

static const char *name_of(int nr)
{
    for (const struct call *c = calls; c < calls + CALLS; c++)
        if (c->nr == nr)
            return c->name;
    return NULL;
}

static bool ended_well(const struct run *r)
{
    const struct program *p = r->program;
    int status = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;
    if (r->hung || status < 0)
        return false;
    if ((status == p->status || (goc_race_enabled() && status == p->found)) &&
        unit_contains(r->text, p->words[0]) && unit_contains(r->text, p->words[1]))
        return true;
    if (goc_race_enabled() && status == p->found &&
        unit_contains(r->text, "could not be printed"))
        return true;
    switch (status) {
    case 2:
        return unit_contains(r->text, "fatal error: cannot ") ||
               (unit_contains(r->text, ": ") && unit_contains(r->text, "memory"));
    case 3:
        return unit_contains(r->text, "told: ");
    case 125:
        return goc_race_enabled() && unit_contains(r->text, "goc-race: ");
    }
    return false;
}

/* --- all of them
 * ---------------------------------------------------------------------------------- */

struct job {
    const struct program *program;
    const struct call *call;
    const struct site *site; /* NULL: malloc */
    int error;
    /* What came of it. */
    unsigned long runs, fatal, told, bad;
};
enum { JOBS = 4096, WORKERS = 4 };
static struct {
    uint32_t next, count;
    struct job job[JOBS];
} * plan;

static bool every, say;

/* Runs it with n = 1, 2 …; where not each is asked for with growing steps. */
static void do_job(struct job *j)
{
    static struct run r;
    for (unsigned long n = 1;; n = every ? n + 1 : j->site ? n * 6 : n < 12 ? n + 1 : n + n / 6) {
        r = (struct run){.program = j->program,
                         .nr = j->call ? j->call->nr : j->site->nr,
                         .error = j->error,
                         .own = !j->site || j->site->own,
                         .ip = j->site ? j->site->ip : 0,
                         .n = n};
        run_once(&r);
        j->runs++;
        bool well = ended_well(&r);
        int status = WIFEXITED(r.status) ? WEXITSTATUS(r.status) : -1;
        if (r.seen >= n) {
            j->fatal += status == 125 || (status == 2 && j->program->status != 2);
            j->told += status == 3;
        }
        j->bad += !well;
        if (!well || say)
            fprintf(stderr, "%s: %s %lu at %s (%s): %s%s %d: %.*s\n", j->program->name,
                    j->call ? j->call->name : "a call of the helper", n,
                    j->site ? j->site->where : "-", strerror(j->error), well ? "" : "BAD: ",
                    r.hung        ? "hangs"
                    : status >= 0 ? "exit"
                                  : "signal",
                    status >= 0 ? status : WTERMSIG(r.status),
                    well ? (int)strcspn(r.text, "\n") : 1200, r.text);
        if (r.seen < n || !well)
            return;
    }
}

static void find_sites(void)
{
    static struct run r;
    bool known = true;
    for (const struct program *p = programs; p < programs + PROGRAMS; p++) {
        if (p->race_only && !goc_race_enabled())
            continue;
        r = (struct run){.program = p, .nr = EVERYTHING, .error = EINTR};
        run_once(&r);
        ck_assert_msg(ended_well(&r), "%s, with nothing failed: status %#x%s: %s", p->name,
                      r.status, r.hung ? ", hangs" : "", r.text);
    }
    for (struct site *s = sites; s < sites + site_count; s++) {
        bool stays = name_of(s->nr);
        for (size_t i = 0; i < sizeof left / sizeof *left; i++)
            stays |= left[i].nr == s->nr;
        if (s->own && !stays) {
            fprintf(stderr,
                    "%s makes system call %d at %s, which is in neither table of this test\n",
                    s->program->name, s->nr, s->where);
            known = false;
        }
    }
    ck_assert(known);
}

static void add_job(const struct program *p, const struct call *c, const struct site *s, int error)
{
    ck_assert(plan->count < JOBS);
    plan->job[plan->count++] = (struct job){.program = p, .call = c, .site = s, .error = error};
}

static bool first_of_kind(const struct site *s)
{
    const struct site *t = sites;
    while (t->nr != s->nr || t->own != s->own)
        t++;
    return t == s;
}

static void make_plan(const char *only)
{
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(plan != MAP_FAILED);
    for (const struct call *c = calls; c < calls + CALLS; c++) {
        if (only && strcmp(only, c->name))
            continue;
        if (c->nr == MALLOC)
            add_job(programs, c, NULL, c->error);
        for (struct site *s = sites; s < sites + site_count; s++)
            if (s->own && s->nr == c->nr)
                add_job(s->program, c, s, c->error);
    }
    for (struct site *s = sites; !only && s < sites + site_count; s++)
        if (!s->own && s->nr != SYS_exit_group && s->nr != SYS_rt_sigreturn &&
            (every || first_of_kind(s)))
            add_job(s->program, NULL, s, EIO);
}

/* The function that a place is in, where there is an addr2line. */
static void print_place(const struct site *s)
{
    char command[200], function[100] = "";
    const char *plus = strrchr(s->where, '+');
    if (!strncmp(s->where, "inject", 6)) {
        snprintf(command, sizeof command, "addr2line -f -e /proc/%d/exe %s 2>/dev/null",
                 (int)getpid(), plus);
        FILE *f = popen(command, "r");
        if (f && fscanf(f, "%99s", function) != 1)
            function[0] = 0;
        if (f)
            pclose(f);
    }
    printf("    %-8s %6lu times  %s %s\n", s->program->name, s->count, s->where, function);
}

static void print_table(void)
{
    unsigned long helper = 0, helper_runs = 0;
    for (const struct call *c = calls; c < calls + CALLS; c++) {
        unsigned long places = 0, runs = 0, fatal = 0, told = 0;
        for (const struct job *j = plan->job; j < plan->job + plan->count; j++)
            if (j->call == c)
                places++, runs += j->runs, fatal += j->fatal, told += j->told;
        printf("%-16s %-38s %3lu places %5lu runs %4lu fatal %4lu told\n", c->name,
               strerror(c->error), places, runs, fatal, told);
        if (c == calls || c[-1].nr != c->nr)
            for (const struct site *s = sites; s < sites + site_count; s++)
                if (s->own && s->nr == c->nr)
                    print_place(s);
    }
    for (const struct job *j = plan->job; j < plan->job + plan->count; j++)
        if (!j->call)
            helper++, helper_runs += j->runs;
    printf("%-16s %-38s %3lu places %5lu runs\n", "of the helpers", strerror(EIO), helper,
           helper_runs);
}

START_TEST(each_failure_ends_well)
{
    const char *only = getenv("INJECT");
    unsigned long runs = 0, bad = 0;
    every = only, say = getenv("INJECT_SAY");
    if (only && !strcmp(only, "all"))
        only = NULL;
    find_sites();
    make_plan(only);
    pid_t worker[WORKERS];
    fflush(NULL);
    for (int w = 0; w < WORKERS; w++) {
        worker[w] = fork();
        if (worker[w])
            continue;
        for (uint32_t i; (i = __atomic_fetch_add(&plan->next, 1, __ATOMIC_RELAXED)) < plan->count;)
            do_job(&plan->job[i]);
        _exit(0);
    }
    for (int w = 0; w < WORKERS; w++)
        waitpid(worker[w], NULL, 0);
    for (const struct job *j = plan->job; j < plan->job + plan->count; j++)
        runs += j->runs, bad += j->bad + !j->runs;
    if (every && !only)
        print_table();
    printf("%zu places, %lu runs, %lu ended otherwise\n", site_count, runs, bad);
    ck_assert(!bad);
}
END_TEST

int main(int argc, char **argv)
{
    for (const struct program *p = programs; argc > 1 && p < programs + PROGRAMS; p++)
        if (!strcmp(argv[1], p->name))
            return p->run();
    if (!fork())
        _exit(install_filter(SYS_getpgid, -1) < 0);
    int status;
    wait(&status);
    if (status) {
        printf("no seccomp notifications here\n");
        return 77;
    }
    const TTest *const tests[] = {each_failure_ends_well};
    return unit_main("inject", 280, tests, 1);
}
