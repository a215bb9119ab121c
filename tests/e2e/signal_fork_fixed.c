// status: 0
// repeat: 1
/* signal_fork.c mended: the counter is atomic. */
#include <goc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int beats;

static void on_alarm(int sig)
{
    __atomic_fetch_add(&beats, 1, __ATOMIC_RELAXED);
}

static void look(void)
{
    __atomic_fetch_add(&beats, 1, __ATOMIC_RELAXED);
}

int main(void)
{
    struct sigaction act = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, look); /* nothing orders the signals after this */
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 150; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(7);
        if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
            abort();
    }
    setitimer(ITIMER_REAL, &never, NULL);
    goc_waitgroup_wait(&wg);
}
