/*
 * text.c - the text report: Go's, line for line.
 *
 * People and scripts know the layout of Go's race reports: a line of ten and eight '=', WARNING, an
 * access, its frames in two lines each, a blank line, the earlier access, the creation sites.
 * Nothing is put between those lines; what Go does not say (the memory's name, the locks held,
 * a hint) stands after them. Other kinds of findings follow the same pattern: a sentence ending in
 * a colon, then frames.
 *
 * Written at once for each finding and flushed, so that a program that dies later has been heard.
 */
#include "format.h"

#include "hooks.h"

#include <stdlib.h>
#include <string.h>

#define RULE "==================\n"

static const char *paint(const struct output *o, const char *code)
{
    return o->color ? code : "";
}

#define RED paint(o, "\033[1;31m")
#define BOLD paint(o, "\033[1m")
#define CYAN paint(o, "\033[36m")
#define OFF paint(o, "\033[0m")

void text_frames(FILE *f, const struct stack *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *fr = &s->frame[i];
        if (fr->func)
            fprintf(f, "  %s()\n", fr->func);
        else
            fprintf(f, "  ??\n");
        if (fr->file)
            fprintf(f, "      %s:%u +0x%llx\n", fr->file, fr->line, (unsigned long long)fr->offset);
        else
            fprintf(f, "      %s +0x%llx\n", fr->module ? fr->module : "?",
                    (unsigned long long)fr->module_off);
    }
    if (!s->n)
        fprintf(f, "  [failed to restore the stack]\n");
    else if (s->truncated)
        fprintf(f, "  [the rest of the stack is lost]\n");
}

static void access_line(struct output *o, struct findings *all, const struct part *p)
{
    const char *prev = p->r.role == PART_PREVIOUS ? "Previous " : "";
    fprintf(o->f, "%s%s%s at 0x%012llx by %s:%s\n", BOLD, prev, part_access(p, *prev),
            (unsigned long long)p->r.addr, part_who(&all->arena, p), OFF);
}

static void created_line(struct output *o, struct findings *all, const struct part *p)
{
    fprintf(o->f, "%s%s (%s) created at:%s\n", BOLD, part_who_capital(&all->arena, p),
            p->r.flags & PART_FINISHED ? "finished" : "running", OFF);
}

static void global_part(struct output *o, const struct part *p)
{
    fprintf(o->f, "%sLocation is global '%s'", CYAN, p->name);
    if (p->type)
        fprintf(o->f, " of type '%s' (%llu bytes)", p->type, (unsigned long long)p->type_size);
    if (p->file)
        fprintf(o->f, ", defined at %s:%u", p->file, p->line);
    fprintf(o->f, "%s\n", OFF);
}

/* Whoever makes the access at hand. */
static const char *reader(struct arena *a, const struct finding *f)
{
    const struct part *now = finding_part(f, PART_ACCESS, NULL);
    return now ? part_who(a, now) : "the other";
}

