// status: 66
/* Several frames on either side, one of them inlined, and a goroutine started by a goroutine. */
#include <goc.h>
#include "turns.h"

static int level;
static goc_waitgroup wg;

static inline __attribute__((always_inline)) void store(int v)
{
    level = v;
}

static __attribute__((noinline)) void inner(int v)
{
    store(v);
}

static __attribute__((noinline)) void outer(int v)
{
    inner(v + 1);
    __asm__ volatile("");
}

static void writer(void)
{
    outer(1);
    __asm__ volatile("");
}

static __attribute__((noinline)) int peek(void)
{
    return level;
}

static void reader(void)
{
    until_left(2); /* itself and main */
    goc_sleep(GOC_MILLISECOND);
    if (peek() < 0)
        level = 0;
}

static void parent(void)
{
    goc_waitgroup_go(&wg, reader);
    goc_waitgroup_go(&wg, writer);
}

int main(void)
{
    goc_waitgroup_go(&wg, parent);
    goc_waitgroup_wait(&wg);
}
