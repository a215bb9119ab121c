/*
 * explain.c - goc-race explain KIND: the manual page of a kind of finding.
 *
 * On a terminal the page opens in man(1). Where there is none (containers rarely have one), or the
 * output goes elsewhere, the page is laid out here: the few macros of mdoc(7) that these pages use,
 * as plain text. The pages are the only source of the words; nothing of them is repeated in code.
 */
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *kind, *what;
} kinds[] = {
    {"race", "two goroutines touch the same memory and nothing orders them"},
    {"lockorder", "locks are taken in an order that can end in a deadlock"},
    {"deadlock", "goroutines wait for each other and can never run again"},
    {"leak", "a goroutine waits for something that can never happen"},
    {"misuse", "a synchronisation object is used in a way it forbids"},
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* The next word of a macro line, quotes taken off; false at the end. */
static bool word(const char **p, char *out, size_t size)
{
    size_t n = 0;
    while (**p == ' ')
        (*p)++;
    if (!**p)
        return false;
    bool quoted = **p == '"';
    *p += quoted;
    for (; **p && **p != (quoted ? '"' : ' '); (*p)++) {
        if (**p == '\\' && (*p)[1]) { /* \&, \-, \e */
            (*p)++;
            if (**p == '&')
                continue;
        }
        if (n + 1 < size)
            out[n++] = **p;
    }
    *p += quoted && **p == '"';
    out[n] = 0;
    return true;
}

/* A macro line's words as text. `closers` collects what stands at the line's end. */
static void macro_text(struct buf *b, const char *p)
{
    char w[256];
    const char *end = "";
    bool join = true, fn = false, option = false;
    int page = 0; /* 2: the next word is a page's name, 1: its section */
    while (word(&p, w, sizeof w)) {
        if (isupper((unsigned char)w[0]) && islower((unsigned char)w[1]) && !w[2]) {
            fn = strcmp(w, "Fn") == 0;
            option |= strcmp(w, "Fl") == 0;
            page = strcmp(w, "Xr") == 0 ? 2 : 0;
            if (strcmp(w, "Ns") == 0)
                join = true;
            else if (strcmp(w, "Ql") == 0 || strcmp(w, "Pq") == 0 || strcmp(w, "In") == 0 ||
                     strcmp(w, "Dq") == 0) {
                const char *open = w[0] == 'P' ? "(" : w[0] == 'I' ? "<" : w[0] == 'D' ? "\"" : "'";
                buf_printf(b, "%s%s", join ? "" : " ", open);
                end = w[0] == 'P' ? ")" : w[0] == 'I' ? (*end == ')' ? ">)" : ">") : open;
                join = true;
            }
            continue;
        }
        bool stop = strchr(".,;:)", w[0]) && !w[1];
        if (stop && *end) {
            buf_str(b, end);
            end = "";
        }
        if (page == 1) {
            buf_printf(b, "(%s)", w);
        } else {
            buf_printf(b, "%s%s%s%s", join || stop ? "" : " ", option ? "-" : "", w,
                       fn && !stop ? "()" : "");
        }
        page -= page > 0;
        fn = fn && !stop ? false : fn;
        join = option = false;
    }
    buf_str(b, end);
}

/* Words at most to column 78, each line after `indent` blanks. */
static void fill(struct buf *para, int indent, const char *bullet)
{
    int at = 0;
    for (char *save, *w = para->n ? strtok_r(para->s, " \n", &save) : NULL; w;
         w = strtok_r(NULL, " \n", &save)) {
        int n = (int)strlen(w);
        if (at && at + 1 + n > 78) {
            putchar('\n');
            at = 0;
        }
        if (!at)
            at = printf("%*s%s", indent - (int)strlen(bullet), "", bullet);
        else
            at += printf(" ");
        at += printf("%s", w);
        bullet = "";
    }
    if (at)
        putchar('\n');
    para->n = 0;
}

static void plain(const char *text)
{
    struct buf para = {0};
    bool literal = false, list = false;
    const char *bullet = "";
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        char *line = strndup(p, n);
        p += n + (p[n] == '\n');
        const char *rest = line + (line[0] == '.' ? strcspn(line, " ") : 0);
        int indent = list ? 9 : 5;
#define IS(m) (strncmp(line, "." m, sizeof("." m) - 1) == 0)
        if (literal && !IS("Ed")) {
            if (!IS("\\\""))
                printf("%*s%s\n", *line ? 9 : 0, "", line + (has_prefix(line, "\\&") ? 2 : 0));
        } else if (IS("\\\"")) { /* a comment */
        } else if (line[0] != '.') {
            buf_printf(&para, "%s\n", line);
        } else if (IS("Sh") || IS("Pp") || IS("Bd") || IS("Ed") || IS("Bl") || IS("El") ||
                   IS("It")) {
            fill(&para, indent, bullet);
            if (para.n == 0 && *bullet && !IS("It"))
                bullet = "";
            if (IS("Sh"))
                printf("\n%s\n", rest + 1);
            else if (!IS("It") && !IS("El"))
                putchar('\n');
            literal = IS("Bd");
            list = (list || IS("Bl")) && !IS("El");
            bullet = IS("It") ? "-   " : "";
        } else if (IS("Nd")) {
            buf_printf(&para, "- %s\n", rest + 1);
        } else if (IS("Nm")) {
            buf_printf(&para, "%s\n", *rest ? rest + 1 : "goc-race");
        } else if (!IS("Dd") && !IS("Dt") && !IS("Os")) {
            /* A parenthesis or quote of the text may open on the line before. */
            macro_text(&para, line + 1);
            buf_str(&para, "\n");
        }
#undef IS
        free(line);
    }
    fill(&para, 5, bullet);
    buf_free(&para);
}

