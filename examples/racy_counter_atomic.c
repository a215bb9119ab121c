/*
 * racy_counter.c mended with an atomic: the increment is one step that nothing can come between.
 * Relaxed order is enough for a count; WaitGroup's Done orders the last of them before the print.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int n;
static goc_waitgroup done;

static void count(int times)
{
    for (int i = 0; i < times; i++)
        atomic_fetch_add_explicit(&n, 1, memory_order_relaxed);
    goc_waitgroup_done(&done);
}

int main(void)
{
    goc_waitgroup_add(&done, 2);
    go(count, 1000000);
    go(count, 1000000);
    goc_waitgroup_wait(&done);
    int sum = atomic_load_explicit(&n, memory_order_relaxed);
    printf("n = %d\n", sum);
    return sum != 2000000;
}
