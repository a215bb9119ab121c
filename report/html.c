/*
 * html.c - one page, nothing to fetch: the findings with the source around them.
 *
 * For a race the two goroutines stand side by side, each with a few lines of source around its
 * access and its stack folded below; the creation sites and the memory follow. Between them stands
 * what is known of their order, the earliest first: their creation, how far the one had heard of the
 * other (the detector's clocks tell), the line from which nothing orders them, and what only looks
 * as though it did. A record carries no times and no more of the other's acquiring than this; what
 * would have to be guessed is not drawn. A lock cycle is also
 * drawn: locks on a circle, an arrow from the one held to the one wanted. No script is needed to
 * read or fold anything (<details>), so the page works where scripts are forbidden, as in a CI's
 * artifact viewer; colours follow the reader's light or dark setting.
 *
 * Source is read when the page is written, from the path the debug information gives; where the
 * file is not at hand the place is named and the excerpt left out.
 */
#include "format.h"

#include "hooks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define AROUND 3 /* lines of source before and after */

static const char style[] =
    ":root{color-scheme:light dark;--line:#8884;--mark:#f443;--soft:#8882}"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;"
    "overflow-wrap:anywhere}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:0 0 .5rem}h3{font-size:1rem;margin:.6rem 0 "
    ".3rem}"
    "article{border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1.2rem 0}"
    ".kind{display:inline-block;background:#c33;color:#fff;border-radius:4px;padding:0 .5em;"
    "font-size:.8rem;margin-right:.6em}"
    ".sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1rem}"
    "pre,code{font:13px/1.4 ui-monospace,monospace}"
    "pre{background:var(--soft);border-radius:6px;padding:.5rem 0;margin:.4rem 0;overflow-x:auto}"
    "pre span{display:block;padding:0 .6rem;white-space:pre}"
    "pre .at{background:var(--mark);box-shadow:inset 3px 0 #c33}"
    "pre i{font-style:normal;opacity:.55;display:inline-block;width:4em;text-align:right;"
    "margin-right:1em;user-select:none}"
    ".sides>section,.between{min-width:0}"
    ".pair{grid-template-columns:minmax(0,1fr) 17rem minmax(0,1fr)}"
    ".between ol{list-style:none;padding:0;margin:0;font-size:.85rem}"
    ".between li{position:relative;border:1px solid var(--line);border-radius:6px;"
    "padding:.3rem .5rem;margin:0 0 .5rem}"
    ".between .l{margin-right:2.5rem;border-left:4px solid #38c}"
    ".between .r{margin-left:2.5rem;border-right:4px solid #38c;text-align:right}"
    ".between .to-l{border-left:4px solid #3a3;border-right:4px solid #3a3;padding-left:1.8rem}"
    ".between .to-l:before{content:'\\2190';position:absolute;left:.5rem;color:#3a3;font-weight:bold}"
    ".between .weak{border-style:dashed;opacity:.85}"
    ".between .hit{background:var(--mark)}"
    ".between .end{border:0;border-top:2px dashed #c33;border-radius:0;text-align:center;"
    "margin-top:.8rem}"
    "@media(max-width:64rem){.pair{grid-template-columns:minmax(0,1fr)}}"
    "summary{cursor:pointer}ol{margin:.3rem 0;padding-left:1.6rem}"
    "td,th{text-align:left;padding:.1rem 1rem .1rem 0}svg{max-width:100%;height:auto}"
    ".hint{border-left:3px solid #38c;padding-left:.7rem}";

/* The lines around a frame's, the frame's own marked. */
static void excerpt(FILE *f, const struct findings *all, const struct frame *fr)
{
    if (!fr || !fr->file || !fr->line)
        return;
    fputs("<p><code>", f);
    xml_text(f, fr->file);
    fprintf(f, ":%u</code></p>", fr->line);
    FILE *src = fopen(fr->file, "re");
    if (!src && *all->options->strip_path_prefix) {
        char *full;
        if (asprintf(&full, "%s%s", all->options->strip_path_prefix, fr->file) > 0) {
            src = fopen(full, "re");
            free(full);
        }
    }
    if (!src)
        return;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    fputs("<pre>", f);
    for (unsigned n = 1; n <= fr->line + AROUND && (len = getline(&line, &size, src)) >= 0; n++) {
        if (n + AROUND < fr->line)
            continue;
        if (len && line[len - 1] == '\n')
            line[len - 1] = 0;
        fprintf(f, "<span%s><i>%u</i>", n == fr->line ? " class=at" : "", n);
        xml_text(f, line);
        fputs("</span>", f);
    }
    fputs("</pre>", f);
    free(line);
    fclose(src);
}

