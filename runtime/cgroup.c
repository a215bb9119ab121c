/*
 * cgroup.c - how many CPUs the process's control group pays for.
 *
 * A container is given half of a machine by a quota more often than by an affinity mask, and a
 * program that starts as many threads as there are CPUs spends its quota in the first part of each
 * period and stands still for the rest. So the default of GOMAXPROCS is bounded by the quota:
 * quota / period, rounded up, so that none of what is paid for is left unused.
 *
 * Where it is written depends on the version. Version 2: cpu.max ("QUOTA PERIOD", "max" for none)
 * in the group's folder of the one hierarchy, which /proc/self/cgroup names on the line "0::". Version
 * 1: cpu.cfs_quota_us (-1 for none) and cpu.cfs_period_us, in the hierarchy whose line lists "cpu".
 * A machine may have both; only one has the cpu controller. A parent's limit holds too, so every
 * folder up to the root is read, and the least counts. In a container the name may be the host's and
 * mean nothing here, but on the way up the root is the container's own.
 *
 * Read once, when the runtime starts; a quota changed later is not noticed.
 */
#include "sched_impl.h"

#define ROOT "/sys/fs/cgroup"

static const char *digits(const char *s, int64_t *v)
{
    while (*s == ' ')
        s++;
    *v = -1;
    if (*s < '0' || *s > '9')
        return s;
    for (*v = 0; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, *s - '0', v))
            *v = INT64_MAX / 10;
    return s;
}

/* 0: no limit, or nothing to be understood. */
static int cpus(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t n = (quota - 1) / period + 1;
    return n > MAX_P ? MAX_P : (int)n;
}

static int limit_v2(const char *dir)
{
    char path[4300], text[64];
    int64_t quota, period;
    rt_format(path, sizeof path, ROOT "%s/cpu.max", dir);
    if (rt_read_file(path, text, sizeof text) <= 0)
        return 0;
    digits(digits(text, &quota), &period);
    return cpus(quota, period);
}

static int limit_v1(const char *dir)
{
    char path[4300], text[64];
    int64_t quota, period;
    rt_format(path, sizeof path, ROOT "/cpu%s/cpu.cfs_quota_us", dir);
    if (rt_read_file(path, text, sizeof text) <= 0)
        return 0;
    digits(text, &quota);
    rt_format(path, sizeof path, ROOT "/cpu%s/cpu.cfs_period_us", dir);
    if (rt_read_file(path, text, sizeof text) <= 0)
        return 0;
    digits(text, &period);
    return cpus(quota, period);
}

/* The least limit from this folder up to the root; dir is cut on the way. */
static int least(char *dir, int (*limit)(const char *))
{
    int best = 0;
    for (;;) {
        char *end = dir + rt_strlen(dir);
        if (end > dir && end[-1] == '/') /* the root is called "/" */
            *--end = 0;
        int n = limit(dir);
        if (n && (!best || n < best))
            best = n;
        if (end == dir)
            return best;
        while (end > dir && *end != '/')
            end--;
        *end = 0;
    }
}

/* Is "cpu" among the controllers "cpu,cpuacct:/path"? Then where the path begins, otherwise NULL. */
static char *cpu_path(char *s)
{
    bool found = false;
    while (*s && *s != ':') {
        char *word = s;
        while (*s && *s != ',' && *s != ':')
            s++;
        found |= s - word == 3 && word[0] == 'c' && word[1] == 'p' && word[2] == 'u';
        if (*s == ',')
            s++;
    }
    return found && *s ? s + 1 : NULL;
}

int cgroup_cpus(void)
{
    char text[4096];
    if (rt_read_file("/proc/self/cgroup", text, sizeof text) <= 0)
        return 0;
    int best = 0;
    for (char *line = text; *line;) { /* NUMBER:CONTROLLERS:PATH */
        char *end = line;
        while (*end && *end != '\n')
            end++;
        char *next = *end ? end + 1 : end;
        *end = 0;
        char *s = line, *v1;
        while (*s && *s != ':')
            s++;
        int n = 0;
        if (s[0] == ':' && s[1] == ':')
            n = least(s + 2, limit_v2);
        else if (s[0] == ':' && (v1 = cpu_path(s + 1)))
            n = least(v1, limit_v1);
        if (n && (!best || n < best))
            best = n;
        line = next;
    }
    return best;
}
