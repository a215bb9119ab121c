/*
 * leak_loop.c mended: the loop looks at a context, and whoever started it waits for its end.
 */
#include <goc.h>
#include <stdio.h>

static void poll(goc_context *ctx)
{
    while (goc_select(goc_on_recv(goc_context_done(ctx), NULL), goc_on_timeout(GOC_MILLISECOND)) ==
           1)
        ;
}

int main(void)
{
    goc_context *ctx = goc_with_cancel(goc_background());
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, poll, ctx);
    goc_sleep(10 * GOC_MILLISECOND);
    goc_cancel(ctx);
    goc_waitgroup_wait(&wg);
    goc_context_free(ctx);
    printf("none left behind\n");
}
