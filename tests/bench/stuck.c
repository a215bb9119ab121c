/*
 * stuck.c - the search for goroutines that nothing can wake, in a large program, for tests/bench/deadlock.
 *
 *   stuck GOROUTINES MEGABYTES
 *
 * So many goroutines wait, each on a channel of its own, and the heap is so large, in blocks of 64 bytes that
 * lead to one another. The channels hang at the end of that list: to know that nobody is stuck,
 * all of it has to be walked. Prints how many were found (must be 0) and how long goc_verify_no_leaks took, in
 * ms; with GOCRACE=verbosity=1 the detector says for how long it held the program.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

struct block {
    struct block *next;
    goc_chan(int) ch;
    long rest[6];
};

static struct block *all;

static void wait(goc_chan(int) ch)
{
    goc_recv(ch);
}

static void prepare(long goroutines, long blocks)
{
    for (long i = 0; i < blocks || i < goroutines; i++) {
        struct block *b = calloc(1, sizeof *b);
        b->next = all;
        all = b;
        if (i < goroutines) {
            b->ch = goc_chan_make(int, 0);
            go(wait, b->ch);
        }
    }
    while (goc_numgoroutine() < goroutines + 1)
        goc_gosched();
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    prepare(atol(argv[1]), atol(argv[2]) * (1 << 20) / (long)sizeof(struct block));
    for (int i = 0; i < 100; i++)
        goc_gosched();
    goc_time began = goc_now();
    size_t n = goc_verify_no_leaks();
    printf("%zu %.0f\n", n, (double)(goc_now() - began) / 1e6);
    fflush(stdout);
    _Exit(n != 0);
}
