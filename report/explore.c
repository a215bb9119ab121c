/*
 * explore.c - goc-race explore and replay: one program under many schedules.
 *
 * The runtime can be told to let a short word decide who runs when (runtime/control.c). This file
 * makes the words up, runs the program with one after the other into one set of findings, and says
 * of each new finding which word shows it again.
 *
 * Which words: first the plain order, fifo, which also tells how many points a run has; then, by
 * turns, priorities that fall at a few points (pct, with one to four of them) and random switches (at
 * one point in 2 to 512). Neither is better than the other on all programs: priorities find what
 * needs few switches at far places, random ones what needs many near each other. The words follow from
 * --seed, so that an exploration can be repeated as a whole.
 *
 * A finding is believed to be repeatable when it was repeated: each schedule with something new is run
 * once more, and where that run does not show it again this is said. (The schedule decides who runs
 * when; what the kernel brings, and threads of pthread_create, it does not.)
 *
 * What the program prints is thrown away, hundreds of runs of it are of use to nobody; replay shows it.
 * An end of the program that differs from that under fifo (a status, a signal, a time-out) is a
 * result like a finding, told with its schedule, but only findings make the status 66.
 */
#include "launch.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUN_SECONDS 20.0 /* of one run, when there is no --timeout */
#define DEPTH_MAX 16     /* runtime/control.c */

/* --- words ------------------------------------------------------------------------------------ */

static const char *number(const char *s, uint64_t *v)
{
    if (!s || *s != ':' || s[1] < '0' || s[1] > '9')
        return NULL;
    char *end;
    errno = 0;
    *v = strtoull(s + 1, &end, 10);
    return errno || *v > UINT64_MAX / 16 ? NULL : end;
}

void schedule_check(const char *word)
{
    uint64_t a = 1, b = 1, seed;
    const char *end = NULL;
    if (strcmp(word, "fifo") == 0)
        return;
    if (has_prefix(word, "pct:"))
        end = number(number(number(word + 3, &a), &b), &seed);
    else if (has_prefix(word, "random:"))
        end = number(number(word + 6, &b), &seed);
    if (!end || *end || !b || (word[0] == 'p' && a > DEPTH_MAX))
        die("'%s' is not a schedule: expected fifo, pct:D:L:SEED (D at most %d) or random:R:SEED, as "
            "goc-race explore prints it",
            word, DEPTH_MAX);
}

static void schedule_word(char *to, size_t size, long run, uint64_t seed, uint64_t points)
{
    static const unsigned rates[] = {8, 2, 32, 128, 4, 512};
    if (run == 0)
        snprintf(to, size, "fifo");
    else if (run % 2)
        snprintf(to, size, "pct:%ld:%llu:%llu", 1 + run / 2 % 4,
                 (unsigned long long)(points ? points : 1000), (unsigned long long)seed + run);
    else
        snprintf(to, size, "random:%u:%llu", rates[run / 2 % (sizeof rates / sizeof *rates)],
                 (unsigned long long)seed + run);
}

/* --- the runs --------------------------------------------------------------------------------- */

struct exploration {
    struct run r;
    char **argv;
    struct ending first;
    bool told[256], told_timeout; /* ends that differ from it */
    int failed;                   /* the first status that is not 0 */
    uint64_t points;              /* of the longest run */
    size_t unconfirmed, slipped;
    long runs;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void once(struct exploration *x, const char *word, struct ending *e)
{
    x->r.schedule = x->r.all.schedule = word;
    x->r.all.round++;
    run_once(&x->r, x->argv, e);
}

static bool same_end(const struct ending *a, const struct ending *b)
{
    return a->status == b->status && a->timed_out == b->timed_out;
}

static void tell_end(struct exploration *x, const char *word, const struct ending *e)
{
    bool *told = e->timed_out ? &x->told_timeout : &x->told[e->status & 0xff];
    if (*told)
        return;
    *told = true;
    if (e->timed_out)
        warn("schedule %s: the program did not end", word);
    else if (e->signal)
        warn("schedule %s: %s", word, ending_words(e));
    else
        warn("schedule %s: exit status %d (fifo: %d)", word, e->status, x->first.status);
}

/* Was everything that is new since `from` seen again in the latest round? */
static void confirm(struct exploration *x, const char *word, const struct finding *from)
{
    for (const struct finding *f = from; f; f = f->next) {
        if (f->round == x->r.all.round)
            continue;
        warn("schedule %s did not show finding %llu a second time: something that it does not decide "
             "had a part in it",
             word, (unsigned long long)f->id);
        x->unconfirmed++;
    }
}

static void run_one(struct exploration *x, const char *word)
{
    struct ending e, again;
    struct finding **last = x->r.all.last;
    once(x, word, &e);
    if (x->runs++ == 0)
        x->first = e;
    if (e.status && !x->failed)
        x->failed = e.status;
    if (x->r.told.points > x->points)
        x->points = x->r.told.points;
    x->slipped += x->r.told.slips > 0;
    if (x->r.stop)
        return;
    struct finding *fresh = *last;
    bool differs = !same_end(&e, &x->first);
    if (differs)
        tell_end(x, word, &e);
    if (!fresh)
        return;
    once(x, word, &again);
    confirm(x, word, fresh);
}

int explore(const struct options *given, char **argv)
{
    struct options o = *given;
    struct exploration x = {.argv = argv};
    if (o.timeout <= 0)
        o.timeout = RUN_SECONDS;
    run_prepare(&x.r, &o, argv);
    x.r.quiet = true;
    double end = o.seconds > 0 ? now() + o.seconds : 0;
    long runs = o.given[OPTION_seconds] && !o.given[OPTION_runs] ? 0 : o.runs;
    for (long i = 0; !x.r.stop && (!runs || i < runs) && (!end || i == 0 || now() < end); i++) {
        char word[96];
        schedule_word(word, sizeof word, i, (uint64_t)o.seed, x.points);
        run_one(&x, arena_strn(&x.r.all.arena, word, strlen(word)));
    }
    x.r.all.schedule = NULL;
    warn("%ld schedule(s) explored, up to %llu points each; %zu finding(s)", x.runs,
         (unsigned long long)x.points, x.r.all.n);
    if (x.slipped)
        warn("in %zu of them the kernel, or threads that are no goroutines, decided something: such a "
             "schedule may not replay",
             x.slipped);
    if (x.r.stop)
        return verdict(&x.r, 128 + x.r.stop, true);
    return verdict(&x.r, x.failed, false);
}
