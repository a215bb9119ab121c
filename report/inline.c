/*
 * inline.c - an assembler that writes the detector's fast path into the program.
 *
 * Nearly every memory access of a program repeats one that its goroutine made a moment ago: to see
 * that takes the detector two compares, to call the detector from where gcc and clang put the calls
 * takes longer than the compares. So `goc-race cc` lets the compiler use *this* as its assembler
 * (-B names a folder where a link called `as` is this program): it reads the compiler's output,
 * puts the compares in front of each call that it recognises, and hands the result to the real
 * assembler.
 *
 *      movabsq $GRANULE, %rax           the address's shadow word: SHADOW + 2 * (a & GRANULE)
 *      movq    SYMBOL@gottpoff(%rip), %rcx
 *      andq    %rdi, %rax
 *      movabsq $SHADOW, %rdx
 *      movq    %fs:(%rcx), %rcx         all bytes, by this goroutine, in this epoch
 *      testb   $7, %dil                 within one granule? (not for single bytes)
 *      jne     .Lgoc_call1
 *      cmpq    %rcx, (%rdx,%rax,2)      known as the last write
 *      je      .Lgoc_known1
 *      cmpq    %rcx, 8(%rdx,%rax,2)     or as the last read
 *      je      .Lgoc_known1
 *  .Lgoc_call1:
 *      call    __tsan_read8@PLT         the compiler's line, as it was
 *  .Lgoc_known1:
 *
 * What makes that right:
 *  - A call clobbers every caller-saved register and the flags, so there is nothing to save; the
 *    argument stays in %rdi for the call. Nothing is pushed: stack alignment, the red zone and
 * unwind tables are what they were. Lines for the debugger stay before the call they stood before.
 *  - The test says "known" only if the detector's own would (tsan_abi.c), which is more lenient: a
 * granule part of whose bytes are known is left to the call. So findings cannot differ.
 *  - No thread has a record before the detector is set up, and no goroutine the word 0.
 *  - Thread-local storage is addressed as in a shared library (initial-exec); the linker makes that
 * a constant in an executable. An access after the goroutine was moved to another thread by a
 *    signal between two instructions still has its goroutine's own word in %rcx.
 *
 * Function entry and exit, which push and pop a return address, are written out too, but for the
 * cases that are rare.
 *
 * gcc names its assembler's words to GNU as, which is in its COMPILER_PATH or in PATH. clang has an
 * assembler of its own, which it leaves for one called `as` when told -fno-integrated-as; the text
 * then goes back to clang, as assembler source.
 *
 * What is not recognised stays a call, and always works: other calls, calls through registers,
 * anything between #APP and #NO_APP (the program's own assembly), Intel syntax, 32-bit code. LTO
 * objects have no assembly here. When the real assembler does not like what it is given, it is
 * given the compiler's own output, whose errors are then the ones to show.
 *
 * Rejected: a compiler plugin (bound to one compiler's version; gains a little more), `-S` and a
 * second command (dependency files, coverage notes, split debug information and -save-temps then
 * have other names or go missing), gcc's -wrapper (ccache gives up on it), assembler macros (one
 * more name space to meet the program's in).
 */
#include "inline.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* --- the text ----------------------------------------------------------------------------- */

#define STR_(x) #x
#define STR(x) STR_(x)
#define SELF "\tmovq\t" STR(INLINE_SYMBOL) "@gottpoff(%%rip), %%rcx\n"

/* One line of the compiler's: what it calls. */
struct call {
    enum { NO_CALL, ACCESS, ENTRY, EXIT } what;
    bool write;
    bool tail; /* jmp */
    unsigned size;
};

static bool skip(const char **p, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(*p, word, n) != 0)
        return false;
    *p += n;
    return true;
}

