/*
 * A goroutine's stack is an address range, reserved but without memory; a page comes to it when it
 * is first touched. Ten goroutines that call themselves a hundred deep each use what they touch and
 * no more; one that is given 1 GiB may go a hundred thousand deep. How large the range is by default: GOC_STACK
 * in the environment (see goc/go.h).
 */
#include <goc.h>
#include <stdio.h>

static goc_chan(goc_unit) arrived;

static int depth(int n)
{
    volatile char frame[256]; /* so that each call touches new stack */
    frame[0] = (char)n;
    return n == 0 ? 0 : 1 + depth(n - 1) + 0 * frame[0];
}

static void dive(int n, goc_send_chan(int) result)
{
    goc_send(result, depth(n));
}

static void dive_deep(void *result)
{
    *(int *)result = depth(100000);
    goc_send(arrived, GOC_UNIT);
}

int main(void)
{
    goc_chan(int) result = goc_chan_make(int, 0);
    int sum = 0;
    for (int i = 0; i < 10; i++)
        go(dive, 100, result);
    for (int i = 0; i < 10; i++)
        sum += goc_recv(result);
    printf("%d calls deep in all\n", sum);

    int bottom = 0;
    arrived = goc_chan_make(goc_unit, 0);
    goc_go_stack((size_t)1 << 30, dive_deep, &bottom);
    goc_recv(arrived);
    printf("and one of %d\n", bottom);
    return sum != 1000 || bottom != 100000;
}
