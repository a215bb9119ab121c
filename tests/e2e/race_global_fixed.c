// status: 0
/* race_global with the lock taken by the reader too. */
#include <goc.h>

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
    goc_sleep(20 * GOC_MILLISECOND);
    deposit(i, 100);
}

static int balance(int i)
{
    goc_mutex_lock(&bank.mu);
    int b = bank.accounts[i].balance;
    goc_mutex_unlock(&bank.mu);
    return b;
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, worker, 1);
    int b = balance(1);
    goc_waitgroup_wait(&wg);
    return b;
}
