/*
 * manpage.c - the findings as a manual page: goc-race report --format man FILE | man -l -
 *
 * A long list of reports wants a pager, headings to jump between and a table of contents; every
 * system has one such reader. One section a kind, one subsection a finding, frames as tagged lists.
 * Text is escaped for mdoc: a leading '.' or '\'' and every backslash mean something there.
 */
#include "format.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Text inside a line of macros or of running text. */
static void roff(FILE *f, const char *s)
{
    if (*s == '.' || *s == '\'')
        fputs("\\&", f);
    for (; *s; s++) {
        if (*s == '\\')
            fputs("\\e", f);
        else if (*s == '"')
            fputs("\\(dq", f);
        else if (*s == '-')
            fputs("\\-", f);
        else
            fputc(*s == '\n' ? ' ' : *s, f);
    }
}

/* A line of running text, broken where it is long: source lines over 80 are bad manners in mdoc. */
static void running(FILE *f, char *s)
{
    for (char *end; *s; s = end) {
        end = s + strlen(s);
        if (end - s > 70) {
            char *cut = s + 70;
            while (cut > s && *cut != ' ')
                cut--;
            end = cut > s ? cut : s + strcspn(s, " ");
        }
        end += *end ? (*end = 0, 1) : 0;
        roff(f, s);
        fputc('\n', f);
    }
}

/* One argument of a macro, whatever is in it. */
static void argument(FILE *f, const char *s)
{
    fputs("\"\\&", f);
    roff(f, s);
    fputs("\"", f);
}

static void frames(FILE *f, struct findings *all, const struct stack *s)
{
    if (!s->n) {
        fputs(".Bd -ragged -offset indent -compact\n[failed to restore the stack]\n.Ed\n", f);
        return;
    }
    /* So narrow that a place never stands beside a short name. */
    fputs(".Bl -tag -width 2n -offset indent -compact\n", f);
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *fr = &s->frame[i];
        fputs(".It Fn ", f);
        argument(f, fr->func ? fr->func : "??");
        fputs("\n.Pa ", f);
        if (fr->file) {
            argument(f, arena_printf(&all->arena, "%s:%u", fr->file, fr->line));
            fprintf(f, " +0x%llx\n", (unsigned long long)fr->offset);
        } else {
            argument(f, fr->module ? fr->module : "?");
            fprintf(f, " +0x%llx\n", (unsigned long long)fr->module_off);
        }
    }
    fputs(".El\n", f);
}

static void paragraph(FILE *f, char *s)
{
    if (!s)
        return;
    fputs(".Pp\n", f);
    running(f, s);
}

static void crash(FILE *f, struct findings *all, const struct crash *c)
{
    fprintf(f, "%sThe program %s.\n", c == all->crash ? "" : ".Pp\n",
            crash_message(&all->arena, c));
    if (!c->part.r.role)
        return;
    paragraph(f, arena_printf(&all->arena, "%s [running]:", part_who_capital(&all->arena, &c->part)));
    frames(f, all, &c->part.stack);
}

static void one(FILE *f, struct findings *all, const struct finding *fi)
{
    fputs(".Ss ", f);
    fprintf(f, "%llu. ", (unsigned long long)fi->id);
    argument(f, finding_message(&all->arena, fi));
    fputs("\n", f);
    char *cycle = fi->r.kind == FINDING_LOCK_ORDER ? text_cycle(all, fi) : NULL;
    if (cycle) {
        running(f, cycle);
        fputs(".Pp\n", f);
    }
    for (size_t i = 0; i < fi->nparts; i++) {
        const struct part *p = &fi->part[i];
        bool with;
        if (part_of_order(p))
            continue;
        char *s = text_sentence(all, fi, p, &with);
        fputs(i ? ".Pp\n" : "", f);
        for (char *line = s, *next; *line; line = next) {
            next = line + strcspn(line, "\n");
            next += *next ? (*next = 0, 1) : 0;
            running(f, line);
        }
        if (with)
            frames(f, all, &p->stack);
    }
    paragraph(f, text_mutexes(all, fi));
    if (fi->schedule)
        paragraph(f, arena_printf(&all->arena, "Shown again by goc-race replay %s", fi->schedule));
    if (fi->hint)
        paragraph(f, arena_printf(&all->arena, "Hint: %s", fi->hint));
    if (fi->count > 1)
        fprintf(f, ".Pp\nSeen %llu times.\n", (unsigned long long)fi->count);
}

static void man_end(struct output *o, struct findings *all)
{
    static const struct {
        unsigned kind;
        const char *title;
    } sections[] = {{FINDING_RACE, "DATA RACES"},
                    {FINDING_LOCK_ORDER, "POTENTIAL DEADLOCKS"},
                    {FINDING_DEADLOCK, "DEADLOCKS"},
                    {FINDING_LEAK, "GOROUTINE LEAKS"},
                    {FINDING_MISUSE, "SYNC MISUSES"}};
    char date[64];
    time_t t = time(NULL);
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    struct tm tm;
    if (epoch)
        t = (time_t)strtoll(epoch, NULL, 10);
    strftime(date, sizeof date, "%B %e, %Y", gmtime_r(&t, &tm));
    fprintf(o->f,
            ".Dd %s\n.Dt GOC-RACE-FINDINGS 7\n.Os\n.Sh NAME\n.Nm goc-race-findings\n"
            ".Nd what goc-race found",
            date);
    if (all->program) {
        fputs(" in ", o->f);
        roff(o->f, all->program);
    }
    fputs("\n.Sh DESCRIPTION\n", o->f);
    if (!all->n && !all->crash)
        fputs("Nothing was found.\n", o->f);
    else if (all->n)
        fputs("In all there are:\n.Bl -bullet -compact\n", o->f);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (all->kind[sections[i].kind])
            fprintf(o->f, ".It\n%zu %s\n", all->kind[sections[i].kind],
                    kind_total(sections[i].kind));
    if (all->n)
        fputs(".El\n", o->f);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        bool head = false;
        size_t n = 0;
        for (const struct finding *f = all->first; f && n < all->printed; f = f->next, n++) {
            if (f->r.kind != sections[i].kind)
                continue;
            if (!head)
                fprintf(o->f, ".Sh %s\n", sections[i].title);
            head = true;
            one(o->f, all, f);
        }
    }
    if (all->crash)
        fputs(".Sh CRASHES\n", o->f);
    for (const struct crash *c = all->crash; c; c = c->next)
        crash(o->f, all, c);
    fputs(".Sh SEE ALSO\n.Xr goc-race 1\n", o->f);
}

const struct renderer man_renderer = {.name = "man", .end = man_end};
