/*
 * Two goroutines count to a million each in one variable, and nothing orders them.
 *
 *   goc-race run examples/racy_counter.c
 *
 * `n++` is a read, an addition and a write. Two of them at once, and one is lost; or, where the
 * compiler has kept n in a register during the loop, a whole million is. The race is there in every
 * run, also in one that happens to print the right number, and goc-race reports it in every run.
 * Three ways to mend it: racy_counter_mutex.c, racy_counter_atomic.c, racy_counter_channel.c.
 */
#include <goc.h>
#include <stdio.h>

static int n;
static goc_waitgroup done;

static void count(int times)
{
    for (int i = 0; i < times; i++)
        n++;
    goc_waitgroup_done(&done);
}

int main(void)
{
    goc_waitgroup_add(&done, 2);
    go(count, 1000000);
    go(count, 1000000);
    goc_waitgroup_wait(&done);
    printf("n = %d\n", n);
}
