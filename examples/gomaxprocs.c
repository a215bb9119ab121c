/*
 * M:N scheduling: any number of goroutines (G) on a few Ps, each P on a thread (M) while it runs.
 * GOMAXPROCS, in the environment or by call, is how many run at the same instant; an idle P steals
 * from a busy one's queue. goc_numcpu, goc_numgoroutine, goc_gosched: how many CPUs there are, how many
 * goroutines; and let others go first.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

enum { WORKERS = 8, STEPS = 1000 };

static atomic_int steps;

static void work(void)
{
    for (int i = 0; i < STEPS; i++) {
        atomic_fetch_add(&steps, 1);
        goc_gosched();
    }
}

int main(void)
{
    int before = goc_gomaxprocs(0); /* 0 only asks */
    printf("%d CPUs, GOMAXPROCS %s 1\n", goc_numcpu(), before == 1 ? "is" : "is more than");
    for (int procs = 1; procs <= 4; procs *= 2) {
        goc_gomaxprocs(procs);
        steps = 0;
        goc_waitgroup wg = {0};
        for (int i = 0; i < WORKERS; i++)
            goc_waitgroup_go(&wg, work);
        int alive = goc_numgoroutine(); /* main among them */
        goc_waitgroup_wait(&wg);
        printf("GOMAXPROCS=%d: %s, %d steps\n", goc_gomaxprocs(0),
               alive >= 1 && alive <= WORKERS + 1 ? "goroutines counted" : "wrong count", steps);
    }
    goc_gomaxprocs(before);
    return steps != WORKERS * STEPS;
}