/* The page's text; NULL and errno if there is none. Distributions compress their pages. */
static char *page_text(char **path)
{
    char *text = read_whole(*path, NULL), *packed;
    if (text || errno != ENOENT || asprintf(&packed, "%s.gz", *path) < 0)
        return text;
    int fd[2];
    if (access(packed, R_OK) != 0 || pipe2(fd, O_CLOEXEC) != 0) {
        free(packed);
        return NULL;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd[1], 1);
        execlp("gzip", "gzip", "-dc", packed, (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    struct buf b = {0};
    char chunk[4096];
    for (ssize_t n; pid > 0 && (n = read(fd[0], chunk, sizeof chunk)) > 0;)
        buf_add(&b, chunk, (size_t)n);
    close(fd[0]);
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status || !b.n)
        die("cannot read %s: gzip does not unpack it", packed);
    *path = packed;
    return b.s;
}

int explain(int argc, char **argv)
{
    char rel[64];
    if (argc == 0) {
        printf("goc-race explain KIND, where KIND is one of\n");
        for (size_t i = 0; i < KINDS; i++)
            printf("  %-10s %s\n", kinds[i].kind, kinds[i].what);
        return fflush(stdout) == 0 ? 0 : EXIT_TOOL;
    }
    size_t k = 0;
    while (k < KINDS && strcmp(kinds[k].kind, argv[0]) != 0)
        k++;
    if (k == KINDS || argc > 1)
        die("explain: unknown kind '%s': expected race, lockorder, deadlock, leak or misuse",
            argv[k == KINDS ? 0 : 1]);
    snprintf(rel, sizeof rel, "../share/man/man7/goc-race-%s.7", argv[0]);
    char *path = tool_relative(rel);
    char *text = page_text(&path);
    if (!text)
        die("cannot read %s: %s", path, strerror(errno));
    if (isatty(STDOUT_FILENO))
        execlp("man", "man", "-l", path, (char *)NULL);
    plain(text);
    if (fflush(stdout) != 0)
        die("cannot write standard output: %s", strerror(errno));
    free(text);
    free(path);
    return 0;
}
