// status: 66
// procs: 1 2
// A lock on one side only: the report says who held what, whichever side came first.
#include <goc.h>
#include <stdio.h>
#include "turns.h"

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
    printf("%d\n", bank.accounts[1].balance);
}

int main(void)
{
    go(look);
    until_left(1);
    go(deposit);
    until_left(1);
    goc_sleep(GOC_MILLISECOND);
    look();
}
