/*
 * A buffer that is flushed when it is full or when the oldest item has waited long enough,
 * whichever comes first. One goroutine owns it; items come by channel, time by timer.
 */
#include <goc.h>
#include <stdio.h>

enum { BATCH = 8, ITEMS = 2 * BATCH + 3 };

struct batch {
    int items;
    bool by_time;
};

static void batcher(goc_recv_chan(int) in, goc_send_chan(struct batch) out)
{
    struct batch b = {0};
    goc_timer *timer = goc_timer_new(GOC_MINUTE);
    goc_timer_stop(timer);
    for (;;) {
        int item;
        bool ok = true;
        int which =
            goc_select(goc_on_recv_ok(in, &item, &ok), goc_on_recv(goc_timer_chan(timer), NULL));
        if (which == 0 && ok) {
            if (b.items == 0)
                goc_timer_reset(timer, 10 * GOC_MILLISECOND);
            b.items += item;
            if (b.items < BATCH)
                continue;
            goc_timer_stop(timer);
        }
        b.by_time = which == 1;
        if (b.items > 0)
            goc_send(out, b);
        b.items = 0;
        if (!ok)
            break;
    }
    goc_timer_free(timer);
    goc_close(out);
}

static void produce(goc_send_chan(int) in)
{
    for (int i = 0; i < ITEMS; i++)
        goc_send(in, 1); /* not closed: the last three are flushed by the timer */
}

int main(void)
{
    goc_chan(int) in = goc_chan_make(int, 0);
    goc_chan(struct batch) out = goc_chan_make(struct batch, 0);
    go(batcher, in, out);
    go(produce, in);
    int items = 0;
    struct batch last = {0};
    for (; items < ITEMS; items += last.items)
        last = goc_recv(out);
    goc_close(in);
    struct batch none;
    bool more = goc_recv_ok(out, &none);
    printf("%d items, the last of them by %s\n", items, last.by_time ? "time" : "number");
    return items != ITEMS || more || !last.by_time;
}
