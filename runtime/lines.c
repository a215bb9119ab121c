/*
 * lines.c - source lines for the traces of a program that dies.
 *
 * An address says nothing to the reader, and `module +0x1a2b` little more. Lines are in the DWARF of the
 * program's files, and reading that needs a library (libdw), memory, and time; whoever prints a trace may
 * be in a signal handler, inside malloc, out of memory, or on a heap that is in ruins. Rejected: libdw in
 * this process (each of these ends in a hang or a second crash), libdw in a forked copy of it (the copy
 * has the same locked malloc and the same ruins), a reader of our own for .debug_line (five versions of it,
 * three kinds of compression, split files). So the question goes to a process that begins with exec and
 * shares nothing with this one: the goc-race program, which has the symboliser anyway. It is looked for
 * in $GOCRACE_TOOL, beside this library, beside the program, in PATH. Where there is none, or it
 * does not answer, the trace has symbols and offsets, as without debug information.
 *
 * What is used here is what a signal handler may use: raw system calls, a socket, buffers that are
 * there. A packet a question, a packet an answer (report/frames.c has the words); the packets keep
 * their bounds, and sending to a helper that has died is an error and no SIGPIPE. The helper gets an
 * environment of its own: what is preloaded into this program is not its business, and it must not ask
 * the network for debug information. It sees the end of the socket when we are gone.
 *
 * Bounded: all waiting together takes at most PATIENCE; after it, or after the first failure, nobody is
 * asked any more. A program with privileges of its own (AT_SECURE) starts nothing.
 *
 * One thread prints traces (panic.c, signals.c see to that), so there is no lock.
 */
#include "sched_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { CACHED = 512, ANSWER = 16384 + 1, PATH_SIZE = 512 };
static const int64_t PATIENCE = 5000000000;

static struct answer {
    uintptr_t pc;
    char kind, text[503]; /* the answer as it came */
} *cache;

static enum { NOT_STARTED, ASKING, SILENT } state;
static int helper = -1;
static long helper_pid;
static int64_t patience;
static char reply[ANSWER];

/* --- finding it ------------------------------------------------------------------------------- */

static bool executable(const char *path)
{
    return rt_sys4(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */, 0) == 0;
}

/* DIR/lib/libgoc.so or DIR/bin/program: DIR/bin/goc-race. */
static bool beside(const char *file, char *buf, size_t size)
{
    size_t n = rt_strlen(file);
    for (int up = 0; up < 2; up++) {
        while (n && file[n - 1] != '/')
            n--;
        if (!n)
            return false;
        n--;
    }
    return rt_format(buf, size, "%.*s/bin/goc-race", (int)n, file) < size && executable(buf);
}

#ifdef GOC_RACE
extern const char goc_race_tool_path[] __attribute__((weak)); /* goc-race cc wrote it down */
#endif

static bool find_tool(const char *program, const char *library, char *buf, size_t size)
{
    const char *s = getenv("GOCRACE_TOOL");
    if (s) /* empty: none */
        return rt_format(buf, size, "%s", s) < size && executable(buf);
#ifdef GOC_RACE
    if (goc_race_tool_path && rt_format(buf, size, "%s", goc_race_tool_path) < size &&
        executable(buf))
        return true;
#endif
    if (beside(library, buf, size) || beside(program, buf, size))
        return true;
    for (s = getenv("PATH"); s && *s;) {
        int n = 0;
        while (s[n] && s[n] != ':')
            n++;
        if (n && rt_format(buf, size, "%.*s/goc-race", n, s) < size && executable(buf))
            return true;
        s += n + (s[n] == ':');
    }
    return false;
}

/* --- talking to it ---------------------------------------------------------------------------- */

static void silence(void)
{
    if (helper >= 0)
        rt_sys1(SYS_close, helper);
    if (helper_pid > 0)
        rt_sys2(SYS_kill, helper_pid, SIGKILL); /* ours: nobody has waited for it, and nobody will */
    helper = -1;
    helper_pid = 0;
    state = SILENT;
}

static bool ready(int events)
{
    struct pollfd p = {.fd = helper, .events = (short)events};
    while (patience > 0) {
        struct timespec ts = {patience / 1000000000, patience % 1000000000};
        int64_t before = rt_now();
        long n = rt_sys5(SYS_ppoll, &p, 1, &ts, NULL, 8);
        patience -= rt_now() - before;
        if (n > 0)
            return true;
        if (n != -EINTR)
            return false;
    }
    return false;
}

