/*
 * The direction is in the type: a goc_chan(T) converts to goc_send_chan(T) and goc_recv_chan(T) by
 * itself, and neither converts to anything else. Remove the comment signs in `ping` and it does not
 * compile.
 */
#include <goc.h>
#include <stdio.h>

static void ping(goc_send_chan(const char *) out)
{
    goc_send(out, "ping");
    /* goc_recv(out); */
}

static void pong(goc_recv_chan(const char *) in, goc_send_chan(const char *) out)
{
    const char *what = goc_recv(in);
    printf("%s\n", what);
    goc_send(out, "pong");
}

int main(void)
{
    goc_chan(const char *) there = goc_chan_make(const char *, 0);
    goc_chan(const char *) back = goc_chan_make(const char *, 0);
    go(ping, there);
    go(pong, there, back);
    printf("%s\n", goc_recv(back));
}