static void stack(FILE *f, const struct stack *s, bool open)
{
    if (!s->n) {
        fputs("<p>[failed to restore the stack]</p>", f);
        return;
    }
    fprintf(f, "<details%s><summary>Stack: %zu frame(s)</summary><ol>", open ? " open" : "", s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *fr = &s->frame[i];
        fputs("<li><code>", f);
        xml_text(f, fr->func ? fr->func : "??");
        fputs("()</code><br><code>", f);
        xml_text(f, fr->file ? fr->file : fr->module ? fr->module : "?");
        if (fr->file)
            fprintf(f, ":%u", fr->line);
        fprintf(f, "</code> +0x%llx</li>",
                (unsigned long long)(fr->file ? fr->offset : fr->module_off));
    }
    fputs("</ol></details>", f);
}

static void part(FILE *f, struct findings *all, const struct finding *fi, const struct part *p,
                 bool source)
{
    bool with;
    const char *s = text_sentence(all, fi, p, &with);
    size_t n = strlen(s);
    while (n && s[n - 1] == '\n')
        n--;
    fputs("<section><h3>", f);
    xml_text(f, arena_strn(&all->arena, s, n));
    fputs("</h3>", f);
    if (source)
        excerpt(f, all, part_frame(p));
    if (with)
        stack(f, &p->stack, false);
    for (size_t i = 0; i < p->nheld; i++) {
        const struct held *l = &p->held[i];
        fputs("<p>holds ", f);
        xml_text(f, object_called(&all->arena, l->r.kind, l->r.addr, l->name));
        if (l->stack.n && l->stack.frame[0].file) {
            fputs(", locked at <code>", f);
            xml_text(f, l->stack.frame[0].file);
            fprintf(f, ":%u</code>", l->stack.frame[0].line);
        }
        fputs("</p>", f);
    }
    fputs("</section>", f);
}

/* An arrow of a cycle of locks: from one that `who` holds to `wanted`. */
struct arrow {
    const char *wanted;
    const char *who;
};
#define ARROWS 64

/* The foreseen cycle, and the one that is there: who waits for a lock, who holds that and waits for
   another, … 0 if it is no cycle of locks. */
static size_t cycle(struct arena *a, const struct finding *fi, struct arrow *arrow)
{
    size_t n = 0;
    const struct part *p = NULL, *first, *h;
    while ((p = finding_part(fi, PART_EDGE, p)) && n < ARROWS)
        arrow[n++] =
            (struct arrow){object_called(a, p->r.aux >> 8, p->r.addr2, p->name2), part_who(a, p)};
    if (n)
        return n;
    p = first = finding_part(fi, PART_WAIT, NULL);
    for (; p && n < ARROWS; n++) {
        for (h = NULL; (h = finding_part(fi, PART_HOLDER, h));)
            if (h->r.addr == p->r.addr)
                break;
        if (!h || h->r.goid == p->r.goid)
            return 0;
        arrow[n] =
            (struct arrow){object_called(a, h->r.aux >> 8, h->r.addr, h->name), part_who(a, p)};
        for (p = NULL; (p = finding_part(fi, PART_WAIT, p));)
            if (p->r.goid == h->r.goid)
                break;
        if (p != first)
            continue;
        /* It was walked against the arrows' direction: who holds what is wanted comes next. */
        for (size_t i = 0; i < (n + 1) / 2; i++) {
            struct arrow t = arrow[i];
            arrow[i] = arrow[n - i];
            arrow[n - i] = t;
        }
        return n + 1;
    }
    return 0;
}

/* The locks of a cycle on an ellipse, arrows from the held one to the wanted one. As narrow as the
   names allow: on a small screen it shrinks, and must still be read. */
