/*
 * decode.c - the record format, read and (for --save) written.
 *
 * The bytes come from a program that may have been torn to pieces by the very bug it is checked
 * for, or from a file somebody sent: nothing in them is trusted. Two designs were rejected. Casting
 * into the buffer needs alignment and bounds to be argued at every use. A schema compiler would be
 * a dependency for ten small structs. Chosen: one cursor type with one bounds check (`take`), and
 * every struct is copied out through it. A record is taken only when it is whole; what a record
 * says of its own length is bounded by RECORD_MAX before anything is allocated for it.
 *
 * A saved file is the same stream, with ITEM_FRAMES and ITEM_NAME after each part: names found
 * when the program's files were at hand, so that a file can be read on another machine. Strings
 * inside those items are a 32-bit length and bytes; all ones means none.
 *
 * Invariants: after an error nothing more is delivered; what is delivered has depth, counts and
 * strings within the record; strings hold no NUL and no control characters but are otherwise bytes.
 */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

/* Tags of the tool's own, far from the detector's. A reader skips those it does not know. */
enum { ITEM_FRAMES = 0x100, ITEM_NAME = 0x101, ITEM_SEEN = 0x102, ITEM_HINT = 0x103 };

#define NO_STRING UINT32_MAX

struct cursor {
    const unsigned char *p;
    size_t n;
};

static bool take(struct cursor *c, void *out, size_t n)
{
    if (n > c->n)
        return false;
    memcpy(out, c->p, n);
    c->p += n;
    c->n -= n;
    return true;
}

static bool take_item(struct cursor *c, struct record_item *i, struct cursor *body)
{
    if (!take(c, i, sizeof *i) || i->len > c->n)
        return false;
    size_t padded = ((size_t)i->len + 7) & ~(size_t)7;
    *body = (struct cursor){c->p, i->len};
    size_t step = padded < c->n ? padded : c->n;
    c->p += step;
    c->n -= step;
    return true;
}

static char *text_of(struct arena *a, const unsigned char *p, size_t n)
{
    char *s = arena_strn(a, (const char *)p, n);
    for (char *q = s; q < s + n; q++)
        if ((unsigned char)*q < ' ' || *q == 0x7f)
            *q = *q == '\n' || *q == '\t' ? *q : '?';
    return s;
}

static bool take_pcs(struct arena *a, struct cursor *c, size_t depth, const uint64_t **pc)
{
    if (depth > c->n / sizeof(uint64_t))
        return false;
    uint64_t *v = arena_alloc(a, depth * sizeof *v);
    take(c, v, depth * sizeof *v);
    *pc = v;
    return true;
}

static bool take_string(struct arena *a, struct cursor *c, const char **out)
{
    uint32_t n;
    if (!take(c, &n, sizeof n))
        return false;
    *out = NULL;
    if (n == NO_STRING)
        return true;
    if (n > c->n)
        return false;
    *out = text_of(a, c->p, n);
    c->p += n;
    c->n -= n;
    return true;
}

static bool take_frames(struct arena *a, struct cursor *c, struct stack *s)
{
    uint32_t n, truncated;
    /* A frame takes at least 40 bytes, so a count the item cannot hold is refused here. */
    if (!take(c, &n, sizeof n) || !take(c, &truncated, sizeof truncated) || n > c->n / 40)
        return false;
    s->frame = arena_alloc(a, n * sizeof *s->frame);
    s->n = n;
    s->truncated = truncated;
    for (uint32_t i = 0; i < n; i++) {
        struct frame *f = &s->frame[i];
        uint32_t inlined;
        if (!take_string(a, c, &f->func) || !take_string(a, c, &f->file) ||
            !take_string(a, c, &f->module) || !take(c, &f->line, 4) || !take(c, &f->column, 4) ||
            !take(c, &f->offset, 8) || !take(c, &f->module_off, 8) || !take(c, &inlined, 4))
            return false;
        f->inlined = inlined;
    }
    return true;
}

