// status: 66
/* A field of an element of an array in a global struct, written under a lock and read without. */
#include <goc.h>
#include "turns.h"

static struct bank {
    goc_mutex mu;
    struct {
        int id;
        int balance;
    } accounts[3];
} bank;

static void deposit(int i, int amount)
{
    goc_mutex_lock(&bank.mu);
    bank.accounts[i].balance += amount;
    goc_mutex_unlock(&bank.mu);
}

static void worker(int i)
{
    until_blocked();
    goc_sleep(GOC_MILLISECOND);
    deposit(i, 100);
}

static int balance(int i)
{
    return bank.accounts[i].balance;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, worker, 1);
    int b = balance(1);
    goc_waitgroup_wait(&wg);
    return b;
}
