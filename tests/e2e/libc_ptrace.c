// status: 66
// says: 3 findings: as it should be
/* What a debugger's calls fill in: registers whole, by a set, what a signal says. Where the machine forbids
   it, the same is written by hand. */
#include "turns.h"
#include <elf.h>
#include <goc/race.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

struct user_regs_struct whole, by_set;
siginfo_t info;

static void *debugs(void *arg)
{
    int status;
    struct iovec v = {&by_set, sizeof by_set};
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, &status, WUNTRACED);
    if (ptrace(PTRACE_GETREGS, pid, NULL, &whole))
        memset(&whole, 1, sizeof whole);
    if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v))
        memset(&by_set, 1, sizeof by_set);
    if (ptrace(PTRACE_GETSIGINFO, pid, NULL, &info))
        memset(&info, 1, sizeof info);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, debugs, NULL);
    turn_await(1);
#ifdef FIXED
    pthread_join(t, NULL);
#endif
    whole.rip = 1;
    by_set.rip = 1;
    info.si_code = 1;
    printf("%zu findings: as it should be\n", goc_race_errors());
#ifndef FIXED
    pthread_join(t, NULL);
    if (goc_race_errors() != 3)
        abort();
#endif
    return 0;
}
