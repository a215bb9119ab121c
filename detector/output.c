/*
 * output.c - the stream of records to whoever renders them.
 *
 * Started by the launcher, the program has a descriptor to write to (GOCRACE_FD). Started alone, it
 * starts `goc-race render-fd N` itself, at the first finding and not before, at the other end of a pipe.
 * The child is made without an exit signal: the program neither gets a SIGCHLD nor can wait for it by
 * accident. If there is no goc-race to be had, findings are printed here, plainly: module and offset.
 * Never silently.
 *
 * With halt_on_error the first finding that counts is the last thing the program does. Whether one counts
 * the reader says, over a second pipe, if there are suppressions or a baseline. The end: the other threads
 * would run on for as long as the report takes, so that the process becomes `goc-race await PID`, which has the
 * same pid and the same child, and waits for it; execve is what stops all threads for sure.
 *
 * What is written goes out in one write(2) a record, under one lock, with SIGPIPE held back: when the
 * reader has gone the program goes on, and its exit status still tells.
 *
 * Modules come from /proc/self/maps and the ELF headers in memory, not from dl_iterate_phdr, whose lock
 * another thread may hold in dlopen while its constructor waits for us. They are read at the start as well: by
 * the first finding the program may have shut itself off from files (chroot, seccomp).
 */
#include "output.h"
#include "sys.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

extern const char goc_race_tool_path[] __attribute__((weak));
extern char **environ;

bool det_instrumented;
struct items output_items;

static u32 lock;
static struct {
    int fd;          /* -1: none */
    int answers;     /* does a finding count? -1: they all do */
    bool launched;   /* by goc-race */
    bool hello;      /* has been written */
    bool broken;     /* the reader is gone */
    bool plain;      /* nobody renders: do it here */
    bool modules_old;
    long renderer;   /* pid */
    char tool[512];  /* whose it is */
} out = {.fd = -1, .answers = -1, .modules_old = true};

#define MODULES_MAX 512
static struct module {
    uintptr_t lo, hi;
    u64 bias;
    bool gone; /* closed since; what it did may still be told of */
    u32 id_len;
    char id[64]; /* its build id */
    char path[256];
} modules[MODULES_MAX];
static u32 module_count;

void output_lock(void)
{
    det_lock(&lock);
}

void output_unlock(void)
{
    det_unlock(&lock);
}

bool output_launched(void)
{
    return out.launched;
}

void output_forked(void)
{
    lock = 0;
    out.renderer = 0; /* the parent's, who waits for it, and has the answers */
    out.answers = -1;
    /* Its records carry its own pid; who they are from has to be said again. */
    out.hello = false;
    out.modules_old = true;
}

/* --- items --------------------------------------------------------------------------------------------- */

static void *room(struct items *b, size_t n)
{
    if (b->n + n > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 1 << 16;
        while (cap < b->n + n)
            cap *= 2;
        if (cap > RECORD_MAX)
            return NULL;
        char *at = det_map(cap);
        if (b->at) {
            det_copy(at, b->at, b->n);
            det_unmap(b->at, b->cap);
        }
        b->at = at;
        b->cap = cap;
    }
    void *p = b->at + b->n;
    b->n += n;
    return p;
}

void items_add(struct items *b, u32 tag, const void *head, size_t head_n, const void *rest,
               size_t rest_n)
{
    size_t n = head_n + rest_n, padded = (n + 7) & ~(size_t)7;
    char *p = room(b, sizeof(struct record_item) + padded);
    if (!p)
        return;
    *(struct record_item *)p = (struct record_item){.tag = (uint16_t)tag, .len = (u32)n};
    p += sizeof(struct record_item);
    det_copy(p, head, head_n);
    det_copy(p + head_n, rest, rest_n);
    det_zero(p + n, padded - n);
}

/* --- writing ------------------------------------------------------------------------------------------ */

static bool write_all(const char *p, size_t n)
{
    u64 pipe = 1ull << (SIGPIPE - 1), old;
    sys_call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&pipe, (long)&old, 8, 0, 0);
    while (n) {
        long r = sys_write(out.fd, p, n);
        if (r == -4 /* EINTR */)
            continue;
        if (r == -11 /* EAGAIN */) {
            sys_sleep_us(500);
            continue;
        }
        if (r <= 0) {
            if (r == -32 /* EPIPE */ && !(old & pipe)) {
                long zero[2] = {0, 0};
                sys_call(SYS_rt_sigtimedwait, (long)&pipe, 0, (long)zero, 8, 0, 0);
            }
            break;
        }
        p += r;
        n -= (size_t)r;
    }
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&old, 0, 8, 0, 0);
    return n == 0;
}

