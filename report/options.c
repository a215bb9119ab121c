/*
 * options.c - one table, every reader of it.
 *
 * An option can come from two places: $GOCRACE (as GORACE: "name=value name=value") and the command
 * line, which wins. Both end in option_set, so that a value good in one place is good in the other
 * and a bad one gets the same line. getopt_long was not taken: it permutes arguments (those after
 * PROGRAM are the program's) and has its own wording for errors.
 *
 * Invariants: every value in struct options has been checked when parsing returns; `given` is true
 * only for what the user wrote, so that the detector's own defaults stay the detector's.
 */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option_type { BOOL, NUM, TIME, STR, FILE_IN, WORD, SET, LIST };

static const struct option {
    const char *name;
    enum option_type type;
    const char *def;
    long lo, hi;
    const char *arg;
    int where;
    const char *help;
    size_t at;
} options[] = {
#define OPT(name, type, def, lo, hi, arg, where, help) \
    {#name, type, def, lo, hi, arg, where, help, offsetof(struct options, name)},
#include "options.def"
#undef OPT
};

bool word_in(const char *words, const char *word, size_t n)
{
    for (const char *p = words; *p;) {
        size_t len = strcspn(p, ",|");
        if (len == n && memcmp(p, word, n) == 0)
            return true;
        p += len;
        p += *p != 0;
    }
    return false;
}

static _Noreturn void bad(const struct option *o, const char *value, const char *source)
{
    switch (o->type) {
    case NUM:
        die("%s: %s=%s: expected a number from %ld to %ld", source, o->name, value, o->lo, o->hi);
    case TIME:
        die("%s: %s=%s: expected seconds, or a number with ms, s, m or h", source, o->name, value);
    case BOOL:
        die("%s: %s=%s: expected 0 or 1", source, o->name, value);
    case FILE_IN:
        die("%s: %s=%s: %s", source, o->name, value, strerror(errno));
    case LIST:
        die("%s: %s=%s: expected FORMAT:FILE with FORMAT one of "
            "text, json, sarif, junit, github, man, html",
            source, o->name, value);
    default:
        die("%s: %s=%s: expected %s", source, o->name, value, o->arg);
    }
}

static bool parse_time(const char *s, double *out)
{
    char *end;
    errno = 0;
    double v = strtod(s, &end);
    if (end == s || errno || !(v >= 0) || v > 1e9)
        return false;
    if (strcmp(end, "ms") == 0)
        v /= 1000;
    else if (strcmp(end, "m") == 0)
        v *= 60;
    else if (strcmp(end, "h") == 0)
        v *= 3600;
    else if (*end && strcmp(end, "s") != 0)
        return false;
    *out = v;
    return true;
}

static bool parse_bool(const char *s, long *out)
{
    static const char *const no[] = {"0", "false", "no", "off"};
    static const char *const yes[] = {"1", "true", "yes", "on"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(s, no[i]) == 0)
            return *out = 0, true;
        if (strcmp(s, yes[i]) == 0)
            return *out = 1, true;
    }
    return false;
}

static bool parse_set(const struct option *o, const char *s)
{
    s += *s == '+';
    if (!*s)
        return false;
    for (const char *p = s; *p;) {
        size_t n = strcspn(p, ",");
        if (!word_in(o->arg, p, n))
            return false;
        p += n;
        p += *p == ',' && p[1];
    }
    return true;
}

static void option_set(struct options *opts, const struct option *o, const char *value,
                       const char *source)
{
    void *at = (char *)opts + o->at;
    bool ok = true;
    switch (o->type) {
    case BOOL:
        ok = parse_bool(value, at);
        break;
    case NUM: {
        char *end;
        errno = 0;
        long v = strtol(value, &end, 0);
        ok = end != value && !*end && !errno && v >= o->lo && v <= o->hi;
        *(long *)at = v;
        break;
    }
    case TIME:
        ok = parse_time(value, at);
        break;
    case FILE_IN:
        ok = !*value || access(value, R_OK) == 0;
        *(const char **)at = xstrdup(value);
        break;
    case WORD:
        ok = word_in(o->arg, value, strlen(value));
        *(const char **)at = xstrdup(value);
        break;
    case SET:
        ok = parse_set(o, value);
        if (*value == '+') {
            struct buf b = {0};
            buf_printf(&b, "%s,%s", o->def, value + 1);
            *(const char **)at = b.s;
        } else {
            *(const char **)at = xstrdup(value);
        }
        break;
    case STR:
        *(const char **)at = xstrdup(value);
        break;
    case LIST: {
        size_t n = strcspn(value, ":");
        ok = value[n] == ':' && value[n + 1] && word_in(options[OPTION_format].arg, value, n);
        if (ok)
            strs_add(at, value);
        break;
    }
    }
    if (!ok)
        bad(o, value, source);
    opts->given[o - options] = true;
}

