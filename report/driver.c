/*
 * driver.c - goc-race cc and c++: the compiler with the instrumentation on.
 *
 * A build system hands a compiler driver anything: one step or two, objects, archives, linker
 * options, questions (--version, -print-…), response files. All of it must keep its meaning, so the
 * command line is passed through word for word and only added to:
 *
 *  - steps that compile get the instrumentation, frame pointers, the headers' folder and an
 *    assembler that writes the detector's fast path into the program (inline.c);
 *  - steps that link an executable get the race runtime, whole, at the end, before the libraries it
 *    needs; a shared library gets none (it uses the executable's) and may leave names undefined.
 *
 * -fsanitize=thread must not reach the link: gcc would add its own libtsan. A command that compiles
 * and links at once is therefore split into one compile for each source and a link, with the
 * objects in the sources' places. (Passing the option to cc1 alone through -Wp was rejected: it
 * depends on gcc's specs and does nothing for clang.)
 *
 * The whole archive is taken because what it interposes (malloc, memcpy, pthread_create) must win
 * over libc's also where nothing in the program names it yet, and its names are exported so that
 * libraries opened later find them. A libgoc that the build names itself is left out: its race twin
 * is already there, and two runtimes in one process would each know half.
 *
 * Options whose value is the next word are listed in one table; everything else that starts with
 * '-' stands alone, and what does not is an input.
 */
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Options that take the next word. */
static const char *const with_value[] = {"-o",
                                         "-x",
                                         "-I",
                                         "-D",
                                         "-U",
                                         "-L",
                                         "-l",
                                         "-T",
                                         "-u",
                                         "-z",
                                         "-e",
                                         "-B",
                                         "-A",
                                         "-G",
                                         "-b",
                                         "-V",
                                         "-F",
                                         "-R",
                                         "-h",
                                         "-include",
                                         "-imacros",
                                         "-isystem",
                                         "-iquote",
                                         "-idirafter",
                                         "-iprefix",
                                         "-iwithprefix",
                                         "-iwithprefixbefore",
                                         "-isysroot",
                                         "-imultilib",
                                         "-imultiarch",
                                         "-MF",
                                         "-MT",
                                         "-MQ",
                                         "-MJ",
                                         "-Xlinker",
                                         "-Xassembler",
                                         "-Xpreprocessor",
                                         "-Xclang",
                                         "-Xlink",
                                         "-aux-info",
                                         "-wrapper",
                                         "--param",
                                         "-arch",
                                         "-target",
                                         "-mllvm",
                                         "-dumpbase",
                                         "-dumpbase-ext",
                                         "-dumpdir",
                                         "--sysroot",
                                         "-ivfsoverlay",
                                         "-framework",
                                         "-plugin",
                                         "-specs",
                                         "-install_name",
                                         "-soname",
                                         "-entry",
                                         "-iframework",
                                         "-gcc-toolchain",
                                         "--entry"};

/* Those only the linker or only the compiler reads, dropped from the other step where it would
   warn about them (clang does). */
enum step { COMPILE, LINK };

struct word {
    const char *s;
    bool value; /* of the option before it */
    bool input;
    bool source;        /* an input to compile */
    const char *lang;   /* -x in force, or NULL */
    const char *object; /* made from it */
};

struct command {
    struct word *w;
    size_t n;
    bool stop; /* -c -S -E -M -MM -fsyntax-only */
    bool preprocess;
    bool shared, relocatable, is_static, bare; /* bare: -nostdlib or -nodefaultlibs */
    bool question;                             /* no inputs at all */
    bool deps, dep_file;                       /* -MD or -MMD; -MF */
    bool split_dwarf;
    bool inlining; /* -fgoc-inline, the default */
    bool assembly; /* among the sources */
    bool own_clash; /* -f[no-]stack-clash-protection: the program's own will */
    const char *output;
    size_t inputs, sources;
    struct strs sanitize; /* other sanitizers asked for */
};

/* --- temporary files ---------------------------------------------------------------------- */

