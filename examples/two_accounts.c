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
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct account {
    goc_mutex mu; /* guards balance */
    int balance;
};

static struct account a = {.balance = 100}, b = {.balance = 100};
static bool meet;         /* set before the goroutines start */
static atomic_int inside; /* relaxed: it orders nothing */

static void transfer(struct account *from, struct account *to, int amount)
{
    goc_mutex_lock(&from->mu);
    atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed);
    while (meet && atomic_load_explicit(&inside, memory_order_relaxed) < 2)
        goc_gosched();
    goc_mutex_lock(&to->mu);
    from->balance -= amount;
    to->balance += amount;
    goc_mutex_unlock(&to->mu);
    goc_mutex_unlock(&from->mu);
}

static void later(struct account *from, struct account *to, int amount)
{
    while (!meet && goc_numgoroutine() > 2) /* time passes; it orders nothing */
        goc_gosched();
    transfer(from, to, amount);
}

int main(int argc, char **argv)
{
    meet = argc > 1 && strcmp(argv[1], "meet") == 0;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, transfer, &a, &b, 10);
    goc_waitgroup_go(&wg, later, &b, &a, 20);
    goc_waitgroup_wait(&wg);
    printf("%d and %d\n", a.balance, b.balance);
}
