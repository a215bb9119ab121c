// status: 66
/* A heap block: the report says how large, how far in, and who allocated it. */
#include <goc.h>
#include <stdlib.h>
#include "turns.h"

struct node {
    struct node *next;
    long value;
};

static struct node *node_new(long value)
{
    struct node *n = malloc(sizeof *n);
    n->next = NULL;
    n->value = value;
    return n;
}

static void early(struct node *n)
{
    n->value = 1;
}

static void late(struct node *n)
{
    until_left(2);
    goc_sleep(GOC_MILLISECOND);
    n->value = 2;
}

int main(void)
{
    goc_waitgroup wg = {0};
    struct node *n = node_new(0);
    goc_waitgroup_go(&wg, early, n);
    goc_waitgroup_go(&wg, late, n);
    goc_waitgroup_wait(&wg);
}
