/*
 * Select waits for several things at once and takes the first that can go ahead, chosen at random
 * among those that can: a random choice, so that none of several starves. With a default it does not
 * wait; with a timeout it does not wait for ever.
 */
#include <goc.h>
#include <stdio.h>

static void say(goc_send_chan(const char *) out, const char *what, goc_duration after)
{
    goc_sleep(after);
    goc_send(out, what);
}

int main(void)
{
    goc_chan(const char *) one = goc_chan_make(const char *, 1);
    goc_chan(const char *) two = goc_chan_make(const char *, 1);
    const char *msg;

    /* Nothing is ready: the default. */
    printf("ready: %s\n",
           goc_select(goc_on_recv(one, &msg), goc_on_default()) == 1 ? "nothing" : "something");

    /* Whichever comes first. */
    go(say, one, "one", 40 * GOC_MILLISECOND);
    go(say, two, "two", 10 * GOC_MILLISECOND);
    for (int i = 0; i < 2; i++) {
        goc_select(goc_on_recv(one, &msg), goc_on_recv(two, &msg));
        printf("%s\n", msg);
    }

    /* Nobody sends any more: the timeout. */
    switch (goc_select(goc_on_recv(one, &msg), goc_on_timeout(10 * GOC_MILLISECOND))) {
    case 0:
        printf("%s\n", msg);
        break;
    case 1:
        printf("timed out\n");
        break;
    }

    /* Both ready: a fair coin. */
    int count[2] = {0};
    for (int i = 0; i < 1000; i++) {
        goc_try_send(one, "x");
        goc_try_send(two, "x");
        count[goc_select(goc_on_recv(one, NULL), goc_on_recv(two, NULL))]++;
    }
    bool fair = count[0] > 350 && count[1] > 350;
    printf("%s\n", fair ? "fair" : "not fair");
    return !fair;
}
