/*
 * live.c - how late a goroutine runs that is ready while others compute: figures, no judgement.
 *
 *   live sleep N     N sleeps of 5 ms beside a loop that never calls the runtime
 *   live libc N      the same beside three goroutines in libc's sleep(1)
 *   live ready N     N times: from being made ready by a sleep's end, beside three loops
 *
 * Prints median, 99th percentile and maximum of the delay in us, how many were over 20 ms, and what
 * was the machine's doing and not ours: how often the kernel took the CPU away (nivcsw), and the
 * time stolen from the machine's CPUs (/proc/stat, in ms).
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static atomic_bool over;
static unsigned long turns;

static void computes(void)
{
    for (volatile unsigned long i = 0; !over; i++)
        turns = i;
}
static void sleeps_in_libc(void)
{
    while (!over)
        sleep(1);
}

static long stolen_ms(void)
{
    long v[8] = {0};
    FILE *f = fopen("/proc/stat", "r");
    if (f) {
        if (fscanf(f, "cpu %ld %ld %ld %ld %ld %ld %ld %ld", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6,
                   v + 7) != 8)
            v[7] = 0;
        fclose(f);
    }
    return v[7] * 1000 / sysconf(_SC_CLK_TCK);
}
static long taken_away(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_nivcsw;
}
static int by_size(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "sleep";
    int n = argc > 2 ? atoi(argv[2]) : 2000;
    long *late = calloc((size_t)n, sizeof *late);
    if (n < 1 || !late)
        return 1;
    int loops = !strcmp(what, "sleep") ? 1 : !strcmp(what, "ready") ? 3 : 0;
    for (int i = 0; i < loops; i++)
        go(computes);
    for (int i = 0; !strcmp(what, "libc") && i < 3; i++)
        go(sleeps_in_libc);
    goc_sleep(50 * GOC_MILLISECOND);
    long stolen = stolen_ms(), taken = taken_away();
    for (int i = 0; i < n; i++) {
        goc_time due = goc_now() + 5 * GOC_MILLISECOND;
        goc_sleep(5 * GOC_MILLISECOND);
        late[i] = (goc_now() - due) / 1000;
    }
    stolen = stolen_ms() - stolen;
    taken = taken_away() - taken;
    over = true;
    qsort(late, (size_t)n, sizeof *late, by_size);
    int more = 0;
    for (int i = 0; i < n; i++)
        more += late[i] > 20000;
    printf("%ld %ld %ld %d %ld %ld\n", late[n / 2], late[n * 99L / 100], late[n - 1], more, taken, stolen);
}