static void drawing(FILE *f, struct findings *all, const struct finding *fi)
{
    struct arrow arrow[ARROWS];
    size_t n = cycle(&all->arena, fi, arrow);
    if (n < 2)
        return;
    double ry = n == 2 ? 70 : 26.0 * (double)n, rx = n == 2 ? 30 : 1.2 * ry;
    double cx = 0, cy = 40 + ry;
    for (size_t i = 0; i < n; i++) { /* letters are not wider than that */
        double name = rx + 10 + 4.8 * (double)strlen(arrow[i].wanted);
        double who = (n == 2 ? 55 : 1.15 * rx + 16) + 7.5 * (double)strlen(arrow[i].who);
        cx = fmax(cx, fmax(name, who));
    }
    fprintf(f,
            "<svg viewBox=\"0 0 %.0f %.0f\" width=%.0f role=img aria-label=\"cycle of locks\">"
            "<defs><marker id=a markerWidth=8 markerHeight=8 refX=7 refY=4 orient=auto>"
            "<path d=\"M0 0 8 4 0 8z\" fill=\"#c33\"/></marker></defs>",
            2 * cx, 2 * cy, 2 * cx);
    for (size_t i = 0; i < n; i++) {
        double t1 = 2 * M_PI * (double)i / (double)n - M_PI / 2;
        double t0 = t1 - 2 * M_PI / (double)n, mid = (t0 + t1) / 2;
        double x0 = cx + rx * cos(t0), y0 = cy + ry * sin(t0);
        double x1 = cx + rx * cos(t1), y1 = cy + ry * sin(t1);
        double bend = n == 2 ? 2.2 : 1.3;
        double xm = cx + bend * rx * cos(mid), ym = cy + bend * ry * sin(mid);
        /* Arrows stop short of the names. */
        double xs = x0 + (xm - x0) * .25, ys = y0 + (ym - y0) * .25;
        double xe = x1 + (xm - x1) * .25, ye = y1 + (ym - y1) * .25;
        fprintf(f,
                "<path d=\"M%.1f %.1f Q%.1f %.1f %.1f %.1f\" fill=none stroke=\"#c33\" "
                "stroke-width=2 marker-end=\"url(#a)\"/>",
                xs, ys, xm, ym, xe, ye);
        /* Who, outside the middle of the arrow. */
        const char *side = cos(mid) > .2 ? "start" : cos(mid) < -.2 ? "end" : "middle";
        fprintf(f,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=%s font-size=14 "
                "fill=currentColor opacity=.75>",
                (xs + xe) / 4 + xm / 2 + 10 * cos(mid), (ys + ye) / 4 + ym / 2 + 16 * sin(mid) + 4,
                side);
        xml_text(f, arrow[i].who);
        fprintf(f,
                "</text><text x=\"%.1f\" y=\"%.1f\" text-anchor=middle font-size=15 "
                "font-weight=bold fill=currentColor>",
                x1, y1 + 5);
        xml_text(f, arrow[i].wanted);
        fputs("</text>", f);
    }
    fputs("</svg>", f);
}

static void at_frame(FILE *f, const struct frame *fr)
{
    if (!fr || !fr->file)
        return;
    const char *base = strrchr(fr->file, '/');
    fputs("<br><code title=\"", f);
    xml_text(f, fr->file);
    fputs("\">", f);
    xml_text(f, base ? base + 1 : fr->file);
    fprintf(f, ":%u</code>", fr->line);
    if (fr->func) {
        fputs(" in <code>", f);
        xml_text(f, fr->func);
        fputs("()</code>", f);
    }
}

/* A step in what happened: on the left goroutine's side, on the right one's, or from one to the
   other ("to-l", "to-r": an edge that orders; "weak": one that does not). */
static void step(FILE *f, const char *where, const char *text, const struct frame *at)
{
    fprintf(f, "<li class=\"%s\">", where);
    xml_text(f, text);
    at_frame(f, at);
    fputs("</li>", f);
}

static void created(FILE *f, struct findings *all, const struct finding *fi, const struct part *side,
                    const char *where)
{
    const struct part *p = NULL;
    while ((p = finding_part(fi, PART_CREATED, p)))
        if (p->r.goid == side->r.goid && !((p->r.flags ^ side->r.flags) & PART_THREAD))
            break;
    if (p)
        step(f, where, arena_printf(&all->arena, "%s is created", part_who(&all->arena, p)),
             part_frame(p));
}