/* The sentence of a part that is no access. True if it is followed by frames. */
static bool sentence(struct output *o, struct findings *all, const struct finding *f,
                     const struct part *p)
{
    struct arena *a = &all->arena;
    const char *who = part_who(a, p), *Who = part_who_capital(a, p);
    unsigned long long addr = p->r.addr, size = p->r.size;
    bool stuck = f->r.kind == FINDING_LEAK || f->r.kind == FINDING_DEADLOCK;
    FILE *out = o->f;
    switch (p->r.role) {
    case PART_GLOBAL:
        if (p->name)
            global_part(o, p);
        else
            fprintf(out, "%sLocation is global memory at 0x%012llx%s\n", CYAN, addr, OFF);
        return false;
    case PART_HEAP: {
        const struct part *acc = finding_part(f, PART_ACCESS, NULL);
        unsigned long long at = p->r.addr2 ? p->r.addr2 : acc ? acc->r.addr : addr;
        fprintf(out, "%sLocation is heap block of size %llu at 0x%012llx (offset %llu", CYAN, size,
                addr, at - addr);
        if (p->name)
            fprintf(out, ", '%s' of '%s'", p->name, p->type);
        else if (p->type)
            fprintf(out, ", '%s'", p->type);
        if (p->owner)
            fprintf(out, ", pointed to by '%s'", p->owner);
        fprintf(out, "), allocated by %s%s%s\n", who, p->stack.n ? " at:" : "", OFF);
        return p->stack.n;
    }
    case PART_FREED:
        fprintf(out, "%sThe block was freed by %s at:%s\n", CYAN, who, OFF);
        return true;
    case PART_STACK:
        if (!p->name) {
            fprintf(out, "%sLocation is stack of %s%s\n", CYAN, who, OFF);
            return false;
        }
        fprintf(out, "%sLocation is local '%s'", CYAN, p->name);
        if (p->type)
            fprintf(out, " of type '%s' (%llu bytes)", p->type, (unsigned long long)p->type_size);
        if (p->file)
            fprintf(out, ", defined at %s:%u", p->file, p->line);
        fprintf(out, ", in a frame of %s%s%s\n", who, p->stack.n ? ":" : "", OFF);
        return p->stack.n;
    case PART_TLS:
        fprintf(out, "%sLocation is thread-local storage of %s%s\n", CYAN, who, OFF);
        return false;
    case PART_OBJECT:
        fprintf(out, "%sLocation is %s", CYAN, object_with_kind(a, p->r.aux, addr, p->name));
        if (p->stack.n)
            fprintf(out, ", made at:");
        else if (p->file)
            fprintf(out, ", defined at %s:%u", p->file, p->line);
        fprintf(out, "%s\n", OFF);
        return p->stack.n;
    case PART_WAIT:
        fprintf(out, "%s%s [%s] ", BOLD, Who, wait_name(p->r.aux));
        if (stuck)
            fprintf(out, "can never run again%s", addr ? ", " : "");
        else if (!addr)
            fprintf(out, "waits");
        if (addr)
            fprintf(out, "%s", waits_for(a, p) + (stuck ? 0 : strlen("it ")));
        if (p->text)
            fprintf(out, " (%s)", p->text);
        fprintf(out, ":%s\n", OFF);
        return true;
    case PART_HOLDER:
        fprintf(out, "%s%s holds %s, %slocked at:%s\n", BOLD, Who,
                object_called(a, p->r.aux >> 8, addr, p->name), p->r.aux & 1 ? "read-" : "", OFF);
        return true;
    case PART_EDGE:
        fprintf(out, "%s%s locked %s while it held %s, at:%s\n", BOLD, Who,
                object_called(a, p->r.aux >> 8, p->r.addr2, p->name2),
                object_called(a, p->r.aux >> 8, addr, p->name), OFF);
        return true;
    case PART_EDGE_HELD: {
        const struct part *edge = p;
        while (edge > f->part && edge->r.role != PART_EDGE)
            edge--;
        fprintf(out, "%s%s had locked %s at:%s\n", BOLD, Who,
                object_called(a, edge->r.aux >> 8, edge->r.addr, edge->name), OFF);
        return true;
    }
    case PART_MISUSE:
        fprintf(out, "%s%s%s%s%s by %s:%s\n", BOLD, p->text ? p->text : "misuse",
                p->name ? " ('" : "", p->name ? p->name : "", p->name ? "')" : "", who, OFF);
        return true;
    case PART_SLEPT:
        fprintf(out, "%s%s slept in between, which orders nothing, at:%s\n", BOLD, Who, OFF);
        return true;
    case PART_EMPTY_WAIT:
        fprintf(out, "%s%s found %s at zero and did not wait, at:%s\n", BOLD, Who,
                object_with_kind(a, p->r.aux, addr, p->name), OFF);
        return true;
    case PART_WEAK:
        fprintf(out, "%s%s stored %s in between, and %s%s%s\n", BOLD, Who,
                object_called(a, HOOK_OBJ_NONE, addr, p->name), reader(a, f),
                p->r.aux == WEAK_LOAD ? " loaded it without acquiring it, which orders nothing"
                                      : " loaded it; the store released nothing",
                OFF);
        return false;
    case PART_KNEW:
        if (p->r.aux == KNEW_NOTHING)
            fprintf(out, "%sNothing that %s did since it was created is ordered before what %s does%s\n",
                    BOLD, who, reader(a, f), OFF);
        else
            fprintf(out, "%sOf %s, %s is ordered after what it did up to%s%s\n", BOLD, who,
                    reader(a, f), p->stack.n ? ":" : " an earlier point, which is not known any more",
                    OFF);
        return p->stack.n;
    case PART_RELATED:
        fprintf(out, "%s%s%s\n", BOLD, p->text ? p->text : "Related:", OFF);
        return p->stack.n;
    default:
        return false;
    }
}

