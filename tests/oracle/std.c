/*
 * std.c - the trace in the STD text format of RAPID, a line for each event: T1|w(V7f00.0)|17.
 *
 * The format knows accesses, locks, fork and join. Our edges come from two dozen primitives, so each
 * edge becomes a lock of its own, held for a moment at both its ends: that orders the two and
 * nothing else. An access of n bytes is n accesses. Memory that begins a new life (a block given out
 * again, a stack) is another variable from there on: the number behind the point. Atomic accesses are left
 * out, since the format has none; their edges are not.
 *
 * oracle_races writes what the oracle found in the same words, for rapid.c's answer to be compared with.
 */
#include "oracle.h"
#include <stdio.h>
#include <stdlib.h>

/* The lives of bytes, as the accesses of a verdict go by. */
struct life {
    uint64_t addr;
    uint32_t number;
    bool atomic; /* somebody uses it so */
};
enum { LIVES = 1 << 18 };
static struct life *lives;

static struct life *life_of(uint64_t addr)
{
    uint32_t h = (uint32_t)((addr * 0x9e3779b97f4a7c15ull) >> 46);
    while (lives[h].addr && lives[h].addr != addr)
        h = (h + 1) % LIVES;
    lives[h].addr = addr;
    return &lives[h];
}

static void lives_begin(void)
{
    lives = calloc(LIVES, sizeof *lives);
    if (!lives)
        abort();
}

static bool begins_life(const struct access *a)
{
    if (a->time != ACCESS_FRESH)
        return false;
    for (uint32_t k = 0; k < a->size; k++)
        life_of(a->addr + k)->number++;
    return true;
}

static void lock(FILE *f, const struct event *x, uint32_t edge)
{
    fprintf(f, "T%u|acq(E%u)|%u\nT%u|rel(E%u)|%u\n", x->g, edge, x->op, x->g, edge, x->op);
}

void oracle_std(const struct shared *s, const struct verdict *v, void *file)
{
    FILE *f = file;
    uint32_t n = s->nevents < MAX_EVENTS ? s->nevents : MAX_EVENTS, a = 0, in = 0;
    /* The edges out of each event; those into it come in the order of the events already. */
    uint32_t *out = calloc(n + 1, sizeof *out), *next = calloc(v->nedge + 1, sizeof *next);
    if (!out || !next)
        abort();
    for (uint32_t i = v->nedge; i-- > 0;) {
        next[i] = out[v->edge[i].from];
        out[v->edge[i].from] = i + 1;
    }
    lives_begin();
    for (uint32_t e = 0; e < n; e++) {
        const struct event *x = &s->ev[e];
        for (; in < v->nedge && v->edge[in].to == e; in++)
            lock(f, x, in);
        for (; a < v->naccess && v->access[a].event == e; a++) {
            const struct access *w = &v->access[a];
            if (begins_life(w) || w->atomic)
                continue;
            for (uint32_t k = 0; k < w->size; k++)
                fprintf(f, "T%u|%c(V%llx.%u)|%u\n", w->g, w->write ? 'w' : 'r',
                        (unsigned long long)(w->addr + k), life_of(w->addr + k)->number, w->op);
        }
        for (uint32_t i = out[e]; i; i = next[i - 1])
            lock(f, x, i - 1);
    }
    free(lives);
    free(out);
    free(next);
}

/* "race VARIABLE T1|op T2|op", the later access first; bytes that are used by atomics too are only named. */
void oracle_races(const struct verdict *v, void *file)
{
    FILE *f = file;
    lives_begin();
    for (uint32_t i = 0; i < v->naccess; i++)
        for (uint32_t k = 0; v->access[i].atomic && k < v->access[i].size; k++)
            life_of(v->access[i].addr + k)->atomic = true;
    for (uint32_t i = 0; i < v->naccess; i++)
        for (uint32_t k = 0; v->access[i].atomic && k < v->access[i].size; k++)
            fprintf(f, "atomic V%llx\n", (unsigned long long)(v->access[i].addr + k));
    uint32_t r = 0;
    for (uint32_t c = 0; c < v->naccess; c++) {
        if (begins_life(&v->access[c]))
            continue;
        for (; r < v->nrace && v->race[r].cur == c; r++) {
            const struct access *a = &v->access[c], *b = &v->access[v->race[r].prev];
            const struct life *l = life_of(v->race[r].byte);
            if (!l->atomic)
                fprintf(f, "race V%llx.%u T%u|%u T%u|%u\n", (unsigned long long)l->addr, l->number,
                        a->g, a->op, b->g, b->op);
        }
    }
    free(lives);
}
