/*
 * launch.c - run a program under the detector, print its findings as they come, pass its end on.
 *
 * The detector is inside the program; this process only sets the scene (address space without
 * randomisation, a pipe, the options), then reads. It stays because reports are made here: what
 * kills the program does not kill the reports it has already sent, and libdw, formats and files
 * need no room in the program. ptrace was rejected as the way to learn of crashes: it slows every
 * signal and takes the debugger's place.
 *
 * The child waits, before it becomes the program, until its outputs are open (FILE.PID needs its
 * pid), so that an unwritable one is told before anything ran. It inherits the pipe's writing end
 * at a high descriptor, out of the way of programs that count on 3. If exec fails, the reason comes
 * back over the second pipe, which closes by itself when it succeeds.
 *
 * Signals: SIGINT, SIGTERM, SIGHUP and SIGQUIT sent to us are sent on; those that the terminal
 * sends reach the program by themselves (same process group), and twice would be once too often.
 *
 * The end: everything in the pipe is read after the program is gone, but not waited for, since a
 * daemon it left behind may hold the other end open. Status: a killing signal first (128+N), then
 * the timeout (124), then findings (66), then the program's own, which the detector sent with its
 * last record.
 */
#include "launch.h"
#include "tool.h"

#include <dwarf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RECORD_FD 200 /* lowest descriptor for the records */
#define GRACE_S 3.0   /* between SIGQUIT and SIGKILL at a timeout */

void (*tool_sigpipe)(int) = SIG_DFL;

/* --- what kind of program ----------------------------------------------------------------- */

static bool names_tsan(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
    Elf_Data *d = elf_getdata(scn, NULL);
    size_t n = d && sh->sh_entsize ? d->d_size / sh->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        const char *s =
            gelf_getsym(d, (int)i, &sym) ? elf_strptr(elf, sh->sh_link, sym.st_name) : NULL;
        if (s && has_prefix(s, "__tsan_func_entry"))
            return true;
    }
    return false;
}

static bool needs_goc(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh)
{
    Elf_Data *d = elf_getdata(scn, NULL);
    size_t n = d && sh->sh_entsize ? d->d_size / sh->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Dyn dyn;
        if (!gelf_getdyn(d, (int)i, &dyn) || dyn.d_tag != DT_NEEDED)
            continue;
        const char *s = elf_strptr(elf, sh->sh_link, dyn.d_un.d_val);
        if (s && has_prefix(s, "libgoc.so"))
            return true;
    }
    return false;
}

static struct program inspect(const char *path)
{
    struct program p = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return p;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    p.elf = elf && elf_kind(elf) == ELF_K_ELF;
    for (Elf_Scn *scn = NULL; p.elf && (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr sh;
        if (!gelf_getshdr(scn, &sh))
            continue;
        if (sh.sh_type == SHT_DYNAMIC)
            p.goc = needs_goc(elf, scn, &sh);
        if (!p.instrumented && (sh.sh_type == SHT_DYNSYM || sh.sh_type == SHT_SYMTAB))
            p.instrumented = names_tsan(elf, scn, &sh);
    }
    elf_end(elf);
    close(fd);
    return p;
}

/* The program's file: as given, or found in $PATH. Exits 127 or 126 if there is none to run. */
static char *find_program(const char *name)
{
    struct stat st;
    const char *path = strchr(name, '/') ? "" : getenv("PATH");
    char *found = NULL;
    int why = ENOENT;
    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (const char *p = path;; p++) {
        size_t n = strcspn(p, ":");
        char *f;
        if (asprintf(&f, "%.*s%s%s", (int)n, p, n ? "/" : "", name) < 0)
            die("out of memory");
        if (stat(f, &st) == 0) {
            if (S_ISREG(st.st_mode) && access(f, X_OK) == 0) {
                found = f;
                break;
            }
            why = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
        } else if (errno != ENOENT && errno != ENOTDIR && why == ENOENT) {
            why = errno;
        }
        free(f);
        p += n;
        if (!*p)
            break;
    }
    if (!found) {
        warn("%s: %s", name, why == ENOENT ? "no such program" : strerror(why));
        exit(why == ENOENT ? 127 : 126);
    }
    return found;
}

/* --- the stream --------------------------------------------------------------------------- */

static void on_hello(void *arg, const struct record_hello *h)
{
    struct run *r = arg;
    char link[64], path[PATH_MAX];
    r->hello = true;
    findings_writer(&r->all, r->decoder.writer, true);
    snprintf(link, sizeof link, "/proc/%u/exe", h->pid);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 0)
        r->all.symbols.program = arena_strn(&r->all.arena, path, (size_t)n);
}

