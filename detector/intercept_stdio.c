/*
 * intercept_stdio.c - printf and scanf: what the arguments of a format read and write.
 *
 * `printf("%s", name)` reads name as surely as strlen does, and `sscanf(s, "%d", &n)` writes n. To
 * see it the format is read here as libc will read it: twice the work of a parser that is cheap
 * beside what it parses for. A conversion that this parser does not know, or arguments by position
 * (%1$s), end the walk: what follows is not looked at. Nothing is ever guessed, because the type of
 * each argument decides where the next one is.
 *
 * All of them end in the real v... function; the variadic real ones cannot be called with a list.
 * What a printf reads is read before the call, what a scanf wrote is known after it, from the
 * number of conversions it reports.
 */
#include "intercept.h"
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <wchar.h>

#define R(p, n) det_read_range(pc, (uintptr_t)(p), (n))
#define W(p, n) det_write_range(pc, (uintptr_t)(p), (n))

/* --- one conversion --------------------------------------------------------------------------- */

enum length {
    LEN_INT,
    LEN_CHAR,
    LEN_SHORT,
    LEN_LONG,
    LEN_LLONG,
    LEN_MAX,
    LEN_SIZE,
    LEN_PTRDIFF,
    LEN_LDOUBLE
};

struct conversion {
    bool suppressed, alloc; /* scanf's * and m */
    bool width_given, width_arg, precision_given, precision_arg;
    long width, precision;
    enum length length;
    char type; /* 0: not understood, the walk ends */
};

static const size_t length_size[] = {
    [LEN_INT] = sizeof(int),
    [LEN_CHAR] = sizeof(char),
    [LEN_SHORT] = sizeof(short),
    [LEN_LONG] = sizeof(long),
    [LEN_LLONG] = sizeof(long long),
    [LEN_MAX] = sizeof(intmax_t),
    [LEN_SIZE] = sizeof(size_t),
    [LEN_PTRDIFF] = sizeof(ptrdiff_t),
    [LEN_LDOUBLE] = sizeof(long double),
};

static const char *number(const char *f, long *out)
{
    for (*out = 0; *f >= '0' && *f <= '9'; f++)
        if (*out < 1 << 24)
            *out = *out * 10 + (*f - '0');
    return f;
}
static bool among(char c, const char *set)
{
    for (; *set; set++)
        if (*set == c)
            return true;
    return false;
}

/* f stands after the %; returns what follows the conversion. */
static const char *conversion_parse(const char *f, bool scan, struct conversion *c)
{
    *c = (struct conversion){0};
    if (scan) {
        for (; *f == '*' || *f == '\''; f++)
            c->suppressed |= *f == '*';
    } else {
        while (*f && among(*f, "-+ #0'I"))
            f++;
        if (*f == '*') {
            c->width_arg = true;
            f++;
        }
    }
    if (*f >= '0' && *f <= '9') {
        f = number(f, &c->width);
        c->width_given = true;
        if (*f == '$')
            return f; /* by position */
    }
    if (!scan && *f == '.') {
        c->precision_given = true;
        if (*++f == '*') {
            c->precision_arg = true;
            f++;
        } else {
            f = number(f, &c->precision);
        }
    }
    if (scan && *f == 'm') {
        c->alloc = true;
        f++;
    }
    switch (*f) {
    case 'h':
        c->length = *++f == 'h' ? f++, LEN_CHAR : LEN_SHORT;
        break;
    case 'l':
        c->length = *++f == 'l' ? f++, LEN_LLONG : LEN_LONG;
        break;
    case 'q':
        f++;
        c->length = LEN_LLONG;
        break;
    case 'j':
        f++;
        c->length = LEN_MAX;
        break;
    case 'z':
    case 'Z':
        f++;
        c->length = LEN_SIZE;
        break;
    case 't':
        f++;
        c->length = LEN_PTRDIFF;
        break;
    case 'L':
        f++;
        c->length = LEN_LDOUBLE;
        break;
    }
    if (!*f || !among(*f, scan ? "diouxXaAeEfFgGsScC[pn%" : "diouxXaAeEfFgGsScCpnm%"))
        return f;
    c->type = *f++;
    if (c->type == '[') { /* up to the closing bracket; one that comes first is a member */
        if (*f == '^')
            f++;
        if (*f == ']')
            f++;
        while (*f && *f != ']')
            f++;
        if (*f)
            f++;
    }
    return f;
}

