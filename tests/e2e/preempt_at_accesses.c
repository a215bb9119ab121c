// status: 0
// procs: 1
// says: both
/* A loop is stopped where it calls the detector: the signal that would find it in code of its own is the
   program's here, so without those places main would never go on. */
#include <goc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int over;
static long cells[1 << 16];

static void waits(long *turns)
{
    while (!atomic_load_explicit(&over, memory_order_relaxed))
        ++*turns;
}
/* Every access is the first of its epoch: never known at a look. */
static void computes(long *turns)
{
    atomic_int mine = 0;
    for (int i = 0; atomic_load_explicit(&over, memory_order_relaxed) < 2; i++) {
        for (int j = 0; j < 1 << 16; j++)
            cells[j] += i;
        atomic_store_explicit(&mine, i, memory_order_release);
        ++*turns;
    }
}

int main(void)
{
    signal(SIGURG, SIG_IGN);
    long turns[2] = {0};
    goc_waitgroup wg = GOC_WAITGROUP_INIT;
    goc_waitgroup_go(&wg, waits, &turns[0]);
    for (int i = 0; i < 5; i++)
        goc_gosched();
    atomic_store(&over, 1);
    goc_waitgroup_go(&wg, computes, &turns[1]);
    for (int i = 0; i < 5; i++)
        goc_gosched();
    atomic_store(&over, 2);
    goc_waitgroup_wait(&wg);
    puts(turns[0] && turns[1] ? "both" : "not");
    return 0;
}