static bool put(u32 type, u64 id, const void *payload, size_t n)
{
    static struct items whole;
    whole.n = 0;
    struct record_head *h = room(&whole, sizeof *h + n);
    if (!h)
        return false;
    *h = (struct record_head){.len = (u32)n,
                              .type = (uint16_t)type,
                              .flags = (uint16_t)sys_getpid(),
                              .id = id};
    det_copy(h + 1, payload, n);
    if (!write_all((char *)h, sizeof *h + n))
        out.broken = true;
    return !out.broken;
}

static void hello(void)
{
    struct items saved = output_items;
    output_items = (struct items){0};
    struct record_hello h = {RECORD_MAGIC, RECORD_MAJOR, RECORD_MINOR, (u32)sys_getpid(),
                             det_instrumented};
    static char buf[16384];
    det_copy(buf, &h, sizeof h);
    struct items b = {buf, sizeof h, sizeof buf};
    static char args[8192];
    long fd = sys_open("/proc/self/cmdline", O_RDONLY), n = fd < 0 ? 0 : sys_read((int)fd, args,
                                                                                 sizeof args - 1);
    if (fd >= 0)
        sys_close((int)fd);
    for (char *p = args; n > 0 && p < args + n;) {
        size_t len = det_len(p);
        if (b.n + len + 32 > sizeof buf)
            break;
        items_add(&b, ITEM_ARG, p, len, NULL, 0);
        p += len + 1;
    }
    put(REC_HELLO, 0, b.at, b.n);
    output_items = saved;
}

/* --- starting a renderer --------------------------------------------------------------------------------- */

static bool executable(const char *path)
{
    return sys_call(SYS_faccessat, AT_FDCWD, (long)path, 1 /* X_OK */, 0, 0, 0) == 0;
}

/* goc-race beside the library or the program: DIR/../bin/goc-race. */
static bool near(const char *module, char *buf, size_t size)
{
    size_t n = det_len(module);
    for (int up = 0; up < 2; up++) {
        while (n && module[n - 1] != '/')
            n--;
        if (n == 0 || n + 16 > size)
            return false;
        n--;
    }
    det_copy(buf, module, n);
    det_copy(buf + n, "/bin/goc-race", 14);
    return executable(buf);
}

static bool find_tool(char *buf, size_t size)
{
    const char *env = det_env(RECORD_ENV_TOOL);
    if (env && executable(env)) {
        det_format(buf, size, "%s", env);
        return true;
    }
    if (goc_race_tool_path && executable(goc_race_tool_path)) {
        det_format(buf, size, "%s", goc_race_tool_path);
        return true;
    }
    for (u32 i = 0; i < module_count; i++)
        if ((uintptr_t)find_tool >= modules[i].lo && (uintptr_t)find_tool < modules[i].hi &&
            near(modules[i].path, buf, size))
            return true;
    for (const char *p = det_env("PATH"); p && *p;) {
        size_t n = 0;
        while (p[n] && p[n] != ':')
            n++;
        if (n && n + 16 < size) {
            det_copy(buf, p, n);
            det_copy(buf + n, "/goc-race", 10);
            if (executable(buf))
                return true;
        }
        p += n + (p[n] == ':');
    }
    return false;
}

static void modules_read(void);

/* Becomes `goc-race COMMAND [ARG [ARG]]`: a child that came of a clone without an exit signal, or all of the
   process. Returns if that cannot be. */
static void become_tool(const char *tool, const char *command, const char *arg, const char *arg2)
{
    u64 none = 0;
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0, 0);
    const char *argv[] = {"goc-race", command, arg, arg2, NULL};
    /* The program's own preloads are not the tool's business. */
    static char *env[1024];
    int n = 0;
    for (char **e = environ; e && *e && n < 1023; e++) {
        const char *s = *e, *bad = "LD_PRELOAD=";
        while (*bad && *s == *bad)
            s++, bad++;
        if (*bad)
            env[n++] = *e;
    }
    sys_call(SYS_execve, (long)tool, (long)argv, (long)env, 0, 0, 0);
}