static void say(const char *words, size_t n)
{
    long r;
    if (state != ASKING)
        return;
    while ((r = rt_sys6(SYS_sendto, helper, words, n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0)) < 0) {
        if (r == -EAGAIN && ready(POLLOUT))
            continue;
        if (r == -EINTR)
            continue;
        silence();
        return;
    }
}

static bool listen_for(char *buf, size_t size)
{
    long r;
    if (state != ASKING)
        return false;
    while ((r = rt_sys6(SYS_recvfrom, helper, buf, size - 1, MSG_DONTWAIT, NULL, NULL)) < 0) {
        if (r == -EAGAIN && ready(POLLIN))
            continue;
        if (r == -EINTR)
            continue;
        silence();
        return false;
    }
    if (r == 0) {
        silence();
        return false;
    }
    buf[r] = 0;
    return true;
}

/* --- starting it ------------------------------------------------------------------------------ */

static _Noreturn void helper_main(int fd, const char *tool)
{
    char number[12];
    uint64_t none = 0;
    fd = (int)rt_sys3(SYS_fcntl, fd, F_DUPFD, 3);
    long null = rt_sys4(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    for (int i = 0; i < 3; i++)
        rt_sys3(SYS_dup3, null, i, 0);
    rt_sys3(SYS_close_range, fd + 1, ~0u, 0);
    if (fd > 3)
        rt_sys3(SYS_close_range, 3, fd - 1, 0);
    rt_sys4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    rt_format(number, sizeof number, "%d", fd);
    const char *argv[] = {"goc-race", "frames-fd", number, NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    rt_sys3(SYS_execve, tool, argv, env);
    rt_sys1(SYS_exit_group, 127);
    __builtin_unreachable();
}

static int tell_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    char line[PATH_SIZE + 80];
    uintptr_t lo = UINTPTR_MAX, hi = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t at = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type != PT_LOAD)
            continue;
        if (at < lo)
            lo = at;
        if (at + ph->p_memsz > hi)
            hi = at + ph->p_memsz;
    }
    size_t n = rt_format(line, sizeof line, "m %lx %lx %lx %s", (unsigned long)info->dlpi_addr,
                         (unsigned long)lo, (unsigned long)hi, info->dlpi_name ? info->dlpi_name : "");
    if (hi && n < sizeof line)
        say(line, n);
    return state != ASKING;
}

static bool start(void)
{
    char program[PATH_SIZE + 2] = "p ", tool[PATH_SIZE];
    int fds[2];
    Dl_info here = {0};
    state = SILENT;
    long n = rt_sys4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", program + 2, PATH_SIZE - 1);
    program[n > 0 ? n + 2 : 2] = 0;
    if (getauxval(AT_SECURE) || !dladdr((void *)start, &here) ||
        !find_tool(program + 2, here.dli_fname ? here.dli_fname : "", tool, sizeof tool) ||
        rt_sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return false;
    long pid = rt_sys5(SYS_clone, 0 /* no signal at its end */, 0, 0, 0, 0);
    if (pid == 0)
        helper_main(fds[1], tool);
    helper_pid = pid;
    rt_sys1(SYS_close, fds[1]);
    helper = fds[0];
    if (pid < 0) {
        silence();
        return false;
    }
    cache = rt_map(CACHED * sizeof *cache);
    patience = PATIENCE;
    state = ASKING;
    if (n > 0)
        say(program, rt_strlen(program));
    dl_iterate_phdr(tell_module, NULL);
    return state == ASKING;
}

const char *lines_of(char kind, uintptr_t pc, bool *is_main)
{
    char question[32], *text = reply;
    struct answer *a = NULL;
    if (state == SILENT || (state == NOT_STARTED && !start()))
        return NULL;
    if (cache)
        a = &cache[(pc * 0x9e3779b97f4a7c15u ^ (unsigned char)kind) >> 7 & (CACHED - 1)];
    if (a && a->pc == pc && a->kind == kind) {
        text = a->text;
    } else {
        say(question, rt_format(question, sizeof question, "%c %lx", kind, (unsigned long)pc));
        if (!listen_for(reply, sizeof reply))
            return NULL;
        size_t n = rt_strlen(reply);
        if (a && n < sizeof a->text) {
            a->pc = pc;
            a->kind = kind;
            rt_copy(a->text, reply, n + 1);
        }
    }
    *is_main = *text == 'm';
    return *text == '?' ? NULL : text + 1;
}
