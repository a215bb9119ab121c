/* What channels order and what they do not: sends, receives, capacity, close, len, select.
   race_pairs.c says what a pair is. */
#include "race_pairs.h"

static int shared;
static goc_chan(int) ch;

static void writes(void)
{
    shared = 1;
    turn_end();
}

/* --- a send comes before its receive, and a receive before the send that had to wait for it
 * -------------------- */

static void write_and_send(void)
{
    if (fixed)
        shared = 1;
    goc_send(ch, 1);
    if (!fixed)
        shared = 1;
    turn_end();
}
static void sent_before_receive(size_t cap)
{
    ch = goc_chan_make(int, cap);
    go(write_and_send);
    if (!fixed)
        goc_recv(ch);
    turn_wait(cap > 0);
    if (fixed)
        goc_recv(ch);
    USE(shared);
    others_ended();
}
static void send_unbuffered(void)
{
    sent_before_receive(0);
}
static void send_buffered(void)
{
    sent_before_receive(3);
}

static void write_and_receive(void)
{
    shared = 1;
    goc_recv(ch);
    turn_end();
}
static void receive_before_send(
    void) /* without a buffer the receiver's past is the sender's; with one it is not */
{
    ch = goc_chan_make(int, fixed ? 0 : 1);
    go(write_and_receive);
    goc_send(ch, 1);
    turn_wait(1);
    USE(shared);
    others_ended();
}

static void receives_twice(void)
{
    goc_recv(ch);
    shared = 1;
    goc_recv(ch);
    turn_end();
}
static void
capacity_of_one(void) /* the second receive lets the third send go, the first receive the second */
{
    ch = goc_chan_make(int, 1);
    goc_send(ch, 1);
    go(receives_twice);
    goc_send(ch, 2);
    turn_wait(1);
    if (fixed)
        goc_send(ch, 3);
    shared = 2;
    others_ended();
}

static void adds_in_turn(void)
{
    goc_send(ch, 1);
    shared++;
    goc_recv(ch);
    turn_end();
}
static void channel_as_lock(void) /* of one place, or of two */
{
    ch = goc_chan_make(int, fixed ? 1 : 2);
    go(adds_in_turn);
    turn_wait(1);
    go(adds_in_turn);
    others_ended();
}

/* --- the element
 * ---------------------------------------------------------------------------------------------- */

static struct message {
    int body;
} * message;
static void reads_message(goc_chan(struct message *) in)
{
    USE(goc_recv(in)->body);
    turn_end();
}
static void written_after_send(void)
{
    goc_chan(struct message *) out = goc_chan_make(struct message *, 1);
    message = malloc(sizeof *message);
    message->body = 1;
    go(reads_message, out);
    goc_send(out, message);
    turn_wait(1);
    if (fixed)
        message = malloc(sizeof *message);
    message->body = 2;
    others_ended();
}

static void receives_into(int *into)
{
    goc_recv_ok(ch, into);
    turn_end();
}
static void received_into(void) /* the receive writes the variable that it receives into */
{
    int own = 0;
    ch = goc_chan_make(int, 1);
    goc_send(ch, 1);
    go(receives_into, fixed ? &own : &shared);
    turn_wait(1);
    USE(shared);
    others_ended();
}

/* --- close, len, cap, failures
 * ---------------------------------------------------------------------------------- */

static void write_and_close(void)
{
    if (fixed)
        shared = 1;
    goc_close(ch);
    if (!fixed)
        shared = 1;
    turn_end();
}
static void close_before_receive(void)
{
    ch = goc_chan_make(int, 0);
    go(write_and_close);
    turn_wait(1);
    goc_recv(ch);
    USE(shared);
    others_ended();
}
static void range_until_close(void)
{
    ch = goc_chan_make(int, 4);
    goc_send(ch, 1);
    go(write_and_close);
    turn_wait(1);
    goc_range(v, ch)
        USE(v);
    USE(shared);
    others_ended();
}
static void reads_when_closed(goc_recv_chan(int) in)
{
    goc_recv(in);
    USE(shared);
    turn_end();
}
static void closed_for_two(void)
{
    ch = goc_chan_make(int, 0);
    go(reads_when_closed, ch);
    go(reads_when_closed, ch);
    if (fixed)
        shared = 1;
    goc_close(ch);
    turn_wait(2);
    if (!fixed)
        shared = 1;
    others_ended();
}

