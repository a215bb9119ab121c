// status: 0
/* race_heap with each goroutine's block its own; the addresses are used again, which orders nothing
   and inherits nothing. */
#include <goc.h>
#include <stdlib.h>

struct node {
    struct node *next;
    long value;
};

static void use(goc_duration after)
{
    goc_sleep(after);
    for (int i = 0; i < 100; i++) {
        struct node *n = malloc(sizeof *n);
        n->value = i;
        free(n);
    }
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, use, (goc_duration)0);
    goc_waitgroup_go(&wg, use, 20 * GOC_MILLISECOND);
    goc_waitgroup_wait(&wg);
}
