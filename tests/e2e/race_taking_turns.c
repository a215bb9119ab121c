// status: 66
// procs: 1
// repeat: 10
/* Two goroutines that take turns on one thread, by yielding: a clock for each of them, not for the
   thread, is what finds it. */
#include <goc.h>

static int turns;
static goc_waitgroup wg;

static void turn(void)
{
    for (int i = 0; i < 10; i++) {
        turns++;
        goc_gosched();
    }
    goc_waitgroup_done(&wg);
}

int main(void)
{
    goc_waitgroup_add(&wg, 2);
    go(turn);
    go(turn);
    goc_waitgroup_wait(&wg);
}
