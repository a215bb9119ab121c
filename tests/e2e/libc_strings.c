// status: 66
/* strcpy writes up to the end of the string, strlen reads as far, and not a byte more. */
#include <pthread.h>
#include <string.h>
#include "turns.h"

char text[32] = "short";
size_t length;

static void *measure(void *arg)
{
    length = strlen(text);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, measure, NULL);
    turn_await(1);
    text[5] = '!';
    pthread_join(t, NULL);
    return length != 5;
}
