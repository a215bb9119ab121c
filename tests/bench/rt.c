/*
 * rt.c - what the runtime's own operations cost. go/rt.go is the same in Go, line for line as far
 * as the languages go, so that tests/bench/peers can set one against the other.
 *
 *   rt NAME N     do NAME N times; print "ns/op elapsed-ns cpu-ns/op peak-KiB [bytes/op]"
 *   rt            list the names
 *
 * Each measures what its name says and nothing else: what it needs first (goroutines that are to be
 * found blocked, connections) is there before the clock starts.
 */
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static goc_time wall;
static int64_t cpu;

static int64_t cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void start(void)
{
    cpu = cpu_now();
    wall = goc_now();
}

static void stop(void)
{
    wall = goc_now() - wall;
    cpu = cpu_now() - cpu;
}

/* --- relay chain --- */

static void relay(goc_send_chan(long) left, goc_recv_chan(long) right)
{
    goc_send(left, 1 + goc_recv(right));
}

static long chain(long hops, long rounds)
{
    goc_duration sum = 0;
    int64_t sum_cpu = 0;
    for (long r = 0; r < rounds; r++) {
        goc_chan(long) leftmost = goc_chan_make(long, 0), right = leftmost;
        goc_chan(long) *all = malloc(hops * sizeof *all);
        for (long i = 0; i < hops; i++) {
            goc_chan(long) left = right;
            all[i] = right = goc_chan_make(long, 0);
            go(relay, left, right);
        }
        goc_sleep((20 + hops / 1000) * GOC_MILLISECOND); /* all are blocked then */
        start();
        goc_send(right, 0);
        if (goc_recv(leftmost) != hops)
            abort();
        stop();
        sum += wall;
        sum_cpu += cpu;
        goc_sleep(GOC_MILLISECOND);
        for (long i = 0; i < hops; i++)
            goc_chan_free(all[i]);
        goc_chan_free(leftmost);
        free(all);
    }
    wall = sum;
    cpu = sum_cpu;
    return hops * rounds;
}

static long chain10k(long n)
{
    return chain(10000, n);
}

static long chain100k(long n)
{
    return chain(100000, n);
}

/* --- spawn --- */

static goc_waitgroup wg;

static void empty(void)
{
    goc_waitgroup_done(&wg);
}

static long spawn(long n)
{
    start();
    goc_waitgroup_add(&wg, n);
    for (long i = 0; i < n; i++)
        go(empty);
    goc_waitgroup_wait(&wg);
    stop();
    return n;
}

/* --- channels --- */

static void ponger(goc_recv_chan(long) in, goc_send_chan(long) out)
{
    goc_range(v, in)
        goc_send(out, v);
    goc_close(out);
}

static long pingpong(long n)
{
    goc_chan(long) there = goc_chan_make(long, 0), back = goc_chan_make(long, 0);
    go(ponger, there, back);
    start();
    for (long i = 0; i < n; i++) {
        goc_send(there, i);
        goc_recv(back);
    }
    stop();
    goc_close(there);
    return n;
}

static void producer(goc_send_chan(long) out, long n)
{
    for (long i = 0; i < n; i++)
        goc_send(out, i);
    goc_close(out);
}

static long buffered(long n)
{
    goc_chan(long) q = goc_chan_make(long, 128);
    long sum = 0;
    start();
    go(producer, q, n);
    goc_range(v, q)
        sum += v;
    stop();
    return sum == n * (n - 1) / 2 ? n : 0;
}

/* One case of two or of eight is ready: a buffered channel with something in it. */
static long select2_ready(long n)
{
    goc_chan(long) a = goc_chan_make(long, 1), b = goc_chan_make(long, 1);
    start();
    for (long i = 0; i < n; i++) {
        goc_send(b, i);
        goc_select(goc_on_recv(a, NULL), goc_on_recv(b, NULL));
    }
    stop();
    return n;
}

static long select8_ready(long n)
{
    goc_chan(long) c[8];
    for (int i = 0; i < 8; i++)
        c[i] = goc_chan_make(long, 1);
    start();
    for (long i = 0; i < n; i++) {
        goc_send(c[5], i);
        goc_select(goc_on_recv(c[0], NULL), goc_on_recv(c[1], NULL), goc_on_recv(c[2], NULL),
                   goc_on_recv(c[3], NULL), goc_on_recv(c[4], NULL), goc_on_recv(c[5], NULL),
                   goc_on_recv(c[6], NULL), goc_on_recv(c[7], NULL));
    }
    stop();
    return n;
}

/* The select has to wait: the sender is woken by the answer to the one before. */
static void answer(goc_send_chan(long) out, goc_recv_chan(long) back, long n)
{
    for (long i = 0; i < n; i++) {
        goc_send(out, i);
        goc_recv(back);
    }
}

static long select2_block(long n)
{
    goc_chan(long) a = goc_chan_make(long, 0), b = goc_chan_make(long, 0);
    goc_chan(long) back = goc_chan_make(long, 0);
    go(answer, b, back, n);
    start();
    for (long i = 0; i < n; i++) {
        goc_select(goc_on_recv(a, NULL), goc_on_recv(b, NULL));
        goc_send(back, i);
    }
    stop();
    return n;
}

