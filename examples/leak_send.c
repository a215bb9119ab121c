/*
 * A leak: main takes the first of three answers and goes on; the other two senders wait for ever on
 * a channel that nobody has any more. Mended in leak_send_fixed.c.
 */
#include <goc.h>
#include <stdio.h>

static void query(int server, goc_send_chan(int) answer)
{
    goc_send(answer, server);
}

static int first_answer(void)
{
    goc_chan(int) answer = goc_chan_make(int, 0);
    for (int i = 1; i <= 3; i++)
        go(query, i, answer);
    return goc_recv(answer);
}

int main(void)
{
    bool got = first_answer() > 0;
    for (int i = 0; i < 10; i++) /* the others get their turns */
        goc_sleep(5 * GOC_MILLISECOND);
    printf("%s\n", got ? "an answer" : "none");
}
