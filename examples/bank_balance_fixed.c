/*
 * bank_balance.c mended: whoever looks takes the lock as well.
 */
#include <goc.h>
#include <stdio.h>

static struct {
    goc_mutex mu; /* guards balance */
    int balance;
} bank;

static void deposit(int amount)
{
    goc_mutex_lock(&bank.mu);
    bank.balance += amount;
    goc_mutex_unlock(&bank.mu);
}

static int balance(void)
{
    goc_mutex_lock(&bank.mu);
    int b = bank.balance;
    goc_mutex_unlock(&bank.mu);
    return b;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, deposit, 200);
    goc_waitgroup_go(&wg, deposit, 100);
    printf("balance = %d, sooner or later\n", balance());
    goc_waitgroup_wait(&wg);
    return balance() != 300;
}
