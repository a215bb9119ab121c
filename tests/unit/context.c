/*
 * context.c - what contexts promise: ends that reach everything below and nothing else, deadlines,
 * values, lives that do not depend on the order of frees, deep and wide trees on small stacks.
 */
#include "common.h"

#include <errno.h>
#include <goc/chan.h>
#include <goc/context.h>
#include <goc/go.h>
#include <goc/select.h>
#include <goc/sync.h>
#include <goc/time.h>
#include <stdlib.h>

static bool is_done(goc_context *ctx)
{
    bool ok = true;
    return goc_select(goc_on_recv_ok(goc_context_done(ctx), NULL, &ok), goc_on_default()) == 0 &&
           !ok;
}

START_TEST(background)
{
    goc_context *b = goc_background();
    int64_t t;
    ck_assert_ptr_null(goc_context_done(b));
    goc_cancel(b);
    goc_context_free(b);
    ck_assert_int_eq(goc_context_err(b), 0);
    ck_assert_ptr_null(goc_context_value(b, "k"));
    ck_assert(!goc_context_deadline(b, &t));
}
END_TEST

START_TEST(cancel_reaches_below_only)
{
    goc_context *top = goc_with_cancel(goc_background());
    goc_context *a = goc_with_cancel(top), *b = goc_with_value(top, "k", "v");
    goc_context *a1 = goc_with_timeout(a, GOC_MINUTE), *b1 = goc_with_cancel(b);
    goc_recv_chan(goc_unit) done = goc_context_done(a1);
    ck_assert_ptr_eq(done, goc_context_done(a1));
    goc_cancel(a);
    goc_cancel(a);
    ck_assert_int_eq(goc_context_err(a), ECANCELED);
    ck_assert_int_eq(goc_context_err(a1), ECANCELED);
    ck_assert(is_done(a) && is_done(a1));
    ck_assert_int_eq(goc_context_err(top), 0);
    ck_assert(!is_done(top) && !is_done(b) && !is_done(b1));
    goc_context *late = goc_with_cancel(a1);
    ck_assert_int_eq(goc_context_err(late), ECANCELED);
    ck_assert(is_done(late));
    goc_context_free(late);
    goc_cancel(top);
    ck_assert_int_eq(goc_context_err(b1), ECANCELED);
    ck_assert(is_done(b1));
    goc_context_free(a1);
    goc_context_free(b1);
    goc_context_free(a);
    goc_context_free(b);
    goc_context_free(top);
}
END_TEST

START_TEST(deadlines)
{
    AT_ALL_PS
    {
        int64_t now = goc_now(), t;
        goc_context *c = goc_with_timeout(goc_background(), 10 * GOC_MILLISECOND);
        goc_context *later = goc_with_timeout(c, GOC_MINUTE);
        goc_context *sooner = goc_with_deadline(c, now + GOC_MILLISECOND);
        goc_context *past = goc_with_timeout(c, 0);
        ck_assert(goc_context_deadline(later, &t));
        ck_assert_int_le(t, now + 20 * GOC_MILLISECOND);
        ck_assert_int_eq(goc_context_err(past), ETIMEDOUT);
        ck_assert(is_done(past));
        goc_recv(goc_context_done(sooner));
        ck_assert_int_eq(goc_context_err(sooner), ETIMEDOUT);
        goc_recv(goc_context_done(later));
        ck_assert_int_ge(goc_now() - now, 10 * GOC_MILLISECOND);
        ck_assert_int_eq(goc_context_err(later), ETIMEDOUT);
        ck_assert_int_eq(goc_context_err(c), ETIMEDOUT);
        goc_context_free(c);
        goc_context_free(past);
        goc_context_free(later);
        goc_context_free(sooner);
    }
}
END_TEST

START_TEST(values)
{
    static char k1, k2;
    int v = 5, w = 6;
    goc_context *a = goc_with_value(goc_background(), &k1, &v);
    goc_context *b = goc_with_cancel(a);
    goc_context *c = goc_with_value(b, &k1, &w), *d = goc_with_value(b, &k2, &w);
    goc_context_free(a);
    goc_context_free(b); /* gone for the program; the children still see its values */
    ck_assert_ptr_eq(goc_context_value(c, &k1), &w);
    ck_assert_ptr_eq(goc_context_value(d, &k1), &v);
    ck_assert_ptr_null(goc_context_value(c, &k2));
    ck_assert_int_eq(goc_context_err(d), ECANCELED);
    goc_context_free(d);
    goc_context_free(c);
}
END_TEST

