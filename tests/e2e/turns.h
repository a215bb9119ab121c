/*
 * turns.h - who comes first, without any order that the detector could see.
 *
 * Most programs here want two accesses one after the other in time, and unordered all the same, so
 * that the report has one right form. A sleep says that only where the machine is quick enough.
 * These wait for the thing itself:
 *
 *   turn_done()      one more thing has happened; turn_await(n) waits until n have
 *   until_left(n)    waits until only n goroutines are left, the caller included
 *   until_blocked()  waits until every other goroutine waits for something, a time and a descriptor
 *                    included: on the caller's P, then the only one, they have had their turns, and all
 *                    threads but the caller's are seen asleep, several times in a row
 *
 * None of them orders anything: the counter is relaxed and in functions without instrumentation,
 * and how many goroutines there are, Gosched and GOMAXPROCS are no synchronisation. Nobody sleeps,
 * so a report has the hint about a sleep only where the program sleeps itself.
 */
#ifndef TURNS_H
#define TURNS_H
#include <dirent.h>
#include <fcntl.h>
#include <goc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURN __attribute__((noinline, unused, no_sanitize("thread"))) static void

static int turns_done;

TURN turn_yield(void)
{
    goc_gosched();
    sched_yield(); /* goc_gosched comes back at once where no goroutine is ready */
}

TURN turn_done(void)
{
    __atomic_fetch_add(&turns_done, 1, __ATOMIC_RELAXED);
}

TURN turn_await(int n)
{
    while (__atomic_load_n(&turns_done, __ATOMIC_RELAXED) < n)
        turn_yield();
}

TURN until_left(int n)
{
    while (goc_numgoroutine() > n)
        turn_yield();
}

/* "TID (NAME) S ...": asleep. A thread that has just gone waits for nothing. */
__attribute__((noinline, unused, no_sanitize("thread"))) static int turn_threads_awake(void)
{
    int awake = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) {
        char text[300];
        snprintf(text, sizeof text, "/proc/self/task/%s/stat", e->d_name);
        int fd = atoi(e->d_name) && atoi(e->d_name) != syscall(SYS_gettid)
                     ? open(text, O_RDONLY | O_CLOEXEC)
                     : -1;
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        text[n < 0 ? 0 : n] = 0;
        const char *end = strrchr(text, ')');
        awake += n > 0 && end && strncmp(end, ") S", 3) != 0;
        if (fd >= 0)
            close(fd);
    }
    if (d)
        closedir(d);
    return awake;
}

TURN until_blocked(void)
{
    int procs = goc_gomaxprocs(1);
    for (int calm = 0; calm < 3; calm++) {
        for (int i = 0; i < 30; i++)
            goc_gosched();
        if (turn_threads_awake()) {
            calm = -1;
            sched_yield();
        }
    }
    goc_gomaxprocs(procs);
}
#endif
