/*
 * A bank whose deposits are guarded and whose balance is not: one forgotten lock is enough. The
 * report says who held what: the depositor the mutex, main nothing. Mended in bank_balance_fixed.c.
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
    return bank.balance;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, deposit, 200);
    goc_waitgroup_go(&wg, deposit, 100);
    printf("balance = %d\n", balance());
    goc_waitgroup_wait(&wg);
}
