/*
 * racy_counter.c mended with a mutex: unlock comes before the next lock, so every increment comes
 * before the next one. The sum is two million, and goc-race has nothing to say.
 */
#include <goc.h>
#include <stdio.h>

static int n;
static goc_mutex mu; /* guards n */
static goc_waitgroup done;

static void count(int times)
{
    for (int i = 0; i < times; i++) {
        goc_mutex_lock(&mu);
        n++;
        goc_mutex_unlock(&mu);
    }
    goc_waitgroup_done(&done);
}

int main(void)
{
    goc_waitgroup_add(&done, 2);
    go(count, 1000000);
    go(count, 1000000);
    goc_waitgroup_wait(&done);
    printf("n = %d\n", n);
    return n != 2000000;
}
