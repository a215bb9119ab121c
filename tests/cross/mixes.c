/* Six goroutines that compute and never yield: each is interrupted, and comes to the same sum. */
#include "mix.h"
#include <goc.h>
#include <stdio.h>

enum { ROUNDS = 3000000 };
static double expected;
static int wrong;

static void mixes(goc_waitgroup *wg)
{
    for (int i = 0; i < 3; i++)
        if (mix(ROUNDS, 1.25) != expected)
            __atomic_store_n(&wrong, 1, __ATOMIC_RELAXED);
    goc_waitgroup_done(wg);
}

int main(void)
{
    goc_waitgroup wg = {0};
    expected = mix(ROUNDS, 1.25);
    goc_waitgroup_add(&wg, 6);
    for (int i = 0; i < 6; i++)
        go(mixes, &wg);
    goc_waitgroup_wait(&wg);
    puts(wrong ? "wrong" : "all the same");
    return wrong;
}
