// status: 66
/* A heap block: the report says how large, how far in, and who allocated it. */
#include <goc.h>
#include <stdlib.h>

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
    goc_sleep(20 * GOC_MILLISECOND);
    n->value = 2;
}

int main(void)
{
    struct node *n = node_new(0);
    go(early, n);
    go(late, n);
    goc_sleep(40 * GOC_MILLISECOND);
}
