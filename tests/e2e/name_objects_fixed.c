// status: 0
/* The same waits, and each is woken. */
#include <goc.h>
#include <stdlib.h>

struct server {
    int port;
    goc_chan(int) in[3];
    goc_mutex lock;
};
static struct bank {
    int balance;
    goc_chan(int) requests;
    goc_waitgroup tellers;
} bank;
static struct server *srv;
static goc_context *ctx;

static void teller(void)
{
    bank.balance += goc_recv(bank.requests);
    goc_waitgroup_done(&bank.tellers);
}

static void serve(struct server *s)
{
    goc_mutex_lock(&s->lock);
    s->port++;
    goc_mutex_unlock(&s->lock);
    goc_send(s->in[2], 1);
}

static void wait_for_end(goc_context *c)
{
    goc_recv(goc_context_done(c));
    goc_waitgroup_done(&bank.tellers);
}

int main(void)
{
    bank.requests = goc_chan_make(int, 0);
    srv = calloc(1, sizeof *srv);
    srv->in[2] = goc_chan_make(int, 0);
    ctx = goc_with_cancel(goc_background());
    goc_waitgroup_add(&bank.tellers, 2);
    goc_mutex_lock(&srv->lock);
    go(teller);
    go(serve, srv);
    go(wait_for_end, ctx);
    goc_sleep(5 * GOC_MILLISECOND);
    goc_mutex_unlock(&srv->lock);
    goc_send(bank.requests, goc_recv(srv->in[2]));
    goc_cancel(ctx);
    goc_waitgroup_wait(&bank.tellers);
    goc_context_free(ctx);
    return bank.balance != 1;
}