/* 'a' -> 'b' -> 'a', over the edges of a lock cycle. */
char *text_cycle(struct findings *all, const struct finding *f)
{
    const struct part *p = finding_part(f, PART_EDGE, NULL), *first = p;
    if (!p)
        return NULL;
    const char *s = "Lock order cycle:";
    for (; p; p = finding_part(f, PART_EDGE, p))
        s = arena_printf(&all->arena, "%s %s ->", s,
                         object_called(&all->arena, p->r.aux >> 8, p->r.addr, p->name));
    return arena_printf(&all->arena, "%s %s", s,
                        object_called(&all->arena, first->r.aux >> 8, first->r.addr, first->name));
}

static void held_by(struct output *o, struct findings *all, const struct part *p)
{
    fprintf(o->f, "%s holds ", part_who(&all->arena, p));
    if (!p->nheld)
        fprintf(o->f, "none");
    for (size_t i = 0; i < p->nheld; i++) {
        const struct held *l = &p->held[i];
        fprintf(o->f, "%s%s", i ? ", " : "",
                object_called(&all->arena, l->r.kind, l->r.addr, l->name));
        if (l->stack.n && l->stack.frame[0].file)
            fprintf(o->f, " (%slocked at %s:%u)", l->r.mode & 1 ? "read-" : "",
                    l->stack.frame[0].file, l->stack.frame[0].line);
    }
}

/* Of a side whose locks are not known nothing is said. */
static void mutexes(struct output *o, struct findings *all, const struct finding *f)
{
    const char *sep = "";
    fprintf(o->f, "%sMutexes held: ", CYAN);
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        if (!part_locks_known(p))
            continue;
        fprintf(o->f, "%s", sep);
        held_by(o, all, p);
        sep = "; ";
    }
    fprintf(o->f, "%s\n", OFF);
}

static bool any_locks(const struct finding *f)
{
    for (size_t i = 0; i < f->nparts; i++)
        if (part_locks_known(&f->part[i]) && f->part[i].nheld)
            return f->r.kind == FINDING_RACE;
    return false;
}

char *text_mutexes(struct findings *all, const struct finding *f)
{
    if (!any_locks(f))
        return NULL;
    char *text;
    size_t n;
    struct output plain = {.f = open_memstream(&text, &n)};
    mutexes(&plain, all, f);
    fclose(plain.f);
    char *s = arena_strn(&all->arena, text, n - 1);
    free(text);
    return s;
}

static void text_finding(struct output *o, struct findings *all, struct finding *f)
{
    fprintf(o->f, RULE "%sWARNING: %s%s\n", RED, kind_heading(f->r.kind), OFF);
    const char *cycle = f->r.kind == FINDING_LOCK_ORDER ? text_cycle(all, f) : NULL;
    if (cycle)
        fprintf(o->f, "%s%s%s\n\n", BOLD, cycle, OFF);
    bool frames = true; /* a part with frames needs a blank line before it and after it */
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        if (part_of_order(p))
            continue; /* the hint speaks of what matters */
        bool ours = p->r.role == PART_GLOBAL || p->r.role == PART_TLS ||
                    (p->r.role == PART_OBJECT && !p->stack.n);
        if (i && (frames || !ours))
            fprintf(o->f, "\n");
        frames = true;
        if (p->r.role == PART_ACCESS || p->r.role == PART_PREVIOUS)
            access_line(o, all, p);
        else if (p->r.role == PART_CREATED)
            created_line(o, all, p);
        else
            frames = sentence(o, all, f, p);
        if (frames)
            text_frames(o->f, &p->stack);
    }
    bool locks = any_locks(f);
    if (frames && (locks || f->hint || f->schedule))
        fprintf(o->f, "\n");
    if (locks)
        mutexes(o, all, f);
    if (f->hint)
        fprintf(o->f, "%sHint: %s%s\n", CYAN, f->hint, OFF);
    if (f->schedule)
        fprintf(o->f, "%sSchedule: %s (goc-race replay %s PROGRAM [ARG...] shows it again)%s\n", CYAN,
                f->schedule, f->schedule, OFF);
    fprintf(o->f, RULE);
    if (all->options->gen_suppressions)
        suppressions_generate(f, o->f);
    fflush(o->f);
}

