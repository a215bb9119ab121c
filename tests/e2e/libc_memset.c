// status: 66
/* The compiler would write 64 bytes in line; they are looked at all the same. */
#include <pthread.h>
#include <string.h>
#include "turns.h"

char buffer[64];

static void *fill(void *arg)
{
    memset(buffer, 1, sizeof buffer);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, fill, NULL);
    turn_await(1);
    memset(buffer, 2, sizeof buffer);
    pthread_join(t, NULL);
    return 0;
}