static char *temp;
static pid_t temp_owner;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void temp_clean(void)
{
    if (temp && temp_owner == getpid())
        nftw(temp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    temp = NULL;
}

static void on_signal(int sig)
{
    temp_clean();
    signal(sig, SIG_DFL);
    raise(sig);
}

const char *temp_dir(void)
{
    if (temp)
        return temp;
    const char *base = getenv("TMPDIR");
    if (asprintf(&temp, "%s/goc-race.XXXXXX", base && *base ? base : "/tmp") < 0)
        die("out of memory");
    if (!mkdtemp(temp)) {
        int e = errno;
        char *t = temp;
        temp = NULL;
        die("cannot make a temporary folder %s: %s", t, strerror(e));
    }
    temp_owner = getpid();
    atexit(temp_clean);
    die_cleanup = temp_clean;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    return temp;
}

int spawn_wait(char **argv)
{
    pid_t pid;
    int status;
    fflush(NULL);
    posix_spawnattr_t attr;
    sigset_t pipe;
    posix_spawnattr_init(&attr);
    sigemptyset(&pipe);
    if (tool_sigpipe == SIG_DFL) {
        sigaddset(&pipe, SIGPIPE);
        posix_spawnattr_setsigdefault(&attr, &pipe);
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    }
    int e = posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    if (e) {
        warn("%s: %s", argv[0], e == ENOENT ? "no such program" : strerror(e));
        return e == ENOENT ? 127 : 126;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("waitpid: %s", strerror(errno));
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- reading the command line ------------------------------------------------------------- */

static void response(struct strs *out, const char *path, int depth);

static void add_word(struct strs *out, const char *s, int depth)
{
    if (s[0] == '@' && s[1] && depth < 20 && access(s + 1, R_OK) == 0)
        response(out, s + 1, depth + 1);
    else
        strs_add(out, s);
}

/* A response file: words, with quotes and backslashes as a shell has them. */
static void response(struct strs *out, const char *path, int depth)
{
    char *text = read_whole(path, NULL);
    if (!text)
        die("cannot read %s: %s", path, strerror(errno));
    struct buf w = {0};
    for (const char *p = text; *p;) {
        while (isspace((unsigned char)*p))
            p++;
        if (!*p)
            break;
        w.n = 0;
        buf_str(&w, "");
        for (char quote = 0; *p && (quote || !isspace((unsigned char)*p)); p++) {
            if (*p == '\\' && p[1])
                buf_add(&w, ++p, 1);
            else if (quote ? *p == quote : *p == '"' || *p == '\'')
                quote = quote ? 0 : *p;
            else
                buf_add(&w, p, 1);
        }
        add_word(out, w.s, depth);
    }
    buf_free(&w);
    free(text);
}

static bool one_of(const char *s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, list[i]) == 0)
            return true;
    return false;
}

#define ONE_OF(s, ...)                            \
    one_of(s, (const char *const[]){__VA_ARGS__}, \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static bool is_source(const char *s, const char *lang)
{
    if (lang && strcmp(lang, "none") != 0)
        return !ONE_OF(lang, "c-header", "c++-header");
    const char *dot = strrchr(s, '.'), *slash = strrchr(s, '/');
    if (strcmp(s, "-") == 0)
        return true;
    if (!dot || (slash && dot < slash))
        return false;
    return ONE_OF(dot, ".c", ".i", ".ii", ".cc", ".cp", ".cxx", ".cpp", ".CPP", ".c++", ".C", ".s",
                  ".S", ".sx", ".m", ".mi", ".mm");
}

static bool is_assembly(const char *s, const char *lang)
{
    if (lang && strcmp(lang, "none") != 0)
        return has_prefix(lang, "assembler");
    return has_suffix(s, ".s") || has_suffix(s, ".S") || has_suffix(s, ".sx");
}

/* -fsanitize=a,b: thread is ours; one that cannot be with it is an error; the rest is kept. */
static bool sanitizers(struct command *c, const char *list)
{
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ",");
        if (word_in("address,leak,memory,hwaddress,kernel-address,kernel-hwaddress,pointer-compare,"
                    "pointer-subtract,dataflow,safe-stack",
                    p, n))
            die("-fsanitize=%.*s cannot be combined with race detection: "
                "the two need the same memory; build twice",
                (int)n, p);
        if (!word_in("thread", p, n)) {
            char *s = strndup(p, n);
            strs_printf(&c->sanitize, "-fsanitize=%s", s);
            free(s);
        }
        p += n;
        p += *p == ',';
    }
    return true;
}

static bool is_static(const char *s)
{
    return ONE_OF(s, "-static", "--static", "-static-pie");
}

