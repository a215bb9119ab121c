// status: 0
/* Blocks that are given out again, big and small, aligned and resized, have no past. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *work(void *arg)
{
    unsigned seed = (unsigned)(long)arg;
    for (int i = 0; i < 3000; i++) {
        size_t n = 1 + rand_r(&seed) % (i % 100 ? 300 : 600000);
        char *p = i % 7 ? malloc(n) : calloc(n, 1);
        p[0] = 1;
        p[n - 1] = 2;
        if (i % 5 == 0) {
            p = realloc(p, n * 2);
            p[n * 2 - 1] = 3;
        }
        free(p);
        if (i % 11 == 0) {
            p = aligned_alloc(64, 128);
            memset(p, 0, 128);
            free(p);
        }
        if (i % 500 == 0)
            malloc_trim(0);
    }
    return arg;
}

int main(void)
{
    pthread_t t[4];
    for (long i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, work, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    return 0;
}
