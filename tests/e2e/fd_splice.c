// status: 66
// says: all as it should be
/* splice, tee and vmsplice order as read and write do: who reads at the far end knows what the writer at the
   near one knew, whoever moved the bytes; what was done after the writing nobody knows. */
#define _GNU_SOURCE
#include "turns.h"
#include <goc/race.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>

static int a[2], b[2], c[2];
int before, after, by_hand;
char buffer[8] = "vmsplic";

static void *writes(void *arg)
{
    before = 1;
    write(a[1], "xyz", 3);
    if (arg)
        after = 1;
    turn_done();
    return arg;
}
static void *moves(void *arg)
{
    for (int n = 0; n < 3;) {
        ssize_t r = splice(a[0], NULL, b[1], NULL, 8, 0);
        if (r < 0)
            exit(8);
        n += (int)r;
    }
    if (tee(b[0], c[1], 3, 0) != 3)
        exit(7);
    turn_done();
    return arg;
}
static void *fills(void *arg)
{
    struct iovec v = {buffer, 8};
    if (vmsplice(c[1], &v, 1, 0) != 8)
        exit(6);
    if (arg)
        by_hand = 1;
    turn_done();
    return arg;
}

static size_t found;
static void want(const char *what, size_t more)
{
    if (goc_race_errors() != found + more)
        printf("%s: %zu findings\n", what, goc_race_errors() - found), exit(9);
    found += more;
}

#ifndef RACY
#define RACY 1
#endif
int main(void)
{
    pthread_t t, u;
    char got[16];
    if (pipe(a) || pipe(b) || pipe(c))
        return 5;
    pthread_create(&u, NULL, moves, NULL); /* waits for the bytes */
    pthread_create(&t, NULL, writes, RACY ? a : NULL);
    if (read(c[0], got, 3) != 3) /* tee's copy */
        return 4;
    before = 2;
    want("what was done before the write", 0);
    turn_await(2);
    if (RACY)
        after = 2;
    want("what was done after it", RACY);
    pthread_join(t, NULL);
    pthread_join(u, NULL);

    pthread_create(&t, NULL, fills, RACY ? a : NULL);
    struct iovec v = {got, 8};
    turn_await(3);
    if (vmsplice(c[0], &v, 1, 0) != 8 || got[0] != 'v')
        return 3;
    buffer[0] = 1;
    want("the buffer", 0);
    if (RACY)
        by_hand = 2;
    want("what was done after vmsplice", RACY);
    pthread_create(&u, NULL, fills, NULL);
    turn_await(4);
    if (RACY)
        buffer[1] = 1;
    want("the buffer that nobody has read out", RACY);
    puts("all as it should be");
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    return 0;
}
