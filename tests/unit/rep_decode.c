/*
 * rep_decode.c - the reader of records trusts nothing.
 *
 * A well-formed stream is cut at every byte, changed at random, and made to lie about its lengths;
 * whatever comes, the reader ends with an error or a finding, never outside its memory (run it
 * under valgrind or with -fsanitize=address to see that it means it).
 */
#include "common.h"
#include "rep_fixture.h"

static struct options options;

static void sample(struct writer *w)
{
    uint64_t pc[3] = {0x1000, 0x2000, 0x3000};
    struct record_lock lock = {0x5000, 2, 0, 2, 0};
    put_hello(w);
    struct record_module m = {0x1000, 0x1000, 0x9000, 4, 7};
    put(w, ITEM_MODULE, &m, sizeof m, "\1\2\3\4/no/mod", 11);
    put_record(w, REC_MODULES, 0);
    put_finding(w, FINDING_RACE, 0);
    put_part(w,
             (struct record_part){
                 .role = PART_ACCESS, .flags = PART_WRITE, .goid = 7, .addr = 0x4000, .size = 4},
             pc, 3);
    put(w, ITEM_LOCK, &lock, sizeof lock, pc, 16);
    put(w, ITEM_TEXT, "words\n\1", 7, "", 0);
    put_part(w, (struct record_part){.role = PART_PREVIOUS, .goid = 1, .addr = 0x4000, .size = 4},
             pc, 0);
    put_record(w, REC_FINDING, 1);
    uint64_t n = 5;
    put(w, ITEM_COUNT, &n, sizeof n, "", 0);
    put_record(w, REC_REPEAT, 1);
    struct record_exit e = {0, 0, 1, 0};
    put(w, ITEM_EXIT, &e, sizeof e, "", 0);
    put_record(w, REC_EXIT, 0);
}

static const char *error_of(const void *p, size_t n)
{
    static char text[256];
    struct reading r;
    reading_start(&r, &options, "text");
    reading_feed(&r, p, n);
    decode_end(&r.decoder);
    snprintf(text, sizeof text, "%s", r.decoder.error ? r.decoder.error : "");
    reading_end(&r, 0);
    reading_free(&r);
    return text;
}

START_TEST(whole)
{
    struct writer w = {0};
    struct reading r;
    sample(&w);
    reading_start(&r, &options, "text");
    ck_assert(reading_feed(&r, w.out.s, w.out.n));
    ck_assert(decode_end(&r.decoder));
    ck_assert_uint_eq(r.all.n, 1);
    ck_assert_uint_eq(r.all.first->nparts, 2);
    ck_assert_uint_eq(r.all.first->part[0].nheld, 1);
    ck_assert_uint_eq(r.all.first->count, 5);
    ck_assert_str_eq(r.all.first->part[0].text, "words\n?");
    reading_end(&r, 66);
    reading_free(&r);
}
END_TEST

START_TEST(byte_by_byte)
{
    struct writer w = {0};
    struct reading r;
    sample(&w);
    reading_start(&r, &options, "text");
    for (size_t i = 0; i < w.out.n; i++)
        ck_assert(reading_feed(&r, w.out.s + i, 1));
    ck_assert(decode_end(&r.decoder));
    ck_assert_uint_eq(r.all.n, 1);
    reading_end(&r, 66);
    reading_free(&r);
}
END_TEST

START_TEST(cut_anywhere)
{
    struct writer w = {0};
    sample(&w);
    for (size_t n = 0; n < w.out.n; n++) {
        /* A copy of that very size, for a memory checker. */
        char *p = memcpy(malloc(n ? n : 1), w.out.s, n);
        error_of(p, n);
        free(p);
    }
    ck_assert_str_eq(error_of("", 0), "empty");
    ck_assert_str_eq(error_of(w.out.s, w.out.n - 1), "truncated in the middle of a record");
}
END_TEST

