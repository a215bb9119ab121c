/*
 * goleak's check, at the end of a test: has the code under test left goroutines behind that can
 * never run again? goc_verify_no_leaks prints each and returns how many. Under goc-race each is a
 * finding as well.
 */
#include <goc.h>
#include <goc/race.h>
#include <stdio.h>

static void forgotten(goc_recv_chan(int) ch)
{
    goc_recv(ch);
}

static void code_under_test(bool close_it)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    go(forgotten, ch);
    if (close_it)
        goc_close(ch);
    for (int i = 0; i < 10; i++) /* it gets its turns */
        goc_sleep(5 * GOC_MILLISECOND);
}

int main(void)
{
    code_under_test(true);
    printf("closed: %zu left\n", (size_t)goc_verify_no_leaks());
    code_under_test(false);
    printf("not closed: %zu left\n", (size_t)goc_verify_no_leaks());
}
