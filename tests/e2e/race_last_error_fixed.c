// status: 0
// repeat: 5
/* errno is each goroutine's own, though on one thread it is one place in memory: written and read in turns,
   by code that includes <goc.h> and by code that knows libc's errno only. */
#include <goc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int wrong; /* accessed atomically */

__attribute__((noinline)) static int *libc_errno(void)
{
    return __errno_location();
}

/* As a file without goc.h is compiled. */
__attribute__((noinline)) static void parse(const char *text, int code)
{
    *libc_errno() = 0;
    long v = strtol(text, NULL, 10);
    if ((*libc_errno() == ERANGE) != (v == LONG_MAX))
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    *libc_errno() = code;
}

static void fails(int code)
{
    for (int i = 0; i < 100; i++) {
        parse(i & 1 ? "99999999999999999999" : "12", code);
        goc_gosched();
        if (errno != code)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
        errno = -code;
        goc_sleep(1);
        if (errno != -code)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    }
}

int main(void)
{
    goc_waitgroup wg = {0};
    for (int i = 1; i <= 8; i++)
        goc_waitgroup_go(&wg, fails, i);
    for (int i = 0; i < 100; i++) {
        errno = 50 + i;
        goc_gosched();
    }
    goc_waitgroup_wait(&wg);
    if (wrong)
        printf("%d wrong\n", wrong);
    return wrong != 0;
}
