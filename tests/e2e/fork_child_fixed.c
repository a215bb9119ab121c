// status: 0
/* A child of fork goes on being checked, and its finding counts. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

int n;

static void *add(void *arg)
{
    n++;
    return arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, add, NULL);
    pthread_join(t, NULL);
    pid_t child = fork();
    if (child == 0) {
        pthread_create(&t, NULL, add, NULL);
        pthread_join(t, NULL);
        n++;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return 0;
}
