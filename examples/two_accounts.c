/*
 * Two transfers lock the same two accounts in opposite orders. Each takes its first lock and waits
 * for its second: both wait for ever. It need not happen; goc-race reports it either way.
 *
 *   two_accounts         the second transfer starts when the first has ended: a potential deadlock,
 *                        found from the order of the locks although nothing blocked
 *   two_accounts meet    they meet: a deadlock
 *
 * Mended in two_accounts_fixed.c.
 */
#include <goc.h>
#include <stdio.h>
#include <string.h>

struct account {
    goc_mutex mu; /* guards balance */
    int balance;
};

static struct account a = {.balance = 100}, b = {.balance = 100};
static goc_duration pause_between; /* set before the goroutines start */

static void transfer(struct account *from, struct account *to, int amount)
{
    goc_mutex_lock(&from->mu);
    goc_sleep(pause_between);
    goc_mutex_lock(&to->mu);
    from->balance -= amount;
    to->balance += amount;
    goc_mutex_unlock(&to->mu);
    goc_mutex_unlock(&from->mu);
}

static void later(struct account *from, struct account *to, int amount, goc_duration after)
{
    goc_sleep(after); /* time passes; it orders nothing */
    transfer(from, to, amount);
}

int main(int argc, char **argv)
{
    bool meet = argc > 1 && strcmp(argv[1], "meet") == 0;
    pause_between = meet ? 50 * GOC_MILLISECOND : 0;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, later, &a, &b, 10, (goc_duration)0);
    goc_waitgroup_go(&wg, later, &b, &a, 20, meet ? (goc_duration)0 : 50 * GOC_MILLISECOND);
    goc_waitgroup_wait(&wg);
    printf("%d and %d\n", a.balance, b.balance);
}
