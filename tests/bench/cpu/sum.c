/* Sum of an array of 8-byte numbers. */
#include "cpu.h"

enum { LEN = 1 << 17 };
static long *v;

static void prepare(void)
{
    v = malloc(LEN * sizeof *v);
    for (long i = 0; i < LEN; i++)
        v[i] = i;
}

static long work(long n)
{
    long s = 0;
    while (n--)
        for (long i = 0; i < LEN; i++)
            s += v[i];
    return s;
}
