/*
 * soak.c - everything at once for a long time: goroutines that come and go, channels made and
 * freed, selects with timeouts, locks, timers, contexts, heap blocks. Prints a line every ten
 * seconds and ends with 1 if its memory has grown since the first: what has ended must leave
 * nothing behind.
 *
 *   soak SECONDS
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long rounds, spawned;
static goc_mutex mu;
static long guarded;

static void echo(goc_recv_chan(long) in, goc_send_chan(long) out)
{
    goc_range(v, in)
        goc_send(out, v + 1);
    goc_close(out);
}

static void nested(goc_waitgroup *wg, int depth)
{
    atomic_fetch_add_explicit(&spawned, 1, memory_order_relaxed);
    if (depth > 0) {
        goc_waitgroup_add(wg, 2);
        go(nested, wg, depth - 1);
        go(nested, wg, depth - 1);
    }
    char *block = malloc(64 + 16 * depth);
    block[0] = 1;
    goc_mutex_lock(&mu);
    guarded += block[0];
    goc_mutex_unlock(&mu);
    free(block);
    goc_waitgroup_done(wg);
}

static void nothing(void *arg)
{
    atomic_fetch_add_explicit((atomic_long *)arg, 1, memory_order_relaxed);
}

static void wait_done(goc_context *ctx, goc_waitgroup *wg)
{
    goc_recv(goc_context_done(ctx));
    goc_waitgroup_done(wg);
}

static void worker(goc_time until, goc_waitgroup *all)
{
    while (goc_now() < until) {
        goc_chan(long) in = goc_chan_make(long, 2), out = goc_chan_make(long, 0);
        go(echo, in, out);
        for (long i = 0; i < 50; i++) {
            long v = 0;
            goc_send(in, i);
            while (goc_select(goc_on_recv(out, &v), goc_on_timeout(GOC_SECOND)) != 0)
                ;
        }
        goc_close(in);
        goc_recv(out); /* closed: echo is done with both */
        goc_chan_free(in);
        goc_chan_free(out);

        goc_waitgroup wg = {0};
        goc_waitgroup_add(&wg, 1);
        go(nested, &wg, 5);
        goc_waitgroup_wait(&wg);

        atomic_long fired = 0;
        goc_timer *t = goc_after_func(GOC_MINUTE, nothing, &fired);
        goc_timer_stop(t);
        goc_timer_free(t);

        goc_context *ctx = goc_with_timeout(goc_background(), GOC_MINUTE);
        goc_waitgroup_add(&wg, 3);
        for (int i = 0; i < 3; i++)
            go(wait_done, ctx, &wg);
        goc_cancel(ctx);
        goc_waitgroup_wait(&wg);
        goc_context_free(ctx);
        atomic_fetch_add(&rounds, 1);
    }
    goc_waitgroup_done(all);
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    long seconds = argc > 1 ? atol(argv[1]) : 120;
    goc_time start = goc_now(), until = start + seconds * GOC_SECOND;
    goc_waitgroup all = {0};
    goc_waitgroup_add(&all, 4);
    for (int i = 0; i < 4; i++)
        go(worker, until, &all);
    long first = 0, last = 0;
    goc_duration step = seconds < 60 ? seconds * GOC_SECOND / 6 : 10 * GOC_SECOND;
    for (goc_time next = start + step; next < until; next += step) {
        goc_sleep(next - goc_now());
        last = resident_kib();
        if (!first)
            first = last;
        printf("%4ld s: %8ld rounds, %10ld goroutines, %8ld KiB\n",
               (long)((goc_now() - start) / GOC_SECOND), atomic_load(&rounds),
               atomic_load(&spawned), last);
        fflush(stdout);
    }
    goc_waitgroup_wait(&all);
    bool flat = last <= first + first / 10 + 2048;
    printf("memory is %s\n", flat ? "flat" : "growing");
    return !flat;
}