/* The items after the first of a finding or a crash, into parts. */
static const char *read_parts(struct arena *a, struct cursor c, struct finding *f)
{
    struct record_item item;
    struct cursor body, scan = c;
    size_t parts = 0, locks = 0, places = 0;
    while (scan.n) {
        if (!take_item(&scan, &item, &body))
            return "an item ends outside its record";
        parts += item.tag == ITEM_PART;
        locks += item.tag == ITEM_LOCK;
        places += item.tag == ITEM_PLACE;
    }
    f->part = arena_alloc(a, parts * sizeof *f->part);
    struct held *lock = arena_alloc(a, locks * sizeof *lock);
    f->place = arena_alloc(a, places * sizeof *f->place);
    struct part *p = NULL;
    struct stack *last = NULL; /* the one ITEM_FRAMES belongs to */
    const char **name = NULL;
    while (c.n) {
        take_item(&c, &item, &body);
        switch (item.tag) {
        case ITEM_PART:
            p = &f->part[f->nparts++];
            if (!take(&body, &p->r, sizeof p->r) || !take_pcs(a, &body, p->r.depth, &p->pc))
                return "a part is too short";
            p->held = lock;
            last = &p->stack;
            last->truncated = p->r.flags & PART_TRUNCATED;
            name = NULL;
            break;
        case ITEM_LOCK:
            if (!p)
                return "a lock without a part";
            if (!take(&body, &lock->r, sizeof lock->r) ||
                !take_pcs(a, &body, lock->r.depth, &lock->pc))
                return "a lock is too short";
            last = &lock->stack;
            name = &lock->name;
            lock++;
            p->nheld++;
            break;
        case ITEM_FRAME_POINTERS:
            if (!p || !take_pcs(a, &body, p->r.depth, &p->fp))
                return "frame pointers without their frames";
            break;
        case ITEM_PLACE: {
            struct place *at = &f->place[f->nplaces++];
            if (!take(&body, &at->r, sizeof at->r) || !take_pcs(a, &body, at->r.depth, &at->pc) ||
                (body.n && !take_pcs(a, &body, at->r.depth, &at->fp)))
                return "a place is too short";
            break;
        }
        case ITEM_TEXT:
            if (p)
                p->text = text_of(a, body.p, body.n);
            break;
        case ITEM_FRAMES:
            if (!last || !take_frames(a, &body, last))
                return "a list of frames is broken";
            f->resolved = true;
            break;
        case ITEM_NAME:
            if (!p)
                return "a name without a part";
            if (name ? !take_string(a, &body, name)
                     : !take_string(a, &body, &p->name) || !take_string(a, &body, &p->type) ||
                           !take_string(a, &body, &p->name2) || !take_string(a, &body, &p->file) ||
                           !take(&body, &p->line, 4) || !take(&body, &p->type_size, 8) ||
                           (body.n && !take_string(a, &body, &p->owner)))
                return "a name is broken";
            break;
        case ITEM_SEEN:
            take(&body, &f->count, sizeof f->count);
            break;
        case ITEM_HINT:
            take_string(a, &body, &f->hint);
            break;
        default:
            break;
        }
    }
    return NULL;
}

static const char *read_modules(const struct sink *s, struct cursor c)
{
    struct record_item item;
    struct cursor body, scan = c;
    size_t n = 0;
    while (scan.n) {
        if (!take_item(&scan, &item, &body))
            return "an item ends outside its record";
        n += item.tag == ITEM_MODULE;
    }
    struct module *m = arena_alloc(s->arena, n * sizeof *m);
    n = 0;
    while (c.n) {
        struct record_module r;
        take_item(&c, &item, &body);
        if (item.tag != ITEM_MODULE)
            continue;
        if (!take(&body, &r, sizeof r) || r.build_id_len > body.n ||
            r.path_len > body.n - r.build_id_len)
            return "a module is too short";
        m[n].base = r.base;
        m[n].lo = r.lo;
        m[n].hi = r.hi;
        m[n].build_id_len = r.build_id_len;
        m[n].build_id = (unsigned char *)arena_strn(s->arena, (const char *)body.p, r.build_id_len);
        m[n++].path = text_of(s->arena, body.p + r.build_id_len, r.path_len);
    }
    if (s->modules)
        s->modules(s->arg, m, n);
    return NULL;
}

static const char *read_waiting(const struct sink *s, struct cursor c)
{
    struct record_item item;
    struct cursor body;
    struct finding *f = arena_alloc(s->arena, sizeof *f);
    if (!take_item(&c, &item, &body) || item.tag != ITEM_FINDING ||
        !take(&body, &f->r, sizeof f->r))
        return "a list of goroutines without its head";
    f->r.kind = FINDING_NONE;
    const char *error = read_parts(s->arena, c, f);
    if (!error && s->waiting)
        s->waiting(s->arg, f);
    return error;
}

