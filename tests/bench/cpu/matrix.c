/* Naive product of two matrices of doubles. */
#include "cpu.h"

enum { N = 96 };
static double a[N][N], b[N][N], c[N][N];

static void prepare(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = i + j;
            b[i][j] = i - j;
        }
}

static long work(long n)
{
    while (n--)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
    return (long)c[1][1];
}
