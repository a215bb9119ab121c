// status: 66
/* What sscanf assigns is written, as wide as the format says. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct {
    short a, b;
    char word[8];
} out;

static void *parse(void *arg)
{
    return sscanf("12 alpha", "%hd %7s", &out.a, out.word) == 2 ? NULL : arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, parse, NULL);
    usleep(20000);
    out.word[5] = 1;
    pthread_join(t, NULL);
    return 0;
}
