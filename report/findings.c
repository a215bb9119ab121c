/*
 * findings.c - what is new, what counts, and who is told.
 *
 * Two findings are the same when their kind and their stacks' functions and lines are: the same
 * pair of places found again at another address, or by other goroutines, or the other way round,
 * tells a reader nothing. The key is a hash over those, free of addresses, so that it is stable
 * from run to run and usable for baselines and merges of many files. (64 bits: with a million
 * distinct findings two of them collide with a probability of 3e-8.) For a race the two stacks'
 * hashes are combined in either order; which of the two was caught in the act is chance.
 *
 * Order of the filters: suppressed findings never existed; baseline ones are known; then repeated
 * ones are counted; what is left counts for the totals and the exit status, and is printed while
 * --max_reports allows.
 */
#include "findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
    const struct writer_state *writer;
    uint64_t id, count;
    struct finding *f;
};

/* A process that writes records; several may share one pipe. */
struct writer_state {
    unsigned tag;
    const char *program;
    struct object **now;
    size_t nnow;
    struct writer_state *next;
};

/* A finding that the baseline or a suppression took: it has a place in the table, and counts not.
 */
#define KNOWN_ID UINT64_MAX

void findings_init(struct findings *all, const struct options *o)
{
    *all = (struct findings){.options = o};
    all->last = &all->first;
    symbols_init(&all->symbols, &all->arena, NULL);
    all->symbols.verbose = o->verbosity >= 2;
    if (*o->suppressions)
        all->suppressions = suppressions_read(o->suppressions);
    if (*o->baseline)
        findings_load(all, o->baseline, true);
}

/* --- keys --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    const unsigned char *s = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ s[i]) * 0x100000001b3u;
    return h;
}

static uint64_t stack_key(const struct stack *s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *f = &s->frame[i];
        if (f->func)
            h = mix(h, f->func, strlen(f->func));
        if (f->file) {
            h = mix(h, f->file, strlen(f->file));
            h = mix(h, &f->line, sizeof f->line);
        } else {
            const char *base = f->module ? strrchr(f->module, '/') : NULL;
            if (base)
                h = mix(h, base, strlen(base));
            h = mix(h, &f->module_off, sizeof f->module_off);
        }
    }
    return h;
}

static uint64_t finding_key(const struct finding *f)
{
    uint64_t sum = 0, kind = f->r.kind | (uint64_t)f->r.subkind << 32;
    if (f->r.kind == FINDING_RACE)
        kind = f->r.kind;
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        bool creation = p->r.role == PART_CREATED && f->r.kind == FINDING_LEAK;
        switch (p->r.role) {
        case PART_ACCESS:
        case PART_PREVIOUS:
        case PART_WAIT:
        case PART_EDGE:
        case PART_EDGE_HELD:
        case PART_MISUSE:
            break;
        default:
            if (!creation)
                continue;
        }
        uint64_t h = stack_key(&p->stack) + creation;
        sum += h * 0x9e3779b97f4a7c15u ^ h >> 31; /* in any order */
    }
    return mix(mix(0xcbf29ce484222325u, &kind, sizeof kind), &sum, sizeof sum) | 1;
}

static struct finding **slot(struct findings *all, uint64_t key)
{
    if (all->table_used * 2 >= all->table_size) {
        size_t old = all->table_size;
        struct finding **t = all->table;
        all->table_size = old ? old * 2 : 256;
        all->table = xmalloc(all->table_size * sizeof *t);
        memset(all->table, 0, all->table_size * sizeof *t);
        for (size_t i = 0; i < old; i++)
            if (t[i])
                *slot(all, t[i]->key) = t[i];
        free(t);
    }
    size_t i = key & (all->table_size - 1);
    while (all->table[i] && all->table[i]->key != key)
        i = (i + 1) & (all->table_size - 1);
    return &all->table[i];
}

/* --- the stream --------------------------------------------------------------------------- */

void findings_writer(struct findings *all, unsigned tag, bool fresh)
{
    struct symbols *y = &all->symbols;
    struct writer_state *w = all->writer;
    if (w && w->tag == tag && !fresh)
        return;
    if (w) {
        w->now = y->now;
        w->nnow = y->nnow;
        w->program = y->program;
    }
    for (w = fresh ? NULL : all->writers; w && w->tag != tag; w = w->next)
        ;
    if (!w) {
        w = arena_alloc(&all->arena, sizeof *w);
        *w = (struct writer_state){.tag = tag, .program = y->program, .next = all->writers};
        all->writers = w;
    }
    all->writer = w;
    symbols_select(y, w->program, w->now, w->nnow);
}

static void see(struct findings *all, const struct finding *from, struct finding *f)
{
    if (all->nseen == all->seen_size) {
        all->seen_size = all->seen_size ? all->seen_size * 2 : 64;
        all->seen = xrealloc(all->seen, all->seen_size * sizeof *all->seen);
    }
    all->seen[all->nseen++] = (struct seen){all->writer, from->id, from->count, f};
}

