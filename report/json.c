/*
 * json.c - one object a finding, one a line.
 *
 * A line is whole by itself, so that the output can be cut, joined and read by line-wise tools; the
 * schema is in goc-race-report(5), and a test holds the two together. Addresses are strings: 64
 * bits do not fit JSON's numbers. A crash is a line of the same form after the findings. Written at the end, when the counts are known.
 */
#include "format.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The length of the UTF-8 sequence at s, or 0 if there is none. */
static int utf8(const unsigned char *s)
{
    int n = s[0] < 0x80                   ? 1
            : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
            : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
            : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                          : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void json_string(FILE *f, const char *s)
{
    if (!s) {
        fputs("null", f);
        return;
    }
    fputc('"', f);
    for (const unsigned char *p = (const unsigned char *)s; *p;) {
        int n = utf8(p);
        if (!n) {
            fputs("\\ufffd", f);
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", f);
        else if (*p == '\t')
            fputs("\\t", f);
        else if (*p < ' ' || *p == 0x7f)
            fprintf(f, "\\u%04x", *p);
        else
            fwrite(p, 1, (size_t)n, f);
        p += n;
    }
    fputc('"', f);
}

void xml_text(FILE *f, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)(s ? s : ""); *p;) {
        int n = utf8(p);
        if (*p == '&')
            fputs("&amp;", f);
        else if (*p == '<')
            fputs("&lt;", f);
        else if (*p == '>')
            fputs("&gt;", f);
        else if (*p == '"')
            fputs("&quot;", f);
        else if (!n)
            fputs("\xef\xbf\xbd", f);
        else if (*p >= ' ' || *p == '\n' || *p == '\t')
            fwrite(p, 1, (size_t)n, f);
        p += n ? n : 1;
    }
}

const char *role_word(unsigned role)
{
    static const char *const words[] = {
        [PART_ACCESS] = "access",
        [PART_PREVIOUS] = "previous",
        [PART_CREATED] = "created",
        [PART_GLOBAL] = "global",
        [PART_HEAP] = "heap",
        [PART_FREED] = "freed",
        [PART_STACK] = "stack",
        [PART_OBJECT] = "object",
        [PART_TLS] = "tls",
        [PART_WAIT] = "wait",
        [PART_HOLDER] = "holder",
        [PART_EDGE] = "edge",
        [PART_EDGE_HELD] = "edge-held",
        [PART_MISUSE] = "misuse",
        [PART_RELATED] = "related",
        [PART_SLEPT] = "slept",
        [PART_WEAK] = "weak",
        [PART_KNEW] = "knew",
        [PART_EMPTY_WAIT] = "empty-wait",
    };
    return role < sizeof words / sizeof *words && words[role] ? words[role] : "other";
}