/* "\tcall\t__tsan_read8@PLT", "\tcallq\t*__tsan_read8@GOTPCREL(%rip)" and their like. */
static struct call parse(const char *line)
{
    struct call c = {NO_CALL}, none = c;
    if (*line++ != '\t')
        return none;
    if (skip(&line, "jmp"))
        c.tail = true;
    else if (!skip(&line, "callq") && !skip(&line, "call"))
        return none;
    if (*line != '\t' && *line != ' ')
        return none;
    line++;
    bool star = skip(&line, "*");
    if (!skip(&line, "__tsan_"))
        return none;
    if (skip(&line, "func_entry")) {
        c.what = ENTRY;
    } else if (skip(&line, "func_exit")) {
        c.what = EXIT;
    } else {
        c.what = ACCESS;
        skip(&line, "unaligned_");
        skip(&line, "volatile_");
        if (skip(&line, "read_write") || skip(&line, "write"))
            c.write = true;
        else if (!skip(&line, "read"))
            return none;
        char *end;
        c.size = *line >= '1' && *line <= '9' ? (unsigned)strtoul(line, &end, 10) : 0;
        if (c.size != 1 && c.size != 2 && c.size != 4 && c.size != 8 && c.size != 16)
            return none;
        line = end;
    }
    if (star && !skip(&line, "@GOTPCREL(%rip)"))
        return none;
    if (!star)
        skip(&line, "@PLT");
    line += strspn(line, " \t");
    if (*line != '\n' && *line != '\0' && *line != '#')
        return none;
    if (c.tail && c.what != EXIT)
        return none;
    return c;
}

static void put_access(struct buf *out, const struct call *c, unsigned id)
{
    buf_printf(out,
               "\tmovabsq\t$%#llx, %%rax\n" SELF "\tandq\t%%rdi, %%rax\n"
               "\tmovabsq\t$%#llx, %%rdx\n"
               "\tmovq\t%%fs:%d(%%rcx), %%rcx\n",
               (unsigned long long)INLINE_GRANULE, (unsigned long long)INLINE_SHADOW, INLINE_FULL);
    if (c->size > 1)
        buf_printf(out, "\ttestb\t$%u, %%dil\n\tjne\t.Lgoc_call%u\n",
                   c->size == 16 ? 7 : c->size - 1, id);
    if (c->size == 16 && c->write)
        buf_printf(out,
                   "\tcmpq\t%%rcx, (%%rdx,%%rax,2)\n\tjne\t.Lgoc_call%u\n"
                   "\tcmpq\t%%rcx, 16(%%rdx,%%rax,2)\n\tjne\t.Lgoc_call%u\n"
                   "\tmovq\t8(%%rdx,%%rax,2), %%rcx\n\torq\t24(%%rdx,%%rax,2), %%rcx\n"
                   "\tje\t.Lgoc_known%u\n",
                   id, id, id);
    else if (c->size == 16)
        buf_printf(out,
                   "\tcmpq\t%%rcx, (%%rdx,%%rax,2)\n\tjne\t.Lgoc_read%u\n"
                   "\tcmpq\t%%rcx, 16(%%rdx,%%rax,2)\n\tje\t.Lgoc_known%u\n"
                   ".Lgoc_read%u:\n"
                   "\tcmpq\t%%rcx, 8(%%rdx,%%rax,2)\n\tjne\t.Lgoc_call%u\n"
                   "\tcmpq\t%%rcx, 24(%%rdx,%%rax,2)\n\tje\t.Lgoc_known%u\n",
                   id, id, id, id, id);
    else if (c->write)
        buf_printf(out,
                   "\tcmpq\t%%rcx, (%%rdx,%%rax,2)\n\tjne\t.Lgoc_call%u\n"
                   "\tcmpq\t$0, 8(%%rdx,%%rax,2)\n\tje\t.Lgoc_known%u\n",
                   id, id);
    else
        buf_printf(out,
                   "\tcmpq\t%%rcx, (%%rdx,%%rax,2)\n\tje\t.Lgoc_known%u\n"
                   "\tcmpq\t%%rcx, 8(%%rdx,%%rax,2)\n\tje\t.Lgoc_known%u\n",
                   id, id);
}

