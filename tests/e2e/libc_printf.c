// status: 66
/* What %s prints is read; %d is a copy. */
#include <pthread.h>
#include <stdio.h>
#include "turns.h"

char name[16] = "gopher";
int count = 3;

static void *print(void *arg)
{
    char line[64];
    snprintf(line, sizeof line, "%5d %-8.3f %% %s %lld\n", 1, 2.5, name, 4ll);
    fputs(line, stdout);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, print, NULL);
    turn_await(1);
    name[0] = 'G';
    pthread_join(t, NULL);
    return 0;
}
