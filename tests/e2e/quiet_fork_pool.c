// status: 0
/* A child of fork makes anew what its parent's threads used: they are not there any more, and what they did
   came before. A descriptor that came by syscall() has nothing of the last with its number. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int work = 1;
static atomic_int idle;

static void *worker(void *arg)
{
    pthread_mutex_lock(&mu);
    work++;
    atomic_store_explicit(&idle, 1, memory_order_relaxed);
    while (work >= 0)
        pthread_cond_wait(&cond, &mu);
    pthread_mutex_unlock(&mu);
    return NULL;
}

static void *open_and_close(void *arg)
{
    usleep(arg ? 20000 : 0);
    close((int)syscall(SYS_memfd_create, "x", 0));
    return NULL;
}

int main(void)
{
    pthread_t t, u[2];
    pthread_create(&t, NULL, worker, NULL);
    while (!atomic_load_explicit(&idle, memory_order_relaxed)) /* which orders nothing */
        usleep(1000);
    pid_t child = fork();
    if (child == 0) {
        pthread_cond_init(&cond, NULL);
        pthread_mutex_init(&mu, NULL);
        work = 5;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    pthread_mutex_lock(&mu);
    work = -1;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mu);
    pthread_join(t, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&u[i], NULL, open_and_close, i ? &mu : NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(u[i], NULL);
    return status != 0;
}
