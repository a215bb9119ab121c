/*
 * sarif.c - SARIF 2.1.0, what code hosts and editors read.
 *
 * A finding is a result of the rule of its kind. Its location is the access at hand; every other
 * stack is a related location and, whole, a stack and a thread flow (outermost call first, as a
 * flow runs). The fingerprint holds no address, line or folder, so that a host recognises a finding
 * after an unrelated edit. Paths below the current folder are relative, which is what hosts match
 * against a repository's files.
 */
#include "format.h"

#include <string.h>

static const struct {
    unsigned kind;
    const char *id, *name, *text, *help;
} rules[] = {
    {FINDING_RACE, "race", "DataRace",
     "Two goroutines access the same memory, at least one writes, and nothing orders them.",
     "Order the two accesses: hold one mutex around both, hand the data over a channel, or make "
     "both accesses atomic. See goc-race-race(7)."},
    {FINDING_LOCK_ORDER, "lockorder", "PotentialDeadlock",
     "Locks are taken in an order that can end in a deadlock.",
     "Take the locks in one order everywhere. See goc-race-lockorder(7)."},
    {FINDING_DEADLOCK, "deadlock", "Deadlock",
     "Goroutines wait for each other and can never run again.",
     "See which goroutine should have woken the others. See goc-race-deadlock(7)."},
    {FINDING_LEAK, "leak", "GoroutineLeak",
     "A goroutine waits for something that can never happen.",
     "Close the channel, cancel the context, or give the goroutine a way out. See "
     "goc-race-leak(7)."},
    {FINDING_MISUSE, "misuse", "SyncMisuse",
     "A synchronisation object is used in a way it forbids.", "See goc-race-misuse(7)."},
};

static void uri(FILE *f, const char *path)
{
    const char *p = path_here(path);
    fputs(*p == '/' ? "\"file://" : "\"", f);
    for (; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
            strchr("/-_.~+,=@()!$&'*", *p))
            fputc(*p, f);
        else
            fprintf(f, "%%%02X", (unsigned char)*p);
    fputc('"', f);
}

static void location(FILE *f, const struct frame *fr, const char *message, int id)
{
    fputs("{", f);
    if (id >= 0)
        fprintf(f, "\"id\":%d,", id);
    if (fr->file) {
        fputs("\"physicalLocation\":{\"artifactLocation\":{\"uri\":", f);
        uri(f, fr->file);
        fputs("}", f);
        if (fr->line) {
            fprintf(f, ",\"region\":{\"startLine\":%u", fr->line);
            if (fr->column)
                fprintf(f, ",\"startColumn\":%u", fr->column);
            fputs("}", f);
        }
        fputs("},", f);
    }
    fputs("\"logicalLocations\":[{\"kind\":\"function\",\"name\":", f);
    json_string(f, fr->func ? fr->func : "??");
    fputs("}]", f);
    if (message) {
        fputs(",\"message\":{\"text\":", f);
        json_string(f, message);
        fputs("}", f);
    }
    fputs("}", f);
}

static const char *part_message(struct findings *all, const struct finding *f, const struct part *p)
{
    bool frames;
    char *s = text_sentence(all, f, p, &frames);
    size_t n = strlen(s);
    while (n && (s[n - 1] == '\n' || s[n - 1] == ':'))
        s[--n] = 0;
    return s;
}

static void flows(FILE *f, struct findings *all, const struct finding *fi)
{
    const char *sep = "";
    fputs(",\"codeFlows\":[{\"threadFlows\":[", f);
    for (size_t i = 0; i < fi->nparts; i++) {
        const struct part *p = &fi->part[i];
        if (!p->stack.n || p->r.role == PART_CREATED || part_of_order(p))
            continue;
        fprintf(f, "%s{\"id\":\"%zu: %s\",\"message\":{\"text\":", sep, i,
                part_who(&all->arena, p));
        json_string(f, part_message(all, fi, p));
        fputs("},\"locations\":[", f);
        for (size_t k = p->stack.n; k-- > 0;) {
            fputs("{\"location\":", f);
            location(f, &p->stack.frame[k], k ? NULL : part_message(all, fi, p), -1);
            fprintf(f, ",\"nestingLevel\":%zu,\"importance\":\"%s\"}%s", p->stack.n - 1 - k,
                    k ? "important" : "essential", k ? "," : "");
        }
        fputs("]}", f);
        sep = ",";
    }
    fputs("]}]", f);
}

