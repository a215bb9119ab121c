// status: 66
/* Lazy initialisation needs once. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int *table;

static void make(void)
{
    table = calloc(16, sizeof *table);
    table[3] = 7;
}

static void *use(void *arg)
{
    usleep((long)arg * 20000);
    if (!table)
        make();
    return table[3] == 7 ? NULL : arg;
}

int main(void)
{
    pthread_t a, b;
    pthread_create(&a, NULL, use, (void *)0);
    pthread_create(&b, NULL, use, (void *)1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    free(table);
    return 0;
}
