/*
 * decode.c - any bytes as a stream of records, through decoder, symboliser, filters and every format.
 *
 * With libFuzzer (tests/fuzz/run) it is fed mutations of the corpus beside it; linked with a main of
 * its own (DECODE_MAIN) it takes files, and goes through each as it is, cut at many places and with many
 * single bits changed: that is what `make check` does, so that what the fuzzer once found stays found.
 *
 * A stream that is wrong must end with an error of the decoder's, never with a crash or a read outside
 * (it is built with the address and undefined-behaviour sanitizers), and within a memory that is
 * some constant times the stream's length.
 */
#include "../unit/rep_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char *const formats[] = {"text", "json", "sarif", "junit", "man", "html"};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct options o;
    static unsigned turn;
    struct reading r;
    if (!turn) {
        options_init(&o);
        o.gen_suppressions = true;
    }
    reading_start(&r, &o, formats[turn++ % (sizeof formats / sizeof *formats)]);
    for (size_t at = 0, step; at < n; at += step) {
        step = n - at < 4096 ? n - at : 4096;
        if (!reading_feed(&r, p + at, step))
            break;
    }
    reading_end(&r, 66);
    reading_free(&r);
    return 0;
}

#ifdef DECODE_MAIN
static void one(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1); /* of that very size, for the sanitizer */
    memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t n;
        uint8_t *p = (uint8_t *)read_whole(argv[i], &n);
        if (!p)
            die("cannot read %s", argv[i]);
        uint64_t state = 88172645463325252u;
        one(p, n);
        for (int k = 0; k < 40; k++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            one(p, n ? state % n : 0);
            if (!n)
                continue;
            p[state % n] ^= (uint8_t)(1 << (state >> 60 & 7));
            one(p, n);
            p[state % n] ^= (uint8_t)(1 << (state >> 60 & 7));
        }
        free(p);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
#endif