static void took(FILE *f, struct findings *all, const struct part *side, const char *where)
{
    for (size_t i = 0; i < side->nheld; i++) {
        const struct held *l = &side->held[i];
        step(f, where,
             arena_printf(&all->arena, "%s %slocks %s, and holds it below", part_who(&all->arena, side),
                          l->r.mode & 1 ? "read-" : "",
                          object_called(&all->arena, l->r.kind, l->r.addr, l->name)),
             l->stack.n ? &l->stack.frame[0] : NULL);
    }
}

/* What is known of the order of a race's two goroutines, between them, the earliest first: how far
   the one at hand (on the left) had heard of the other, what each did then, what only looks as
   though it ordered them, and where the order ends. */
static void between(FILE *f, struct findings *all, const struct finding *fi)
{
    struct arena *a = &all->arena;
    const struct part *now = finding_part(fi, PART_ACCESS, NULL);
    const struct part *old = finding_part(fi, PART_PREVIOUS, NULL);
    const struct part *knew = finding_part(fi, PART_KNEW, NULL);
    const struct part *weak = finding_part(fi, PART_WEAK, NULL);
    const struct part *slept = finding_part(fi, PART_SLEPT, NULL);
    const struct part *empty = finding_part(fi, PART_EMPTY_WAIT, NULL);
    if (!now || !old)
        return;
    const char *me = part_who(a, now), *other = part_who(a, old);
    fputs("<div class=between><h3>What orders the two</h3><ol>", f);
    /* Numbers are given out in the order of creation. */
    bool first = now->r.goid <= old->r.goid;
    created(f, all, fi, first ? now : old, first ? "l" : "r");
    created(f, all, fi, first ? old : now, first ? "r" : "l");
    if (knew && knew->r.aux == KNEW_UP_TO && knew->stack.n) {
        const struct held *l = knew->nheld ? &knew->held[0] : NULL;
        step(f, "to-l",
             arena_printf(a, "%s did this%s%s, and a synchronisation after it told %s: up to here the "
                             "two are in order",
                          other, l ? " holding " : "",
                          l ? object_called(a, l->r.kind, l->r.addr, l->name) : "", me),
             part_frame(knew));
    } else if (knew && knew->r.aux == KNEW_UP_TO) {
        step(f, "to-l",
             arena_printf(a, "%s last heard of %s; where is not known any more", me, other), NULL);
    }
    fprintf(f, "<li class=\"end\">");
    xml_text(f, knew && knew->r.aux == KNEW_NOTHING
                    ? arena_printf(a, "Nothing that %s has done since then is ordered before %s",
                                   other, me)
                    : arena_printf(a, "Nothing orders what %s does from here on before %s", other, me));
    fputs("</li>", f);
    took(f, all, old, "r");
    step(f, "r hit", arena_printf(a, "%s: %s", other, part_access(old, true)), part_frame(old));
    if (weak) {
        const char *name = object_called(a, HOOK_OBJ_NONE, weak->r.addr, weak->name);
        step(f, "weak",
             arena_printf(a,
                          weak->r.aux == WEAK_LOAD
                              ? "%s stores %s with release order; %s loads it relaxed: no order"
                              : "%s stores %s relaxed; %s loads it: no order",
                          other, name, me),
             NULL);
    }
    if (empty)
        step(f, empty->r.goid == now->r.goid ? "l weak" : "r weak",
             arena_printf(a, "%s waits for %s, finds it at zero, goes on: no order",
                          part_who(a, empty),
                          object_called(a, empty->r.aux, empty->r.addr, empty->name)),
             part_frame(empty));
    if (slept)
        step(f, "l weak", arena_printf(a, "%s sleeps: no order", me), part_frame(slept));
    took(f, all, now, "l");
    step(f, "l hit", arena_printf(a, "%s: %s", me, part_access(now, true)), part_frame(now));
    fputs("</ol></div>", f);
}