/* --- printf ----------------------------------------------------------------------------------- */

static void printf_string(uintptr_t pc, const struct conversion *c, const void *p)
{
    size_t limit = c->precision_given && c->precision >= 0 ? (size_t)c->precision : SIZE_MAX, n = 0;
    if (!p)
        return;
    if (c->length == LEN_LONG || c->type == 'S') {
        const wchar_t *w = p;
        while (n < limit && w[n])
            n++;
        R(p, (n < limit ? n + 1 : n) * sizeof *w);
    } else {
        const char *s = p;
        while (n < limit && s[n])
            n++;
        R(p, n < limit ? n + 1 : n);
    }
}

static void printf_args(uintptr_t pc, const char *f, va_list given)
{
    va_list ap;
    va_copy(ap, given);
    while (*f) {
        if (*f++ != '%')
            continue;
        struct conversion c;
        f = conversion_parse(f, false, &c);
        if (c.width_arg)
            (void)va_arg(ap, int);
        if (c.precision_arg)
            c.precision = va_arg(ap, int);
        switch (c.type) {
        case 0:
            va_end(ap);
            return;
        case '%':
        case 'm':
            break;
        case 's':
        case 'S':
            printf_string(pc, &c, va_arg(ap, const void *));
            break;
        case 'p':
            (void)va_arg(ap, void *);
            break;
        case 'n': {
            void *p = va_arg(ap, void *);
            if (p)
                W(p, length_size[c.length]);
            break;
        }
        case 'c':
        case 'C':
            (void)va_arg(ap, int);
            break;
        case 'd':
        case 'i':
        case 'o':
        case 'u':
        case 'x':
        case 'X':
            if (length_size[c.length] > sizeof(int))
                (void)va_arg(ap, long long);
            else
                (void)va_arg(ap, int);
            break;
        default:
            if (c.length == LEN_LDOUBLE)
                (void)va_arg(ap, long double);
            else
                (void)va_arg(ap, double);
        }
    }
    va_end(ap);
}

/* --- scanf ------------------------------------------------------------------------------------ */

static void scanf_wrote(uintptr_t pc, const struct conversion *c, void *p)
{
    bool wide = c->length == LEN_LONG || c->type == 'S' || c->type == 'C';
    size_t unit = wide ? sizeof(wchar_t) : 1, n;
    switch (c->type) {
    case 's':
    case 'S':
    case '[':
    case 'c':
    case 'C':
        if (c->alloc) {
            W(p, sizeof(void *));
            return;
        }
        if (c->type == 'c' || c->type == 'C')
            n = c->width_given ? (size_t)c->width : 1;
        else
            n = wide ? wcslen(p) + 1 : det_len(p) + 1;
        W(p, n * unit);
        return;
    case 'p':
        W(p, sizeof(void *));
        return;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
    case 'n':
        W(p, length_size[c->length]);
        return;
    default:
        W(p, c->length == LEN_LDOUBLE ? sizeof(long double)
             : c->length == LEN_LONG  ? sizeof(double)
                                      : sizeof(float));
    }
}

/* After the call: the first `done` conversions were assigned. */
static void scanf_args(uintptr_t pc, const char *f, int done, va_list given)
{
    va_list ap;
    va_copy(ap, given);
    while (*f && done >= 0) {
        if (*f++ != '%')
            continue;
        struct conversion c;
        f = conversion_parse(f, true, &c);
        if (!c.type)
            break;
        if (c.type == '%' || c.suppressed)
            continue;
        if (c.type != 'n' && done-- == 0)
            break;
        scanf_wrote(pc, &c, va_arg(ap, void *));
    }
    va_end(ap);
}

/* --- wide formats ----------------------------------------------------------------------------- */

/* A wide format says the same as a narrow one, and what is not ASCII is no part of a conversion. One that
   is longer than this is not looked at beyond it. */
#define WIDE_FORMAT 512
static const char *format_wide(uintptr_t pc, const wchar_t *f, char *room)
{
    size_t n = wcslen(f), i;
    R(f, (n + 1) * sizeof *f);
    for (i = 0; i < n && i < WIDE_FORMAT - 1; i++)
        room[i] = f[i] < 128 ? (char)f[i] : '.';
    room[i] = '\0';
    return room;
}
static const char *format_narrow(uintptr_t pc, const char *f, char *room)
{
    R(f, det_len(f) + 1);
    return f;
}

