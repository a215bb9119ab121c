/*
 * det_history.c - what the log gives back.
 *
 * A goroutine calls and returns at random, walks arrays, touches single cells, and synchronises; what it
 * did is also kept in a plain list. Whatever is asked for afterwards must come back with the
 * right place, size and the whole call stack, or, if it is too long ago, not at all.
 */
#define DET_KEEP_LIBC_NAMES
#define GOC_RACE 1
#include "common.h"
#include "goroutine.h"
#include <stdlib.h>
#include <string.h>

#define MAX 400000
#define DEEP 40

struct done {
    u32 epoch, flags, depth;
    uintptr_t pc, a;
    size_t n;
    uintptr_t stack[DEEP];
};
static struct done *list;
static size_t count;
static uintptr_t stack[DEEP];
static u32 depth;
static struct race_g *g;

static void enter(uintptr_t pc)
{
    if (depth == DEEP)
        return;
    det_set_cur(g);
    det_push(pc);
    det_set_cur(NULL); /* or what the test itself does would be this goroutine's */
    stack[depth++] = pc;
}

static void leave(void)
{
    if (depth == 0)
        return;
    det_set_cur(g);
    det_pop();
    det_set_cur(NULL);
    depth--;
}

static void touch(uintptr_t pc, uintptr_t a, size_t n, u32 flags)
{
    if (count == MAX)
        return;
    struct done *d = &list[count++];
    *d = (struct done){g->epoch, flags, depth, pc, a, n, {0}};
    memcpy(d->stack, stack, sizeof stack);
    history_access(g, pc, a, n, flags);
}

static size_t ask(u64 *r, size_t from, size_t questions)
{
    size_t missing = 0;
    static struct restored out;
    for (size_t q = 0; q < questions; q++) {
        struct done *d = &list[from + unit_random(r) % (count - from)];
        uintptr_t granule = d->a & ~7ull;
        u64 bytes = 1ull << (d->a & 7);
        u64 word = word_of(g->id, d->epoch) | bytes | (d->flags & ACCESS_ATOMIC ? WORD_ATOMIC : 0);
        if (!history_restore(word, granule, d->flags & ACCESS_WRITE, &out)) {
            missing++;
            continue;
        }
        struct done *last = d; /* the same byte may have been touched so again */
        for (struct done *e = d; e < list + count && e->epoch == d->epoch; e++)
            if (((e->flags ^ d->flags) & 3) == 0 && e->a <= d->a && d->a < e->a + e->n)
                last = e;
        /* A run is where it began: an access between two of its own comes later in the log. */
        bool ok = false;
        for (struct done *e = d; e <= last && !ok; e++) {
            ok = ((e->flags ^ d->flags) & 3) == 0 && e->a <= d->a && d->a < e->a + e->n &&
                 out.pc[0] == e->pc && out.addr == e->a && out.size == e->n &&
                 out.depth == e->depth + 1;
            for (u32 i = 0; ok && i < e->depth; i++)
                ok = out.pc[1 + i] == e->stack[e->depth - 1 - i];
        }
        ck_assert_msg(ok, "question %zu: %#lx of %zu, epoch %u, depth %u: got %#lx of %zu, depth %u", q,
                      (long)d->a, d->n, d->epoch, d->depth, (long)out.addr, out.size, out.depth);
    }
    return missing;
}

static void setup(void)
{
    det_set_cur(NULL);
    g = g_new(NULL, 7, 0, 0, 0);
    list = malloc(MAX * sizeof *list);
    count = depth = 0;
}

static void live(u64 *r, int steps)
{
    for (int step = 0; step < steps; step++) {
        uintptr_t base = 0x7f0000000000 + unit_random(r) % 100000 * 8;
        uintptr_t pc = 0x555500000000 + unit_random(r) % 200 * 16;
        if (unit_random(r) % 20 == 0)
            pc += 0x10000000;
        switch (unit_random(r) % 8) {
        case 0:
        case 1:
            enter(0x555500100000 + unit_random(r) % 1000);
            break;
        case 2:
        case 3:
            leave();
            break;
        case 4: { /* up to three arrays side by side, any stride */
            int arrays = 1 + (int)(unit_random(r) % 3);
            long stride = (long)(unit_random(r) % 9) * 8 - 24, n = (long)(unit_random(r) % 200);
            size_t size = (size_t)1 << unit_random(r) % 4;
            if (stride == 0 && unit_random(r) % 2)
                stride = (long)size;
            for (long i = 0; i < n; i++)
                for (int k = 0; k < arrays; k++)
                    touch(0x555500002000 + (uintptr_t)k * 7, base + (uintptr_t)(i * stride + k * 100000),
                          size, k == 0 ? ACCESS_WRITE : 0);
            break;
        }
        case 5:
            touch(pc, base, unit_random(r) % 300 + 1, unit_random(r) % 2);
            break;
        case 6:
            if (unit_random(r) % 4 == 0)
                g_advance(g);
            break;
        default:
            touch(pc, base, (size_t)1 << unit_random(r) % 4, (u32)(unit_random(r) % 4));
        }
    }
}

START_TEST(recent_is_there)
{
    for (u64 seed = 1; seed <= 12; seed++) {
        u64 r = seed * 0x9e3779b97f4a7c15ull | 1;
        setup();
        live(&r, 3000);
        ck_assert_uint_eq(ask(&r, count > 30000 ? count - 30000 : 0, 400), 0);
        hook_end(g);
        free(list);
    }
}
END_TEST

/* Of a long life the newest must be there; what is not is refused, never guessed. */
START_TEST(long_lives)
{
    u64 r = 77;
    setup();
    live(&r, 60000);
    size_t missing = ask(&r, 0, 1000);
    ck_assert_uint_le(missing, 900);
    ck_assert_uint_eq(ask(&r, count - 20000, 500), 0);
    hook_end(g);
    free(list);
}
END_TEST

/* A pass over ten million cells is a handful of events. */
START_TEST(streams_are_short)
{
    setup();
    enter(0x555500100000);
    for (uintptr_t i = 0; i < 10000000; i++) {
        history_access(g, 0x555500001000, 0x7f0000000000 + 8 * i, 8, 0);
        history_access(g, 0x555500001010, 0x7f1000000000 + 8 * i, 8, ACCESS_WRITE);
    }
    static struct restored out;
    for (uintptr_t i = 0; i < 10000000; i += 99999) {
        u64 word = word_of(g->id, g->epoch) | WORD_BYTES;
        ck_assert(history_restore(word, 0x7f0000000000 + 8 * i, 0, &out));
        ck_assert_uint_eq(out.pc[0], 0x555500001000);
        ck_assert_uint_eq(out.addr, 0x7f0000000000 + 8 * i);
        ck_assert(history_restore(word, 0x7f1000000000 + 8 * i, ACCESS_WRITE, &out));
        ck_assert_uint_eq(out.pc[0], 0x555500001010);
        ck_assert_uint_eq(out.depth, 2);
    }
    hook_end(g);
    free(list);
}
END_TEST

UNIT_MAIN("det_history", 100, recent_is_there, long_lives, streams_are_short)
