// status: 0
/* A pipe under stdio orders as well; a stream locked by hand is locked. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

int data;
static FILE *in, *out;

static void *sends(void *arg)
{
    data = 7;
    fprintf(out, "%d\n", 5);
    fflush(out);
    for (int i = 0; i < 100; i++) {
        flockfile(stdout);
        putc_unlocked('.', stdout);
        funlockfile(stdout);
    }
    return arg;
}

int main(void)
{
    pthread_t t;
    int ends[2], n = 0;
    pipe(ends);
    in = fdopen(ends[0], "r");
    out = fdopen(ends[1], "w");
    pthread_create(&t, NULL, sends, NULL);
    fscanf(in, "%d", &n);
    data++;
    for (int i = 0; i < 100; i++) {
        flockfile(stdout);
        putc_unlocked('.', stdout);
        funlockfile(stdout);
    }
    pthread_join(t, NULL);
    return n != 5 || data != 8;
}
