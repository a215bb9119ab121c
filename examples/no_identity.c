/*
 * Goroutines have no identity: no name, no handle, nothing to join or to kill, and no thread of
 * their own. What a goroutine needs it is given as arguments; that it has ended it says itself, by
 * a channel or a WaitGroup; and what would be thread-local travels in a context.
 */
#include <goc.h>
#include <stdio.h>

static const char request_key[] = "request";

static void handle(goc_context *ctx, goc_send_chan(const char *) reply)
{
    goc_send(reply, (const char *)goc_context_value(ctx, request_key));
}

int main(void)
{
    goc_chan(const char *) reply = goc_chan_make(const char *, 0);
    goc_context *ctx = goc_with_value(goc_background(), request_key, "GET /");
    go(handle, ctx, reply);
    const char *what = goc_recv(reply);
    printf("handled %s\n", what);
    goc_context_free(ctx);
}
