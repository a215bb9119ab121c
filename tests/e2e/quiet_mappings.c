// status: 0
/* Mappings that come and go, grow and shrink, are memory without a past. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

static void *work(void *arg)
{
    for (int i = 0; i < 200; i++) {
        size_t n = 4096 * (1 + (size_t)i % 50);
        char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, i, n);
        char *q = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
        q[2 * n - 1] = 1;
        q = mremap(q, 2 * n, n, 0);
        munmap(q, n);
    }
    return arg;
}

int main(void)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    return 0;
}