void text_one(FILE *f, struct findings *all, struct finding *fi)
{
    struct output plain = {.f = f};
    text_finding(&plain, all, fi);
}

char *text_sentence(struct findings *all, const struct finding *f, const struct part *p,
                    bool *with_frames)
{
    char *text;
    size_t n;
    struct output plain = {.f = open_memstream(&text, &n)};
    *with_frames = true;
    if (p->r.role == PART_ACCESS || p->r.role == PART_PREVIOUS)
        access_line(&plain, all, p);
    else if (p->r.role == PART_CREATED)
        created_line(&plain, all, p);
    else
        *with_frames = sentence(&plain, all, f, p);
    fclose(plain.f);
    char *s = arena_strn(&all->arena, text, n);
    free(text);
    return s;
}

static void text_crash(struct output *o, struct findings *all, struct crash *c)
{
    fprintf(o->f, "%sgoc-race: program %s%s\n\n", RED, crash_message(&all->arena, c), OFF);
    if (c->part.r.role) {
        fprintf(o->f, "%s%s [running]:%s\n", BOLD, part_who(&all->arena, &c->part), OFF);
        text_frames(o->f, &c->part.stack);
        fprintf(o->f, "\n");
    }
    fflush(o->f);
}

static void text_waiting(struct output *o, struct findings *all, struct finding *f)
{
    fprintf(o->f, "goc-race: goroutines that still wait and could go on (no finding):\n");
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        fprintf(o->f, "\n");
        if (p->r.role == PART_CREATED)
            created_line(o, all, p);
        else if (!sentence(o, all, f, p))
            continue;
        text_frames(o->f, &p->stack);
    }
    fprintf(o->f, "\n");
    fflush(o->f);
}

/* Where a finding is, in a few words: the first frames of its first two stacks. */
static void place(FILE *out, const struct finding *f)
{
    int n = 0;
    for (size_t i = 0; i < f->nparts && n < 2; i++) {
        const struct stack *s = &f->part[i].stack;
        if (f->part[i].r.role == PART_CREATED || part_of_order(&f->part[i]) || !s->n)
            continue;
        const struct frame *fr = &s->frame[0];
        fprintf(out, "%s%s()", n++ ? " and " : " in ", fr->func ? fr->func : "??");
        if (fr->file)
            fprintf(out, " %s:%u", fr->file, fr->line);
    }
}

static void text_end(struct output *o, struct findings *all)
{
    for (const struct finding *f = all->first; f; f = f->next) {
        if (f->count < 2)
            continue;
        fprintf(o->f, "Seen %llu times: %s", (unsigned long long)f->count, kind_word(f->r.kind));
        place(o->f, f);
        fprintf(o->f, "\n");
    }
    if (all->printed < all->n)
        fprintf(o->f, "%zu more finding(s) not printed (max_reports=%ld)\n", all->n - all->printed,
                all->options->max_reports);
    if (all->symbols.stripped_hint)
        fprintf(o->f, "Some frames have no source lines: build with -g, and do not strip\n");
    static const unsigned order[] = {FINDING_RACE, FINDING_LOCK_ORDER, FINDING_DEADLOCK,
                                     FINDING_LEAK, FINDING_MISUSE};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (all->kind[order[i]])
            fprintf(o->f, "Found %zu %s\n", all->kind[order[i]], kind_total(order[i]));
    if (all->say_status && all->n)
        fprintf(o->f, "exit status %d\n", all->status);
    fflush(o->f);
}

const struct renderer text_renderer = {
    .name = "text",
    .finding = text_finding,
    .crash = text_crash,
    .waiting = text_waiting,
    .end = text_end,
};
