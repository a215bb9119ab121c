/*
 * Serial confinement: a cake goes from the baker to the icer to the shop, and each touches it only
 * while it has it. The pointer's way through the channels orders their accesses; no lock is needed.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

struct cake {
    const char *state;
    int hands;
};

static void baker(goc_send_chan(struct cake *) cooked, int n)
{
    for (int i = 0; i < n; i++) {
        struct cake *c = calloc(1, sizeof *c);
        c->state = "cooked";
        c->hands++;
        goc_send(cooked, c); /* and never touched here again */
    }
    goc_close(cooked);
}

static void icer(goc_send_chan(struct cake *) iced, goc_recv_chan(struct cake *) cooked)
{
    goc_range(c, cooked) {
        c->state = "iced";
        c->hands++;
        goc_send(iced, c);
    }
    goc_close(iced);
}

int main(void)
{
    goc_chan(struct cake *) cooked = goc_chan_make(struct cake *, 0);
    goc_chan(struct cake *) iced = goc_chan_make(struct cake *, 2);
    go(baker, cooked, 100);
    go(icer, iced, cooked);
    int sold = 0, hands = 0;
    goc_range(c, iced) {
        sold++;
        hands += c->hands;
        free(c);
    }
    printf("%d cakes sold, through %d hands\n", sold, hands);
    return sold != 100 || hands != 200;
}
