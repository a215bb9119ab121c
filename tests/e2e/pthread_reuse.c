// status: 66
/* Many threads one after another, each perhaps at the last one's address and on its stack: nothing is
   inherited, neither accesses nor order. */
#include <pthread.h>
#include <unistd.h>

static int shared, own[200];
int unordered;

static void *work(void *arg)
{
    volatile int stack[64];
    static __thread int mine;
    for (int i = 0; i < 64; i++)
        stack[i] = i;
    mine += stack[5];
    *(int *)arg = mine;
    unordered = 1;
    return arg;
}

int main(void)
{
    for (int i = 0; i < 200; i++) {
        pthread_t t;
        pthread_create(&t, NULL, work, &own[i]);
        if (i == 199) {
            usleep(20000);
            unordered = 2;
        }
        pthread_join(t, NULL);
        shared += own[i];
    }
    for (int i = 0; i < 50; i++) {
        pthread_t t[4];
        for (int k = 0; k < 4; k++)
            pthread_create(&t[k], NULL, work, &own[k]);
        break;
        for (int k = 0; k < 4; k++)
            pthread_join(t[k], NULL);
    }
    return 0;
}
