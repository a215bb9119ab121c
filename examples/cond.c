/*
 * Cond: wait for a condition under a mutex. Wait unlocks, sleeps and locks again; the condition is
 * looked at in a loop, for it may have changed back meanwhile.
 */
#include <goc.h>
#include <stdio.h>

static goc_mutex mu; /* guards queue and waiting */
static goc_cond not_empty = GOC_COND_INIT(&mu);
static goc_cond not_full = GOC_COND_INIT(&mu);
static int queue[4], len;

static void put(int n)
{
    for (int i = 1; i <= n; i++) {
        goc_mutex_lock(&mu);
        while (len == 4)
            goc_cond_wait(&not_full);
        queue[len++] = i;
        goc_cond_signal(&not_empty);
        goc_mutex_unlock(&mu);
    }
}

static void take(int n, goc_send_chan(int) out)
{
    int sum = 0;
    for (int i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        while (len == 0)
            goc_cond_wait(&not_empty);
        sum += queue[--len];
        goc_cond_broadcast(&not_full);
        goc_mutex_unlock(&mu);
    }
    goc_send(out, sum);
}

int main(void)
{
    goc_chan(int) out = goc_chan_make(int, 0);
    go(put, 100);
    go(put, 100);
    go(take, 100, out);
    go(take, 100, out);
    int sum = goc_recv(out) + goc_recv(out);
    printf("sum %d\n", sum);
    return sum != 10100;
}