static int levels;
static void deep(goc_chan(int) out)
{
    goc_context **c = calloc((size_t)levels + 1, sizeof *c);
    c[0] = goc_with_cancel(goc_background());
    for (int i = 1; i <= levels; i++)
        c[i] = i % 3 ? goc_with_cancel(c[i - 1]) : goc_with_timeout(c[i - 1], GOC_MINUTE);
    goc_recv_chan(goc_unit) last = goc_context_done(c[levels]);
    goc_cancel(c[0]);
    goc_recv(last);
    for (int i = 0; i <= levels; i++) { /* parents first: each is kept by its child until the end */
        ck_assert_int_eq(goc_context_err(c[i]), ECANCELED);
        goc_context_free(c[i]);
    }
    free(c);
    goc_send(out, levels);
}

START_TEST(deep_tree_on_a_small_stack)
{
    AT_ALL_PS
    {
        goc_chan(int) out = goc_chan_make(int, 0);
        levels = 20000;
        goc_go_stack(16384, (void (*)(void *))deep, out);
        ck_assert_int_eq(goc_recv(out), 20000);
        goc_chan_free(out);
    }
}
END_TEST

/* A thousand levels, each with a value and a done channel that somebody holds; the value is looked up from
   the bottom, and the root is ended, on the smallest stack there is. */
enum { LEVELS = 1000 };
static goc_context *between[LEVELS], *level[LEVELS];
static int keys[LEVELS], held[LEVELS];
static void look_up_and_end(goc_chan(int) out)
{
    int right = 0;
    for (int i = 0; i < LEVELS; i++)
        right += goc_context_value(level[LEVELS - 1], &keys[i]) == &held[i];
    right += !goc_context_value(level[LEVELS - 1], &right); /* nobody's: to the root and back */
    right += !goc_context_value(level[0], &keys[LEVELS - 1]);
    goc_cancel(level[0]);
    goc_send(out, right);
}
static void wait_at_bottom(goc_chan(int) out)
{
    goc_recv(goc_context_done(level[LEVELS - 1]));
    goc_send(out, goc_context_err(level[LEVELS - 1]));
}

START_TEST(a_thousand_levels_on_the_smallest_stack)
{
    AT_ALL_PS
    {
        goc_chan(int) out = goc_chan_make(int, 0), woken = goc_chan_make(int, 0);
        for (int i = 0; i < LEVELS; i++) {
            goc_context *above = i ? level[i - 1] : goc_background();
            goc_context *timed = goc_with_timeout(above, (1 + i % 2) * GOC_MINUTE);
            level[i] = goc_with_value(timed, &keys[i], &held[i]);
            goc_context_done(level[i]);
            ck_assert_ptr_ne(timed, above);
            between[i] = timed;
        }
        for (int i = 0; i < 3; i++)
            goc_go_stack(16384, (void (*)(void *))wait_at_bottom, woken);
        goc_go_stack(16384, (void (*)(void *))look_up_and_end, out);
        ck_assert_int_eq(goc_recv(out), LEVELS + 2);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(goc_recv(woken), ECANCELED);
        for (int i = 0; i < LEVELS; i++) {
            ck_assert_int_eq(goc_context_err(level[i]), ECANCELED);
            ck_assert(is_done(level[i]));
            goc_context_free(between[i]);
            goc_context_free(level[i]);
        }
        goc_chan_free(out);
        goc_chan_free(woken);
    }
}
END_TEST

static void wait_done(goc_context *ctx, goc_waitgroup *wg)
{
    goc_recv(goc_context_done(ctx));
    ck_assert_int_ne(goc_context_err(ctx), 0);
    goc_context_free(ctx);
    goc_waitgroup_done(wg);
}
static void cancel_it(goc_context *ctx, goc_waitgroup *wg)
{
    goc_cancel(ctx);
    goc_context_free(ctx);
    goc_waitgroup_done(wg);
}

/* Ends from above, from below, by time and by free, all at once. */
START_TEST(ends_that_race)
{
    AT_ALL_PS
    {
        for (int round = 0; round < 200; round++) {
            goc_waitgroup wg = {0};
            goc_context *top = goc_with_timeout(goc_background(), 200 * GOC_MICROSECOND);
            for (int i = 0; i < 8; i++) {
                goc_context *mid = goc_with_timeout(top, (i + 1) * 40 * GOC_MICROSECOND);
                goc_context *low = goc_with_cancel(mid);
                goc_waitgroup_add(&wg, 2);
                go(wait_done, low, &wg);
                go(i % 2 ? cancel_it : wait_done, mid, &wg);
            }
            if (round % 2)
                goc_cancel(top);
            goc_waitgroup_wait(&wg);
            goc_context_free(top);
        }
    }
}
END_TEST

static void nil_parent(void *arg)
{
    goc_with_cancel(NULL);
}

START_TEST(ends_with)
{
    static struct unit_end end;
    unit_child(&end, nil_parent, NULL, 10);
    unit_assert_end(&end, 2, "panic: cannot create context from nil parent");
}
END_TEST

UNIT_MAIN("context", 60, background, cancel_reaches_below_only, deadlines, values,
          deep_tree_on_a_small_stack, a_thousand_levels_on_the_smallest_stack, ends_that_race,
          ends_with)
