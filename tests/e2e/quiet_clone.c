// status: 0
// says: all as it should be
/* clone by the program itself: a child with memory of its own is one of fork, and one that shares the memory
   without being a thread is nobody's; a line says so (CLONED=vm). What it does disturbs nobody. */
#define _GNU_SOURCE
#include "turns.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

int shared, both;
static int child(void *arg)
{
    for (int i = 0; i < 100000; i++)
        shared++;
    *(int *)arg += shared;
    return 7;
}
static void *beside(void *arg)
{
    for (int i = 0; i < 100000; i++)
        both++;
    return arg;
}
static int run(int flags)
{
    static char stack[1 << 16] __attribute__((aligned(16)));
    int status = 0, sum = 0;
    pthread_t t;
    pthread_create(&t, NULL, beside, NULL);
    pid_t pid = clone(child, stack + sizeof stack, flags | SIGCHLD, &sum);
    int *p = malloc(100); /* while it runs */
    for (int i = 0; i < 25; i++)
        p[i] = i;
    free(p);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
        printf("flags %x: status %x\n", (unsigned)flags, (unsigned)status), exit(9);
    pthread_join(t, NULL);
    return sum;
}
int main(int argc, char **argv)
{
    if (run(0) != 0 || shared != 0)
        return 8;
    if (argc > 1)
        for (int i = 1; i <= 4; i++)
            if (run(i & 1 ? CLONE_VM : CLONE_VM | CLONE_VFORK) != i * 100000)
                return 7;
    puts("all as it should be");
    return 0;
}