static void stacks(FILE *f, struct findings *all, const struct finding *fi)
{
    const char *sep = "";
    fputs(",\"stacks\":[", f);
    for (size_t i = 0; i < fi->nparts; i++) {
        const struct part *p = &fi->part[i];
        if (!p->stack.n)
            continue;
        fprintf(f, "%s{\"message\":{\"text\":", sep);
        json_string(f, part_message(all, fi, p));
        fputs("},\"frames\":[", f);
        for (size_t k = 0; k < p->stack.n; k++) {
            fputs(k ? ",{\"location\":" : "{\"location\":", f);
            location(f, &p->stack.frame[k], NULL, -1);
            if (p->stack.frame[k].module) {
                fputs(",\"module\":", f);
                json_string(f, p->stack.frame[k].module);
            }
            fputs("}", f);
        }
        fputs("]}", f);
        sep = ",";
    }
    fputs("]", f);
}

static void result(FILE *f, struct findings *all, const struct finding *fi)
{
    size_t rule = 0;
    while (rules[rule].kind != fi->r.kind)
        rule++;
    fprintf(f, "{\"ruleId\":\"%s\",\"ruleIndex\":%zu,\"level\":\"error\",\"message\":{\"text\":",
            rules[rule].id, rule);
    json_string(f, finding_message(&all->arena, fi));
    fprintf(f, "},\"occurrenceCount\":%llu,\"partialFingerprints\":{\"gocRace/v1\":\"%016llx\"}",
            (unsigned long long)fi->count, (unsigned long long)finding_fingerprint(fi));
    const struct part *at = finding_main_part(fi);
    const struct frame *fr = part_frame(at);
    if (fr) {
        fputs(",\"locations\":[", f);
        location(f, fr, NULL, -1);
        fputs("]", f);
    }
    const char *sep = "";
    int id = 0;
    fputs(",\"relatedLocations\":[", f);
    for (size_t i = 0; i < fi->nparts; i++) {
        const struct part *p = &fi->part[i];
        const struct frame *other = part_frame(p);
        struct frame decl = {.func = p->name, .file = p->file, .line = p->line};
        if (p != at && (other || p->file)) {
            fputs(sep, f);
            location(f, other ? other : &decl, part_message(all, fi, p), id++);
            sep = ",";
        }
    }
    fputs("]", f);
    stacks(f, all, fi);
    if (fr)
        flows(f, all, fi);
    fputs("}", f);
}

/* The run, if it is one; of a saved one only that it was cut off is known. */
static void invocation(FILE *f, struct findings *all)
{
    if (!all->ran && !all->crash)
        return;
    fprintf(f, ",\"invocations\":[{\"executionSuccessful\":%s", all->crash ? "false" : "true");
    if (all->ran)
        fprintf(f, ",\"exitCode\":%d", all->status);
    if (all->crash) {
        const char *name = sigabbrev_np((int)all->crash->r.signal);
        fprintf(f, ",\"exitSignalNumber\":%u,\"exitSignalName\":\"SIG%s\"",
                all->crash->r.signal, name ? name : "???");
        fputs(",\"toolExecutionNotifications\":[{\"level\":\"error\",\"message\":{\"text\":", f);
        json_string(f, arena_printf(&all->arena, "the program %s",
                                    crash_message(&all->arena, all->crash)));
        fputs("}}]", f);
    }
    fputs("}]", f);
}

static void sarif_end(struct output *o, struct findings *all)
{
    FILE *f = o->f;
    fputs(
        "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
        "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"goc-race\",\"semanticVersion\":\"" GOC_VERSION
        "\",\"rules\":[",
        f);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        fprintf(f, "%s{\"id\":\"%s\",\"name\":\"%s\",\"shortDescription\":{\"text\":", i ? "," : "",
                rules[i].id, rules[i].name);
        json_string(f, rules[i].text);
        fputs("},\"help\":{\"text\":", f);
        json_string(f, rules[i].help);
        fputs("},\"defaultConfiguration\":{\"level\":\"error\"}}", f);
    }
    fputs("]}},\"columnKind\":\"unicodeCodePoints\"", f);
    invocation(f, all);
    fputs(",\"results\":[", f);
    size_t n = 0;
    for (const struct finding *fi = all->first; fi && n < all->printed; fi = fi->next) {
        fputs(n++ ? ",\n" : "\n", f);
        result(f, all, fi);
    }
    fputs("]}]}\n", f);
}

const struct renderer sarif_renderer = {.name = "sarif", .end = sarif_end};
