/*
 * util.h - what every file of the tool needs: memory that is freed all at once, growing strings,
 * the one way to fail.
 *
 * An arena hands out memory until it is freed as a whole; a set of findings lives in one. `die`
 * is for errors of goc-race itself: one line on standard error, exit status 125.
 */
#ifndef UTIL_H
#define UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXIT_TOOL 125
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

struct arena_block;
struct arena {
    struct arena_block *block;
};

void *arena_alloc(struct arena *a, size_t size); /* zeroed, aligned to 16; never NULL */
char *arena_strn(struct arena *a, const char *s, size_t n);
char *arena_str(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
void arena_free(struct arena *a);

/* A string that grows. `s` is always terminated once something was added. */
struct buf {
    char *s;
    size_t n, size;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_free(struct buf *b);

/* A list of strings, NULL-terminated for execvp once something was added. */
struct strs {
    char **v;
    size_t n, size;
};

void strs_add(struct strs *l, const char *s);
void strs_printf(struct strs *l, const char *fmt, ...) PRINTF(2, 3);
void strs_free(struct strs *l);

void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);

/* "goc-race: …" on standard error, exit status 125. */
_Noreturn void die(const char *fmt, ...) PRINTF(1, 2);
void warn(const char *fmt, ...) PRINTF(1, 2);

/* Called by die before it exits: temporary files go. */
extern void (*die_cleanup)(void);

/* Absolute path of this very program, and of a file beside it ("../lib/x"), in static memory or the
   process's lifetime. */
const char *tool_path(void);
char *tool_relative(const char *rel);

/* The whole file, terminated; NULL and errno if it cannot be read. */
char *read_whole(const char *path, size_t *len);

static inline bool has_prefix(const char *s, const char *prefix)
{
    return __builtin_strncmp(s, prefix, __builtin_strlen(prefix)) == 0;
}
bool has_suffix(const char *s, const char *suffix);

#endif