/* --- the functions ---------------------------------------------------------------------------- */

#define FOUT(f) icept_stream_out(f)

/* name: the variadic one; vname: with a list; `out` publishes to the stream, `wrote` looks at what
   the call wrote beyond its arguments. P and A are its parameters and arguments before the format.
 */
#define UNWRAP(...) __VA_ARGS__
#define PRINTF_OF(T, format, ROOM, name, vname, P, A, out, wrote)                               \
    ICEPT_REAL(int, vname, (UNWRAP P const T *f, va_list ap));           \
    static int do_##vname(uintptr_t pc, UNWRAP P const T *f, va_list ap) \
    {                                                                       \
        bool seen = icept_mem(pc);                                          \
        if (seen) {                                                         \
            char room[ROOM];                                                \
            printf_args(pc, format(pc, f, room), ap);                       \
        }                                                                   \
        if (icept_sync(pc)) {                                               \
            out;                                                            \
        }                                                                   \
        int r = REAL(vname)(UNWRAP A f, ap);                                \
        if (seen && r >= 0) {                                               \
            wrote;                                                          \
        }                                                                   \
        return r;                                                           \
    }                                                                       \
    ICEPT_EXPORT(int, vname, (UNWRAP P const T *f, va_list ap))          \
    {                                                                       \
        return do_##vname(ICEPT_PC(), UNWRAP A f, ap);                      \
    }                                                                       \
    ICEPT_EXPORT(int, name, (UNWRAP P const T *f, ...))                  \
    {                                                                       \
        va_list ap;                                                         \
        va_start(ap, f);                                                    \
        int r = do_##vname(ICEPT_PC(), UNWRAP A f, ap);                     \
        va_end(ap);                                                         \
        return r;                                                           \
    }
#define PRINTF(...) PRINTF_OF(char, format_narrow, 1, __VA_ARGS__)
#define WPRINTF(...) PRINTF_OF(wchar_t, format_wide, WIDE_FORMAT, __VA_ARGS__)
#define BUFFER W(b, (size_t)r < n ? (size_t)r + 1 : n)
#define WIDE_BUFFER W(b, ((size_t)r + 1) * sizeof *b)

PRINTF(printf, vprintf, (), (), FOUT(stdout), )
PRINTF(fprintf, vfprintf, (FILE * s, ), (s, ), FOUT(s), )
PRINTF(dprintf, vdprintf, (int d, ), (d, ), icept_fd_out(d), )
PRINTF(sprintf, vsprintf, (char *b, ), (b, ), , W(b, (size_t)r + 1))
PRINTF(snprintf, vsnprintf, (char *b, size_t n, ), (b, n, ), , BUFFER)
PRINTF(asprintf, vasprintf, (char **b, ), (b, ), , W(b, sizeof *b); W(*b, (size_t)r + 1))
PRINTF(__printf_chk, __vprintf_chk, (int k, ), (k, ), FOUT(stdout), )
PRINTF(__fprintf_chk, __vfprintf_chk, (FILE * s, int k, ), (s, k, ), FOUT(s), )
PRINTF(__dprintf_chk, __vdprintf_chk, (int d, int k, ), (d, k, ), icept_fd_out(d), )
PRINTF(__sprintf_chk, __vsprintf_chk, (char *b, int k, size_t m, ), (b, k, m, ), ,
       W(b, (size_t)r + 1))
PRINTF(__snprintf_chk, __vsnprintf_chk, (char *b, size_t n, int k, size_t m, ), (b, n, k, m, ), ,
       BUFFER)
PRINTF(__asprintf_chk, __vasprintf_chk, (char **b, int k, ), (b, k, ), , W(b, sizeof *b);
       W(*b, (size_t)r + 1))

WPRINTF(wprintf, vwprintf, (), (), FOUT(stdout), )
WPRINTF(fwprintf, vfwprintf, (FILE * s, ), (s, ), FOUT(s), )
WPRINTF(swprintf, vswprintf, (wchar_t * b, size_t n, ), (b, n, ), , WIDE_BUFFER)
WPRINTF(__wprintf_chk, __vwprintf_chk, (int k, ), (k, ), FOUT(stdout), )
WPRINTF(__fwprintf_chk, __vfwprintf_chk, (FILE * s, int k, ), (s, k, ), FOUT(s), )
WPRINTF(__swprintf_chk, __vswprintf_chk, (wchar_t * b, size_t n, int k, size_t m, ), (b, n, k, m, ),
        , WIDE_BUFFER)

