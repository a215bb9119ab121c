// status: 0
/* localtime's result is one object for all. */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

int year[2];

static void *look(void *arg)
{
    time_t t = 86400 * 365;
    struct tm own, *tm = &own;
    localtime_r(&t, &own);
    *(int *)arg = tm->tm_year;
    return NULL;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, look, &year[0]);
    pthread_create(&b, NULL, look, &year[1]);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return year[0] != 71 || year[1] != 71;
}
