/*
 * The done channel: closing it tells every goroutine that listens, at once and for good. Each
 * worker selects between its work and done, so that none is left behind.
 */
#include <goc.h>
#include <stdio.h>

static void work(goc_send_chan(int) out, goc_recv_chan(goc_unit) done, goc_waitgroup *wg)
{
    for (int i = 0;; i++) {
        if (goc_select(goc_on_send(out, i), goc_on_recv(done, NULL)) == 1)
            break;
    }
    goc_waitgroup_done(wg);
}

int main(void)
{
    goc_chan(int) out = goc_chan_make(int, 0);
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 0);
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 3);
    for (int i = 0; i < 3; i++)
        go(work, out, done, &wg);
    for (int i = 0; i < 10; i++)
        goc_recv(out);
    goc_close(done);
    goc_waitgroup_wait(&wg);
    printf("all three have stopped\n");
}