static void classify(struct command *c, const struct strs *in)
{
    const char *lang = NULL;
    c->w = xmalloc((in->n + 1) * sizeof *c->w);
    for (size_t i = 0; i < in->n; i++) {
        const char *s = in->v[i];
        struct word *w = &c->w[c->n];
        *w = (struct word){.s = s, .lang = lang};
        if (has_prefix(s, "-fsanitize=")) {
            sanitizers(c, s + 11);
            continue;
        }
        if (ONE_OF(s, "-static-libtsan", "-shared-libtsan", "-static-libsan", "-shared-libsan"))
            continue;
        if (ONE_OF(s, "-fstack-clash-protection", "-fno-stack-clash-protection"))
            c->own_clash = true;
        if (ONE_OF(s, "-fgoc-inline", "-fno-goc-inline")) {
            c->inlining = s[2] == 'g';
            continue;
        }
        c->n++;
        if (s[0] != '-' || !s[1]) {
            w->input = true;
            w->source = is_source(s, lang);
            c->assembly |= is_assembly(s, lang);
            c->inputs++;
            c->sources += w->source;
            continue;
        }
        if (ONE_OF(s, "-c", "-S", "-E", "-M", "-MM", "-fsyntax-only", "--precompile"))
            c->stop = true;
        c->preprocess |= ONE_OF(s, "-E", "-M", "-MM");
        c->shared |= ONE_OF(s, "-shared", "-dynamiclib", "--shared");
        c->relocatable |= ONE_OF(s, "-r", "-Wl,-r", "-Wl,--relocatable");
        c->is_static |= is_static(s);
        c->bare |= ONE_OF(s, "-nostdlib", "-nodefaultlibs", "-nolibc");
        c->inlining &= !ONE_OF(s, "-fintegrated-as", "-integrated-as",
                               "-masm=intel", "-m32", "-mx32");
        c->split_dwarf |= ONE_OF(s, "-gsplit-dwarf");
        c->deps |= ONE_OF(s, "-MD", "-MMD");
        c->dep_file |= has_prefix(s, "-MF");
        if (has_prefix(s, "-l") && s[2])
            c->inputs++;
        if (has_prefix(s, "-x") && s[2])
            lang = s + 2;
        if (has_prefix(s, "-o") && s[2] && s[2] != 'b')
            c->output = s + 2;
        if (one_of(s, with_value, sizeof with_value / sizeof *with_value) && i + 1 < in->n) {
            const char *v = in->v[++i];
            c->w[c->n++] = (struct word){.s = v, .value = true};
            if (strcmp(s, "-o") == 0)
                c->output = v;
            if (strcmp(s, "-x") == 0)
                lang = v;
            if (strcmp(s, "-l") == 0)
                c->inputs++;
        }
    }
    c->question = !c->inputs;
}

/* --- building the commands ---------------------------------------------------------------- */

static const char *compiler(bool cxx)
{
    const char *cc = getenv(cxx ? "GOC_CXX" : "GOC_CC");
    return cc && *cc ? cc : cxx ? "g++" : "gcc";
}

