/*
 * two_accounts.c mended: whichever way the money goes, the account with the lower address is locked
 * first. One order for all, and no cycle can close.
 */
#include <goc.h>
#include <stdio.h>

struct account {
    goc_mutex mu; /* guards balance; taken in the order of addresses */
    int balance;
};

static struct account accounts[2] = {{.balance = 100}, {.balance = 100}};

static void transfer(struct account *from, struct account *to, int amount)
{
    struct account *first = from < to ? from : to;
    struct account *second = from < to ? to : from;
    goc_mutex_lock(&first->mu);
    goc_mutex_lock(&second->mu);
    from->balance -= amount;
    to->balance += amount;
    goc_mutex_unlock(&second->mu);
    goc_mutex_unlock(&first->mu);
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, transfer, &accounts[0], &accounts[1], 10);
    goc_waitgroup_go(&wg, transfer, &accounts[1], &accounts[0], 20);
    goc_waitgroup_wait(&wg);
    printf("%d and %d\n", accounts[0].balance, accounts[1].balance);
    return accounts[0].balance != 110;
}
