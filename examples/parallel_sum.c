/*
 * When do goroutines pay? The sum of an array by one loop, and by four goroutines with a quarter
 * each. Starting them costs a microsecond or so: for a small array they lose, for a large one they
 * win (given more than one CPU).
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

static long sum(const int *v, size_t n)
{
    long s = 0;
    for (size_t i = 0; i < n; i++)
        s += v[i];
    return s;
}

static void part(const int *v, size_t n, goc_send_chan(long) out)
{
    goc_send(out, sum(v, n));
}

static long sum_in_four(const int *v, size_t n)
{
    goc_chan(long) out = goc_chan_make(long, 4);
    for (int i = 0; i < 4; i++)
        go(part, v + n / 4 * i, n / 4, out);
    long s = 0;
    for (int i = 0; i < 4; i++)
        s += goc_recv(out);
    goc_chan_free(out);
    return s;
}

static bool compare(size_t n, int rounds)
{
    int *v = malloc(n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (int)(i % 7);
    long one = 0, four = 0;
    goc_time start = goc_now();
    for (int i = 0; i < rounds; i++)
        one += sum(v, n);
    goc_duration t1 = goc_now() - start;
    start = goc_now();
    for (int i = 0; i < rounds; i++)
        four += sum_in_four(v, n);
    goc_duration t4 = goc_now() - start;
    free(v);
    printf("%8zu numbers: one loop %9.2f us, four goroutines %9.2f us\n", n, t1 / 1e3 / rounds,
           t4 / 1e3 / rounds);
    return one == four;
}

int main(int argc, char **argv)
{
    size_t large = argc > 1 ? strtoul(argv[1], NULL, 10) : 4000000;
    bool same = compare(400, 100) && compare(large, 3);
    return !same;
}
