/*
 * rapid.c - reads a trace in RAPID's STD format and prints the races that happens-before finds in it.
 *
 *     rapid <trace.std        "race VARIABLE T1|place T2|place", the later access first
 *
 * It knows the format and the text-book algorithm and nothing of the rest of this room: a vector for
 * each thread, and one for each lock, which an acq joins and a rel sets; fork and join likewise. For each
 * variable it keeps the last write and the reads since. So the exported trace alone must lead to the
 * same verdicts (std.sh compares).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 1400, NAMES = 1 << 20 };

static uint32_t *clock_of[THREADS]; /* by thread: a vector */
static uint32_t nthreads;

struct name {
    char text[40];
    uint32_t *clock; /* of a lock */
    struct access {
        uint32_t thread, time, place;
        bool write;
    } * access; /* of a variable: the last write and the reads since */
    uint32_t n, room;
};
static struct name *names[NAMES];

static _Noreturn void refuse(unsigned line, const char *what)
{
    fprintf(stderr, "rapid: line %u: %s\n", line, what);
    exit(2);
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        refuse(0, "out of memory");
    return p;
}

static struct name *name_of(const char *text)
{
    uint64_t h = 1469598103934665603ull;
    for (const char *p = text; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211ull;
    uint32_t i = (uint32_t)(h >> 44);
    while (names[i] && strcmp(names[i]->text, text))
        i = (i + 1) % NAMES;
    if (!names[i]) {
        names[i] = room(1, sizeof *names[i]);
        snprintf(names[i]->text, sizeof names[i]->text, "%s", text);
    }
    return names[i];
}

static uint32_t *thread_clock(uint32_t t, unsigned line)
{
    if (t >= THREADS)
        refuse(line, "too many threads");
    for (; nthreads <= t; nthreads++) {
        clock_of[nthreads] = room(THREADS, sizeof(uint32_t));
        clock_of[nthreads][nthreads] = 1;
    }
    return clock_of[t];
}

static void join(uint32_t *to, const uint32_t *from)
{
    for (uint32_t i = 0; i < THREADS; i++)
        if (from[i] > to[i])
            to[i] = from[i];
}

static void conflict(struct name *v, const struct access *now, const uint32_t *clock)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct access *a = &v->access[i];
        if ((a->write || now->write) && a->thread != now->thread && a->time > clock[a->thread])
            printf("race %s T%u|%u T%u|%u\n", v->text, now->thread, now->place, a->thread, a->place);
        if (!now->write)
            v->access[kept++] = *a;
    }
    v->n = kept;
    if (v->n == v->room) {
        v->room = v->room ? 2 * v->room : 4;
        v->access = realloc(v->access, v->room * sizeof *v->access);
        if (!v->access)
            refuse(0, "out of memory");
    }
    v->access[v->n++] = *now;
}

int main(void)
{
    char line[200], what[8], object[40];
    for (unsigned n = 1; fgets(line, sizeof line, stdin); n++) {
        uint32_t t, place;
        if (sscanf(line, "T%u|%7[a-z](%39[^)])|%u", &t, what, object, &place) != 4)
            refuse(n, "not an event");
        uint32_t *clock = thread_clock(t, n);
        if (!strcmp(what, "r") || !strcmp(what, "w")) {
            struct access now = {t, clock[t], place, *what == 'w'};
            conflict(name_of(object), &now, clock);
        } else if (!strcmp(what, "acq")) {
            struct name *l = name_of(object);
            if (l->clock)
                join(clock, l->clock);
        } else if (!strcmp(what, "rel")) {
            struct name *l = name_of(object);
            if (!l->clock)
                l->clock = room(THREADS, sizeof(uint32_t));
            memcpy(l->clock, clock, THREADS * sizeof(uint32_t));
            clock[t]++;
        } else if (!strcmp(what, "fork")) {
            uint32_t child = (uint32_t)strtoul(object + 1, NULL, 10);
            join(thread_clock(child, n), clock);
            clock[t]++;
        } else if (!strcmp(what, "join")) {
            join(clock, thread_clock((uint32_t)strtoul(object + 1, NULL, 10), n));
        } else {
            refuse(n, "an event of no kind that RAPID knows");
        }
    }
    return 0;
}
