// status: 0
/* Forks while other threads allocate, lock and write: the children work, each alone. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int stop;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
long n;

static void *busy(void *arg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        char *p = malloc(500);
        memset(p, 1, 500);
        pthread_mutex_lock(&mu);
        n += p[3];
        pthread_mutex_unlock(&mu);
        free(p);
    }
    return arg;
}

static void *add(void *arg)
{
    ++*(int *)arg;
    return NULL;
}

int main(void)
{
    pthread_t t[2];
    int bad = 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, busy, NULL);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            int sum = 0;
            for (int k = 0; k < 3; k++) {
                pthread_t c;
                pthread_create(&c, NULL, add, &sum);
                pthread_join(c, NULL);
            }
            free(malloc(100000));
            _exit(sum == 3 ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        bad += status != 0;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    return bad;
}