void findings_repeat(struct findings *all, uint64_t id, uint64_t count)
{
    /* Ids rise, so the newest entry is nearly always the one. */
    for (size_t i = all->nseen; i-- > 0;) {
        struct seen *s = &all->seen[i];
        if (s->id != id || s->writer != all->writer)
            continue;
        if (count > s->count)
            s->f->count += count - s->count;
        s->count = count > s->count ? count : s->count;
        return;
    }
}

static void strip(const struct findings *all, struct stack *s)
{
    const char *prefix = all->options->strip_path_prefix;
    size_t n = strlen(prefix);
    for (size_t i = 0; n && i < s->n; i++) {
        struct frame *f = &s->frame[i];
        if (f->file && has_prefix(f->file, prefix))
            f->file += n;
        if (f->module && has_prefix(f->module, prefix))
            f->module += n;
    }
}

static void strip_all(const struct findings *all, struct finding *f)
{
    const char *prefix = all->options->strip_path_prefix;
    for (size_t i = 0; i < f->nparts; i++) {
        struct part *p = &f->part[i];
        strip(all, &p->stack);
        for (size_t k = 0; k < p->nheld; k++)
            strip(all, &p->held[k].stack);
        if (*prefix && p->file && has_prefix(p->file, prefix))
            p->file += strlen(prefix);
    }
}

static bool wanted(const struct findings *all, const struct finding *f)
{
    const char *word = kind_word(f->r.kind);
    return word_in(all->options->detect, word, strlen(word));
}

bool findings_add(struct findings *all, struct finding *f)
{
    if (!wanted(all, f))
        return false;
    if (!f->resolved)
        symbols_finding(&all->symbols, f);
    strip_all(all, f);
    if (!f->hint)
        f->hint = finding_hint(&all->arena, f);
    f->key = finding_key(f);
    struct finding **at = slot(all, f->key);
    if (*at) {
        (*at)->count += f->count;
        (*at)->round = all->round;
        see(all, f, *at);
        all->known += (*at)->id == KNOWN_ID;
        return (*at)->id != KNOWN_ID;
    }
    *at = f;
    all->table_used++;
    see(all, f, f);
    if (suppressions_match(all->suppressions, f)) {
        all->suppressed++;
        f->id = KNOWN_ID;
        return false;
    }
    f->schedule = all->schedule;
    f->round = all->round;
    f->id = ++all->n;
    all->kind[f->r.kind]++;
    *all->last = f;
    all->last = &f->next;
    if (all->options->max_reports && all->n > (size_t)all->options->max_reports)
        return true;
    all->printed++;
    for (struct output *o = all->outputs; o; o = o->next)
        if (o->how->finding)
            o->how->finding(o, all, f);
    return true;
}

void findings_crash(struct findings *all, struct crash *c)
{
    if (!c->resolved)
        symbols_crash(&all->symbols, c);
    strip(all, &c->part.stack);
    uint64_t key = stack_key(&c->part.stack) | 1;
    for (size_t i = 0; all->schedule && i < sizeof all->crashes / sizeof *all->crashes; i++) {
        if (all->crashes[i] == key)
            return;
        if (!all->crashes[i]) {
            all->crashes[i] = key;
            break;
        }
    }
    c->next = all->crash;
    all->crash = c;
    for (struct output *o = all->outputs; o; o = o->next)
        if (o->how->crash)
            o->how->crash(o, all, c);
}

void findings_waiting(struct findings *all, struct finding *f)
{
    symbols_finding(&all->symbols, f);
    strip_all(all, f);
    for (struct output *o = all->outputs; o; o = o->next)
        if (o->how->waiting)
            o->how->waiting(o, all, f);
}

/* --- outputs ------------------------------------------------------------------------------ */

static const struct renderer save_renderer;

static const struct renderer *const renderers[] = {
    &text_renderer,   &json_renderer, &sarif_renderer, &junit_renderer,
    &github_renderer, &man_renderer,  &html_renderer,
};

