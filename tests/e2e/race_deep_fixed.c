// status: 0
/* race_deep, ordered: the reader is started by the writer. */
#include <goc.h>

static int level;

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
    go(reader);
}

int main(void)
{
    go(writer);
    goc_sleep(40 * GOC_MILLISECOND);
}
