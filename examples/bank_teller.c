/*
 * A monitor goroutine: the balance belongs to the teller, and to nobody else. Others ask by
 * channel; there is nothing to lock because nothing is shared.
 */
#include <goc.h>
#include <stdio.h>

static goc_chan(int) deposits;
static goc_chan(int) balances;

static void teller(void)
{
    int balance = 0;
    for (;;) {
        int amount;
        switch (goc_select(goc_on_recv(deposits, &amount), goc_on_send(balances, balance))) {
        case 0:
            balance += amount;
            break;
        case 1:
            break;
        }
    }
}

static void deposit(int amount)
{
    goc_send(deposits, amount);
}

int main(void)
{
    deposits = goc_chan_make(int, 0);
    balances = goc_chan_make(int, 0);
    go(teller);
    goc_waitgroup wg = {0};
    for (int i = 1; i <= 100; i++)
        goc_waitgroup_go(&wg, deposit, i);
    goc_waitgroup_wait(&wg);
    int balance = goc_recv(balances);
    printf("balance %d\n", balance);
    return balance != 5050;
}
