/* Quicksort of 4-byte numbers, in place. */
#include "cpu.h"

enum { LEN = 1 << 15 };
static int *v;

static void prepare(void)
{
    v = malloc(LEN * sizeof *v);
}

static void sort(int *a, long lo, long hi)
{
    while (lo < hi) {
        int pivot = a[(lo + hi) / 2];
        long i = lo, j = hi;
        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                int t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort(a, lo, j);
        lo = i;
    }
}

static long work(long n)
{
    while (n--) {
        unsigned x = 12345;
        for (long i = 0; i < LEN; i++) {
            x = x * 1664525u + 1013904223u;
            v[i] = (int)(x >> 8);
        }
        sort(v, 0, LEN - 1);
    }
    return v[0];
}
