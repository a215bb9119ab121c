/*
 * det_shadow.c - the shadow against a definition.
 *
 * Random goroutines (that end, and whose ids are reused) do random accesses of all sizes, plain and
 * atomic, to three granules, and synchronise through a few objects; everything is done by one
 * thread, so there is no timing. Beside the detector runs the definition: full vector clocks in plain
 * arrays, and for each byte the last write and the list of reads since. An access must be found
 * racing exactly when the definition says so, with exactly the right kinds of earlier access.
 */
#define DET_KEEP_LIBC_NAMES
#define GOC_RACE 1
#include "common.h"
#include "goroutine.h"
#include "sync.h"
#include <stdlib.h>
#include <string.h>

/* --- the definition ---------------------------------------------------------------------------------- */

#define PEOPLE 4096 /* that ever live in one run */
#define ALIVE 6
#define OBJECTS 4
#define BYTES 24
#define READS 2048

struct person {
    struct race_g *g;
    int index;
    unsigned now; /* own time */
    unsigned *knows;
};

struct model_access {
    int who;
    unsigned when;
    bool atomic;
};

struct model {
    int people;
    unsigned *object[OBJECTS];
    struct {
        bool written;
        struct model_access write, read[READS];
        int reads;
    } byte[BYTES];
};

static bool before(const struct model_access *a, const struct person *p)
{
    return a->who == p->index || p->knows[a->who] >= a->when;
}

static void learn(unsigned *to, const unsigned *from)
{
    for (int i = 0; i < PEOPLE; i++)
        if (from[i] > to[i])
            to[i] = from[i];
}

/* 1: conflicts with a write; 2: with a read. `must`: what was not told by the same goroutine's same
   access before, since when nothing has changed. */
static int model_access(struct model *m, struct person *p, int at, int n, bool write, bool atomic,
                        int *must)
{
    int found = 0;
    *must = 0;
    struct model_access me = {p->index, p->now, atomic};
    for (int i = at; i < at + n; i++) {
        if (m->byte[i].written && !(atomic && m->byte[i].write.atomic) &&
            !before(&m->byte[i].write, p)) {
            bool told = false;
            for (int k = 0; k < m->byte[i].reads && !write; k++)
                told = told || (m->byte[i].read[k].who == me.who &&
                                m->byte[i].read[k].when == me.when &&
                                m->byte[i].read[k].atomic == atomic);
            found |= 1;
            *must |= told ? 0 : 1;
        }
        if (write) {
            for (int k = 0; k < m->byte[i].reads; k++)
                if (!(atomic && m->byte[i].read[k].atomic) && !before(&m->byte[i].read[k], p))
                    found |= 2, *must |= 2;
            m->byte[i].written = true;
            m->byte[i].write = me;
            m->byte[i].reads = 0;
        } else if (m->byte[i].written && m->byte[i].write.who == me.who &&
                   m->byte[i].write.when == me.when && m->byte[i].write.atomic == atomic) {
            continue; /* whatever races with this read races with that write */
        } else if (m->byte[i].reads < READS) {
            m->byte[i].read[m->byte[i].reads++] = me;
        }
    }
    return found;
}

/* --- both ----------------------------------------------------------------------------------------------- */

static void person_init(struct model *m, struct person *p, struct person *creator)
{
    p->index = m->people++;
    p->now = 1;
    p->knows = calloc(PEOPLE, sizeof *p->knows);
    if (creator) {
        learn(p->knows, creator->knows);
        p->knows[creator->index] = creator->now;
        creator->now++;
    }
    p->g = g_new(creator ? creator->g : NULL, (uint64_t)p->index + 1, 0, 0, 0);
}

#define FULL 4 /* no room to note more conflicts of one access */
static int detector_access(struct race_g *g, const char *base, int at, int n, bool write, bool atomic)
{
    struct hits h;
    h.n = 0;
    access_note(g, 0x1000, (uintptr_t)base + (uintptr_t)at, (size_t)n,
                (write ? ACCESS_WRITE : 0) | (atomic ? ACCESS_ATOMIC : 0), &h);
    int found = 0;
    for (u32 i = 0; i < h.n; i++)
        found |= h.hit[i].flags & ACCESS_WRITE ? 1 : 2;
    return h.n == HITS_MAX ? found | FULL : found;
}

static char memory[BYTES] __attribute__((aligned(64)));
static uint64_t objects[OBJECTS];

