/*
 * leak_send.c mended: room for every answer, so that no sender waits.
 */
#include <goc.h>
#include <stdio.h>

static void query(int server, goc_send_chan(int) answer)
{
    goc_send(answer, server);
}

static int first_answer(void)
{
    goc_chan(int) answer = goc_chan_make(int, 3);
    for (int i = 1; i <= 3; i++)
        go(query, i, answer);
    return goc_recv(answer);
}

int main(void)
{
    bool got = first_answer() > 0;
    goc_sleep(20 * GOC_MILLISECOND);
    printf("%s\n", got ? "an answer" : "none");
}
