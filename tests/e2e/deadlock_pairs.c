/*
 * Deadlocks, lock orders, leaks and misuses, each beside its quiet twin: the same program with the
 * one thing changed that prevents it. deadlock_pairs.sh builds this once and runs every case both ways.
 * The pairs are in the files beside this one, by kind.
 *
 *   deadlock_pairs              lists the cases: name, what must be found
 *   deadlock_pairs NAME bug     runs it with the fault
 *   deadlock_pairs NAME fixed   and without: nothing may be found
 *
 * Halves that must meet, or must not, wait for relaxed atomics, which order nothing; and that somebody is
 * blocked is seen from outside (settled). Nothing here depends on how fast the machine is: where a case
 * sleeps, a longer sleep would not change what is found.
 */
#include "deadlock_pairs.h"
#include <fcntl.h>
#include <sys/syscall.h>

bool fixed;
goc_mutex a, b, c, d, gate;
goc_rwmutex rw, rw2;
goc_waitgroup done;

void nested(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}

/* --- who comes when ------------------------------------------------------------------------------------- */

static int turns_ended, met;

static void until(int *count, int n)
{
    for (int i = 0; __atomic_load_n(count, __ATOMIC_RELAXED) < n; i++)
        if (i < 100)
            goc_gosched();
        else
            goc_sleep(MS / 5);
}
void turn_wait(int k)
{
    until(&turns_ended, k);
}
void turn_end(void)
{
    __atomic_fetch_add(&turns_ended, 1, __ATOMIC_RELAXED);
}
void meet(int n)
{
    __atomic_fetch_add(&met, 1, __ATOMIC_RELAXED);
    until(&met, n);
}

/* The state of a thread of ours, as the kernel tells it: S sleeps. */
static char state_of(const char *tid)
{
    char name[64], text[512];
    snprintf(name, sizeof name, "/proc/self/task/%s/stat", tid);
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *after = strrchr(text, ')');
    return after && after[1] ? after[2] : 'S'; /* it has ended */
}

static bool other_threads_sleep(void)
{
    struct entry {
        unsigned long ino, off;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    _Alignas(8) char buf[4096];
    bool sleep = true;
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    for (long n; fd >= 0 && (n = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0;)
        for (long at = 0; at < n;) {
            const struct entry *e = (struct entry *)(buf + at);
            at += e->length;
            if (e->name[0] != '.' && atoi(e->name) != syscall(SYS_gettid))
                sleep = sleep && strchr("SZX", state_of(e->name));
        }
    if (fd >= 0)
        close(fd);
    return sleep;
}

/* Who is ready is run by this P when it yields, or by another thread, which then does not sleep. */
void settled(void)
{
    goc_race_disable();
    for (int calm = 0, tries = 0; calm < 3 && tries < 20000; tries++) {
        for (int i = 0; i < 20; i++)
            goc_gosched();
        calm = other_threads_sleep() ? calm + 1 : 0;
        if (calm == 0)
            goc_sleep(MS / 5);
    }
    goc_race_enable();
}

/* --- what several cases do -------------------------------------------------------------------------------- */

void nested_in_turn(goc_mutex *x, goc_mutex *y, int turn)
{
    turn_wait(turn);
    nested(x, y);
    turn_end();
}
void write_in_turn(goc_rwmutex *x, int turn)
{
    turn_wait(turn);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
    turn_end();
}
void unrelated(goc_chan(int) ch)
{
    goc_recv(ch);
}

int main(int argc, char **argv)
{
    const struct pair *const tables[] = {order_pairs, stuck_pairs, leak_pairs, misuse_pairs};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct pair *p = tables[t]; p->name; p++) {
            if (argc < 3) {
                printf("%s %s\n", p->name, p->finds);
            } else if (strcmp(argv[1], p->name) == 0) {
                fixed = strcmp(argv[2], "fixed") == 0;
                p->fn();
                return 0;
            }
        }
    }
    return argc < 3 ? 0 : 1;
}
