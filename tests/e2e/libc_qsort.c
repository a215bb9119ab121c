// status: 66
/* Sorting writes the whole array. */
#include <pthread.h>
#include <stdlib.h>
#include "turns.h"

int numbers[20], seen;

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void *sorts(void *arg)
{
    qsort(numbers, 20, sizeof *numbers, compare);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    for (int i = 0; i < 20; i++)
        numbers[i] = 7 * i % 20;
    pthread_create(&t, NULL, sorts, NULL);
    turn_await(1);
    seen = numbers[13];
    pthread_join(t, NULL);
    return 0;
}