static bool want_color(const struct findings *all, FILE *f)
{
    const char *c = all->options->color, *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (strcmp(c, "auto") != 0)
        return strcmp(c, "always") == 0;
    return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

static struct output *add_output(struct findings *all, const struct renderer *how, const char *path,
                                 FILE *f)
{
    struct output *o = arena_alloc(&all->arena, sizeof *o), **end = &all->outputs;
    o->how = how;
    o->path = path;
    o->f = f;
    if (!f) {
        o->f = fopen(path, "we");
        if (!o->f)
            die("cannot write %s: %s", path, strerror(errno));
    }
    o->color = want_color(all, o->f);
    while (*end)
        end = &(*end)->next;
    *end = o;
    if (how->begin)
        how->begin(o, all);
    return o;
}

void findings_output(struct findings *all, const char *format, const char *path, FILE *f)
{
    for (size_t i = 0; i < sizeof renderers / sizeof *renderers; i++)
        if (strcmp(renderers[i]->name, format) == 0) {
            add_output(all, renderers[i], path, f);
            return;
        }
    die("format %s is not known", format);
}

/* Opened by their names they would be emptied, with what the program has written there. */
static FILE *standard(const char *path)
{
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return stdout;
    return strcmp(path, "/dev/stderr") == 0 ? stderr : NULL;
}

void findings_outputs(struct findings *all)
{
    for (size_t i = 0; i < all->options->output.n; i++) {
        const char *s = all->options->output.v[i];
        size_t n = strcspn(s, ":");
        findings_output(all, arena_strn(&all->arena, s, n), s + n + 1, standard(s + n + 1));
    }
    if (*all->options->save)
        add_output(all, &save_renderer, all->options->save, NULL);
}

static void check_output(const char *path)
{
    struct stat st;
    char *folder = xstrdup(path), *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        die("cannot write %s: %s", path, strerror(EISDIR));
    if (access(path, W_OK) != 0 &&
        (errno != ENOENT || access(slash ? folder : ".", W_OK | X_OK) != 0))
        die("cannot write %s: %s", path, strerror(errno));
    free(folder);
}

void findings_check_outputs(const struct options *o)
{
    if (strcmp(o->log_path, "stderr") != 0 && strcmp(o->log_path, "stdout") != 0) {
        char *path; /* as long as any pid makes it */
        if (asprintf(&path, "%s.PID", o->log_path) < 0)
            die("out of memory");
        check_output(path);
        free(path);
    }
    for (size_t i = 0; i < o->output.n; i++) {
        const char *path = strchr(o->output.v[i], ':') + 1;
        if (!standard(path))
            check_output(path);
    }
    if (*o->save)
        check_output(o->save);
}

void findings_replay(struct findings *all)
{
    size_t n = 0;
    for (struct finding *f = all->first; f && n < all->printed; f = f->next, n++)
        for (struct output *o = all->outputs; o; o = o->next)
            if (o->how->finding)
                o->how->finding(o, all, f);
    for (struct crash *c = all->crash; c; c = c->next)
        for (struct output *o = all->outputs; o; o = o->next)
            if (o->how->crash)
                o->how->crash(o, all, c);
}

void findings_died(struct findings *all, int signal)
{
    struct crash *c = arena_alloc(&all->arena, sizeof *c);
    *c = (struct crash){.r.signal = (uint32_t)signal, .resolved = true, .next = all->crash};
    all->crash = c;
}

void findings_end(struct findings *all)
{
    for (struct output *o = all->outputs; o; o = o->next) {
        if (o->how->end)
            o->how->end(o, all);
        bool bad = fflush(o->f) != 0 || ferror(o->f);
        int e = errno;
        if (o->f != stdout && o->f != stderr)
            bad |= fclose(o->f) != 0;
        if (bad && o->f != stderr)
            die("cannot write %s: %s", o->path ? o->path : "standard output", strerror(e));
    }
    all->outputs = NULL;
    if (all->options->verbosity >= 1)
        warn("%zu finding(s), %zu suppressed, %zu in the baseline", all->n, all->suppressed,
             all->known);
    if (all->options->print_suppressions && all->suppressions)
        suppressions_report(all->suppressions, stderr);
}

void findings_free(struct findings *all)
{
    symbols_free(&all->symbols);
    free(all->table);
    free(all->seen);
    arena_free(&all->arena);
}

/* --- saved files -------------------------------------------------------------------------- */

static void save_end(struct output *o, struct findings *all)
{
    struct buf b = {0};
    encode_hello(&b);
    for (const struct finding *f = all->first; f; f = f->next)
        encode_finding(&b, f);
    for (const struct crash *c = all->crash; c; c = c->next)
        encode_crash(&b, c);
    fwrite(b.s, 1, b.n, o->f);
    buf_free(&b);
}

static const struct renderer save_renderer = {.name = "save", .end = save_end};

static void load_finding(void *arg, struct finding *f)
{
    findings_add(arg, f);
}

static void load_known(void *arg, struct finding *f)
{
    struct findings *all = arg;
    strip_all(all, f);
    f->key = finding_key(f);
    f->id = KNOWN_ID;
    struct finding **at = slot(all, f->key);
    if (!*at) {
        *at = f;
        all->table_used++;
    }
}

static void load_crash(void *arg, struct crash *c)
{
    findings_crash(arg, c);
}

static void load_repeat(void *arg, uint64_t id, uint64_t count)
{
    findings_repeat(arg, id, count);
}

static void load_modules(void *arg, const struct module *m, size_t n)
{
    struct findings *all = arg;
    symbols_modules(&all->symbols, m, n);
}

static void load_hello(void *arg, const struct record_hello *h)
{
    findings_writer(arg, 0, true);
}

void findings_load(struct findings *all, const char *path, bool baseline)
{
    struct sink sink = {.arg = all,
                        .arena = &all->arena,
                        .hello = load_hello,
                        .modules = load_modules,
                        .repeat = load_repeat,
                        .crash = baseline ? NULL : load_crash,
                        .finding = baseline ? load_known : load_finding};
    struct decoder d = {.sink = &sink};
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!f)
        die("cannot read %s: %s", path, strerror(errno));
    static char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        if (!decode_feed(&d, chunk, n))
            break;
    if (ferror(f))
        die("cannot read %s: %s", path, strerror(errno));
    if (!decode_end(&d))
        die("%s: %s", path, d.error);
    if (f != stdin)
        fclose(f);
    decode_free(&d);
}
