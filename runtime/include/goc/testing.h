/*
 * testing.h - benchmarks in Go's format, and the check for leaked goroutines.
 */
#ifndef GOC_TESTING_H
#define GOC_TESTING_H

#include <goc/go.h>
#include <goc/time.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What a benchmark's function gets: do the thing n times. */
typedef struct goc_b {
    int64_t n;
    /* Not for reading: the timer's state, and what goc_b_set_bytes said. */
    int64_t goc_start, goc_elapsed, goc_bytes;
    bool goc_running;
} goc_b;

/* Call fn(b) with growing b->n until it takes a second or more, and print one line to standard output,
   which benchstat reads: `BenchmarkName-2  1000000  123.4 ns/op`. Benchmark is put before the name
   unless it is there. GOC_BENCHTIME of the environment (nanoseconds) replaces the second. Returns the
   nanoseconds an operation took. Go: testing.B. */
double goc_benchmark(const char *name, void (*fn)(goc_b *b));

/* As in Go: leave setting up out of the time; MB/s beside ns/op. */
void goc_b_reset_timer(goc_b *b);
void goc_b_start_timer(goc_b *b);
void goc_b_stop_timer(goc_b *b);
void goc_b_set_bytes(goc_b *b, int64_t n);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
