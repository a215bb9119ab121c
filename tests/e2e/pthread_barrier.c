// status: 66
/* Everybody knows what everybody did before the barrier; what comes after it is nobody's yet. */
#include <pthread.h>
#include <unistd.h>

enum { N = 4, ROUNDS = 6 };
static pthread_barrier_t barrier;
static int cell[ROUNDS][N], sum[N];

static void *work(void *arg)
{
    int me = (int)(long)arg;
    for (int r = 0; r < ROUNDS; r++) {
        cell[r][me] = r + me;
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < N; i++)
            sum[me] += cell[r][i];
        if (r == ROUNDS - 1 && me == 0) {
            usleep(20000);
            cell[r][1] = 0;
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t t[N];
    pthread_barrier_init(&barrier, NULL, N);
    for (long i = 0; i < N; i++)
        pthread_create(&t[i], NULL, work, (void *)i);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    pthread_barrier_destroy(&barrier);
    return 0;
}
