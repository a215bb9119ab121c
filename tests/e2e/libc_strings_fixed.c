// status: 0
/* strcpy writes up to the end of the string, strlen reads as far, and not a byte more. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

char text[32] = "short";
size_t length;

static void *measure(void *arg)
{
    length = strlen(text);
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, measure, NULL);
    usleep(20000);
    text[6] = '!';
    pthread_join(t, NULL);
    return length != 5;
}
