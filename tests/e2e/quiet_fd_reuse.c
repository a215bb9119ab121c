// status: 0
/* The number of a closed descriptor is given out again: who closes the second one has nothing to do with
   who closed the first. */
#include <goc.h>
#include "turns.h"

static int number[2];

static void open_and_close(int i, goc_waitgroup *done)
{
    turn_await(i);
    number[i] = goc_listen("tcp", "127.0.0.1:0");
    goc_close_fd(number[i]);
    turn_done();
    goc_waitgroup_done(done);
}

int main(void)
{
    goc_waitgroup done = {0};
    goc_waitgroup_add(&done, 2);
    go(open_and_close, 0, &done);
    go(open_and_close, 1, &done);
    goc_waitgroup_wait(&done);
    return number[0] != number[1];
}