static void on_modules(void *arg, const struct module *m, size_t n)
{
    struct run *r = arg;
    findings_writer(&r->all, r->decoder.writer, false);
    symbols_modules(&r->all.symbols, m, n);
}

/* Not of a child that it has forked. */
static bool of_program(const struct run *r)
{
    return !r->pid || !r->decoder.writer || r->decoder.writer == (r->pid & 0xffff);
}

static void on_finding(void *arg, struct finding *f)
{
    struct run *r = arg;
    findings_writer(&r->all, r->decoder.writer, false);
    bool counts = findings_add(&r->all, f);
    if (r->answers < 0 || !of_program(r) || write(r->answers, counts ? "y" : "n", 1) == 1)
        return;
    close(r->answers); /* nobody asks any more */
    r->answers = -1;
}

static void on_repeat(void *arg, uint64_t id, uint64_t count)
{
    struct run *r = arg;
    findings_writer(&r->all, r->decoder.writer, false);
    findings_repeat(&r->all, id, count);
}

/* In many runs of one program each notice is worth one line. */
static bool noticed(struct run *r, const char *text)
{
    for (size_t i = 0; r->quiet && i < r->notices.n; i++)
        if (strcmp(r->notices.v[i], text) == 0)
            return true;
    strs_add(&r->notices, text);
    return false;
}

static void on_notice(void *arg, const char *text)
{
    if (noticed(arg, text))
        return;
    warn("%s", has_prefix(text, "goc-race: ") ? text + 10 : text);
}

static void on_crash(void *arg, struct crash *c)
{
    struct run *r = arg;
    findings_writer(&r->all, r->decoder.writer, false);
    r->crashed = true;
    findings_crash(&r->all, c);
}

static void on_schedule(void *arg, const struct record_schedule *s)
{
    struct run *r = arg;
    if (of_program(r))
        r->told = *s;
}

static void on_waiting(void *arg, struct finding *f)
{
    struct run *r = arg;
    findings_writer(&r->all, r->decoder.writer, false);
    findings_waiting(&r->all, f);
}

static void on_exit_record(void *arg, const struct record_exit *e)
{
    struct run *r = arg;
    r->all.lost += e->lost;
    if (!of_program(r))
        return;
    r->exited = true;
    r->end = *e;
}

void run_init(struct run *r, const struct options *o)
{
    *r = (struct run){.o = o, .answers = -1};
    r->sink = (struct sink){
        .arg = r,
        .hello = on_hello,
        .modules = on_modules,
        .finding = on_finding,
        .repeat = on_repeat,
        .notice = on_notice,
        .crash = on_crash,
        .waiting = on_waiting,
        .exit = on_exit_record,
        .schedule = on_schedule,
    };
    findings_init(&r->all, o);
    r->all.ran = true;
    r->sink.arena = &r->all.arena;
    r->decoder.sink = &r->sink;
}

/* The main output, where log_path says; pid for FILE.PID. */
static void open_outputs(struct run *r, pid_t pid)
{
    const char *log = r->o->log_path;
    if (strcmp(log, "stderr") == 0)
        findings_output(&r->all, r->o->format, NULL, stderr);
    else if (strcmp(log, "stdout") == 0)
        findings_output(&r->all, r->o->format, NULL, stdout);
    else
        findings_output(&r->all, r->o->format, arena_printf(&r->all.arena, "%s.%d", log, (int)pid),
                        NULL);
    findings_outputs(&r->all);
}

/* Reads what is there. False at the end of the stream. */
static bool read_records(struct run *r, int fd)
{
    static char chunk[65536];
    ssize_t n = read(fd, chunk, sizeof chunk);
    if (n < 0 && errno != EINTR && errno != EAGAIN && !r->decoder.error) {
        r->decoder.error = "they cannot be read";
        warn("the program's records cannot be read: %s", strerror(errno));
    }
    if (n < 0)
        return errno == EINTR;
    if (n == 0)
        return false;
    if (!r->decoder.error && !decode_feed(&r->decoder, chunk, (size_t)n))
        warn("the program's records cannot be read: %s", r->decoder.error);
    return true;
}

int verdict(struct run *r, int own, bool overrides)
{
    int status = own;
    if (r->all.n && r->o->exitcode && !overrides)
        status = (int)r->o->exitcode;
    if (r->decoder.error && !overrides)
        status = EXIT_TOOL;
    r->all.status = status;
    r->all.say_status = true;
    findings_end(&r->all);
    if (r->all.lost)
        warn("%lu finding(s) could not be sent", r->all.lost);
    findings_free(&r->all);
    decode_free(&r->decoder);
    strs_free(&r->notices);
    return status;
}

/* --- the child ---------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int records; /* reading end */
    int go;      /* a byte starts it */
    int error;   /* errno of a failed exec comes here */
};

