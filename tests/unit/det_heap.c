/* Blocks: found from any address in them, remembered when freed, forgotten when given out again. */
#include "common.h"
#include "det.h"
#include "heap.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *volatile keep; /* so that no call is optimised away */

static void *block(size_t n)
{
    keep = malloc(n);
    ck_assert_ptr_nonnull(keep);
    return keep;
}

START_TEST(interior)
{
    static const size_t sizes[] = {0,    1,    7,      8,      24,     25,     100,
                                   1000, 4096, 100000, 262143, 262144, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i];
        char *p = block(n);
        struct heap_block b;
        size_t at[] = {0, n / 3, n / 2, n ? n - 1 : 0};
        for (size_t k = 0; k < sizeof at / sizeof *at; k++) {
            ck_assert(heap_find((uintptr_t)p + at[k], &b));
            ck_assert_uint_eq(b.base, (uintptr_t)p);
            ck_assert_uint_eq(b.size, n);
            ck_assert(!b.freed);
        }
        /* The word before a block and the byte after it are not in it. */
        if (n && heap_find((uintptr_t)p + n, &b))
            ck_assert_uint_ne(b.base, (uintptr_t)p);
        if (heap_find((uintptr_t)p - 1, &b))
            ck_assert_uint_ne(b.base, (uintptr_t)p);
        free(p);
    }
}
END_TEST

START_TEST(freed)
{
    char *p = block(300);
    uintptr_t was = (uintptr_t)p;
    struct heap_block b;
    free(p);
    ck_assert(heap_find(was + 200, &b));
    ck_assert(b.freed);
    ck_assert_uint_eq(b.base, was);
    /* glibc gives the same memory out to the next of that size. */
    char *q = block(300);
    ck_assert(heap_find((uintptr_t)q + 200, &b));
    ck_assert(!b.freed);
    ck_assert_uint_eq(b.base, (uintptr_t)q);
    free(q);
}
END_TEST

START_TEST(resized)
{
    char *p = block(100);
    uintptr_t old = (uintptr_t)p;
    memset(p, 7, 100);
    volatile size_t too_much = SIZE_MAX / 2 + 10;
    char *guard = block(100); /* so that it has to move */
    char *q = realloc(p, 100000);
    keep = q;
    struct heap_block b;
    ck_assert(heap_find((uintptr_t)q + 99999, &b));
    ck_assert_uint_eq(b.size, 100000);
    ck_assert_int_eq(q[99], 7);
    if ((uintptr_t)q != old) {
        ck_assert(heap_find(old + 50, &b));
        ck_assert(b.freed);
    }
    ck_assert_ptr_null(realloc(q, too_much));
    ck_assert(heap_find((uintptr_t)q, &b));
    ck_assert(!b.freed);
    free(q);
    free(guard);
}
END_TEST

START_TEST(aligned)
{
    for (size_t align = 16; align <= 1 << 16; align *= 4) {
        void *p = memalign(align, 40), *q = NULL;
        ck_assert_uint_eq((uintptr_t)p % align, 0);
        ck_assert_int_eq(posix_memalign(&q, align, 50), 0);
        struct heap_block b;
        ck_assert(heap_find((uintptr_t)p + 39, &b));
        ck_assert_uint_eq(b.size, 40);
        ck_assert(heap_find((uintptr_t)q + 49, &b));
        ck_assert_uint_eq(b.size, 50);
        free(p);
        free(q);
    }
    void *q = NULL;
    ck_assert_int_eq(posix_memalign(&q, 24, 50), 22); /* EINVAL */
}
END_TEST

/* Against a list of what was allocated: random sizes, random order of frees. */
START_TEST(random_blocks)
{
    enum { N = 2000 };
    static char *p[N];
    static size_t size[N];
    unsigned seed = 1;
    for (int step = 0; step < 60000; step++) {
        int i = (int)(rand_r(&seed) % N);
        struct heap_block b;
        if (p[i]) {
            ck_assert(heap_find((uintptr_t)p[i] + rand_r(&seed) % size[i], &b));
            ck_assert(b.base == (uintptr_t)p[i] && b.size == size[i] && !b.freed);
            free(p[i]);
            p[i] = NULL;
        } else {
            size[i] = 1 + rand_r(&seed) % (step % 500 ? 400 : 400000);
            p[i] = block(size[i]);
        }
    }
    for (int i = 0; i < N; i++)
        free(p[i]);
}
END_TEST

UNIT_MAIN("det_heap", 60, interior, freed, resized, aligned, random_blocks)
