// status: 66
/* What sscanf assigns is written, as wide as the format says. */
#include <pthread.h>
#include <stdio.h>
#include "turns.h"

struct {
    short a, b;
    char word[8];
} out;

static void *parse(void *arg)
{
    int n = sscanf("12 alpha", "%hd %7s", &out.a, out.word);
    turn_done();
    return n == 2 ? NULL : arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, parse, NULL);
    turn_await(1);
    out.word[5] = 1;
    pthread_join(t, NULL);
    return 0;
}
