// status: 0
// says: the group is what it was
/*
 * setgid changes every thread: libc signals each of them and waits until all have answered, the detector's own
 * threads too.
 */
#include <goc.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

static void change(goc_chan(int) done)
{
    goc_send(done, setgid(getgid()) || setegid(getegid()));
}

int main(void)
{
    goc_chan(int) done = goc_chan_make(int, 0);
    go(change, done);
    int failed = goc_recv(done) || setuid(getuid());
    goc_chan_free(done);
    puts(failed ? "it failed" : "the group is what it was");
    return failed;
}
