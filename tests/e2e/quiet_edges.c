// status: 0
// repeat: 5
/* Every edge of the memory model once, each guarding a plain variable: all quiet. */
#include <goc.h>
#include <stdlib.h>

static int v[16];

static void go_statement(goc_send_chan(int) out)
{
    goc_send(out, v[0]);
}

static void once_fn(void)
{
    v[1] = 1;
}

static goc_once once;
static goc_mutex mu;
static goc_rwmutex rw;
static goc_cond cond = GOC_COND_INIT(&mu);
static goc_sem sem = GOC_SEM_INIT(1);
static bool flag;

static void uses(goc_waitgroup *wg)
{
    goc_once_do(&once, once_fn);
    v[15] += 0 * v[1];
    goc_waitgroup_done(wg);
}

static void locks(void)
{
    goc_mutex_lock(&mu);
    v[2]++;
    goc_mutex_unlock(&mu);
    goc_rwmutex_rlock(&rw);
    int seen = v[3];
    goc_rwmutex_runlock(&rw);
    goc_rwmutex_lock(&rw);
    v[3] = seen + 1;
    goc_rwmutex_unlock(&rw);
    goc_sem_acquire(&sem, 1);
    v[4]++;
    goc_sem_release(&sem, 1);
}

static void signaller(void)
{
    v[5] = 1;
    goc_mutex_lock(&mu);
    flag = true;
    goc_cond_signal(&cond);
    goc_mutex_unlock(&mu);
}

static void timer_fn(void *arg)
{
    v[6]++;
    goc_close((goc_chan(goc_unit))arg);
}

static void canceller(goc_context *ctx)
{
    v[7] = 1;
    goc_cancel(ctx);
}

static int member(void *arg)
{
    *(int *)arg = 1;
    return 0;
}

int main(void)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    v[0] = 1;
    go(go_statement, ch);
    goc_recv(ch);

    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 1);
    go(uses, &wg);
    goc_waitgroup_wait(&wg);
    v[15] = 1;

    for (int i = 0; i < 4; i++)
        goc_waitgroup_go(&wg, locks);
    goc_waitgroup_wait(&wg);
    v[2] = v[3] = v[4] = 0;

    go(signaller);
    goc_mutex_lock(&mu);
    while (!flag)
        goc_cond_wait(&cond);
    goc_mutex_unlock(&mu);
    v[5] = 2;

    goc_chan(goc_unit) rung = goc_chan_make(goc_unit, 0);
    v[6] = 1;
    goc_timer *t = goc_after_func(GOC_MILLISECOND, timer_fn, rung);
    goc_recv(rung);
    v[6] = 3;
    goc_timer_free(t);

    goc_context *ctx = goc_with_cancel(goc_background());
    go(canceller, ctx);
    goc_recv(goc_context_done(ctx));
    v[7] = 2;

    goc_errgroup g;
    goc_errgroup_init(&g, goc_background());
    goc_errgroup_go(&g, member, &v[8]);
    goc_errgroup_go(&g, member, &v[9]);
    goc_errgroup_wait(&g);
    v[8] = v[9] = 2;
}