/* As __tsan_func_entry: sp first, then the slot, for a signal handler may come between. */
static void put_entry(struct buf *out, unsigned id)
{
    buf_printf(out,
               SELF "\tmovq\t%%fs:%d(%%rcx), %%rcx\n\ttestq\t%%rcx, %%rcx\n\tje\t.Lgoc_call%u\n"
                    "\tmovq\t%d(%%rcx), %%rax\n\tcmpq\t%d(%%rcx), %%rax\n\tje\t.Lgoc_call%u\n"
                    "\tleaq\t8(%%rax), %%rdx\n\tmovq\t%%rdx, %d(%%rcx)\n\tmovq\t%%rdi, (%%rax)\n",
               INLINE_G, id, INLINE_SP, INLINE_SP_END, id, INLINE_SP);
}

/* As __tsan_func_exit, but that the call remains for a stack lower than the history has seen it:
   there may be none below. */
static void put_exit(struct buf *out, unsigned id)
{
    buf_printf(out,
               SELF "\tmovq\t%%fs:%d(%%rcx), %%rcx\n\ttestq\t%%rcx, %%rcx\n\tje\t.Lgoc_call%u\n"
                    "\tmovq\t%d(%%rcx), %%rax\n\tsubq\t$8, %%rax\n"
                    "\tcmpq\t%d(%%rcx), %%rax\n\tjb\t.Lgoc_call%u\n"
                    "\tmovq\t%%rax, %d(%%rcx)\n",
               INLINE_G, id, INLINE_SP, INLINE_SP_SYNCED, id, INLINE_SP);
}

unsigned inline_calls(const char *text, struct buf *out)
{
    unsigned id = 0;
    bool app = false, foreign = false;
    for (const char *line = text, *next; *line; line = next) {
        const char *end = strchrnul(line, '\n');
        next = *end ? end + 1 : end;
        const char *word = line + strspn(line, " \t");
        if (skip(&word, "#APP"))
            app = true;
        else if (skip(&word, "#NO_APP"))
            app = false;
        else if (!app &&
                 (skip(&word, ".intel_syntax") || skip(&word, ".code32") || skip(&word, ".code16")))
            foreign = true;
        struct call c = {NO_CALL};
        if (!app && !foreign)
            c = parse(line);
        if (c.what == NO_CALL) {
            buf_add(out, line, (size_t)(next - line));
            continue;
        }
        id++;
        if (c.what == ACCESS)
            put_access(out, &c, id);
        else if (c.what == ENTRY)
            put_entry(out, id);
        else
            put_exit(out, id);
        if (c.what == EXIT && c.tail)
            buf_str(out, "\tret\n");
        else if (c.what != ACCESS)
            buf_printf(out, "\tjmp\t.Lgoc_known%u\n", id);
        buf_printf(out, ".Lgoc_call%u:\n", id);
        buf_add(out, line, (size_t)(end - line));
        buf_printf(out, "\n.Lgoc_known%u:\n", id);
    }
    return id;
}

/* --- being the assembler ------------------------------------------------------------------ */

/* The first `as` of the folders in `list` that is not this program. */
static char *find_as(const char *list, const struct stat *self)
{
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, ":");
        char *path;
        struct stat st;
        if (asprintf(&path, "%.*s/as", (int)n, p) < 0)
            die("out of memory");
        if (n && access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            (st.st_dev != self->st_dev || st.st_ino != self->st_ino))
            return path;
        free(path);
        p += n;
        p += *p == ':';
    }
    return NULL;
}

static char *real_as(void)
{
    struct stat self;
    if (stat("/proc/self/exe", &self) != 0)
        die("/proc/self/exe: %s", strerror(errno));
    char *as = find_as(getenv("COMPILER_PATH"), &self);
    if (!as)
        as = find_as(getenv("PATH"), &self);
    if (!as)
        as = find_as("/usr/local/bin:/usr/bin:/bin", &self);
    if (!as)
        die("no assembler: there is no 'as' in the PATH");
    return as;
}

