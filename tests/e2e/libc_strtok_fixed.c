// status: 0
/* strtok keeps its place in one hidden variable for all. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

int words;

static void *split(void *arg)
{
    char line[] = "a b c";
    char *save = NULL;
    (void)save;
    for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save))
        __atomic_fetch_add(&words, 1, __ATOMIC_RELAXED);
    return arg;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, split, NULL);
    usleep(20000);
    pthread_create(&b, NULL, split, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    return words != 6;
}
