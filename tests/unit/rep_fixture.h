/*
 * rep_fixture.h - a writer of records, as small as can be, for the tests of report/.
 *
 * It knows the format from record.h alone (the detector's writer is not linked here), and can write
 * what the detector never would.
 */
#ifndef REP_FIXTURE_H
#define REP_FIXTURE_H

#include "findings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct writer {
    struct buf out, payload;
};

static inline void put(struct writer *w, uint16_t tag, const void *p, size_t n, const void *q,
                       size_t m)
{
    struct record_item item = {tag, 0, (uint32_t)(n + m)};
    buf_add(&w->payload, &item, sizeof item);
    buf_add(&w->payload, p, n);
    buf_add(&w->payload, m ? q : "", m);
    buf_add(&w->payload, "\0\0\0\0\0\0\0", (8 - (n + m) % 8) % 8);
}

static inline void put_record(struct writer *w, uint16_t type, uint64_t id)
{
    struct record_head h = {(uint32_t)w->payload.n, type, 0, id};
    buf_add(&w->out, &h, sizeof h);
    buf_add(&w->out, w->payload.n ? w->payload.s : "", w->payload.n);
    w->payload.n = 0;
}

static inline void put_hello(struct writer *w)
{
    struct record_hello h = {RECORD_MAGIC, RECORD_MAJOR, RECORD_MINOR, (uint32_t)getpid(), 1};
    buf_add(&w->payload, &h, sizeof h);
    put_record(w, REC_HELLO, 0);
}

static inline void put_finding(struct writer *w, uint32_t kind, uint32_t subkind)
{
    struct record_finding f = {kind, subkind, 0};
    put(w, ITEM_FINDING, &f, sizeof f, "", 0);
}

static inline void put_part(struct writer *w, struct record_part p, const uint64_t *pc, size_t n)
{
    p.depth = (uint16_t)n;
    put(w, ITEM_PART, &p, sizeof p, pc, n * sizeof *pc);
}

/* Everything that `w` holds, through decoder and findings, to a text. */
struct reading {
    struct findings all;
    struct sink sink;
    struct decoder decoder;
    char *text;
    size_t len;
    FILE *mem;
};

static inline void reading_finding(void *arg, struct finding *f)
{
    findings_add(&((struct reading *)arg)->all, f);
}

static inline void reading_repeat(void *arg, uint64_t id, uint64_t count)
{
    findings_repeat(&((struct reading *)arg)->all, id, count);
}

static inline void reading_modules(void *arg, const struct module *m, size_t n)
{
    symbols_modules(&((struct reading *)arg)->all.symbols, m, n);
}

static inline void reading_hello(void *arg, const struct record_hello *h)
{
    findings_writer(&((struct reading *)arg)->all, 0, true);
}

static inline void reading_crash(void *arg, struct crash *c)
{
    findings_crash(&((struct reading *)arg)->all, c);
}

static inline void reading_start(struct reading *r, const struct options *o, const char *format)
{
    memset(r, 0, sizeof *r);
    findings_init(&r->all, o);
    r->mem = open_memstream(&r->text, &r->len);
    if (format)
        findings_output(&r->all, format, "memory", r->mem);
    r->sink = (struct sink){.arg = r,
                            .arena = &r->all.arena,
                            .hello = reading_hello,
                            .modules = reading_modules,
                            .finding = reading_finding,
                            .repeat = reading_repeat,
                            .crash = reading_crash};
    r->decoder.sink = &r->sink;
}

static inline bool reading_feed(struct reading *r, const void *p, size_t n)
{
    return decode_feed(&r->decoder, p, n);
}

/* Ends it; r->text is the output. */
static inline void reading_end(struct reading *r, int status)
{
    r->all.status = status;
    r->all.say_status = true;
    decode_end(&r->decoder);
    if (r->all.outputs)
        findings_end(&r->all); /* closes mem */
    else
        fclose(r->mem);
}

static inline void reading_free(struct reading *r)
{
    findings_free(&r->all);
    decode_free(&r->decoder);
    free(r->text);
}

#endif