static int memory_file(const char *name, const void *p, size_t n)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        die("memfd_create: %s", strerror(errno));
    for (size_t at = 0; at < n;) {
        ssize_t w = write(fd, (const char *)p + at, n - at);
        if (w < 0 && errno != EINTR)
            die("cannot keep %zu bytes of assembly: %s", n, strerror(errno));
        at += w > 0 ? (size_t)w : 0;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Runs argv with descriptors for standard input and error (-1: ours). */
static int assemble(char **argv, int in, int err)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (err >= 0)
        posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    pid_t pid;
    int status;
    int e = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (e)
        die("%s: %s", argv[0], strerror(e));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid: %s", strerror(errno));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void copy_out(int fd)
{
    char block[4096];
    ssize_t n;
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, block, sizeof block)) > 0)
        if (write(STDERR_FILENO, block, (size_t)n) < 0)
            return;
}

static char *read_stdin(void)
{
    struct buf b = {0};
    char block[65536];
    ssize_t n;
    buf_str(&b, "");
    while ((n = read(STDIN_FILENO, block, sizeof block)) != 0) {
        if (n < 0 && errno != EINTR)
            die("cannot read the assembly: %s", strerror(errno));
        if (n > 0)
            buf_add(&b, block, (size_t)n);
    }
    return b.s;
}

/* The one input among the words of a compiler's command: its index; 0 if it is standard input and
   not named; -1 if this is not how compilers call. */
static int find_input(int argc, char **argv)
{
    int at = 0;
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        if (strcmp(s, "--32") == 0 || strcmp(s, "--x32") == 0 || s[0] == '@')
            return -1;
        if (strcmp(s, "-o") == 0 || strcmp(s, "-I") == 0 || strcmp(s, "--MD") == 0 ||
            strcmp(s, "--defsym") == 0 || strcmp(s, "--debug-prefix-map") == 0) {
            i++;
            continue;
        }
        bool input = strcmp(s, "-") == 0 || strcmp(s, "--") == 0 || s[0] != '-';
        if (input && at)
            return -1;
        if (input)
            at = i;
    }
    return at;
}

/* The command of the real assembler with `input` as its input: GNU as, or clang's own, in whose
   output there is what GNU as takes for something else. */
static void command(struct strs *out, int argc, char **argv, int at, const char *input)
{
    const char *clang = getenv(INLINE_ENV_CLANG);
    if (!clang) {
        strs_add(out, real_as());
        for (int i = 1; i < argc; i++)
            strs_add(out, i == at ? input : argv[i]);
        return;
    }
    char *words = xstrdup(clang), *save;
    for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
        strs_add(out, w);
    free(words);
    strs_add(out, "-c");
    strs_add(out, "-Wno-unused-command-line-argument");
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        if (strcmp(s, "--64") == 0 || has_prefix(s, "-g") || has_prefix(s, "--gdwarf"))
            continue; /* the lines are the source's, and there already */
        if (i == at) {
            strs_add(out, "-x");
            strs_add(out, "assembler");
            strs_add(out, input);
        } else if ((strcmp(s, "-o") == 0 || strcmp(s, "-I") == 0) && i + 1 < argc) {
            strs_add(out, s);
            strs_add(out, argv[++i]);
        } else {
            strs_printf(out, "-Wa,%s", s);
        }
    }
}

int assembler(int argc, char **argv)
{
    struct strs out = {0};
    int at = find_input(argc, argv);
    bool named = at > 0 && argv[at][0] != '-';
    if (at < 0 || (named && !has_suffix(argv[at], ".s"))) {
        execv(real_as(), argv);
        die("cannot run the assembler: %s", strerror(errno));
    }
    command(&out, argc, argv, at, named ? argv[at] : "-");
    char *text = named ? read_whole(argv[at], NULL) : read_stdin();
    if (!text)
        die("cannot read %s: %s", argv[at], strerror(errno));
    struct buf b = {0};
    if (inline_calls(text, &b)) {
        struct strs with = {0};
        command(&with, argc, argv, at, "-");
        int err = memory_file("messages", NULL, 0);
        if (assemble(with.v, memory_file("assembly", b.s, b.n), err) == 0) {
            copy_out(err);
            return 0;
        }
    }
    return assemble(out.v, named ? -1 : memory_file("assembly", text, strlen(text)), -1);
}