START_TEST(wrong_kinds)
{
    struct writer w = {0};
    struct record_hello h = {RECORD_MAGIC, RECORD_MAJOR + 1, 3, 1, 1};
    buf_add(&w.payload, &h, sizeof h);
    put_record(&w, REC_HELLO, 0);
    ck_assert(strstr(error_of(w.out.s, w.out.n), "format version 2.3"));
    w.out.n = 0;
    h.magic = __builtin_bswap64(RECORD_MAGIC);
    buf_add(&w.payload, &h, sizeof h);
    put_record(&w, REC_HELLO, 0);
    ck_assert(strstr(error_of(w.out.s, w.out.n), "byte order"));
    ck_assert_str_eq(error_of("#!/bin/sh\necho hello, this is a text\n", 36),
                     "not a stream of findings");
    w.out.n = 0;
    put_hello(&w);
    struct record_head big = {RECORD_MAX + 8, REC_FINDING, 0, 1};
    buf_add(&w.out, &big, sizeof big);
    ck_assert_str_eq(error_of(w.out.s, w.out.n), "a record has an impossible length");
}
END_TEST

START_TEST(lying_lengths)
{
    /* Every 16- and 32-bit field of the finding made large. */
    struct writer w = {0};
    sample(&w);
    for (size_t i = 0; i + 4 <= w.out.n; i += 2)
        for (unsigned k = 0; k < 3; k++) {
            static const uint32_t values[] = {0xffffffff, 0x7fffffff, 0x00ffffff};
            char *p = memcpy(malloc(w.out.n), w.out.s, w.out.n);
            memcpy(p + i, &values[k], k == 2 ? 3 : 4);
            error_of(p, w.out.n);
            free(p);
        }
}
END_TEST

START_TEST(random_changes)
{
    struct writer w = {0};
    uint64_t state = 88172645463325252u;
    sample(&w);
    for (int round = 0; round < 20000; round++) {
        char *p = memcpy(malloc(w.out.n), w.out.s, w.out.n);
        for (uint64_t n = 1 + unit_random(&state) % 4; n; n--)
            p[unit_random(&state) % w.out.n] ^= (char)(1 << unit_random(&state) % 8);
        error_of(p, w.out.n);
        free(p);
    }
}
END_TEST

START_TEST(saved_and_read_again)
{
    struct writer w = {0};
    struct reading r, again;
    sample(&w);
    reading_start(&r, &options, "text");
    ck_assert(reading_feed(&r, w.out.s, w.out.n));
    struct frame fr[2] = {
        {.func = "f\xff", .file = "/a b/c.c", .line = 3, .column = 4, .offset = 5, .inlined = true},
        {.module = "/lib/m.so", .module_off = 0x77}};
    struct finding *f = r.all.first;
    f->part[0].stack = (struct stack){fr, 2, true};
    f->part[0].name = "a.b[2]";
    f->part[0].held[0].name = "mu";
    f->hint = "do this";
    struct buf b = {0};
    encode_hello(&b);
    encode_finding(&b, f);
    reading_start(&again, &options, "text");
    ck_assert(reading_feed(&again, b.s, b.n));
    ck_assert(decode_end(&again.decoder));
    struct finding *g = again.all.first;
    ck_assert_uint_eq(g->count, 5);
    ck_assert_str_eq(g->hint, "do this");
    ck_assert_str_eq(g->part[0].name, "a.b[2]");
    ck_assert_ptr_null(g->part[0].type);
    ck_assert_str_eq(g->part[0].held[0].name, "mu");
    ck_assert_uint_eq(g->part[0].stack.n, 2);
    ck_assert(g->part[0].stack.truncated);
    ck_assert_str_eq(g->part[0].stack.frame[0].func, "f\xff");
    ck_assert_str_eq(g->part[0].stack.frame[0].file, "/a b/c.c");
    ck_assert(g->part[0].stack.frame[0].inlined);
    ck_assert_ptr_null(g->part[0].stack.frame[1].func);
    ck_assert_uint_eq(g->part[0].stack.frame[1].module_off, 0x77);
    reading_end(&again, 66);
    reading_end(&r, 66);
    reading_free(&again);
    reading_free(&r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {whole,         byte_by_byte,   cut_anywhere,        wrong_kinds,
                                  lying_lengths, random_changes, saved_and_read_again};
    unsetenv("GOCRACE");
    options_init(&options);
    return unit_main("rep_decode", 60, tests, sizeof tests / sizeof *tests);
}