static long await_tool(long pid)
{
    int st = 0;
    long r;
    do
        r = sys_call(SYS_wait4, pid, (long)&st, 0x40000000 /* __WALL */, 0, 0, 0);
    while (r == -4);
    return r != pid || (st & 0x7f) != 0 ? -1 : st >> 8 & 0xff;
}

/* A bad $GOCRACE is an error before the program starts, not at its first finding. The launcher has
   looked at its own; here the tool, which has the table of options, is asked. Only a program that is
   started alone with the variable set pays for this. */
static void check_options(void)
{
    const char *given = det_env(RECORD_ENV_OPTIONS);
    char tool[512];
    if (!given || !*given)
        return;
    modules_read();
    if (!find_tool(tool, sizeof tool))
        return;
    long pid = sys_call(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (pid == 0) {
        become_tool(tool, "check-options", NULL, NULL);
        sys_exit_group(127);
    }
    if (pid > 0 && await_tool(pid) == 125)
        sys_exit_group(125);
}

static bool given(const char *option)
{
    char value[2];
    return det_option(option, value, sizeof value) && value[0];
}

/* Out of the way of the program's own small numbers. */
static int high(int fd)
{
    long n = sys_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 200, 0, 0, 0);
    if (n < 0)
        return fd;
    sys_close(fd);
    return (int)n;
}

static void start_renderer(void)
{
    int fds[2], answers[2] = {-1, -1};
    if (module_count == 0)
        modules_read();
    if (!find_tool(out.tool, sizeof out.tool) ||
        sys_call(SYS_pipe2, (long)fds, O_CLOEXEC, 0, 0, 0, 0) != 0) {
        out.plain = true;
        return;
    }
    if (det_option_num("halt_on_error", 0) && (given("suppressions") || given("baseline")) &&
        sys_call(SYS_pipe2, (long)answers, O_CLOEXEC, 0, 0, 0, 0) != 0)
        answers[0] = answers[1] = -1;
    int failed[2]; /* closed by execve, or told that there was none: a program may be forbidden it */
    if (sys_call(SYS_pipe2, (long)failed, O_CLOEXEC, 0, 0, 0, 0) != 0)
        failed[0] = failed[1] = -1;
    long pid = sys_call(SYS_clone, 0 /* no exit signal */, 0, 0, 0, 0, 0);
    if (pid == 0) {
        char from[12], to[12];
        det_format(from, sizeof from, "%d", (int)sys_call(SYS_dup, fds[0], 0, 0, 0, 0, 0));
        if (answers[1] >= 0)
            det_format(to, sizeof to, "%d", (int)sys_call(SYS_dup, answers[1], 0, 0, 0, 0, 0));
        become_tool(out.tool, "render-fd", from, answers[1] >= 0 ? to : NULL);
        sys_write(failed[1], "x", 1);
        sys_exit_group(127);
    }
    sys_close(fds[0]);
    sys_close(failed[1]);
    if (answers[1] >= 0)
        sys_close(answers[1]);
    char told;
    long r = -4;
    while (pid > 0 && r == -4 /* EINTR */)
        r = sys_read(failed[0], &told, 1);
    sys_close(failed[0]);
    if (r == 1) {
        await_tool(pid);
        pid = -1;
    }
    if (pid < 0) {
        sys_close(fds[1]);
        if (answers[0] >= 0)
            sys_close(answers[0]);
        out.plain = true;
        return;
    }
    out.renderer = pid;
    out.fd = high(fds[1]);
    out.answers = answers[0] >= 0 ? high(answers[0]) : -1;
}

/* --- plain text, when nobody renders ----------------------------------------------------------------- */

static void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void print(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    size_t n = det_vformat(line, sizeof line, fmt, ap);
    va_end(ap);
    sys_write(2, line, n);
}

static void print_stack(const u64 *pc, u32 n, bool exact)
{
    for (u32 i = 0; i < n; i++) {
        uintptr_t a = pc[i] - (i || !exact);
        for (u32 k = 0; k < module_count; k++)
            if (a >= modules[k].lo && a < modules[k].hi) {
                print("  %s +0x%lx\n", modules[k].path, (unsigned long)(a - modules[k].bias));
                break;
            }
    }
}