/* The option of that name ('-' and '_' are the same), or NULL. */
static const struct option *option_find(const char *name, size_t n)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *p = options[i].name;
        size_t k = 0;
        while (k < n && p[k] && (p[k] == name[k] || (p[k] == '_' && name[k] == '-')))
            k++;
        if (k == n && !p[k])
            return &options[i];
    }
    return NULL;
}

/* One word of $GOCRACE: blanks, commas between options and colons as TSan allows are not split on
   since values may hold them; quotes keep blanks together. */
static void parse_env(struct options *opts, const char *s)
{
    struct buf w = {0};
    while (*s) {
        while (*s == ' ' || *s == '\t' || *s == '\n')
            s++;
        if (!*s)
            break;
        w.n = 0;
        for (char quote = 0; *s && (quote || !strchr(" \t\n", *s)); s++) {
            if (quote ? *s == quote : *s == '"' || *s == '\'')
                quote = quote ? 0 : *s;
            else
                buf_add(&w, s, 1);
        }
        if (!w.n)
            continue;
        size_t n = strcspn(w.s, "=");
        const struct option *o = option_find(w.s, n);
        if (!o && has_prefix(w.s, "debug_"))
            continue; /* of the detector's own tests, for a program started alone */
        if (!o)
            die("GOCRACE: unknown option '%.*s' (goc-race --help lists them)", (int)n, w.s);
        if (!w.s[n] && o->type != BOOL)
            die("GOCRACE: %s needs a value: %s=%s", o->name, o->name, o->arg);
        option_set(opts, o, w.s[n] ? w.s + n + 1 : "1", "GOCRACE");
    }
    buf_free(&w);
}

void options_init(struct options *o)
{
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].type != LIST)
            option_set(o, &options[i], options[i].def, "default");
    memset(o->given, 0, sizeof o->given);
    const char *env = getenv("GOCRACE");
    if (env)
        parse_env(o, env);
}

int options_parse(struct options *opts, int argc, char **argv, int i, int where,
                  const char *command)
{
    for (; i < argc; i++) {
        char *a = argv[i];
        if (strcmp(a, "--") == 0)
            return i + 1;
        if (a[0] != '-' || !a[1])
            return i;
        const char *name = a + 1 + (a[1] == '-');
        size_t n = strcspn(name, "=");
        const struct option *o = option_find(name, n);
        if (a[1] == '-' && (strcmp(name, "help") == 0))
            o = NULL;
        if (!o || !(o->where & where))
            die("unknown option '%s' (goc-race help %s lists them)", a, command);
        const char *value = name[n] ? name + n + 1 : NULL;
        if (!value && o->type == BOOL)
            value = "1";
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value)
            die("option '%s' needs a value: --%s=%s", a, o->name, o->arg);
        option_set(opts, o, value, "option");
    }
    return i;
}

char *options_env(const struct options *opts)
{
    struct buf b = {0};
    buf_str(&b, "");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (!(o->where & DET) || !opts->given[i])
            continue;
        buf_printf(&b, "%s%s=", b.n ? " " : "", o->name);
        const void *at = (const char *)opts + o->at;
        if (o->type == BOOL || o->type == NUM)
            buf_printf(&b, "%ld", *(const long *)at);
        else if (o->type == TIME)
            buf_printf(&b, "%g", *(const double *)at);
        else
            buf_str(&b, *(const char *const *)at);
    }
    return b.s;
}

void options_help(FILE *f, int where)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (!(o->where & where))
            continue;
        int n = fprintf(f, "  --%s=%s", o->name, o->arg);
        fprintf(f, "%*s%s", n < 28 ? 28 - n : 1, "",
                n < 28 ? "" : "\n                            ");
        fprintf(f, "%s", o->help);
        if (*o->def && o->type != SET && !(o->type == BOOL && *o->def == '0'))
            fprintf(f, " (default %s)", o->def);
        fputc('\n', f);
    }
}

void options_man(FILE *f, int where)
{
    fprintf(f, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (!(o->where & where))
            continue;
        const char *sep = "";
        fprintf(f, ".It Fl Fl %s Ns = Ns", o->name);
        if (o->type == WORD || o->type == BOOL)
            for (const char *p = o->arg; *p; sep = " |") {
                int n = (int)strcspn(p, "|");
                fprintf(f, "%s Cm %.*s", sep, n, p);
                p += n + (p[n] != 0);
            }
        else if (o->type == SET)
            fprintf(f, " Ar kind,...");
        else
            fprintf(f, " Ar %s", o->arg);
        fprintf(f, "\n%c%s", o->help[0] >= 'a' ? o->help[0] - 32 : o->help[0], o->help + 1);
        if (o->type == SET)
            fprintf(f, ".\nThe kinds are %s; the default is %s", o->arg, o->def);
        else if (*o->def && !(o->type == BOOL && *o->def == '0'))
            fprintf(f, ".\nThe default is %s", o->def);
        fprintf(f, ".\n");
    }
    fprintf(f, ".El\n");
}

void options_words(FILE *f, int where)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].where & where)
            fprintf(f, "--%s=\t%s\t%s\n", options[i].name, options[i].arg, options[i].help);
}