static void write_then_send(void)
{
    shared = 1;
    goc_send(ch, 1);
    turn_end();
}
static void
length_seen(void) /* that there is something in the channel orders nothing; receiving it does */
{
    ch = goc_chan_make(int, 1);
    go(write_then_send);
    turn_wait(1);
    USE(goc_len(ch) + goc_cap(ch));
    if (fixed)
        goc_recv(ch);
    USE(shared);
    others_ended();
}
static void try_send_failed(void)
{
    ch = goc_chan_make(int, 1);
    go(write_then_send);
    turn_wait(1);
    if (!goc_try_send(ch, 2) && fixed)
        goc_recv(ch);
    USE(shared);
    others_ended();
}
static void try_receive_failed(void)
{
    int v;
    ch = goc_chan_make(int, 1);
    if (fixed)
        go(write_then_send);
    else
        go(writes);
    turn_wait(1);
    USE(goc_try_recv(ch, &v));
    USE(shared);
    others_ended();
}

/* --- select
 * -----------------------------------------------------------------------------------------------------
 */

static void select_default(void)
{
    ch = goc_chan_make(int, 1);
    if (fixed)
        go(write_then_send);
    else
        go(writes);
    turn_wait(1);
    goc_select(goc_on_recv(ch, NULL), goc_on_default());
    USE(shared);
    others_ended();
}
static void select_timeout(void)
{
    ch = goc_chan_make(int, 1);
    if (fixed)
        go(write_then_send);
    else
        go(writes);
    turn_wait(1);
    goc_select(goc_on_recv(ch, NULL), goc_on_timeout(MS));
    USE(shared);
    others_ended();
}

static void select_one_of_two(void) /* only the case that went ahead orders */
{
    goc_chan(int) other = goc_chan_make(int, 1);
    ch = goc_chan_make(int, 1);
    go(write_then_send);
    turn_wait(1);
    if (fixed)
        goc_select(goc_on_recv(ch, NULL), goc_on_recv(other, NULL));
    else
        goc_select(goc_on_send(ch, 1), goc_on_send(other, 1));
    USE(shared);
    others_ended();
}

static void select_waits(void)
{
    goc_chan(int) other = goc_chan_make(int, 0);
    if (fixed)
        goc_select(goc_on_recv(other, NULL), goc_on_recv(ch, NULL));
    else
        goc_select(goc_on_send(other, 1), goc_on_recv(ch, NULL));
    USE(shared);
    turn_end();
}
static void select_blocks(void)
{
    ch = goc_chan_make(int, 0);
    go(select_waits);
    others_blocked();
    if (fixed)
        shared = 1;
    goc_send(ch, 1);
    turn_wait(1);
    if (!fixed)
        shared = 1;
    others_ended();
}

static void select_operand(void) /* what a case sends is read when select is called */
{
    ch = goc_chan_make(int, 1);
    go(writes);
    turn_wait(1);
    int own = 0;
    goc_select(goc_on_send(ch, fixed ? own : shared), goc_on_default());
    others_ended();
}

static void selects_into(goc_chan(int) from, int *into)
{
    goc_select(goc_on_recv(from, into), goc_on_default());
    turn_end();
}
static void
select_into(void) /* the variable of a case is written only by the case that goes ahead */
{
    ch = goc_chan_make(int, 1);
    if (!fixed)
        goc_send(ch, 1);
    go(selects_into, ch, &shared);
    turn_wait(1);
    USE(shared);
    others_ended();
}

const struct pair channel_pairs[] = {
    PAIR(send_unbuffered),     PAIR(send_buffered),
    PAIR(receive_before_send), PAIR(capacity_of_one),
    PAIR(channel_as_lock),     PAIR(written_after_send),
    PAIR(received_into),       PAIR(close_before_receive),
    PAIR(range_until_close),   PAIR(closed_for_two),
    PAIR(length_seen),         PAIR(try_send_failed),
    PAIR(try_receive_failed),  PAIR(select_default),
    PAIR(select_timeout),      PAIR(select_one_of_two),
    PAIR(select_blocks),       PAIR(select_operand),
    PAIR(select_into),         {0},
};
