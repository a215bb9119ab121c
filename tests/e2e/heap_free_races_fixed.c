// status: 0
/* A free that is not ordered with the last use. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char *block;

static void *uses(void *arg)
{
    block[77] = 1;
    return arg;
}

int main(void)
{
    pthread_t t;
    block = malloc(100);
    pthread_create(&t, NULL, uses, NULL);
    pthread_join(t, NULL);
    free(block);
    return 0;
}