static void print_record(u32 type, const char *p, size_t n)
{
    static const char *const kinds[] = {"", "DATA RACE", "POTENTIAL DEADLOCK", "DEADLOCK",
                                        "GOROUTINE LEAK", "SYNC MISUSE"};
    if (type != REC_FINDING && type != REC_NOTICE)
        return;
    for (size_t at = 0; at + sizeof(struct record_item) <= n;) {
        const struct record_item *it = (const void *)(p + at);
        const char *body = (const char *)(it + 1);
        if (it->tag == ITEM_FINDING) {
            const struct record_finding *f = (const void *)body;
            print("==================\nWARNING: %s\n(no goc-race program found to name functions)\n",
                  kinds[f->kind <= 5 ? f->kind : 0]);
        } else if (it->tag == ITEM_PART) {
            const struct record_part *q = (const void *)body;
            const char *who = q->flags & PART_THREAD ? "thread" : "goroutine";
            if (q->role == PART_ACCESS || q->role == PART_PREVIOUS)
                print("%s%s%s at 0x%lx by %s %lu:\n", q->role == PART_PREVIOUS ? "Previous " : "",
                      q->flags & PART_ATOMIC ? "atomic " : "",
                      q->flags & PART_WRITE ? "write" : "read", q->addr, who, q->goid);
            else if (q->role == PART_CREATED)
                print("%s %lu created at:\n", who, q->goid);
            else
                print("%s %lu, 0x%lx:\n", who, q->goid, q->addr);
            print_stack((const u64 *)(q + 1), q->depth, q->flags & PART_EXACT_PC);
        } else if (it->tag == ITEM_TEXT) {
            char text[256];
            size_t len = it->len < sizeof text - 1 ? it->len : sizeof text - 1;
            det_copy(text, body, len);
            text[len] = 0;
            print("%s\n", text);
        }
        at += sizeof *it + ((it->len + 7) & ~7u);
    }
    if (type == REC_FINDING)
        print("==================\n");
}

/* A daemon outlives its launcher; what it finds then it says as a program that was started alone. */
static bool launcher_gone(void)
{
    if (!out.launched)
        return false;
    sys_close(out.fd);
    if (out.answers >= 0)
        sys_close(out.answers);
    out.fd = out.answers = -1;
    out.launched = out.broken = out.hello = false;
    out.modules_old = true;
    return true;
}

static bool record(u32 type, u64 id, const void *payload, size_t n)
{
    if (out.broken)
        return false;
    if (out.fd < 0 && !out.plain) {
        if (type == REC_EXIT)
            return false;
        start_renderer();
    }
    if (out.plain) {
        print_record(type, payload, n);
        return true;
    }
    if (!out.hello) {
        out.hello = true;
        hello();
    }
    return put(type, id, payload, n);
}

bool output_record(u32 type, u64 id, const void *payload, size_t n)
{
    if (record(type, id, payload, n))
        return true;
    if (type != REC_FINDING || !launcher_gone())
        return false;
    output_modules();
    return record(type, id, payload, n);
}

bool output_counts(void)
{
    char answer = 'y';
    long r = 1;
    if (out.answers >= 0)
        do
            r = sys_read(out.answers, &answer, 1);
        while (r == -4 /* EINTR */);
    return r != 1 || answer == 'y';
}

bool output_finish(int own, int *status, bool at_once)
{
    if (out.renderer <= 0)
        return false;
    sys_close(out.fd);
    out.fd = -1;
    if (at_once) {
        char pid[24];
        det_format(pid, sizeof pid, "%d", (int)out.renderer);
        become_tool(out.tool, "await", pid, NULL);
    }
    /* 127: the loader's, or become_tool's, unless it is what is asked for. */
    long st = await_tool(out.renderer);
    bool none = st == 127 && own != 127 && det_option_num("exitcode", 66) != 127;
    if (st < 0 || none || out.broken) {
        print("goc-race: what was found could not be printed%s: %s %s\n", none ? "" : ", or not all of it",
              out.tool, none ? "does not start" : "has ended, or does not read");
        return false;
    }
    *status = (int)st;
    return true;
}

/* --- modules ------------------------------------------------------------------------------------------ */

