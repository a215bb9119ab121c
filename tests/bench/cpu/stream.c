/* a[i] = b[i] + k * c[i], 8-byte floating point. */
#include "cpu.h"

enum { LEN = 1 << 16 };
static double *a, *b, *c;

static void prepare(void)
{
    a = malloc(LEN * sizeof *a);
    b = malloc(LEN * sizeof *b);
    c = malloc(LEN * sizeof *c);
    for (long i = 0; i < LEN; i++) {
        b[i] = (double)i;
        c[i] = 1.5;
    }
}

static long work(long n)
{
    for (long k = 0; k < n; k++)
        for (long i = 0; i < LEN; i++)
            a[i] = b[i] + (double)k * c[i];
    return (long)a[LEN / 2];
}
