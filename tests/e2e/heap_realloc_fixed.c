// status: 0
/* realloc moves the block: a write of it, and an end of the old one. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char *list;

static void *grows(void *arg)
{
    list[0] = 1;
    list = realloc(list, 100000);
    list[50000] = 2;
    return arg;
}

int main(void)
{
    pthread_t t;
    list = malloc(100);
    list[99] = 1;
    pthread_create(&t, NULL, grows, NULL);
    pthread_join(t, NULL);
    int seen = list[99];
    free(list);
    return seen == 77;
}
