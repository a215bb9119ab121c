/*
 * A sum of sines by 1, 2, 4, 8 and 16 goroutines: work that is all arithmetic speeds up until there
 * are as many goroutines as CPUs, and no further.
 */
#include <goc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct range {
    int from, to;
    double sum;
};

static void sines(struct range *r)
{
    double s = 0;
    for (int i = r->from; i < r->to; i++)
        s += sin(i);
    r->sum = s;
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? atoi(argv[1]) : 3200000;
    double first = 0;
    for (int workers = 1; workers <= 16; workers *= 2) {
        struct range part[16];
        goc_waitgroup wg = {0};
        goc_time start = goc_now();
        for (int i = 0; i < workers; i++) {
            part[i] = (struct range){.from = n / workers * i, .to = n / workers * (i + 1)};
            goc_waitgroup_go(&wg, sines, &part[i]);
        }
        goc_waitgroup_wait(&wg);
        double sum = 0;
        for (int i = 0; i < workers; i++)
            sum += part[i].sum;
        printf("%2d goroutine(s): %7.2f ms\n", workers, (goc_now() - start) / 1e6);
        if (workers == 1)
            first = sum;
        else if (fabs(sum - first) > 1e-6)
            return 1;
    }
}