static void one(FILE *f, struct findings *all, struct finding *fi)
{
    fprintf(f, "<article id=\"f%llu\"><h2><span class=kind>%s</span>", (unsigned long long)fi->id,
            kind_heading(fi->r.kind));
    xml_text(f, finding_message(&all->arena, fi));
    fputs("</h2>", f);
    if (fi->r.kind == FINDING_LOCK_ORDER || fi->r.kind == FINDING_DEADLOCK)
        drawing(f, all, fi);
    fprintf(f, "<div class=\"sides%s\">", fi->r.kind == FINDING_RACE ? " pair" : "");
    for (size_t i = 0; i < fi->nparts; i++) {
        const struct part *p = &fi->part[i];
        if (p->r.role == PART_CREATED || (p->r.role >= PART_GLOBAL && p->r.role <= PART_TLS) ||
            part_of_order(p))
            continue;
        part(f, all, fi, p, true);
        if (p->r.role == PART_ACCESS)
            between(f, all, fi);
    }
    fputs("</div><div class=sides>", f);
    for (size_t i = 0; i < fi->nparts; i++)
        if (fi->part[i].r.role == PART_CREATED)
            part(f, all, fi, &fi->part[i], true);
    fputs("</div>", f);
    for (size_t i = 0; i < fi->nparts; i++)
        if (fi->part[i].r.role >= PART_GLOBAL && fi->part[i].r.role <= PART_TLS)
            part(f, all, fi, &fi->part[i], true);
    if (fi->hint) {
        fputs("<p class=hint>", f);
        xml_text(f, fi->hint);
        fputs("</p>", f);
    }
    if (fi->schedule)
        fprintf(f, "<p>Shown again by <code>goc-race replay %s</code></p>", fi->schedule);
    if (fi->count > 1)
        fprintf(f, "<p>Seen %llu times.</p>", (unsigned long long)fi->count);
    fputs("<details><summary>As text</summary><pre><span>", f);
    char *text;
    size_t n;
    FILE *mem = open_memstream(&text, &n);
    text_one(mem, all, fi);
    fclose(mem);
    xml_text(f, text);
    free(text);
    fputs("</span></pre></details></article>\n", f);
}

static void crash(FILE *f, struct findings *all, const struct crash *c)
{
    fputs("<article class=crash><h2><span class=kind>CRASH</span>", f);
    xml_text(f, arena_printf(&all->arena, "the program %s", crash_message(&all->arena, c)));
    fputs("</h2>", f);
    if (c->part.r.role) {
        fputs("<h3>", f);
        xml_text(f, part_who_capital(&all->arena, &c->part));
        fputs("</h3>", f);
        excerpt(f, all, part_frame(&c->part));
        stack(f, &c->part.stack, true);
    }
    fputs("</article>\n", f);
}

static void html_end(struct output *o, struct findings *all)
{
    FILE *f = o->f;
    fprintf(f,
            "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
            "<meta name=viewport content=\"width=device-width,initial-scale=1\">"
            "<title>goc-race: %zu finding(s)</title><style>%s</style></head><body>\n<h1>goc-race: ",
            all->n, style);
    fprintf(f, all->n ? "%zu finding(s)" : "nothing was found", all->n);
    if (all->program) {
        fputs(" in <code>", f);
        xml_text(f, all->program);
        fputs("</code>", f);
    }
    fputs("</h1>\n<table>", f);
    for (unsigned k = FINDING_RACE; k < KINDS; k++)
        if (all->kind[k])
            fprintf(f, "<tr><th>%zu</th><td>%s</td></tr>", all->kind[k], kind_total(k));
    fputs("</table>\n<ol>", f);
    size_t n = 0;
    for (struct finding *fi = all->first; fi && n < all->printed; fi = fi->next, n++) {
        fprintf(f, "<li><a href=\"#f%llu\">", (unsigned long long)fi->id);
        xml_text(f, finding_message(&all->arena, fi));
        fputs("</a></li>", f);
    }
    fputs("</ol>\n", f);
    n = 0;
    for (struct finding *fi = all->first; fi && n < all->printed; fi = fi->next, n++)
        one(f, all, fi);
    for (const struct crash *c = all->crash; c; c = c->next)
        crash(f, all, c);
    fputs("</body></html>\n", f);
}

const struct renderer html_renderer = {.name = "html", .end = html_end};
