/*
 * ci.c - what continuous integration draws: JUnit files and GitHub's annotations.
 *
 * JUnit has no notion of a finding; each is a failed test case of a suite named after its kind,
 * with the whole text report as the failure's text, since that is what a reader gets to see. A run
 * that found nothing is one test case that passed: an empty file looks like a broken step. Servers
 * keep a history of each test case by its name, so that the name has no numbers of goroutines in
 * it. There are several schemas and a server may refuse a file for an attribute that is not in its
 * own; what is written here is what all of them have (so no file= and line=; both places are in the
 * text).
 *
 * An annotation is one line, drawn at a source line: the access at hand is an error, the other
 * places are notices beside it. With $GITHUB_STEP_SUMMARY set, the reports are appended there.
 */
#include "format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- JUnit -------------------------------------------------------------------------------- */

static void junit_case(FILE *f, struct findings *all, struct finding *fi)
{
    const char *message = finding_message(&all->arena, fi);
    char *text;
    size_t n;
    FILE *mem = open_memstream(&text, &n);
    text_one(mem, all, fi);
    fclose(mem);
    fprintf(f, "    <testcase classname=\"goc-race.%s\" name=\"", kind_word(fi->r.kind));
    xml_text(f, finding_title(&all->arena, fi));
    fprintf(f, "\">\n      <failure type=\"%s\" message=\"", kind_heading(fi->r.kind));
    xml_text(f, message);
    fputs("\">", f);
    xml_text(f, text);
    fputs("</failure>\n    </testcase>\n", f);
    free(text);
}

static void junit_crash(FILE *f, struct findings *all, const struct crash *c)
{
    char *text;
    size_t n;
    FILE *mem = open_memstream(&text, &n);
    text_frames(mem, &c->part.stack);
    fclose(mem);
    const char *message = arena_printf(&all->arena, "the program %s", crash_message(&all->arena, c));
    fputs("    <testcase classname=\"goc-race\" name=\"", f);
    xml_text(f, message);
    fputs("\">\n      <error type=\"crash\" message=\"", f);
    xml_text(f, message);
    fputs("\">", f);
    xml_text(f, c->part.r.role ? text : "");
    fputs("</error>\n    </testcase>\n", f);
    free(text);
}

static void junit_end(struct output *o, struct findings *all)
{
    size_t crashes = 0;
    for (const struct crash *c = all->crash; c; c = c->next)
        crashes++;
    size_t tests = all->printed + crashes ? all->printed + crashes : 1;
    fprintf(o->f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites name=\"goc-race\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n"
            "  <testsuite name=\"",
            tests, all->printed, crashes);
    xml_text(o->f, all->program ? all->program : "goc-race");
    fprintf(o->f, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\">\n", tests,
            all->printed, crashes);
    size_t n = 0;
    for (struct finding *f = all->first; f && n < all->printed; f = f->next, n++)
        junit_case(o->f, all, f);
    for (const struct crash *c = all->crash; c; c = c->next)
        junit_crash(o->f, all, c);
    if (!n && !crashes)
        fputs("    <testcase classname=\"goc-race\" name=\"no findings\"/>\n", o->f);
    fputs("  </testsuite>\n</testsuites>\n", o->f);
}

const struct renderer junit_renderer = {.name = "junit", .end = junit_end};

/* --- GitHub ------------------------------------------------------------------------------- */

/* The text of a workflow command; a property escapes two more characters. */
static void command_text(FILE *f, const char *s, bool property)
{
    for (; *s; s++)
        if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
            fprintf(f, "%%%02X", (unsigned char)*s);
        else
            fputc(*s, f);
}

static void annotation(FILE *f, const char *level, const struct frame *fr, const char *title,
                       const char *text)
{
    fprintf(f, "::%s ", level);
    if (fr && fr->file) {
        fputs("file=", f);
        command_text(f, path_here(fr->file), true);
        fprintf(f, ",line=%u,", fr->line);
        if (fr->column)
            fprintf(f, "col=%u,", fr->column);
    }
    fputs("title=", f);
    command_text(f, title, true);
    fputs("::", f);
    command_text(f, text, false);
    fputc('\n', f);
}

static void github_finding(struct output *o, struct findings *all, struct finding *f)
{
    const struct part *at = finding_main_part(f);
    annotation(o->f, "error", part_frame(at), kind_heading(f->r.kind),
               finding_message(&all->arena, f));
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        if (p == at || !p->stack.n || p->r.role == PART_CREATED || p->r.role == PART_KNEW)
            continue;
        bool frames;
        char *s = text_sentence(all, f, p, &frames);
        s[strcspn(s, "\n")] = 0;
        if (has_suffix(s, ":"))
            s[strlen(s) - 1] = 0;
        annotation(o->f, "notice", part_frame(p), kind_heading(f->r.kind), s);
    }
    fflush(o->f);
}

static void github_crash(struct output *o, struct findings *all, struct crash *c)
{
    annotation(o->f, "error", part_frame(&c->part), "CRASH",
               arena_printf(&all->arena, "the program %s", crash_message(&all->arena, c)));
    fflush(o->f);
}

/* One report of the summary, folded under one line. In Markdown a line that begins with a tag is
   HTML as it is until a blank line; the text of the report is literal. */
static void summary_item(FILE *f, const char *heading, const char *message, const char *text)
{
    fprintf(f, "<details><summary><b>%s</b>: ", heading);
    xml_text(f, message);
    fprintf(f, "</summary>\n\n```\n%s```\n\n</details>\n\n", text);
}

static void github_end(struct output *o, struct findings *all)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    if (!path || !*path || (!all->n && !all->crash))
        return;
    FILE *f = fopen(path, "ae");
    if (!f) {
        warn("cannot write %s: %s", path, strerror(errno));
        return;
    }
    fprintf(f, "### goc-race: %zu finding(s)\n\n", all->n);
    char *text;
    size_t n = 0, size;
    for (struct finding *fi = all->first; fi && n < all->printed; fi = fi->next, n++) {
        FILE *mem = open_memstream(&text, &size);
        text_one(mem, all, fi);
        fclose(mem);
        summary_item(f, kind_heading(fi->r.kind), finding_message(&all->arena, fi), text);
        free(text);
    }
    for (const struct crash *c = all->crash; c; c = c->next) {
        FILE *mem = open_memstream(&text, &size);
        text_frames(mem, &c->part.stack);
        fclose(mem);
        summary_item(f, "CRASH",
                     arena_printf(&all->arena, "the program %s", crash_message(&all->arena, c)),
                     text);
        free(text);
    }
    if (ferror(f) | fclose(f))
        warn("cannot write %s: %s", path, strerror(errno));
}

const struct renderer github_renderer = {
    .name = "github", .finding = github_finding, .crash = github_crash, .end = github_end};
