/*
 * A worker pool: three goroutines take jobs from one channel and put results into another.
 */
#include <goc.h>
#include <stdio.h>

struct result {
    int job, answer;
};

static void worker(goc_recv_chan(int) jobs, goc_send_chan(struct result) results)
{
    goc_range(job, jobs) {
        struct result r = {.job = job, .answer = job * job};
        goc_send(results, r);
    }
}

int main(void)
{
    enum { JOBS = 50 };
    goc_chan(int) jobs = goc_chan_make(int, JOBS);
    goc_chan(struct result) results = goc_chan_make(struct result, JOBS);
    for (int i = 0; i < 3; i++)
        go(worker, jobs, results);
    for (int i = 0; i < JOBS; i++)
        goc_send(jobs, i);
    goc_close(jobs);

    int wrong = 0;
    for (int i = 0; i < JOBS; i++) {
        struct result r = goc_recv(results);
        wrong += r.answer != r.job * r.job;
    }
    printf("%d jobs done, %d wrong\n", JOBS, wrong);
    return wrong;
}