static const char *read_finding(const struct sink *s, const struct record_head *h, struct cursor c)
{
    struct record_item item;
    struct cursor body;
    struct finding *f = arena_alloc(s->arena, sizeof *f);
    if (!take_item(&c, &item, &body) || item.tag != ITEM_FINDING ||
        !take(&body, &f->r, sizeof f->r))
        return "a finding without its head";
    if (f->r.kind < FINDING_RACE || f->r.kind > FINDING_MISUSE)
        return NULL; /* a kind that a later minor version added */
    f->id = h->id;
    f->count = 1;
    const char *error = read_parts(s->arena, c, f);
    if (!error && s->finding)
        s->finding(s->arg, f);
    return error;
}

static const char *read_crash(const struct sink *s, struct cursor c)
{
    struct record_item item;
    struct cursor body;
    struct crash *crash = arena_alloc(s->arena, sizeof *crash);
    struct finding f = {0};
    if (!take_item(&c, &item, &body) || item.tag != ITEM_CRASH ||
        !take(&body, &crash->r, sizeof crash->r))
        return "a crash without its head";
    const char *error = read_parts(s->arena, c, &f);
    if (error)
        return error;
    if (f.nparts)
        crash->part = f.part[0];
    crash->resolved = f.resolved || !f.nparts;
    if (s->crash)
        s->crash(s->arg, crash);
    return NULL;
}

static const char *read_hello(struct decoder *d, struct cursor c)
{
    struct record_hello hello;
    if (!take(&c, &hello, sizeof hello))
        return "the first record is too short";
    if (hello.magic == __builtin_bswap64(RECORD_MAGIC))
        return "written on a machine of the other byte order";
    if (hello.magic != RECORD_MAGIC)
        return "not a stream of findings";
    if (hello.major != RECORD_MAJOR) {
        static char text[96];
        snprintf(text, sizeof text, "of format version %u.%u, this goc-race reads %u.x",
                 hello.major, hello.minor, RECORD_MAJOR);
        return text;
    }
    d->hello = true;
    if (d->sink->hello)
        d->sink->hello(d->sink->arg, &hello);
    return NULL;
}

static const char *read_record(struct decoder *d, const struct record_head *h, struct cursor c)
{
    const struct sink *s = d->sink;
    struct record_item item;
    struct cursor body;
    struct record_exit ex;
    struct record_schedule told;
    uint64_t count;
    if (h->type == REC_HELLO)
        return read_hello(d, c);
    if (!d->hello)
        return "not a stream of findings";
    switch (h->type) {
    case REC_MODULES:
        return read_modules(s, c);
    case REC_FINDING:
        return read_finding(s, h, c);
    case REC_REPEAT:
        if (!take_item(&c, &item, &body) || !take(&body, &count, sizeof count))
            return "a count is too short";
        if (s->repeat)
            s->repeat(s->arg, h->id, count);
        return NULL;
    case REC_NOTICE:
        if (!take_item(&c, &item, &body))
            return "a notice is too short";
        if (s->notice)
            s->notice(s->arg, text_of(s->arena, body.p, body.n));
        return NULL;
    case REC_CRASH:
        return read_crash(s, c);
    case REC_WAITING:
        return read_waiting(s, c);
    case REC_EXIT:
        if (!take_item(&c, &item, &body) || !take(&body, &ex, sizeof ex))
            return "the end is too short";
        if (s->exit)
            s->exit(s->arg, &ex);
        return NULL;
    case REC_SCHEDULE:
        if (!take_item(&c, &item, &body) || !take(&body, &told, sizeof told))
            return "a schedule is too short";
        if (s->schedule)
            s->schedule(s->arg, &told);
        return NULL;
    default:
        return NULL;
    }
}

bool decode_feed(struct decoder *d, const void *p, size_t n)
{
    if (d->error || !n)
        return !d->error;
    if (d->n + n > d->size) {
        d->size = (d->n + n) * 2;
        d->buf = xrealloc(d->buf, d->size);
    }
    memcpy(d->buf + d->n, p, n);
    d->n += n;
    size_t at = 0;
    while (!d->error && d->n - at >= sizeof(struct record_head)) {
        struct record_head h;
        memcpy(&h, d->buf + at, sizeof h);
        if (!d->hello && h.type != REC_HELLO)
            d->error = "not a stream of findings";
        else if (h.len > RECORD_MAX || h.len % 8)
            d->error = "a record has an impossible length";
        if (d->error || d->n - at - sizeof h < h.len)
            break;
        d->writer = h.flags;
        d->error = read_record(d, &h, (struct cursor){d->buf + at + sizeof h, h.len});
        at += sizeof h + h.len;
    }
    d->bytes += at;
    memmove(d->buf, d->buf + at, d->n - at);
    d->n -= at;
    return !d->error;
}

