/* util.c - arenas, growing strings, failing: see util.h. */
#include "util.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <string.h>
#include <unistd.h>

void (*die_cleanup)(void);

static void say(const char *fmt, va_list ap)
{
    /* One write, so that the line stays whole beside the program's own output. */
    struct buf b = {0};
    char line[4096];
    vsnprintf(line, sizeof line, fmt, ap);
    buf_printf(&b, "goc-race: %s\n", line);
    fflush(stdout);
    fflush(stderr);
    if (write(STDERR_FILENO, b.s, b.n) < 0)
        errno = 0; /* nobody left to tell */
    buf_free(&b);
}

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    if (die_cleanup)
        die_cleanup();
    exit(EXIT_TOOL);
}

void warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void *xmalloc(size_t size)
{
    return xrealloc(NULL, size);
}

void *xrealloc(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    if (!p)
        die("out of memory");
    return p;
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) char mem[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    struct arena_block *b = a->block;
    if (!b || b->size - b->used < size) {
        size_t want = size > 65536 - sizeof *b ? size : 65536 - sizeof *b;
        b = xmalloc(sizeof *b + want);
        b->next = a->block;
        b->used = 0;
        b->size = want;
        a->block = b;
    }
    void *p = b->mem + b->used;
    b->used += size;
    return memset(p, 0, size);
}

char *arena_strn(struct arena *a, const char *s, size_t n)
{
    char *p = arena_alloc(a, n + 1);
    memcpy(p, s, n);
    return p;
}

char *arena_str(struct arena *a, const char *s)
{
    return arena_strn(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void arena_free(struct arena *a)
{
    for (struct arena_block *b = a->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    a->block = NULL;
}

static void buf_room(struct buf *b, size_t n)
{
    if (b->n + n + 1 <= b->size)
        return;
    b->size = (b->n + n + 1) * 2;
    b->s = xrealloc(b->s, b->size);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    buf_room(b, n);
    memcpy(b->s + b->n, p, n);
    b->n += n;
    b->s[b->n] = 0;
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    buf_room(b, (size_t)n);
    vsnprintf(b->s + b->n, (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}

void buf_free(struct buf *b)
{
    free(b->s);
    *b = (struct buf){0};
}

void strs_add(struct strs *l, const char *s)
{
    if (l->n + 2 > l->size) {
        l->size = l->size ? l->size * 2 : 16;
        l->v = xrealloc(l->v, l->size * sizeof *l->v);
    }
    l->v[l->n++] = xstrdup(s);
    l->v[l->n] = NULL;
}

void strs_printf(struct strs *l, const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n < 0)
        die("out of memory");
    strs_add(l, s);
    free(s);
}

void strs_free(struct strs *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct strs){0};
}

const char *tool_path(void)
{
    static char path[PATH_MAX];
    if (!path[0]) {
        ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
        if (n > 0)
            path[n] = 0;
        else if (!realpath((const char *)getauxval(AT_EXECFN), path)) /* no /proc: as it was started */
            die("cannot find my own path: %s", strerror(errno));
    }
    return path;
}

char *tool_relative(const char *rel)
{
    const char *self = tool_path();
    int dir = (int)(strrchr(self, '/') - self);
    char *s;
    if (asprintf(&s, "%.*s/%s", dir, self, rel) < 0)
        die("out of memory");
    char *real = realpath(s, NULL);
    if (!real)
        return s;
    free(s);
    return real;
}

char *read_whole(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    struct buf b = {0};
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&b, chunk, n);
    int bad = ferror(f) ? errno : 0;
    fclose(f);
    if (bad) {
        buf_free(&b);
        errno = bad;
        return NULL;
    }
    if (!b.s)
        buf_add(&b, "", 0);
    if (len)
        *len = b.n;
    return b.s;
}

bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}