/* Old and new standards' scanf differ in %a and 0b..., not in where arguments are. */
#define SCANF_OF(T, format, ROOM, prefix, name, P, A, read, in)                                           \
    ICEPT_REAL(int, prefix##v##name, (UNWRAP P const T *f, va_list ap));           \
    static int do_##prefix##v##name(uintptr_t pc, UNWRAP P const T *f, va_list ap) \
    {                                                                                 \
        va_list again;                                                                \
        va_copy(again, ap);                                                           \
        bool seen = icept_mem(pc);                                                    \
        if (seen) {                                                                   \
            read;                                                                     \
        }                                                                             \
        int r = REAL(prefix##v##name)(UNWRAP A f, ap);                                \
        if (icept_sync(pc)) {                                                         \
            in;                                                                       \
        }                                                                             \
        if (seen) {                                                                   \
            char room[ROOM];                                                          \
            scanf_args(pc, format(pc, f, room), r, again);                            \
        }                                                                             \
        va_end(again);                                                                \
        return r;                                                                     \
    }                                                                                 \
    ICEPT_EXPORT(int, prefix##v##name, (UNWRAP P const T *f, va_list ap))          \
    {                                                                                 \
        return do_##prefix##v##name(ICEPT_PC(), UNWRAP A f, ap);                      \
    }                                                                                 \
    ICEPT_EXPORT(int, prefix##name, (UNWRAP P const T *f, ...))                    \
    {                                                                                 \
        va_list ap;                                                                   \
        va_start(ap, f);                                                              \
        int r = do_##prefix##v##name(ICEPT_PC(), UNWRAP A f, ap);                     \
        va_end(ap);                                                                   \
        return r;                                                                     \
    }
#define SCANF(...) SCANF_OF(char, format_narrow, 1, __VA_ARGS__)
#define WSCANF(...) SCANF_OF(wchar_t, format_wide, WIDE_FORMAT, __VA_ARGS__)
#define FIN(f) icept_stream_in(f, pc)
#define SCANFS(prefix)                                   \
    SCANF(prefix, scanf, (), (), , FIN(stdin))           \
    SCANF(prefix, fscanf, (FILE * s, ), (s, ), , FIN(s)) \
    SCANF(prefix, sscanf, (const char *b, ), (b, ), R(b, det_len(b) + 1), ) \
    WSCANF(prefix, wscanf, (), (), , FIN(stdin))           \
    WSCANF(prefix, fwscanf, (FILE * s, ), (s, ), , FIN(s)) \
    WSCANF(prefix, swscanf, (const wchar_t *b, ), (b, ), R(b, (wcslen(b) + 1) * sizeof *b), )
SCANFS()
SCANFS(__isoc99_)
SCANFS(__isoc23_)

#define SYSLOG(name, vname, P, A)                                   \
    ICEPT_REAL(void, vname, (int k, UNWRAP P const char *f, va_list ap)); \
    static void do_##vname(uintptr_t pc, int k, UNWRAP P const char *f, va_list ap) \
    {                                                               \
        if (icept_mem(pc)) {                                        \
            printf_args(pc, format_narrow(pc, f, NULL), ap);        \
        }                                                           \
        REAL(vname)(k, UNWRAP A f, ap);                             \
    }                                                               \
    ICEPT_EXPORT(void, vname, (int k, UNWRAP P const char *f, va_list ap)) \
    {                                                               \
        do_##vname(ICEPT_PC(), k, UNWRAP A f, ap);                  \
    }                                                               \
    ICEPT_EXPORT(void, name, (int k, UNWRAP P const char *f, ...))  \
    {                                                               \
        va_list ap;                                                 \
        va_start(ap, f);                                            \
        do_##vname(ICEPT_PC(), k, UNWRAP A f, ap);                  \
        va_end(ap);                                                 \
    }
SYSLOG(syslog, vsyslog, (), ())
SYSLOG(__syslog_chk, __vsyslog_chk, (int m, ), (m, ))