/* $GOC_CC may hold options, as CC does. */
static void add_compiler(struct strs *out, bool cxx)
{
    char *s = xstrdup(compiler(cxx)), *save;
    for (char *w = strtok_r(s, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
        strs_add(out, w);
    free(s);
}

/* What compilers write in line after the instrumentation has been put in, and so behind its back:
   as calls they meet the runtime's interceptors. */
static const char *const inlined[] = {
    "memcpy", "memmove", "memset", "memcmp", "mempcpy", "bcmp",   "bcopy",   "bzero",
    "strcmp", "strncmp", "strcpy", "stpcpy", "strncpy", "strcat", "strncat", "sprintf"};

/* The fast path written into the program (inline.c): this tool as the assembler of what is compiled.
   Assembler sources in the same command would come by it as well. */
static void add_inline(struct strs *out, const struct command *c, bool cxx)
{
#ifdef __x86_64__
    const char *env = getenv("GOC_CC_INLINE");
    if (!c->inlining || c->assembly || (env && strcmp(env, "0") == 0))
        return;
    char *folder = tool_relative("../lib/goc-race"), *as;
    if (asprintf(&as, "%s/as", folder) < 0)
        die("out of memory");
    if (access(as, X_OK) == 0) {
        if (strstr(compiler(cxx), "clang")) {
            strs_add(out, "-fno-integrated-as");
            setenv(INLINE_ENV_CLANG, compiler(cxx), 1);
        } else {
            unsetenv(INLINE_ENV_CLANG);
        }
        strs_printf(out, "-B%s", folder);
    }
    free(as);
    free(folder);
#endif
}

static void add_instrumentation(struct strs *out, const struct command *c, bool cxx)
{
    char *include = tool_relative("../include");
    strs_add(out, "-fsanitize=thread");
    for (size_t i = 0; i < c->sanitize.n; i++)
        strs_add(out, c->sanitize.v[i]);
    strs_add(out, "-fno-omit-frame-pointer");
#if defined __x86_64__
    if (!c->own_clash) /* a frame of many pages touches each, or it would reach past a goroutine's guard */
        strs_add(out, "-fstack-clash-protection");
#endif
    strs_add(out, "-fno-lto"); /* gcc would instrument at the link, which must not be told to */
    strs_add(out, "-U_FORTIFY_SOURCE");
    for (size_t i = 0; i < sizeof inlined / sizeof *inlined; i++)
        strs_printf(out, "-fno-builtin-%s", inlined[i]);
    strs_printf(out, "-I%s", include);
    free(include);
    add_inline(out, c, cxx);
}

/* The runtime's own libraries as an input: the race one takes their place. */
static bool is_runtime(const char *s)
{
    const char *base = strrchr(s, '/') ? strrchr(s, '/') + 1 : s;
    return ONE_OF(s, "-lgoc", "-lgoc-race", "-l:libgoc.a", "-l:libgoc-race.a") ||
           has_prefix(base, "libgoc.so") || has_prefix(base, "libgoc-race.so") ||
           strcmp(base, "libgoc.a") == 0 || strcmp(base, "libgoc-race.a") == 0;
}

/* Words for the linker alone, which a compile step of clang would warn of. */
static bool link_only(const char *s)
{
    return has_prefix(s, "-Wl,") || has_prefix(s, "-L") || has_prefix(s, "-l") ||
           ONE_OF(s, "-shared", "-rdynamic", "-s", "-pie", "-no-pie", "-static", "-static-pie",
                  "-static-libgcc", "-static-libstdc++", "-nostartfiles", "-nodefaultlibs",
                  "-nostdlib", "-r", "-Xlinker", "-T", "-u", "-z");
}

/* Words for the preprocessor's dependency files, which a link step must not repeat. */
static bool dep_option(const char *s)
{
    return ONE_OF(s, "-MD", "-MMD", "-MP", "-MG") || has_prefix(s, "-MF") || has_prefix(s, "-MT") ||
           has_prefix(s, "-MQ");
}

/* The dependency file and the target in it that gcc chooses when it compiles and links at once. */
static void add_deps(struct strs *out, const struct command *c, const char *source)
{
    const char *base = strrchr(source, '/') ? strrchr(source, '/') + 1 : source;
    int stem = (int)strcspn(base, ".");
    bool target = false;
    for (size_t i = 0; i < c->n; i++)
        target |= has_prefix(c->w[i].s, "-MT") || has_prefix(c->w[i].s, "-MQ");
    if (!c->dep_file) {
        strs_add(out, "-MF");
        if (c->output) {
            const char *dot = strrchr(c->output, '.'), *slash = strrchr(c->output, '/');
            int n = (int)strlen(c->output);
            if (dot && dot > (slash ? slash + 1 : c->output))
                n = (int)(dot - c->output);
            strs_printf(out, "%.*s.d", n, c->output);
        } else {
            strs_printf(out, "a-%.*s.d", stem, base);
        }
    }
    if (!target) {
        strs_add(out, "-MT");
        if (c->output)
            strs_add(out, c->output);
        else
            strs_printf(out, "%.*s.o", stem, base);
    }
}

/* OBJECT's .o made .dwo, copied: the temporary folder may be on another file system. */
static void keep_dwo(const char *object, const char *to)
{
    char *from = xstrdup(object);
    size_t n = strlen(from);
    from[n - 1] = 0;
    char *path = NULL;
    if (asprintf(&path, "%sdwo", from) < 0)
        die("out of memory");
    char *whole = read_whole(path, &n);
    FILE *f = whole ? fopen(to, "we") : NULL;
    if (!whole || !f || fwrite(whole, 1, n, f) != n || fclose(f) != 0)
        die("cannot write %s: %s", to, strerror(errno));
    free(whole);
    free(path);
    free(from);
}

static int compile_one(struct command *c, struct word *src, size_t index, bool cxx)
{
    struct strs out = {0};
    add_compiler(&out, cxx);
    for (size_t i = 0; i < c->n; i++) {
        struct word *w = &c->w[i];
        bool has_value = i + 1 < c->n && c->w[i + 1].value;
        if (w->input) {
            if (w == src)
                strs_add(&out, w->s);
            continue;
        }
        if (has_prefix(w->s, "-o") && (has_value ? !w->s[2] : w->s[2] != 'b')) {
            i += has_value;
            continue;
        }
        if (link_only(w->s)) {
            i += has_value;
            continue;
        }
        /* -x holds for what follows it, and src stands where it stood. */
        strs_add(&out, w->s);
        if (has_value)
            strs_add(&out, c->w[++i].s);
    }
    const char *base = strrchr(src->s, '/') ? strrchr(src->s, '/') + 1 : src->s;
    int stem = (int)strcspn(base, ".");
    char *dwo = NULL;
    /* The .dwo file stays; it must not go to the temporary folder. */
    if (c->split_dwarf && !strstr(compiler(cxx), "clang")) {
        strs_add(&out, "-dumpdir");
        strs_printf(&out, "%s-", c->output ? c->output : "a");
    } else if (c->split_dwarf) {
        /* clang writes it beside the object, whatever it calls it there. */
        strs_add(&out, "-Xclang");
        strs_add(&out, "-split-dwarf-file");
        strs_add(&out, "-Xclang");
        strs_printf(&out, "%s-%.*s.dwo", c->output ? c->output : "a", stem, base);
        dwo = xstrdup(out.v[out.n - 1]);
    }
    if (c->deps)
        add_deps(&out, c, src->s);
    add_instrumentation(&out, c, cxx);
    strs_add(&out, "-c");
    strs_add(&out, "-o");
    strs_printf(&out, "%s/%zu-%.*s.o", temp_dir(), index, stem, base);
    src->object = xstrdup(out.v[out.n - 1]);
    int status = spawn_wait(out.v);
    strs_free(&out);
    if (dwo && status == 0)
        keep_dwo(src->object, dwo);
    free(dwo);
    return status;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        die("cannot write %s: %s", path, strerror(errno));
}

/* An object that tells a program started alone where the tool is. Assembled, not compiled: the
   compiler would take longer than all the rest of this program. */
static char *path_object(bool cxx)
{
    char *src, *obj;
    struct buf text = {0};
    if (asprintf(&src, "%s/tool.s", temp_dir()) < 0 || asprintf(&obj, "%s/tool.o", temp_dir()) < 0)
        die("out of memory");
    buf_str(&text, "\t.section .rodata\n\t.globl goc_race_tool_path\n"
                   "\t.type goc_race_tool_path, @object\ngoc_race_tool_path:\n\t.byte ");
    const char *p = tool_path();
    do
        buf_printf(&text, "%d%s", (unsigned char)*p, *p ? "," : "\n");
    while (*p++);
    buf_printf(&text, "\t.size goc_race_tool_path, .-goc_race_tool_path\n"
                      "\t.section .note.GNU-stack,\"\",@progbits\n");
    write_file(src, text.s);
    buf_free(&text);
    struct strs out = {0};
    add_compiler(&out, cxx);
    strs_add(&out, "-c");
    strs_add(&out, src);
    strs_add(&out, "-o");
    strs_add(&out, obj);
    if (spawn_wait(out.v) != 0)
        die("the compiler cannot assemble (%s)", compiler(cxx));
    strs_free(&out);
    free(src);
    return obj;
}

static void add_runtime(struct strs *out, bool cxx)
{
    char *lib = tool_relative("../lib/libgoc-race.a"), *list;
    if (access(lib, R_OK) != 0)
        die("the race runtime is missing: %s: %s", lib, strerror(errno));
    if (asprintf(&list, "%s/exported", temp_dir()) < 0)
        die("out of memory");
    write_file(list, "{ __tsan_*; goc_*; goc; Annotate*; };\n");
    char *object = path_object(cxx);
    strs_add(out, "-x");
    strs_add(out, "none");
    strs_add(out, object);
    strs_add(out, "-Wl,--whole-archive");
    strs_add(out, lib);
    strs_add(out, "-Wl,--no-whole-archive");
    strs_printf(out, "-Wl,--dynamic-list=%s", list);
    strs_add(out, "-lunwind");
    strs_add(out, "-pthread");
    strs_add(out, "-ldl");
    strs_add(out, "-lm");
    free(lib);
    free(list);
    free(object);
}

static int link_all(struct command *c, bool cxx)
{
    struct strs out = {0};
    add_compiler(&out, cxx);
    bool runtime = !c->shared && !c->relocatable && !c->bare;
    for (size_t i = 0; i < c->n; i++) {
        struct word *w = &c->w[i];
        bool has_value = i + 1 < c->n && c->w[i + 1].value;
        if (w->source) {
            strs_add(&out, w->object);
            continue;
        }
        if (!c->relocatable && is_runtime(w->s) && !w->value)
            continue;
        if (!c->shared && !c->relocatable && is_static(w->s) && !w->value)
            continue;
        if (strcmp(w->s, "-l") == 0 && has_value && ONE_OF(c->w[i + 1].s, "goc", "goc-race")) {
            i++;
            continue;
        }
        /* The objects are no sources any more. */
        if (has_prefix(w->s, "-x") || dep_option(w->s)) {
            i += has_value;
            continue;
        }
        strs_add(&out, w->s);
        if (has_value)
            strs_add(&out, c->w[++i].s);
    }
    for (size_t i = 0; i < c->sanitize.n; i++)
        strs_add(&out, c->sanitize.v[i]);
    if (runtime)
        add_runtime(&out, cxx);
    else if (c->shared)
        strs_add(&out, "-Wl,-z,undefs");
    int status = spawn_wait(out.v);
    strs_free(&out);
    return status;
}

/* One step that does not link, or a question: the words as they are. */
static int pass(const struct command *c, bool cxx)
{
    struct strs out = {0};
    add_compiler(&out, cxx);
    for (size_t i = 0; i < c->n; i++)
        strs_add(&out, c->w[i].s);
    if (!c->question)
        add_instrumentation(&out, c, cxx);
    execvp(out.v[0], out.v);
    warn("%s: %s", out.v[0], errno == ENOENT ? "no such program" : strerror(errno));
    return errno == ENOENT ? 127 : 126;
}

int driver(int argc, char **argv, bool cxx)
{
    struct strs in = {0};
    struct command c = {.inlining = true};
    for (int i = 0; i < argc; i++)
        add_word(&in, argv[i], 0);
    classify(&c, &in);
    if (c.question || c.stop)
        return pass(&c, cxx);
    if (c.is_static && !c.shared && !c.relocatable)
        warn("-static is left out: the detector finds libc's own functions by the dynamic linker "
             "(the runtime itself is linked statically)");
    size_t index = 0;
    for (size_t i = 0; i < c.n; i++) {
        if (!c.w[i].source)
            continue;
        int status = compile_one(&c, &c.w[i], index++, cxx);
        if (status)
            return status;
    }
    return link_all(&c, cxx);
}

int run_sources(const struct options *o, int nsrc, char **src, char **args)
{
    struct strs cc = {0}, run = {0};
    const char *base = strrchr(src[0], '/') ? strrchr(src[0], '/') + 1 : src[0];
    bool cxx = false;
    strs_add(&cc, "-g");
    strs_add(&cc, "-O1");
    for (int i = 0; i < nsrc; i++) {
        strs_add(&cc, src[i]);
        cxx |= !has_suffix(src[i], ".c");
    }
    strs_add(&cc, "-o");
    strs_printf(&cc, "%s/%.*s", temp_dir(), (int)strcspn(base, "."), base);
    strs_add(&run, cc.v[cc.n - 1]);
    for (int i = 0; args[i]; i++)
        strs_add(&run, args[i]);
    for (int i = 0; i < nsrc; i++)
        if (access(src[i], F_OK) != 0) {
            warn("%s: %s", src[i], strerror(errno));
            return errno == ENOENT ? 127 : EXIT_TOOL;
        }
    if (driver((int)cc.n, cc.v, cxx) != 0)
        return EXIT_TOOL; /* the compiler has said why; its status would pass for the program's */
    return launch(o, run.v);
}
