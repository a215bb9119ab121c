// status: 0
/* Signals that come at any instant, also inside the detector: nothing hangs and nothing is made up. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks;
static __thread volatile int mine[64];
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
long total;

static void tick(int sig)
{
    for (int i = 0; i < 64; i++)
        mine[i]++;
    __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
    char text[64];
    for (int i = 0; i < 3000; i++) {
        char *p = malloc(100 + i % 1000);
        memset(p, i, 100);
        strcpy(text, "abc");
        pthread_mutex_lock(&mu);
        total += (long)strlen(text);
        pthread_mutex_unlock(&mu);
        free(p);
    }
    return arg;
}

int main(void)
{
    pthread_t t[3];
    struct sigaction act = {.sa_handler = tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &act, NULL);
    struct itimerval every = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &every, NULL);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    return total != 27000;
}
