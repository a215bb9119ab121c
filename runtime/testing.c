/*
 * testing.c - benchmarks, and the check for leaked goroutines.
 *
 * A benchmark is run with a growing n until one run is long enough to be believed; the next n is
 * predicted from the last run, raised by a fifth, and never more than a hundred times it, which are
 * Go's rules, so that the figures of both are comparable.
 *
 * The leak check waits first: a goroutine that has done its work may still be on its way out, and
 * is no leak. What a plain build can then say is only what goleak says; the proof is the
 * detector's.
 */
#include "sched_impl.h"

#include <goc/testing.h>
#include <stdio.h>
#include <string.h>

/* --- benchmarks ---------------------------------------------------------------------------------
 */

GOC_EXPORT void goc_b_start_timer(goc_b *b)
{
    if (b->goc_running)
        return;
    b->goc_running = true;
    b->goc_start = rt_now();
}

GOC_EXPORT void goc_b_stop_timer(goc_b *b)
{
    if (!b->goc_running)
        return;
    b->goc_running = false;
    b->goc_elapsed += rt_now() - b->goc_start;
}

GOC_EXPORT void goc_b_reset_timer(goc_b *b)
{
    b->goc_elapsed = 0;
    b->goc_start = rt_now();
}

GOC_EXPORT void goc_b_set_bytes(goc_b *b, int64_t n)
{
    b->goc_bytes = n;
}

static int64_t run_n(goc_b *b, void (*fn)(goc_b *), int64_t n)
{
    b->n = n;
    b->goc_elapsed = 0;
    b->goc_running = false;
    goc_b_start_timer(b);
    fn(b);
    goc_b_stop_timer(b);
    return b->goc_elapsed;
}

GOC_EXPORT double goc_benchmark(const char *name, void (*fn)(goc_b *b))
{
    if (!name || !fn)
        goc_panic_at(CALLER_PC(), "goc_benchmark: %s is NULL", name ? "fn" : "name");
    const int64_t enough = rt_getenv_long("GOC_BENCHTIME", 1000000000);
    const int64_t most = 1000000000;
    goc_b b = {0};
    int64_t n = 1, took = run_n(&b, fn, n);
    while (took < enough && n < most) {
        int64_t last = n;
        n = took > 0 ? (int64_t)((double)enough * (double)last / (double)took * 1.2) : last * 100;
        if (n > last * 100)
            n = last * 100;
        if (n <= last)
            n = last + 1;
        if (n > most)
            n = most;
        took = run_n(&b, fn, n);
    }
    double each = (double)took / (double)n;
    bool prefixed = !strncmp(name, "Benchmark", 9);
    int procs = goc_gomaxprocs(0);
    char title[128], procs_text[16] = "";
    if (procs > 1)
        snprintf(procs_text, sizeof procs_text, "-%d", procs);
    snprintf(title, sizeof title, "%s%s%s", prefixed ? "" : "Benchmark", name, procs_text);
    int digits = each >= 100 ? 1 : each >= 10 ? 2 : each >= 1 ? 3 : 4;
    printf("%-32s\t%8lld\t%12.*f ns/op", title, (long long)n, digits, each);
    if (b.goc_bytes > 0)
        printf("\t%8.2f MB/s", (double)b.goc_bytes * (double)n * 1e3 / (double)took);
    printf("\n");
    fflush(stdout);
    return each;
}

/* --- leaks ---------------------------------------------------------------------------------------
 */

#ifndef GOC_RACE
struct leaks {
    struct g *self;
    size_t n;
    bool may_move; /* something runs, sleeps, or waits for a descriptor */
    bool print;
};

static void look(struct g *g, void *arg)
{
    struct leaks *l = arg;
    if (g == l->self || g->flags & GF_MAIN)
        return;
    if (load_relaxed(&g->status) != G_WAITING || g->why == HOOK_WAIT_SLEEP ||
        g->why == HOOK_WAIT_IO || g->why == HOOK_WAIT_SYSCALL) {
        l->may_move = true;
        return;
    }
    l->n++;
    if (l->print)
        dump_goroutine(g);
}
#endif

GOC_EXPORT size_t goc_verify_no_leaks(void)
{
#ifdef GOC_RACE
    for (int i = 0; i < 3; i++)
        goc_sleep(GOC_MILLISECOND);
    return hook_leaks();
#else
    struct leaks l;
    for (int i = 0;; i++) {
        l = (struct leaks){.self = g_current()};
        g_each(look, &l);
        if ((!l.n && !l.may_move) || i == 20)
            break;
        goc_sleep(i < 5 ? GOC_MILLISECOND / 10 : i < 10 ? GOC_MILLISECOND : 10 * GOC_MILLISECOND);
    }
    if (!l.n)
        return 0;
    rt_print("found unexpected goroutines:\n");
    struct leaks again = {.self = l.self, .print = true};
    g_each(look, &again);
    return again.n;
#endif
}