static u64 hex(const char **p)
{
    u64 v = 0;
    for (;; ++*p) {
        char c = **p;
        if (c >= '0' && c <= '9')
            v = v << 4 | (u64)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (u64)(c - 'a' + 10);
        else
            return v;
    }
}

/* A line of maps: lo-hi perm offset dev inode path. */
static void maps_line(const char *p)
{
    u64 lo = hex(&p);
    p++;
    u64 hi = hex(&p);
    p++;
    bool readable = p[0] == 'r';
    p += 5;
    u64 offset = hex(&p);
    for (int field = 0; field < 2; field++) {
        while (*p == ' ')
            p++;
        while (*p && *p != ' ')
            p++;
    }
    while (*p == ' ')
        p++;
    struct module *last = module_count ? &modules[module_count - 1] : NULL;
    if (*p == 0) { /* bss continues the module before it */
        if (last && last->hi == lo)
            last->hi = hi;
        return;
    }
    if (*p != '/')
        return;
    if (last && det_cmp(last->path, p) == 0) {
        last->hi = hi;
        return;
    }
    const Elf64_Ehdr *e = (const void *)lo;
    if (offset != 0 || !readable || module_count == MODULES_MAX ||
        det_memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
        return;
    struct module *m = &modules[module_count++];
    *m = (struct module){.lo = lo, .hi = hi, .bias = lo};
    det_format(m->path, sizeof m->path, "%s", p);
    const Elf64_Phdr *ph = (const void *)(lo + e->e_phoff);
    for (int i = 0; i < e->e_phnum && e->e_phoff + (u64)i * sizeof *ph < 4096; i++)
        if (ph[i].p_type == PT_LOAD) {
            m->bias = lo - (ph[i].p_vaddr & ~4095ull);
            break;
        }
}

static u32 build_id(const struct module *m, const char **id)
{
    const Elf64_Ehdr *e = (const void *)m->lo;
    const Elf64_Phdr *ph = (const void *)(m->lo + e->e_phoff);
    for (int i = 0; i < e->e_phnum && e->e_phoff + (u64)i * sizeof *ph < 4096; i++) {
        if (ph[i].p_type != PT_NOTE)
            continue;
        const char *p = (const char *)(m->bias + ph[i].p_vaddr), *end = p + ph[i].p_memsz;
        if ((uintptr_t)p < m->lo || (uintptr_t)end > m->hi)
            continue;
        while (p + sizeof(Elf64_Nhdr) <= end) {
            const Elf64_Nhdr *n = (const void *)p;
            const char *name = p + sizeof *n, *desc = name + ((n->n_namesz + 3) & ~3u);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && n->n_descsz <= 64) {
                *id = desc;
                return n->n_descsz;
            }
            p = desc + ((n->n_descsz + 3) & ~3u);
        }
    }
    return 0;
}

/* Those that were there before and are not now stay, behind the others, unless something is where they were. */
static void modules_read(void)
{
    static char buf[4096 + 512];
    static struct module before[MODULES_MAX];
    size_t have = 0;
    long fd = sys_open("/proc/self/maps", O_RDONLY);
    if (fd < 0)
        return;
    u32 count = module_count;
    det_copy(before, modules, count * sizeof *before);
    module_count = 0;
    for (;;) {
        long r = sys_read((int)fd, buf + have, sizeof buf - 1 - have);
        if (r <= 0)
            break;
        have += (size_t)r;
        size_t at = 0;
        for (size_t i = 0; i < have; i++)
            if (buf[i] == '\n') {
                buf[i] = 0;
                maps_line(buf + at);
                at = i + 1;
            }
        if (at == 0)
            at = have; /* a line longer than the buffer is no module's */
        det_memmove(buf, buf + at, have - at);
        have -= at;
    }
    sys_close((int)fd);
    u32 live = module_count;
    for (u32 i = 0; i < live; i++) {
        const char *id = NULL;
        modules[i].id_len = build_id(&modules[i], &id);
        det_copy(modules[i].id, id, modules[i].id_len);
    }
    for (u32 i = 0; i < count && module_count < MODULES_MAX; i++) {
        u32 k = 0;
        while (k < live && (modules[k].hi <= before[i].lo || modules[k].lo >= before[i].hi))
            k++;
        if (k < live)
            continue;
        before[i].gone = true;
        modules[module_count++] = before[i];
    }
}