const char *path_here(const char *path)
{
    static char here[PATH_MAX];
    if (!here[0] && !getcwd(here, sizeof here))
        return path;
    size_t n = strlen(here);
    return path && strncmp(path, here, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static void stack_json(FILE *f, const struct stack *s)
{
    fputs("[", f);
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *fr = &s->frame[i];
        fprintf(f, "%s{\"function\":", i ? "," : "");
        json_string(f, fr->func);
        fputs(",\"file\":", f);
        json_string(f, fr->file);
        fprintf(f,
                ",\"line\":%u,\"column\":%u,\"offset\":%llu,\"inlined\":%s,\"module\":", fr->line,
                fr->column, (unsigned long long)fr->offset, fr->inlined ? "true" : "false");
        json_string(f, fr->module);
        fprintf(f, ",\"moduleOffset\":\"0x%llx\"}", (unsigned long long)fr->module_off);
    }
    fputs("]", f);
}

static void held_json(FILE *f, const struct part *p)
{
    fputs(",\"held\":[", f);
    for (size_t i = 0; i < p->nheld; i++) {
        const struct held *l = &p->held[i];
        fprintf(f, "%s{\"object\":\"%s\",\"address\":\"0x%llx\",\"mode\":\"%s\",\"name\":",
                i ? "," : "", object_kind(l->r.kind), (unsigned long long)l->r.addr,
                l->r.mode & 1 ? "read" : "write");
        json_string(f, l->name);
        fputs(",\"stack\":", f);
        stack_json(f, &l->stack);
        fputs("}", f);
    }
    fputs("]", f);
}

static void part_json(FILE *f, struct findings *all, const struct part *p)
{
    fprintf(f, "{\"role\":\"%s\"", role_word(p->r.role));
    if (p->r.goid)
        fprintf(f, ",\"who\":\"%s\",\"goroutine\":%llu,\"running\":%s", part_who(&all->arena, p),
                (unsigned long long)p->r.goid, p->r.flags & PART_FINISHED ? "false" : "true");
    if (p->r.role == PART_ACCESS || p->r.role == PART_PREVIOUS)
        fprintf(f, ",\"access\":\"%s\",\"free\":%s", part_access(p, true),
                p->r.flags & PART_FREE ? "true" : "false");
    if (p->r.addr)
        fprintf(f, ",\"address\":\"0x%llx\",\"size\":%llu", (unsigned long long)p->r.addr,
                (unsigned long long)p->r.size);
    if (p->r.role == PART_WAIT)
        fprintf(f, ",\"wait\":\"%s\"", wait_name(p->r.aux));
    if (p->r.role == PART_HOLDER || p->r.role == PART_EDGE)
        fprintf(f, ",\"object\":\"%s\"", object_kind(p->r.aux >> 8));
    if (p->r.role == PART_OBJECT || p->r.role == PART_EMPTY_WAIT)
        fprintf(f, ",\"object\":\"%s\"", object_kind(p->r.aux));
    if (p->r.addr2) {
        fprintf(f, ",\"address2\":\"0x%llx\",\"name2\":", (unsigned long long)p->r.addr2);
        json_string(f, p->name2);
    }
    if (p->name) {
        fputs(",\"name\":", f);
        json_string(f, p->name);
    }
    if (p->type) {
        fputs(",\"type\":", f);
        json_string(f, p->type);
        fprintf(f, ",\"typeSize\":%llu", (unsigned long long)p->type_size);
    }
    if (p->owner) {
        fputs(",\"pointedToBy\":", f);
        json_string(f, p->owner);
    }
    if (p->file) {
        fputs(",\"file\":", f);
        json_string(f, p->file);
        fprintf(f, ",\"line\":%u", p->line);
    }
    if (p->text) {
        fputs(",\"text\":", f);
        json_string(f, p->text);
    }
    fputs(",\"stack\":", f);
    stack_json(f, &p->stack);
    held_json(f, p);
    fputs("}", f);
}

static void head(FILE *f, struct findings *all, const struct finding *fi, const char *kind,
                 const char *heading, const char *message)
{
    fprintf(f, "{\"version\":1,\"id\":%llu,\"kind\":\"%s\",\"heading\":\"%s\",\"count\":%llu,",
            (unsigned long long)fi->id, kind, heading, (unsigned long long)fi->count);
    fprintf(f, "\"fingerprint\":\"%016llx\",\"message\":",
            (unsigned long long)finding_fingerprint(fi));
    json_string(f, message);
    fputs(",\"hint\":", f);
    json_string(f, fi->hint);
    if (fi->schedule) {
        fputs(",\"schedule\":", f);
        json_string(f, fi->schedule);
    }
}

static void parts(FILE *f, struct findings *all, const struct finding *fi)
{
    fputs(",\"parts\":[", f);
    for (size_t i = 0; i < fi->nparts; i++) {
        fputs(i ? "," : "", f);
        part_json(f, all, &fi->part[i]);
    }
    fputs("]}\n", f);
}

/* An object like the others', with what a finding has not: the signal. */
static void crash(FILE *f, struct findings *all, struct crash *c, uint64_t id)
{
    const struct finding fi = {.r.kind = FINDING_NONE,
                               .id = id,
                               .count = 1,
                               .part = &c->part,
                               .nparts = c->part.r.role != 0};
    const char *name = sigabbrev_np((int)c->r.signal);
    head(f, all, &fi, "crash", "CRASH",
         arena_printf(&all->arena, "the program %s", crash_message(&all->arena, c)));
    fprintf(f, ",\"signal\":\"SIG%s\"", name ? name : "???");
    parts(f, all, &fi);
}

static void json_end(struct output *o, struct findings *all)
{
    size_t printed = 0;
    for (const struct finding *f = all->first; f && printed < all->printed;
         f = f->next, printed++) {
        head(o->f, all, f, kind_word(f->r.kind), kind_heading(f->r.kind),
             finding_message(&all->arena, f));
        parts(o->f, all, f);
    }
    uint64_t id = all->n;
    for (struct crash *c = all->crash; c; c = c->next)
        crash(o->f, all, c, ++id);
}

const struct renderer json_renderer = {.name = "json", .end = json_end};
