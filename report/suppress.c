/*
 * suppress.c - findings that the user has decided not to see.
 *
 * The syntax is ThreadSanitizer's: a line `kind:pattern`, where '*' stands for any text and the
 * pattern matches anywhere in a function's, file's, module's or variable's name unless '^' or '$'
 * ties it to an end. '#' begins a comment. Kinds: race, race_top (the innermost frame only),
 * deadlock (also the predicted one), lockorder, leak, misuse; called_from_lib is a race whose stack
 * passes through a module of that name. Of ThreadSanitizer's other kinds mutex is misuse here and
 * thread is leak; signal is accepted, for files that have it, and there is nothing it could match. A line that is none of these is an error that names its
 * number: a suppression that silently does nothing is worse than none.
 */
#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum rule { RACE, RACE_TOP, CALLED_FROM_LIB, DEADLOCK, LOCKORDER, LEAK, MISUSE, MUTEX, THREAD, SIGNAL };

static const char *const rules[] = {"race",   "race_top", "called_from_lib", "deadlock", "lockorder",
                                    "leak",   "misuse",   "mutex",           "thread",   "signal"};

struct suppressions {
    struct suppression {
        enum rule rule;
        char *pattern;
        size_t line, used;
    } * v;
    size_t n;
    const char *path;
};

struct suppressions *suppressions_read(const char *path)
{
    size_t size;
    char *text = read_whole(path, &size), *save = text;
    if (!text)
        die("cannot read %s: %s", path, strerror(errno));
    const char *stop = text + size;
    struct suppressions *s = xmalloc(sizeof *s);
    *s = (struct suppressions){.path = path};
    for (size_t line = 1; text; line++) {
        char *end = strchr(text, '\n'), *next = end ? end + 1 : NULL;
        if (!end && text + strlen(text) != stop)
            die("%s:%zu: a zero byte, where a line of text was expected: KIND:PATTERN", path, line);
        if (end)
            *end = 0;
        text += strspn(text, " \t");
        for (size_t n = strlen(text); n && strchr(" \t\r", text[n - 1]);)
            text[--n] = 0;
        if (*text && *text != '#') {
            size_t n = strcspn(text, ":"), rule = 0;
            while (rule < sizeof rules / sizeof *rules &&
                   (strlen(rules[rule]) != n || memcmp(rules[rule], text, n) != 0))
                rule++;
            if (rule == sizeof rules / sizeof *rules || text[n] != ':' || !text[n + 1])
                die("%s:%zu: expected KIND:PATTERN with KIND one of race, race_top, "
                    "called_from_lib, deadlock, lockorder, leak, misuse, mutex, thread, signal",
                    path, line);
            s->v = xrealloc(s->v, (s->n + 1) * sizeof *s->v);
            s->v[s->n++] = (struct suppression){rule, xstrdup(text + n + 1), line, 0};
        }
        text = next;
    }
    free(save);
    return s;
}

/* Does s begin with the pattern? '*' is any text, '$' at the end the end. Only the latest '*' is ever
   tried again, so the time is the product of the lengths at most. */
static bool glob(const char *p, const char *s)
{
    const char *star = NULL, *from = NULL;
    for (;;) {
        if (!*p)
            return true;
        if (*p == '*') {
            star = ++p;
            from = s;
        } else if (*p == '$' && !p[1] ? !*s : *s && *p == *s) {
            if (!*s)
                return true;
            p++, s++;
        } else {
            if (!star || !*from)
                return false;
            p = star;
            s = ++from;
        }
    }
}

static bool matches(const char *pattern, const char *s)
{
    if (!s)
        return false;
    if (*pattern == '^')
        return glob(pattern + 1, s);
    for (;; s++) {
        if (glob(pattern, s))
            return true;
        if (!*s)
            return false;
    }
}

static bool stack_matches(const struct suppression *r, const struct stack *s)
{
    size_t n = r->rule == RACE_TOP && s->n ? 1 : s->n;
    for (size_t i = 0; i < n; i++) {
        const struct frame *f = &s->frame[i];
        if (matches(r->pattern, f->module))
            return true;
        if (r->rule != CALLED_FROM_LIB &&
            (matches(r->pattern, f->func) || matches(r->pattern, f->file)))
            return true;
    }
    return false;
}

static bool rule_for(enum rule r, unsigned kind)
{
    switch (kind) {
    case FINDING_RACE:
        return r == RACE || r == RACE_TOP || r == CALLED_FROM_LIB;
    case FINDING_LOCK_ORDER:
        return r == LOCKORDER || r == DEADLOCK;
    case FINDING_DEADLOCK:
        return r == DEADLOCK;
    case FINDING_LEAK:
        return r == LEAK || r == THREAD;
    default:
        return r == MISUSE || r == MUTEX;
    }
}

bool suppressions_match(struct suppressions *s, const struct finding *f)
{
    for (size_t i = 0; s && i < s->n; i++) {
        struct suppression *r = &s->v[i];
        if (!rule_for(r->rule, f->r.kind))
            continue;
        for (size_t k = 0; k < f->nparts; k++) {
            const struct part *p = &f->part[k];
            if ((p->r.role == PART_CREATED && f->r.kind != FINDING_LEAK) || part_of_order(p))
                continue;
            if (stack_matches(r, &p->stack) || (r->rule != CALLED_FROM_LIB && r->rule != RACE_TOP &&
                                                matches(r->pattern, p->name))) {
                r->used++;
                return true;
            }
        }
    }
    return false;
}

void suppressions_report(const struct suppressions *s, FILE *f)
{
    fprintf(f, "Suppressions of %s, times used:\n", s->path);
    for (size_t i = 0; i < s->n; i++)
        fprintf(f, "%7zu %s:%s%s\n", s->v[i].used, rules[s->v[i].rule], s->v[i].pattern,
                s->v[i].used ? "" : " (unused)");
}

void suppressions_generate(const struct finding *f, FILE *out)
{
    static const char *const kind[] = {[FINDING_RACE] = "race",
                                       [FINDING_LOCK_ORDER] = "lockorder",
                                       [FINDING_DEADLOCK] = "deadlock",
                                       [FINDING_LEAK] = "leak",
                                       [FINDING_MISUSE] = "misuse"};
    for (size_t i = 0; i < f->nparts; i++) {
        const struct stack *s = &f->part[i].stack;
        if (!s->n || f->part[i].r.role == PART_CREATED)
            continue;
        const struct frame *fr = &s->frame[0];
        if (fr->func)
            fprintf(out, "%s:^%s$\n", kind[f->r.kind], fr->func);
        else if (fr->module)
            fprintf(out, "%s:%s$\n", kind[f->r.kind], strrchr(fr->module, '/') ?: fr->module);
        return;
    }
}
