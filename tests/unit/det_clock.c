/*
 * det_clock.c - clocks against plain arrays, and the fast maximum of leaves against the plain one.
 */
#define DET_KEEP_LIBC_NAMES
#define GOC_RACE 1
#include "clock.h"
#include "common.h"
#include <stdlib.h>
#include <string.h>

START_TEST(fast_and_scalar_leaves)
{
    uint64_t r = 42;
    for (int round = 0; round < 200000; round++) {
        u32 a[CLOCK_FAN] __attribute__((aligned(16))), b[CLOCK_FAN] __attribute__((aligned(16)));
        u32 x[CLOCK_FAN] __attribute__((aligned(16)));
        for (int i = 0; i < CLOCK_FAN; i++) {
            a[i] = (u32)unit_random(&r) >> (unit_random(&r) % 2 ? 2 : 30);
            b[i] = unit_random(&r) % 3 ? a[i] : (u32)unit_random(&r) >> 2;
        }
        memcpy(x, a, sizeof x);
        bool slow = leaf_join_scalar(a, b), fast = leaf_join_fast(x, b);
        ck_assert_int_eq(slow, fast);
        ck_assert_int_eq(memcmp(a, x, sizeof a), 0);
    }
}
END_TEST

#define IDS 40000
#define CLOCKS 12

static u32 model[CLOCKS][IDS];
static struct clock clocks[CLOCKS];

/* The result: nodes that did not come back. */
static u32 trees(uint64_t seed, u32 ids, int steps)
{
    uint64_t r = seed;
    u32 live = clock_nodes.live;
    memset(model, 0, sizeof model);
    memset(clocks, 0, sizeof clocks);
    for (int step = 0; step < steps; step++) {
        int a = (int)(unit_random(&r) % CLOCKS), b = (int)(unit_random(&r) % CLOCKS);
        u32 id = 1 + (u32)(unit_random(&r) % (ids - 1)), e = 1 + (u32)(unit_random(&r) % 1000);
        switch (unit_random(&r) % 8) {
        default:
            clock_set(&clocks[a], id, e);
            if (model[a][id] < e)
                model[a][id] = e;
            break;
        case 0:
            clock_join(&clocks[a], &clocks[b]);
            for (u32 i = 0; i < ids; i++)
                if (model[b][i] > model[a][i])
                    model[a][i] = model[b][i];
            break;
        case 1:
            if (a == b)
                break;
            clock_drop(&clocks[a]);
            clock_copy(&clocks[a], &clocks[b]);
            memcpy(model[a], model[b], sizeof model[a]);
            break;
        case 2:
            if (unit_random(&r) % 16)
                break;
            clock_drop(&clocks[a]);
            memset(model[a], 0, sizeof model[a]);
            break;
        }
        ck_assert_uint_eq(clock_lookup(&clocks[a], id), model[a][id]);
        if (step % 64 == 0)
            for (u32 i = 1; i < ids; i++)
                ck_assert_uint_eq(clock_lookup(&clocks[a], i), model[a][i]);
    }
    for (int a = 0; a < CLOCKS; a++)
        clock_drop(&clocks[a]);
    return clock_nodes.live - live;
}

START_TEST(trees_are_arrays)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        ck_assert_uint_eq(trees(seed, 32, 4000), 0);
        ck_assert_uint_eq(trees(seed, 33, 4000), 0);
        ck_assert_uint_eq(trees(seed, 1000, 3000), 0);
        ck_assert_uint_eq(trees(seed, IDS, 600), 0);
    }
}
END_TEST

/* The versions of nodes come to their end: such nodes are not used again, and nothing else changes. */
START_TEST(versions_run_out)
{
    enum { NODES = 3000 };
    static u32 made[NODES];
    for (int i = 0; i < NODES; i++)
        made[i] = slab_alloc(&clock_nodes);
    for (int i = 0; i < NODES; i++) {
        struct clock_node *n = slab_at(&clock_nodes, made[i]);
        n->version = 0xffffffffu - 1 - (u32)i % 7;
        slab_free(&clock_nodes, made[i]);
    }
    u32 gone = 0;
    for (uint64_t seed = 1; seed <= 5; seed++)
        gone += trees(seed, 40, 3000) + trees(seed, 1000, 3000);
    ck_assert_uint_gt(gone, 0);
    ck_assert_uint_le(gone, NODES);
}
END_TEST

UNIT_MAIN("det_clock", 100, fast_and_scalar_leaves, trees_are_arrays, versions_run_out)
