// status: 0
/* A handler belongs to whom it interrupts, and knows what its installer knew. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

int prepared, handled;
static pthread_t target;

static void handler(int sig)
{
    if (prepared)
        handled++;
}

static void *spins(void *arg)
{
    usleep(40000);
    return arg;
}

int main(void)
{
    pthread_create(&target, NULL, spins, NULL);
    prepared = 1;
    struct sigaction act = {.sa_handler = handler};
    sigaction(SIGUSR1, &act, NULL);
    pthread_kill(target, SIGUSR1);
    pthread_join(target, NULL);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    return old.sa_handler != handler || !handled;
}
