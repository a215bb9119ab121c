/*
 * RWMutex: many readers at once, or one writer. A waiting writer holds new readers back, so that it
 * is not kept out for ever.
 */
#include <goc.h>
#include <stdio.h>

static goc_rwmutex mu; /* guards the pair: first == second, always */
static int first, second;
static goc_waitgroup wg;

static void writer(int n)
{
    for (int i = 1; i <= n; i++) {
        goc_rwmutex_lock(&mu);
        first = i;
        second = i;
        goc_rwmutex_unlock(&mu);
        goc_gosched();
    }
}

static void reader(int n, goc_send_chan(int) torn)
{
    int seen = 0;
    for (int i = 0; i < n; i++) {
        goc_rwmutex_rlock(&mu);
        seen += first != second;
        goc_rwmutex_runlock(&mu);
        goc_gosched();
    }
    goc_send(torn, seen);
}

int main(void)
{
    goc_chan(int) torn = goc_chan_make(int, 4);
    goc_waitgroup_go(&wg, writer, 1000);
    for (int i = 0; i < 4; i++)
        goc_waitgroup_go(&wg, reader, 1000, torn);
    goc_waitgroup_wait(&wg);
    int bad = 0;
    for (int i = 0; i < 4; i++)
        bad += goc_recv(torn);
    printf("%d torn reads\n", bad);
    return bad;
}
