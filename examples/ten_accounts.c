/*
 * Ten accounts with 100 each, and a hundred goroutines that move money between them. Nothing guards
 * the accounts: money is made and lost, and the total drifts away from 1000.
 * Mended in ten_accounts_atomic.c.
 */
#include <goc.h>
#include <stdio.h>

enum { ACCOUNTS = 10, MOVERS = 100, MOVES = 200 };

static int account[ACCOUNTS];

static void mover(unsigned seed)
{
    for (int i = 0; i < MOVES; i++) {
        seed = seed * 1664525u + 1013904223u;
        int from = (seed >> 8) % ACCOUNTS, to = (seed >> 16) % ACCOUNTS;
        account[from] -= 1;
        account[to] += 1;
        if (i % 50 == 0)
            goc_gosched();
    }
}

int main(void)
{
    for (int i = 0; i < ACCOUNTS; i++)
        account[i] = 100;
    goc_waitgroup wg = {0};
    for (unsigned i = 0; i < MOVERS; i++)
        goc_waitgroup_go(&wg, mover, i);
    goc_waitgroup_wait(&wg);
    int total = 0;
    for (int i = 0; i < ACCOUNTS; i++)
        total += account[i];
    printf("total %d\n", total);
}
