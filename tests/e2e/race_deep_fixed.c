// status: 0
/* race_deep, ordered: the reader is started by the writer. */
#include <goc.h>

static int level;
static goc_waitgroup wg;

static __attribute__((noinline)) void outer(int v)
{
    level = v + 1;
}

static void reader(void)
{
    if (level != 2)
        level = 0;
}

static void writer(void)
{
    outer(1);
    goc_waitgroup_go(&wg, reader);
}

int main(void)
{
    goc_waitgroup_go(&wg, writer);
    goc_waitgroup_wait(&wg);
}
