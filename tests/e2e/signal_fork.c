// status: 66
// repeat: 1
/* A signal that comes while the process is copied: its handler's accesses race with a goroutine's, and what
   reports that needs locks which fork holds. Parent and children must get through. */
#include <goc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int beats;

static void on_alarm(int sig)
{
    beats++;
}

static void look(void)
{
    beats++;
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
