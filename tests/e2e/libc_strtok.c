// status: 66
/* strtok keeps its place in one hidden variable for all. */
#include <pthread.h>
#include <string.h>
#include "turns.h"

int words;

static void *split(void *arg)
{
    char line[] = "a b c";
    for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
        __atomic_fetch_add(&words, 1, __ATOMIC_RELAXED);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, split, NULL);
    turn_await(1);
    pthread_create(&b, NULL, split, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return words != 6;
}
