/*
 * A loop with no way out: the poller can always run again, so it is not stuck, and no tool can
 * prove that it is not meant. It is counted, though: goc_numgoroutine tells, and `kill -QUIT` shows
 * where it is. Mended in leak_loop_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static void poll_forever(void)
{
    for (;;)
        goc_sleep(GOC_MILLISECOND);
}

int main(void)
{
    int before = goc_numgoroutine();
    go(poll_forever);
    goc_sleep(10 * GOC_MILLISECOND);
    printf("%d goroutine(s) left behind\n", goc_numgoroutine() - before);
}