static long select8_block(long n)
{
    goc_chan(long) c[8], back = goc_chan_make(long, 0);
    for (int i = 0; i < 8; i++)
        c[i] = goc_chan_make(long, 0);
    go(answer, c[5], back, n);
    start();
    for (long i = 0; i < n; i++) {
        goc_select(goc_on_recv(c[0], NULL), goc_on_recv(c[1], NULL), goc_on_recv(c[2], NULL),
                   goc_on_recv(c[3], NULL), goc_on_recv(c[4], NULL), goc_on_recv(c[5], NULL),
                   goc_on_recv(c[6], NULL), goc_on_recv(c[7], NULL));
        goc_send(back, i);
    }
    stop();
    return n;
}

/* --- mutex --- */

static goc_mutex mu;
static long counter;

static long mutex_alone(long n)
{
    start();
    for (long i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        counter++;
        goc_mutex_unlock(&mu);
    }
    stop();
    return n;
}

static void locker(long n, bool yield)
{
    for (long i = 0; i < n; i++) {
        goc_mutex_lock(&mu);
        counter++;
        if (yield)
            goc_gosched();
        goc_mutex_unlock(&mu);
    }
    goc_waitgroup_done(&wg);
}

static long lockers(long n, bool yield)
{
    start();
    goc_waitgroup_add(&wg, 8);
    for (int i = 0; i < 8; i++)
        go(locker, n / 8, yield);
    goc_waitgroup_wait(&wg);
    stop();
    return n / 8 * 8;
}

static long mutex_contended(long n)
{
    return lockers(n, false);
}

static long mutex_yield(long n)
{
    return lockers(n, true);
}

/* --- time --- */

static void sleeper(int times)
{
    for (int i = 0; i < times; i++)
        goc_sleep(50 * GOC_MILLISECOND);
    goc_waitgroup_done(&wg);
}

static long sleepers(long n)
{
    start();
    goc_waitgroup_add(&wg, n);
    for (long i = 0; i < n; i++)
        go(sleeper, 5);
    goc_waitgroup_wait(&wg);
    stop();
    return n * 5;
}

/* --- network --- */

static void echo_server(int fd)
{
    char buf[128];
    ssize_t k;
    while ((k = goc_read(fd, buf, sizeof buf)) > 0)
        goc_write(fd, buf, k);
    goc_close_fd(fd);
}

static void acceptor(int listener)
{
    int fd;
    while ((fd = goc_accept(listener, NULL, NULL)) >= 0)
        go(echo_server, fd);
}

static void client(int fd, long n)
{
    char buf[128] = {0};
    for (long i = 0; i < n; i++) {
        if (goc_write(fd, buf, 64) != 64 || goc_read(fd, buf, sizeof buf) != 64)
            abort();
    }
    goc_close_fd(fd);
    goc_waitgroup_done(&wg);
}

static long echo(long n)
{
    enum { CONNECTIONS = 100 };
    char address[64];
    int listener = goc_listen("tcp", "127.0.0.1:0");
    if (listener < 0 || goc_local_addr(listener, address, sizeof address) < 0)
        abort();
    go(acceptor, listener);
    int fd[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        fd[i] = goc_dial("tcp", address, GOC_SECOND);
        if (fd[i] < 0)
            abort();
    }
    start();
    goc_waitgroup_add(&wg, CONNECTIONS);
    for (int i = 0; i < CONNECTIONS; i++)
        go(client, fd[i], n / CONNECTIONS);
    goc_waitgroup_wait(&wg);
    stop();
    return n / CONNECTIONS * CONNECTIONS;
}

/* --- memory --- */

/* Resident memory and page tables, in bytes. */
static long memory_now(void)
{
    long sum = 0, kib;
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1 || sscanf(line, "VmPTE: %ld", &kib) == 1)
            sum += kib * 1024;
    }
    if (f)
        fclose(f);
    return sum;
}

static long bytes;

static void blocked_one(goc_recv_chan(goc_unit) ch)
{
    goc_recv(ch);
    goc_waitgroup_done(&wg);
}

static long blocked(long n)
{
    goc_chan(goc_unit) ch = goc_chan_make(goc_unit, 0);
    long before = memory_now();
    start();
    goc_waitgroup_add(&wg, n);
    for (long i = 0; i < n; i++)
        go(blocked_one, ch);
    goc_sleep(GOC_MILLISECOND * (50 + n / 1000));
    stop();
    bytes = memory_now() - before;
    goc_close(ch);
    goc_waitgroup_wait(&wg);
    return n;
}

static const struct row {
    const char *name;
    long (*fn)(long n);
} rows[] = {
    {"chain10k", chain10k},
    {"chain100k", chain100k},
    {"spawn", spawn},
    {"pingpong", pingpong},
    {"buffered", buffered},
    {"select2_ready", select2_ready},
    {"select8_ready", select8_ready},
    {"select2_block", select2_block},
    {"select8_block", select8_block},
    {"mutex_alone", mutex_alone},
    {"mutex_contended", mutex_contended},
    {"mutex_yield", mutex_yield},
    {"sleepers", sleepers},
    {"echo", echo},
    {"blocked", blocked},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (argc < 3) {
            puts(rows[i].name);
        } else if (strcmp(argv[1], rows[i].name) == 0) {
            long ops = rows[i].fn(atol(argv[2]));
            struct rusage u;
            getrusage(RUSAGE_SELF, &u);
            printf("%.2f %lld %.2f %ld", (double)wall / ops, (long long)wall, (double)cpu / ops,
                   u.ru_maxrss);
            if (bytes)
                printf(" %.0f", (double)bytes / ops);
            putchar('\n');
            return 0;
        }
    }
    return argc < 3 ? 0 : 2;
}