static void to_nowhere(void)
{
    int fd = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3 && fd >= 0; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

/* The lowest descriptor that is out of the way. */
static int high(int fd)
{
    int n = fcntl(fd, F_DUPFD, RECORD_FD);
    return n < 0 ? dup(fd) : n;
}

static _Noreturn void become(const struct run *r, char **argv, int records, int answers, int go,
                             int error)
{
    const struct options *o = r->o;
    const struct program *p = &r->program;
    char byte, num[32];
    if (read(go, &byte, 1) != 1)
        _exit(EXIT_TOOL);
    int n = snprintf(num, sizeof num, "%d", high(records));
    if (answers >= 0)
        snprintf(num + n, sizeof num - (size_t)n, ",%d", high(answers));
    setenv(RECORD_ENV_FD, num, 1);
    setenv(RECORD_ENV_NOTICE, "1", 1);
    setenv(RECORD_ENV_TOOL, tool_path(), 1);
    char *env = options_env(o);
    if (*env)
        setenv(RECORD_ENV_OPTIONS, env, 1);
    else
        unsetenv(RECORD_ENV_OPTIONS);
    if (!p->instrumented && p->goc) {
        char *lib = tool_relative("../lib/libgoc-race.so"), *all;
        const char *old = getenv("LD_PRELOAD");
        if (asprintf(&all, "%s%s%s", lib, old && *old ? ":" : "", old ? old : "") > 0)
            setenv("LD_PRELOAD", all, 1);
    }
    if (r->schedule)
        setenv("GOC_SCHEDULE", r->schedule, 1);
    if (r->quiet)
        to_nowhere();
    personality(ADDR_NO_RANDOMIZE | (unsigned long)personality(0xffffffff));
    signal(SIGPIPE, tool_sigpipe);
    sigprocmask(SIG_SETMASK, &r->mask, NULL);
    execv(r->path, argv);
    int e = errno;
    if (write(error, &e, sizeof e) < 0)
        _exit(EXIT_TOOL);
    _exit(126);
}

static void start(struct run *r, struct child *c, char **argv)
{
    const char *path = r->path;
    int records[2], answers[2] = {-1, -1}, go[2], error[2];
    /* What is suppressed or in the baseline does not end the program: that is known here. */
    bool asks = r->o->halt_on_error && (*r->o->suppressions || *r->o->baseline);
    if (pipe2(records, O_CLOEXEC) || pipe2(go, O_CLOEXEC) || pipe2(error, O_CLOEXEC) ||
        (asks && pipe2(answers, O_CLOEXEC)))
        die("cannot make a pipe: %s", strerror(errno));
    fcntl(records[1], F_SETPIPE_SZ, 1 << 20);
    c->pid = fork();
    if (c->pid < 0)
        die("cannot start a process: %s", strerror(errno));
    if (!c->pid) {
        close(go[1]);
        become(r, argv, records[1], answers[0], go[0], error[1]);
    }
    if (asks)
        close(answers[0]);
    r->answers = answers[1];
    close(records[1]);
    close(go[0]);
    close(error[1]);
    *c = (struct child){c->pid, records[0], go[1], error[0]};
    r->pid = (unsigned)c->pid;
    if (!r->all.outputs)
        open_outputs(r, c->pid);
    if (write(c->go, "", 1) != 1)
        die("cannot start %s: %s", path, strerror(errno));
    close(c->go);
    int e;
    ssize_t n;
    while ((n = read(c->error, &e, sizeof e)) < 0 && errno == EINTR)
        ;
    close(c->error);
    if (n == sizeof e) {
        waitpid(c->pid, NULL, 0);
        warn("%s: %s", path, strerror(e));
        exit(e == ENOENT ? 127 : 126);
    }
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads records and passes signals until the child is gone; its wait status. */
static int attend(struct run *r, struct child *c, int sigfd, bool *timed_out)
{
    double deadline = r->o->timeout > 0 ? now() + r->o->timeout : 0;
    bool stream = true, quit = false;
    int status;
    for (;;) {
        struct pollfd p[2] = {{sigfd, POLLIN, 0}, {stream ? c->records : -1, POLLIN, 0}};
        int ms = -1;
        if (deadline) {
            double left = deadline - now();
            ms = left <= 0 ? 0 : left > 1e6 ? 1000000000 : (int)(left * 1000) + 1;
        }
        int n = poll(p, 2, ms);
        if (n < 0 && errno != EINTR)
            die("poll: %s", strerror(errno));
        if (deadline && now() >= deadline) {
            if (!quit) {
                warn("timed out after %gs", r->o->timeout);
                *timed_out = quit = true;
                kill(c->pid, SIGQUIT);
                deadline = now() + GRACE_S;
            } else {
                kill(c->pid, SIGKILL);
                deadline = 0;
            }
        }
        if (n <= 0)
            continue;
        if (p[1].revents)
            stream = read_records(r, c->records);
        if (!(p[0].revents & POLLIN))
            continue;
        struct signalfd_siginfo s;
        if (read(sigfd, &s, sizeof s) != sizeof s)
            continue;
        if (s.ssi_signo != SIGCHLD)
            r->stop = (int)s.ssi_signo;
        if (s.ssi_signo != SIGCHLD && s.ssi_code <= 0)
            kill(c->pid, (int)s.ssi_signo);
        if (s.ssi_signo == SIGCHLD && waitpid(c->pid, &status, WNOHANG) == c->pid)
            break;
    }
    if (stream) {
        fcntl(c->records, F_SETFL, O_NONBLOCK);
        while (read_records(r, c->records))
            ;
    }
    return status;
}

static void notice_plain(const char *name, const struct program *p)
{
    warn("%s is not instrumented: its memory accesses are not checked%s; "
         "build it with 'goc-race cc' to find data races",
         name, p->goc ? ", only its synchronisation is" : "");
}

void run_prepare(struct run *r, const struct options *o, char **argv)
{
    char *path = find_program(argv[0]);
    run_init(r, o);
    r->path = r->all.program = path;
    r->program = inspect(path);
    r->all.symbols.program = realpath(path, NULL);
    const struct program *p = &r->program;
    if (p->elf && !p->instrumented)
        notice_plain(argv[0], p);
    if (o->verbosity >= 1)
        warn("running %s%s", path,
             p->instrumented ? ", instrumented"
             : p->goc        ? " with the race library in place of libgoc.so"
                             : "");
    sigset_t set;
    sigemptyset(&set);
    static const int passed[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&set, passed[i]);
    sigprocmask(SIG_BLOCK, &set, &r->mask);
    r->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (r->signals < 0)
        die("signalfd: %s", strerror(errno));
}

void run_once(struct run *r, char **argv, struct ending *e)
{
    struct child c;
    *e = (struct ending){0};
    r->hello = r->exited = r->crashed = false;
    r->told = (struct record_schedule){0};
    start(r, &c, argv);
    int status = attend(r, &c, r->signals, &e->timed_out);
    close(c.records);
    if (r->answers >= 0)
        close(r->answers);
    r->answers = -1;
    if (!decode_end(&r->decoder) && r->hello && WIFEXITED(status))
        warn("the program's records end early: %s", r->decoder.error);
    decode_free(&r->decoder);
    r->decoder = (struct decoder){.sink = &r->sink}; /* told; what was read counts */
    if (WIFSIGNALED(status)) {
        e->signal = WTERMSIG(status);
        e->status = 128 + e->signal;
        e->core = WCOREDUMP(status);
    } else {
        e->status = WEXITSTATUS(status);
        if (r->exited && e->status == r->o->exitcode)
            e->status = r->end.status & 0xff; /* the detector has put its verdict in its place */
    }
    if (e->timed_out)
        e->status = 124;
}

const char *ending_words(const struct ending *e)
{
    static char text[64];
    int sig = e->signal;
    bool crash = e->core || sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGFPE ||
                 sig == SIGILL;
    snprintf(text, sizeof text, "program %s: SIG%s", crash ? "crashed" : "was killed",
             sigabbrev_np(sig) ?: "?");
    return text;
}

int launch(const struct options *o, char **argv)
{
    if (o->explore)
        return explore(o, argv);
    struct run r;
    struct ending e;
    run_prepare(&r, o, argv);
    r.schedule = o->schedule;
    run_once(&r, argv, &e);
    close(r.signals);
    if (!r.program.elf && !r.hello)
        notice_plain(argv[0], &r.program);
    if (e.signal && !r.crashed && !e.timed_out) {
        findings_died(&r.all, e.signal);
        warn("%s", ending_words(&e));
    }
    return verdict(&r, e.status, e.signal || e.timed_out);
}

int render_fd(const struct options *o, int fd, int answers)
{
    struct run r;
    /* The program's group may be interrupted; what it found is still to be said. */
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    run_init(&r, o);
    r.pid = (unsigned)getppid();
    r.answers = answers;
    open_outputs(&r, (int)r.pid);
    while (read_records(&r, fd))
        ;
    bool told = r.decoder.error;
    if (!decode_end(&r.decoder) && !told)
        warn("the program's records end early: %s", r.decoder.error);
    return verdict(&r, r.exited ? r.end.status & 0xff : 0, false);
}

int await(int pid)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM, SIGVTALRM, SIGPROF};
    int status;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    while (waitpid(pid, &status, __WALL) < 0)
        if (errno != EINTR)
            die("waitpid: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_TOOL;
}
