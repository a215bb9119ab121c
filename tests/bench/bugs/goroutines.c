/* One bug a name, with goroutines; goroutines.go beside it is its twin. For tests/bench/compare. */
#include <goc.h>
#include <string.h>

enum { CROWD = 10000 };

static int shared;
static goc_mutex a, b;

static void add(goc_waitgroup *wg)
{
    shared++;
    goc_waitgroup_done(wg);
}

static void nest(goc_mutex *outer, goc_mutex *inner, goc_waitgroup *wg)
{
    goc_mutex_lock(outer);
    goc_mutex_lock(inner);
    goc_mutex_unlock(inner);
    goc_mutex_unlock(outer);
    goc_waitgroup_done(wg);
}

static void send(goc_send_chan(int) c)
{
    goc_send(c, 1);
}

static void forget(void)
{
    go(send, goc_chan_make(int, 0));
}

static void meet(goc_mutex *first, goc_mutex *second)
{
    goc_mutex_lock(first);
    goc_sleep(50 * GOC_MILLISECOND);
    goc_mutex_lock(second);
}

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "";
    goc_waitgroup wg = {0};
    if (!strcmp(bug, "race") || !strcmp(bug, "crowd")) {
        int n = bug[0] == 'r' ? 2 : CROWD;
        goc_waitgroup_add(&wg, n);
        for (int i = 0; i < n; i++)
            go(add, &wg);
        goc_waitgroup_wait(&wg);
    } else if (!strcmp(bug, "lock-order")) {
        goc_waitgroup_add(&wg, 2);
        go(nest, &a, &b, &wg);
        goc_sleep(20 * GOC_MILLISECOND);
        go(nest, &b, &a, &wg);
        goc_waitgroup_wait(&wg);
    } else if (!strcmp(bug, "deadlock")) {
        goc_recv(goc_chan_make(int, 0));
    } else if (!strcmp(bug, "deadlock-of-two")) {
        go(meet, &a, &b);
        go(meet, &b, &a);
        goc_sleep(300 * GOC_MILLISECOND);
    } else if (!strcmp(bug, "leak")) {
        forget();
        goc_sleep(50 * GOC_MILLISECOND);
    } else {
        return 8;
    }
    return 0;
}