void det_modules_changed(void)
{
    out.modules_old = true;
}

void output_modules_note(void)
{
    output_lock();
    modules_read();
    output_unlock();
}

void output_modules(void)
{
    if (!out.modules_old)
        return;
    out.modules_old = false;
    modules_read();
    static struct items b;
    b.n = 0;
    for (u32 i = 0; i < module_count; i++) {
        const struct module *m = &modules[i];
        struct record_module r = {.base = m->bias, .lo = m->lo, .hi = m->hi};
        r.build_id_len = m->id_len;
        r.path_len = (u32)det_len(m->path);
        char rest[512];
        det_copy(rest, m->id, r.build_id_len);
        det_copy(rest + r.build_id_len, m->path, r.path_len);
        items_add(&b, ITEM_MODULE, &r, sizeof r, rest, r.build_id_len + r.path_len);
    }
    output_record(REC_MODULES, 0, b.at, b.n);
}

bool output_in_module(uintptr_t a)
{
    for (u32 i = 0; i < module_count; i++)
        if (!modules[i].gone && a >= modules[i].lo && a < modules[i].hi)
            return true;
    return false;
}

/* *at: the number of the program header, over all modules. */
bool output_module_data(u32 *at, uintptr_t *lo, uintptr_t *hi)
{
    u32 first = 0;
    for (u32 i = 0; i < module_count; i++) {
        const struct module *m = &modules[i];
        if (m->gone)
            continue;
        const Elf64_Ehdr *e = (const void *)m->lo;
        const Elf64_Phdr *ph = (const void *)(m->lo + e->e_phoff);
        u32 n = e->e_phnum;
        for (u32 k = *at < first ? 0 : *at - first; k < n && e->e_phoff + (k + 1) * sizeof *ph <= 4096;
             k++) {
            if (ph[k].p_type != PT_LOAD || !(ph[k].p_flags & PF_W))
                continue;
            *lo = m->bias + ph[k].p_vaddr;
            *hi = *lo + ph[k].p_memsz;
            *at = first + k + 1;
            if (*lo >= m->lo && *hi <= m->hi)
                return true;
        }
        first += n;
    }
    return false;
}

/* --- the launcher's descriptor ---------------------------------------------------------------------------- */

int output_next_fd(int from)
{
    int a = out.fd >= from ? out.fd : -1, b = out.answers >= from ? out.answers : -1;
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

void output_leave_fd(int fd)
{
    output_lock();
    int *of = fd == out.fd ? &out.fd : fd == out.answers ? &out.answers : NULL;
    if (fd >= 0 && of) {
        long n = sys_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, fd + 1, 0, 0, 0);
        if (n < 0)
            n = sys_call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0, 0, 0);
        if (n >= 0)
            *of = (int)n;
    }
    output_unlock();
}

/* Whoever started this program may have closed all that he did not know, and left the variable. */
static int descriptor(const char **s)
{
    int n = 0;
    for (; **s >= '0' && **s <= '9'; ++*s)
        n = n * 10 + (**s - '0');
    struct stat st;
    if (sys_call(SYS_fstat, n, (long)&st, 0, 0, 0, 0) < 0)
        return -1;
    if (!S_ISFIFO(st.st_mode) && !(S_ISREG(st.st_mode) && st.st_nlink == 0)) /* or a file in memory */
        return -1;
    sys_call(SYS_fcntl, n, F_SETFD, FD_CLOEXEC, 0, 0, 0);
    return n;
}

void output_init(void)
{
    const char *fd = det_env(RECORD_ENV_FD);
    if (fd)
        out.fd = descriptor(&fd);
    if (out.fd >= 0) {
        out.launched = true;
        if (*fd == ',' && *++fd)
            out.answers = descriptor(&fd);
    } else {
        check_options();
    }
    modules_read();
}

void det_notice(const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    size_t n = det_vformat(line, sizeof line, fmt, ap);
    va_end(ap);
    if (out.fd < 0) {
        print("goc-race: %s\n", line);
        return;
    }
    char item[600];
    struct items b = {item, 0, sizeof item};
    items_add(&b, ITEM_TEXT, line, n, NULL, 0);
    output_lock();
    output_record(REC_NOTICE, 0, b.at, b.n);
    output_unlock();
}
