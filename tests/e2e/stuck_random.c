/*
 * Who is stuck, in structures made at random. Each goroutine knows some channels, directly or through
 * other goroutines' knowledge, and waits on one, or sleeps. Who can still be woken is computed here from
 * what was built, and compared with goc_verify_no_leaks. What this program itself remembers is kept
 * in words that are no pointers.
 *
 *   stuck_random SEED [N]    N structures; stuck_random.sh runs many seeds, each in a new process:
 *                            what earlier ones left on stacks may keep somebody reached
 */
#include "turns.h"
#include <goc.h>
#include <goc/race.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 24, KNOWN = 4 };

struct mind {
    struct mind *friend[2]; /* whose knowledge it shares */
    goc_chan(int) knows[KNOWN];
    goc_chan(int) waits; /* NULL: it sleeps until stopped */
    goc_chan(int) *also; /* and waits in a select for this one too */
};

static volatile uintptr_t mask = 0x5a5a5a5a5a5a5a5a;
static uintptr_t hidden_chan[MOST], hidden_mind[MOST];
struct mind *for_everybody; /* a global leads to one of them */
static int stop;
static goc_waitgroup done;
static unsigned long long seed;

static unsigned roll(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static void think(struct mind *m)
{
    if (!m->waits)
        while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
            goc_sleep(20 * GOC_MILLISECOND);
    else if (m->also)
        goc_select(goc_on_recv(m->waits, NULL), goc_on_recv(*m->also, NULL));
    else
        goc_recv(m->waits);
    goc_waitgroup_done(&done);
}

/* What was built, as numbers. */
static struct {
    int friend[2], knows[KNOWN], waits, also;
} plan[MOST];
static int people, channels, global;

static void make_plan(void)
{
    people = 2 + (int)roll(MOST - 2);
    channels = 1 + (int)roll(MOST - 1);
    global = roll(4) ? -1 : (int)roll((unsigned)people);
    for (int i = 0; i < people; i++) {
        for (int k = 0; k < 2; k++)
            plan[i].friend[k] = roll(5) ? -1 : (int)roll((unsigned)people);
        for (int k = 0; k < KNOWN; k++)
            plan[i].knows[k] = roll(3) ? -1 : (int)roll((unsigned)channels);
        plan[i].waits = roll(6) ? (int)roll((unsigned)channels) : -1;
        plan[i].also = roll(4) ? -1 : (int)roll((unsigned)channels);
    }
}

static int stuck_by_plan(void)
{
    bool alive[MOST] = {0}, mind[MOST] = {0}, chan[MOST] = {0};
    for (int i = 0; i < people; i++)
        alive[i] = plan[i].waits < 0;
    if (global >= 0)
        mind[global] = true;
    for (bool changed = true; changed;) {
        changed = false;
#define SET(x) ((x) ? (void)0 : (void)((x) = changed = true))
        for (int i = 0; i < people; i++) {
            if (alive[i])
                SET(mind[i]);
            if (!mind[i])
                continue;
            for (int k = 0; k < 2; k++)
                if (plan[i].friend[k] >= 0)
                    SET(mind[plan[i].friend[k]]);
            for (int k = 0; k < KNOWN; k++)
                if (plan[i].knows[k] >= 0)
                    SET(chan[plan[i].knows[k]]);
            if (plan[i].waits >= 0)
                SET(chan[plan[i].waits]);
            if (plan[i].waits >= 0 && plan[i].also >= 0)
                SET(chan[plan[i].also]);
        }
        for (int i = 0; i < people; i++)
            if (plan[i].waits >= 0 &&
                (chan[plan[i].waits] || (plan[i].also >= 0 && chan[plan[i].also])))
                SET(alive[i]);
    }
    int n = 0;
    for (int i = 0; i < people; i++)
        n += !alive[i];
    return n;
}

__attribute__((noinline)) static void build(void)
{
    static struct mind *m[MOST];
    static goc_chan(int) c[MOST];
    for (int i = 0; i < channels; i++) {
        c[i] = goc_chan_make(int, 0);
        hidden_chan[i] = (uintptr_t)c[i] ^ mask;
    }
    for (int i = 0; i < people; i++) {
        m[i] = calloc(1, sizeof *m[i]);
        hidden_mind[i] = (uintptr_t)m[i] ^ mask;
    }
    for (int i = 0; i < people; i++) {
        for (int k = 0; k < 2; k++)
            m[i]->friend[k] = plan[i].friend[k] < 0 ? NULL : m[plan[i].friend[k]];
        for (int k = 0; k < KNOWN; k++)
            m[i]->knows[k] = plan[i].knows[k] < 0 ? NULL : c[plan[i].knows[k]];
        if (plan[i].waits >= 0) {
            m[i]->waits = c[plan[i].waits];
            if (plan[i].also >= 0) {
                m[i]->also = calloc(1, sizeof *m[i]->also);
                *m[i]->also = c[plan[i].also];
            }
        }
    }
    for_everybody = global < 0 ? NULL : m[global];
    goc_waitgroup_add(&done, people);
    for (int i = 0; i < people; i++)
        go(think, m[i]);
    for (int i = 0; i < MOST; i++) {
        m[i] = NULL;
        c[i] = NULL;
    }
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void end(void)
{
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < channels; i++)
        goc_close((goc_chan(int))(hidden_chan[i] ^ mask));
    goc_waitgroup_wait(&done);
    __atomic_store_n(&stop, 0, __ATOMIC_RELEASE);
    for (int i = 0; i < people; i++) {
        struct mind *m = (struct mind *)(hidden_mind[i] ^ mask);
        free(m->also);
        free(m);
    }
    for (int i = 0; i < channels; i++)
        goc_chan_free((goc_chan(int))(hidden_chan[i] ^ mask));
    for_everybody = NULL;
}

int main(int argc, char **argv)
{
    unsigned long long first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int right = 0, missed = 0;
    for (unsigned long long s = first; s < first + (argc > 2 ? strtoull(argv[2], NULL, 0) : 30); s++) {
        seed = s * 0x9e3779b97f4a7c15ull | 1;
        make_plan();
        int want = stuck_by_plan();
        build();
        until_blocked(); /* all have come to wait */
        int found = (int)goc_verify_no_leaks();
        end();
        if (found == want)
            right++;
        else
            printf("seed %llu: %d of %d stuck, %d found\n", s, want, people, found);
        missed += found < want;
    }
    printf("%d structures as computed\n", right);
    return 0;
}
