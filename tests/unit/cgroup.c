/*
 * cgroup.c - what is read from the files of control groups, versions 1 and 2: the runtime's own reader,
 * over files that this test makes up. (That GOMAXPROCS follows it: e2e/plain_affinity.sh.)
 */
#include "common.h"

#define rt_read_file made_up_file
#define cgroup_cpus cpus_allowed
#include "../../runtime/cgroup.c"
#undef rt_read_file

#include <stdio.h>
#include <string.h>

static const char *const *files; /* path, text, path, text, …, NULL */

int made_up_file(const char *path, char *buf, size_t size)
{
    for (const char *const *f = files; *f; f += 2)
        if (!strcmp(f[0], path)) {
            snprintf(buf, size, "%s", f[1]);
            return (int)strlen(buf);
        }
    return -2;
}

static int with(const char *const *f)
{
    files = f;
    return cpus_allowed();
}
#define WITH(...) with((const char *const[]){__VA_ARGS__, NULL})
#define SELF "/proc/self/cgroup"
#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/cpu"

START_TEST(version_2)
{
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "100000 100000\n"), 1);
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "200000 100000\n"), 2);
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "200001 100000\n"), 3); /* rounded up */
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "1000 100000\n"), 1);
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "150000 50000\n"), 3);
    ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", "max 100000\n"), 0);
    ck_assert_int_eq(WITH(SELF, "0::/\n"), 0);
}
END_TEST

/* The least of the group's own limit and its parents'. */
START_TEST(parents)
{
    ck_assert_int_eq(WITH(SELF, "0::/a/b\n", V2 "/a/b/cpu.max", "400000 100000"), 4);
    ck_assert_int_eq(WITH(SELF, "0::/a/b\n", V2 "/a/b/cpu.max", "max 100000", //
                          V2 "/a/cpu.max", "300000 100000"),
                     3);
    ck_assert_int_eq(WITH(SELF, "0::/a/b\n", V2 "/a/b/cpu.max", "400000 100000", //
                          V2 "/a/cpu.max", "300000 100000", V2 "/cpu.max", "500000 100000"),
                     3);
    ck_assert_int_eq(WITH(SELF, "0::/a/b\n", V2 "/a/b/cpu.max", "200000 100000", //
                          V2 "/a/cpu.max", "300000 100000"),
                     2);
    /* The host's name, in a container: nothing there but the root. */
    ck_assert_int_eq(WITH(SELF, "0::/../../x\n", V2 "/cpu.max", "300000 100000"), 3);
    ck_assert_int_eq(WITH(SELF, "0::/ab\n", V2 "/a/cpu.max", "100000 100000"), 0);
}
END_TEST

START_TEST(version_1)
{
    ck_assert_int_eq(WITH(SELF, "3:cpuset:/\n2:cpu,cpuacct:/u/s\n1:memory:/m\n", //
                          V1 "/u/s/cpu.cfs_quota_us", "250000\n",                //
                          V1 "/u/s/cpu.cfs_period_us", "100000\n"),
                     3);
    ck_assert_int_eq(WITH(SELF, "1:cpu:/\n", V1 "/cpu.cfs_quota_us", "-1\n", //
                          V1 "/cpu.cfs_period_us", "100000\n"),
                     0);
    ck_assert_int_eq(WITH(SELF, "2:cpuacct,cpu:/u/s\n", V1 "/u/s/cpu.cfs_quota_us", "-1\n", //
                          V1 "/u/s/cpu.cfs_period_us", "100000\n",                         //
                          V1 "/cpu.cfs_quota_us", "50000\n", V1 "/cpu.cfs_period_us", "100000\n"),
                     1);
    ck_assert_int_eq(WITH(SELF, "1:cpu:/\n", V1 "/cpu.cfs_quota_us", "100000\n"), 0);
    /* Another controller's folder is not asked. */
    ck_assert_int_eq(WITH(SELF, "2:cpuset:/s\n1:name=cpu:/s\n", //
                          V1 "/s/cpu.cfs_quota_us", "100000", V1 "/s/cpu.cfs_period_us", "100000"),
                     0);
}
END_TEST

START_TEST(both_versions)
{
    ck_assert_int_eq(WITH(SELF, "1:cpu:/v1\n0::/v2\n", V1 "/v1/cpu.cfs_quota_us", "200000", //
                          V1 "/v1/cpu.cfs_period_us", "100000"),
                     2);
    ck_assert_int_eq(WITH(SELF, "1:cpu:/v1\n0::/v2\n", V2 "/v2/cpu.max", "700000 100000"), 7);
}
END_TEST

START_TEST(not_understood)
{
    static const char *const texts[] = {"", "\n", "x", "100000", "-5 100000", "100000 0", "0 100000",
                                        "100000 max"};
    for (size_t i = 0; i < countof(texts); i++)
        ck_assert_int_eq(WITH(SELF, "0::/\n", V2 "/cpu.max", texts[i]), 0);
    static const char *const selves[] = {"", "\n\n", ":", "::", "0:", "0::", "1:cpu", "1:cpu:", "0::\n"};
    for (size_t i = 0; i < countof(selves); i++)
        ck_assert_int_eq(WITH(SELF, selves[i]), 0);
    ck_assert_int_eq(WITH("/none", ""), 0);
    ck_assert_int_eq(
        WITH(SELF, "0::/\n", V2 "/cpu.max", "99999999999999999999999999999999 1"), MAX_P);
}
END_TEST

UNIT_MAIN("cgroup", 10, version_2, parents, version_1, both_versions, not_understood)
