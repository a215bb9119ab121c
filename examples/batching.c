/*
 * A buffer that is flushed when it is full or when the oldest item has waited long enough,
 * whichever comes first. One goroutine owns it; items come by channel, time by timer.
 */
#include <goc.h>
#include <stdio.h>

enum { BATCH = 8 };

struct totals {
    int items, full, by_time;
};

static void batcher(goc_recv_chan(int) in, goc_send_chan(struct totals) out)
{
    struct totals t = {0};
    int buffer[BATCH], len = 0;
    goc_timer *timer = goc_timer_new(GOC_MINUTE);
    goc_timer_stop(timer);
    for (;;) {
        int item;
        bool ok = true;
        int which =
            goc_select(goc_on_recv_ok(in, &item, &ok), goc_on_recv(goc_timer_chan(timer), NULL));
        if (which == 0 && ok) {
            if (len == 0)
                goc_timer_reset(timer, 10 * GOC_MILLISECOND);
            buffer[len++] = item;
            if (len < BATCH)
                continue;
            goc_timer_stop(timer);
            t.full++;
        } else if (which == 1) {
            t.by_time++;
        }
        for (int i = 0; i < len; i++)
            t.items += buffer[i];
        len = 0;
        if (!ok)
            break;
    }
    goc_timer_free(timer);
    goc_send(out, t);
}

int main(void)
{
    goc_chan(int) in = goc_chan_make(int, 0);
    goc_chan(struct totals) out = goc_chan_make(struct totals, 0);
    go(batcher, in, out);
    for (int i = 0; i < 2 * BATCH + 3; i++)
        goc_send(in, 1);
    goc_sleep(50 * GOC_MILLISECOND); /* the last three are flushed by the timer */
    goc_close(in);
    struct totals t = goc_recv(out);
    printf("%d items: %d times full, %d by time\n", t.items, t.full, t.by_time);
    return t.items != 2 * BATCH + 3 || t.full != 2 || t.by_time != 1;
}
