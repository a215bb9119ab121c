/* common.c - the unit tests' main function and child processes; see common.h. */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int unit_main(const char *suite, double seconds, const TTest *const *tests, size_t n)
{
    const char *only = getenv("UNIT_ONLY");
    Suite *s = suite_create(suite);
    for (size_t i = 0; i < n; i++) {
        if (only && !strstr(tests[i]->name, only))
            continue;
        /* A case per test, so that a failure names the test and has the whole time to itself. */
        TCase *tc = tcase_create(tests[i]->name);
        tcase_set_timeout(tc, seconds);
        tcase_add_test(tc, tests[i]);
        suite_add_tcase(s, tc);
    }
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}

double unit_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* Read what the child says until it has closed its end or time is up, then reap it. */
static void child_watch(struct unit_end *end, pid_t pid, int fd, double seconds)
{
    double until = unit_now() + seconds;
    memset(end, 0, offsetof(struct unit_end, text));
    end->len = 0;
    for (;;) {
        double left = until - unit_now();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            end->timed_out = true;
            kill(pid, SIGKILL);
            break;
        }
        char rest[4096];
        size_t room = sizeof end->text - 1 - end->len;
        ssize_t k = room ? read(fd, end->text + end->len, room) : read(fd, rest, sizeof rest);
        if (k <= 0)
            break;
        if (room)
            end->len += k;
    }
    end->text[end->len] = 0;
    close(fd);
    int st;
    while (waitpid(pid, &st, 0) < 0 && errno == EINTR)
        ;
    end->status = WIFEXITED(st) ? WEXITSTATUS(st) : -1;
    end->signal = WIFSIGNALED(st) ? WTERMSIG(st) : 0;
}

static pid_t child_start(int *fd)
{
    int p[2];
    ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(p[1], 1);
        dup2(p[1], 2);
        close(p[0]);
        close(p[1]);
        return 0;
    }
    close(p[1]);
    *fd = p[0];
    return pid;
}

void unit_child(struct unit_end *end, void (*fn)(void *), void *arg, double seconds)
{
    int fd;
    pid_t pid = child_start(&fd);
    if (pid == 0) {
        fn(arg);
        exit(0);
    }
    child_watch(end, pid, fd, seconds);
}

void unit_exec(struct unit_end *end, const char *const *argv, const char *const *env,
               double seconds)
{
    int fd;
    pid_t pid = child_start(&fd);
    if (pid == 0) {
        for (; env && *env; env++)
            putenv((char *)*env);
        execvp(argv[0], (char *const *)argv);
        perror(argv[0]);
        _exit(127);
    }
    child_watch(end, pid, fd, seconds);
}

bool unit_contains(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

uint64_t unit_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

const char *unit_build(void)
{
    static char path[PATH_MAX];
    if (path[0])
        return path;
    ssize_t k = readlink("/proc/self/exe", path, sizeof path - 1);
    ck_assert_int_gt(k, 0);
    path[k] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        ck_assert_ptr_nonnull(slash);
        *slash = 0;
    }
    return path;
}
