/*
 * Goroutines with arguments, and the end of main.
 *
 * go(fn, args…) starts fn in a goroutine of its own; arguments are evaluated here, now, and checked
 * by the compiler against fn's parameters. When main returns the program ends, whatever the others
 * are doing: the last goroutine below never gets to say its line, so main waits only for the first.
 */
#include <goc.h>
#include <stdio.h>

static void greet(const char *who, int times, goc_send_chan(goc_unit) done)
{
    for (int i = 1; i <= times; i++)
        printf("hello %s, %d of %d\n", who, i, times);
    goc_send(done, GOC_UNIT);
}

static void latecomer(void)
{
    goc_sleep(GOC_MINUTE);
    printf("never printed: the program has ended\n");
}

int main(void)
{
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 0);
    go(greet, "world", 3, done);
    go(latecomer);
    goc_recv(done);
    printf("main returns\n");
}