bool decode_end(struct decoder *d)
{
    if (!d->error && !d->hello && d->bytes + d->n == 0)
        d->error = "empty";
    if (!d->error && d->n)
        d->error = "truncated in the middle of a record";
    return !d->error;
}

void decode_free(struct decoder *d)
{
    free(d->buf);
    *d = (struct decoder){0};
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void put_item(struct buf *b, uint16_t tag, const void *p, size_t n, const void *q, size_t m)
{
    struct record_item item = {tag, 0, (uint32_t)(n + m)};
    buf_add(b, &item, sizeof item);
    buf_add(b, p, n);
    buf_add(b, q, m);
    buf_add(b, "\0\0\0\0\0\0\0", (8 - (n + m) % 8) % 8);
}

static void put_string(struct buf *b, const char *s)
{
    uint32_t n = s ? (uint32_t)strlen(s) : NO_STRING;
    buf_add(b, &n, sizeof n);
    if (s)
        buf_add(b, s, n);
}

static void put_frames(struct buf *b, const struct stack *s)
{
    struct buf t = {0};
    uint32_t head[2] = {(uint32_t)s->n, s->truncated};
    buf_add(&t, head, sizeof head);
    for (size_t i = 0; i < s->n; i++) {
        const struct frame *f = &s->frame[i];
        uint32_t inlined = f->inlined;
        put_string(&t, f->func);
        put_string(&t, f->file);
        put_string(&t, f->module);
        buf_add(&t, &f->line, 4);
        buf_add(&t, &f->column, 4);
        buf_add(&t, &f->offset, 8);
        buf_add(&t, &f->module_off, 8);
        buf_add(&t, &inlined, 4);
    }
    put_item(b, ITEM_FRAMES, t.s, t.n, "", 0);
    buf_free(&t);
}

static void put_record(struct buf *b, uint16_t type, uint64_t id, const struct buf *payload)
{
    struct record_head h = {(uint32_t)payload->n, type, 0, id};
    buf_add(b, &h, sizeof h);
    buf_add(b, payload->s, payload->n);
}

void encode_hello(struct buf *b)
{
    struct record_hello hello = {RECORD_MAGIC, RECORD_MAJOR, RECORD_MINOR, 0, 1};
    struct buf p = {0};
    buf_add(&p, &hello, sizeof hello);
    put_record(b, REC_HELLO, 0, &p);
    buf_free(&p);
}

static void put_part(struct buf *b, const struct part *q)
{
    struct buf t = {0};
    put_item(b, ITEM_PART, &q->r, sizeof q->r, q->pc, q->r.depth * sizeof *q->pc);
    if (q->text)
        put_item(b, ITEM_TEXT, q->text, strlen(q->text), "", 0);
    put_frames(b, &q->stack);
    t.n = 0;
    put_string(&t, q->name);
    put_string(&t, q->type);
    put_string(&t, q->name2);
    put_string(&t, q->file);
    buf_add(&t, &q->line, 4);
    buf_add(&t, &q->type_size, 8);
    put_string(&t, q->owner);
    put_item(b, ITEM_NAME, t.s, t.n, "", 0);
    for (size_t k = 0; k < q->nheld; k++) {
        const struct held *l = &q->held[k];
        put_item(b, ITEM_LOCK, &l->r, sizeof l->r, l->pc, l->r.depth * sizeof *l->pc);
        put_frames(b, &l->stack);
        t.n = 0;
        put_string(&t, l->name);
        put_item(b, ITEM_NAME, t.s, t.n, "", 0);
    }
    buf_free(&t);
}

void encode_finding(struct buf *b, const struct finding *f)
{
    struct buf p = {0}, t = {0};
    put_item(&p, ITEM_FINDING, &f->r, sizeof f->r, "", 0);
    put_item(&p, ITEM_SEEN, &f->count, sizeof f->count, "", 0);
    if (f->hint) {
        put_string(&t, f->hint);
        put_item(&p, ITEM_HINT, t.s, t.n, "", 0);
    }
    for (size_t i = 0; i < f->nparts; i++)
        put_part(&p, &f->part[i]);
    put_record(b, REC_FINDING, f->id, &p);
    buf_free(&p);
    buf_free(&t);
}

void encode_crash(struct buf *b, const struct crash *c)
{
    struct buf p = {0};
    put_item(&p, ITEM_CRASH, &c->r, sizeof c->r, "", 0);
    if (c->part.r.role)
        put_part(&p, &c->part);
    put_record(b, REC_CRASH, 0, &p);
    buf_free(&p);
}