static void one_run(uint64_t seed, int steps, int sync_weight)
{
    uint64_t r = seed;
    struct model *m = calloc(1, sizeof *m);
    struct person alive[ALIVE];
    det_set_cur(NULL);
    det_forget((uintptr_t)memory, sizeof memory);
    hook_forget(objects, sizeof objects);
    for (int i = 0; i < OBJECTS; i++)
        m->object[i] = calloc(PEOPLE, sizeof *m->object[i]);
    person_init(m, &alive[0], NULL);
    for (int i = 1; i < ALIVE; i++)
        person_init(m, &alive[i], &alive[0]);
    for (int step = 0; step < steps; step++) {
        struct person *p = &alive[unit_random(&r) % ALIVE];
        int what = (int)(unit_random(&r) % 100);
        if (what >= sync_weight) {
            static const int sizes[] = {1, 1, 2, 4, 8, 8, 3, 12};
            int n = sizes[unit_random(&r) % 8];
            int at = (int)(unit_random(&r) % (BYTES - 12));
            if (n == 2 || n == 4 || n == 8)
                at &= -n;
            if (unit_random(&r) % 4) /* mostly the same few places */
                at %= 8;
            bool write = unit_random(&r) % 3 == 0, atomic = unit_random(&r) % 4 == 0;
            int must, want = model_access(m, p, at, n, write, atomic, &must);
            int got = detector_access(p->g, memory, at, n, write, atomic);
            if (got & FULL)
                got |= want;
            got &= ~FULL;
            ck_assert_msg((got & ~want) == 0 && (must & ~got) == 0, "seed %lu step %d: %s%s of %d at %d by %d: want %d, got %d",
                          (unsigned long)seed, step, atomic ? "atomic " : "",
                          write ? "write" : "read", n, at, p->index, want, got);
            continue;
        }
        int o = (int)(unit_random(&r) % OBJECTS);
        struct person *q = &alive[unit_random(&r) % ALIVE];
        switch (unit_random(&r) % 6) {
        case 0:
            learn(p->knows, m->object[o]);
            hook_acquire(p->g, &objects[o]);
            break;
        case 1:
            memcpy(m->object[o], p->knows, PEOPLE * sizeof *p->knows);
            m->object[o][p->index] = p->now++;
            hook_release(p->g, &objects[o]);
            break;
        case 2:
            learn(m->object[o], p->knows);
            m->object[o][p->index] = p->now++;
            hook_release_merge(p->g, &objects[o]);
            break;
        case 3:
            if (p == q)
                break;
            learn(q->knows, p->knows);
            if (q->knows[p->index] < p->now)
                q->knows[p->index] = p->now;
            p->now++;
            hook_pass(p->g, q->g);
            break;
        case 4:
            learn(p->knows, m->object[o]);
            memcpy(m->object[o], p->knows, PEOPLE * sizeof *p->knows);
            m->object[o][p->index] = p->now++;
            hook_acquire_release(p->g, &objects[o]);
            break;
        case 5: /* p ends, known to q or not; q starts another */
            if (p == q || m->people == PEOPLE || unit_random(&r) % 4)
                break;
            if (unit_random(&r) % 2) {
                learn(q->knows, p->knows);
                q->knows[p->index] = p->now;
                hook_pass(p->g, q->g);
            }
            hook_end(p->g);
            free(p->knows);
            person_init(m, p, q);
            break;
        }
    }
    for (int i = 0; i < ALIVE; i++) {
        hook_end(alive[i].g);
        free(alive[i].knows);
    }
    for (int i = 0; i < OBJECTS; i++)
        free(m->object[i]);
    free(m);
}

START_TEST(shadow_is_the_definition)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        one_run(seed * 0x9e3779b97f4a7c15ull | 1, 4000, 5 + (int)(seed % 60));
}
END_TEST

START_TEST(few_synchronisations)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        one_run(seed * 0x2545f4914f6cdd1dull | 1, 3000, 2);
}
END_TEST

/* A goroutine whose epochs run out goes on as another that knows its old self. */
START_TEST(epochs_run_out)
{
    det_set_cur(NULL);
    struct race_g *a = g_new(NULL, 100, 0, 0, 0), *b = g_new(a, 101, 0, 0, 0);
    det_forget((uintptr_t)memory, sizeof memory);
    a->epoch = EPOCH_MAX - 2;
    a->self = word_of(a->id, a->epoch);
    u32 old = a->id;
    ck_assert_int_eq(detector_access(a, memory, 0, 8, true, false), 0);
    for (int i = 0; i < 6; i++)
        hook_release(a, &objects[0]);
    ck_assert_uint_ne(a->id, old);
    ck_assert_int_eq(detector_access(a, memory, 0, 8, true, false), 0);
    ck_assert_int_eq(detector_access(b, memory, 0, 8, false, false), 1);
    hook_release(a, &objects[0]);
    hook_acquire(b, &objects[0]);
    ck_assert_int_eq(detector_access(b, memory, 0, 8, true, false), 0);
    hook_end(a);
    hook_end(b);
}
END_TEST

/* Cells read by many: one set for all of them, and it goes when they are written. */
START_TEST(read_sets_are_shared)
{
    enum { READERS = 200, CELLS = 5000 };
    static long cells[CELLS];
    det_set_cur(NULL);
    struct race_g *w = g_new(NULL, 1, 0, 0, 0), *g[READERS];
    for (int i = 0; i < READERS; i++)
        g[i] = g_new(w, (uint64_t)i + 2, 0, 0, 0);
    for (int i = 0; i < READERS; i++)
        for (int k = 0; k < CELLS; k++)
            ck_assert_int_eq(detector_access(g[i], (char *)cells, 8 * k, 8, false, false), 0);
    u64 set = shadow_of((uintptr_t)cells)[1];
    ck_assert(set & WORD_SPECIAL);
    for (int k = 1; k < CELLS; k++)
        ck_assert_uint_eq(shadow_of((uintptr_t)&cells[k])[1], set);
    ck_assert_int_eq(detector_access(w, (char *)cells, 0, 8, true, false), FULL | 2);
    for (int i = 0; i < READERS; i++)
        hook_pass(g[i], w);
    for (int k = 1; k < CELLS; k++)
        ck_assert_int_eq(detector_access(w, (char *)cells, 8 * k, 8, true, false), 0);
}
END_TEST

UNIT_MAIN("det_shadow", 100, shadow_is_the_definition, few_synchronisations, epochs_run_out,
          read_sets_are_shared)
