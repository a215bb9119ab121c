// status: 66
// procs: 1 2
// says: Found 1 deadlock(s)
/* Everybody is asleep, and what they wait for is called by the variable that holds it: in a struct in a
   global, in a block that a global points at, in a block of which only the type is known, on the stack
   of somebody else, in a context. */
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
    goc_recv(bank.requests);
}

static void audit(void)
{
    goc_waitgroup_wait(&bank.tellers);
}

static void serve(struct server *s)
{
    goc_send(s->in[2], 1);
}

static void locked(struct server *s)
{
    goc_mutex_lock(&s->lock);
}

static void wait_for_end(goc_context *c)
{
    goc_recv(goc_context_done(c));
}

static void wait_for_all(goc_waitgroup *wg)
{
    goc_waitgroup_wait(wg);
}

static struct server *server_new(void)
{
    struct server *s = calloc(1, sizeof *s);
    for (int i = 0; i < 3; i++)
        s->in[i] = goc_chan_make(int, 0);
    return s;
}

int main(void)
{
    goc_waitgroup mine = {0};
    bank.requests = goc_chan_make(int, 0);
    goc_waitgroup_add(&bank.tellers, 1);
    goc_waitgroup_add(&mine, 1);
    srv = server_new();
    ctx = goc_with_cancel(goc_background());
    goc_mutex_lock(&srv->lock);
    go(teller);
    go(audit);
    go(serve, srv);
    go(locked, srv);
    go(wait_for_end, ctx);
    go(serve, server_new());
    go(wait_for_all, &mine);
    goc_waitgroup_wait(&mine);
}
