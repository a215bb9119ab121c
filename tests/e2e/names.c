// status: 0
/* The header leaves the program its names: what sys/socket.h, poll.h, unistd.h and stdio.h declare
   is the program's until it includes them. */
#include <goc.h>

static int accept(int v)
{
    return v + 1;
}

static int send(int v)
{
    return accept(v);
}

static int poll(int v)
{
    return send(v);
}

static int read(int v)
{
    return poll(v);
}

static int write(int v)
{
    return read(v);
}

static int pipe(int v)
{
    return write(v);
}

static void sleep(int *v)
{
    *v = pipe(*v);
}

int main(void)
{
    int connect = 1;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, sleep, &connect);
    goc_waitgroup_wait(&wg);
    return connect != 2;
}
