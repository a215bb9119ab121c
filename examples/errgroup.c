/*
 * An errgroup: goroutines that work on one task, the first error of which ends it. Wait returns
 * that error, and the group's context is cancelled so that the others can stop early.
 */
#include <errno.h>
#include <goc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static goc_errgroup group;
static atomic_int stopped;

static int patient(void *arg)
{
    (void)arg;
    goc_context *ctx = goc_errgroup_context(&group);
    if (goc_select(goc_on_timeout(GOC_MINUTE), goc_on_recv(goc_context_done(ctx), NULL)) == 1)
        atomic_fetch_add(&stopped, 1);
    return 0;
}

static int failing(void *arg)
{
    (void)arg;
    goc_sleep(5 * GOC_MILLISECOND);
    return ENOENT;
}

int main(void)
{
    goc_errgroup_init(&group, goc_background());
    goc_errgroup_set_limit(&group, 4);
    goc_errgroup_go(&group, patient, NULL);
    goc_errgroup_go(&group, patient, NULL);
    goc_errgroup_go(&group, failing, NULL);
    int err = goc_errgroup_wait(&group);
    printf("%s; %d others stopped early\n", strerror(err), stopped);
    return err != ENOENT || stopped != 2;
}
