/* decode.h - records in, findings out. */
#ifndef DECODE_H
#define DECODE_H

#include "model.h"

struct module {
    uint64_t base, lo, hi;
    const char *path;
    const unsigned char *build_id;
    uint32_t build_id_len;
};

/* What a stream's reader does with it; each may be NULL. Pointers given live in `arena`. */
struct sink {
    void *arg;
    struct arena *arena;
    void (*hello)(void *arg, const struct record_hello *h);
    void (*modules)(void *arg, const struct module *m, size_t n);
    void (*finding)(void *arg, struct finding *f);
    void (*repeat)(void *arg, uint64_t id, uint64_t count);
    void (*notice)(void *arg, const char *text);
    void (*crash)(void *arg, struct crash *c);
    void (*waiting)(void *arg, struct finding *f); /* no finding: who waits at the end */
    void (*exit)(void *arg, const struct record_exit *e);
    void (*schedule)(void *arg, const struct record_schedule *s);
};

struct decoder {
    const struct sink *sink;
    unsigned char *buf;
    size_t n, size;
    bool hello;
    unsigned writer; /* of the record being delivered: record_head.flags */
    uint64_t bytes;  /* read so far, for messages */
    const char *error;
};

/* More bytes of the stream. False once it is wrong: `error` says how, nothing more is taken. */
bool decode_feed(struct decoder *d, const void *p, size_t n);
/* The stream has ended: false if in the middle of a record, or before it began. */
bool decode_end(struct decoder *d);
void decode_free(struct decoder *d);

/* The other way, for --save: the finding with its names. */
void encode_hello(struct buf *b);
void encode_finding(struct buf *b, const struct finding *f);
void encode_crash(struct buf *b, const struct crash *c);

#endif
