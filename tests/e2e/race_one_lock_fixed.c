// status: 0
// procs: 1 2
// A lock on both sides.
#include <goc.h>
#include <stdio.h>

struct account {
    int balance;
};
static struct {
    goc_mutex mu;
    struct account accounts[3];
} bank;

static void deposit(void)
{
    goc_mutex_lock(&bank.mu);
    bank.accounts[1].balance += 5;
    goc_mutex_unlock(&bank.mu);
}

static void look(void)
{
    goc_mutex_lock(&bank.mu);
    printf("%d\n", bank.accounts[1].balance);
    goc_mutex_unlock(&bank.mu);
}

int main(void)
{
    go(look);
    goc_sleep(20 * GOC_MILLISECOND);
    go(deposit);
    goc_sleep(20 * GOC_MILLISECOND);
    look();
}
