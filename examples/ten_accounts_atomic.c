/*
 * ten_accounts.c mended: each account is an atomic counter, so no single change is lost, and the
 * total is 1000 once all is done. (Who looks while money is on its way between two accounts still
 * sees less; that would want a lock around both.)
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ACCOUNTS = 10, MOVERS = 100, MOVES = 200 };

static atomic_int account[ACCOUNTS];

static void mover(unsigned seed)
{
    for (int i = 0; i < MOVES; i++) {
        seed = seed * 1664525u + 1013904223u;
        int from = (seed >> 8) % ACCOUNTS, to = (seed >> 16) % ACCOUNTS;
        atomic_fetch_sub(&account[from], 1);
        atomic_fetch_add(&account[to], 1);
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
    return total != 1000;
}
