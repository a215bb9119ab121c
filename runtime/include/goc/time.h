/*
 * time.h - durations, sleep, timers, tickers. Part of <goc.h>.
 *
 * A duration and a time are nanoseconds in an int64_t. Times are of the monotonic clock: goc_now()
 * does not jump when the wall clock is set.
 */
#ifndef GOC_TIME_H
#define GOC_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include <goc/chan.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#ifndef GOC_DURATION_DEFINED
#define GOC_DURATION_DEFINED
typedef int64_t goc_duration;
typedef int64_t goc_time;
#endif

#define GOC_NANOSECOND ((goc_duration)1)
#define GOC_MICROSECOND (1000 * GOC_NANOSECOND)
#define GOC_MILLISECOND (1000 * GOC_MICROSECOND)
#define GOC_SECOND (1000 * GOC_MILLISECOND)
#define GOC_MINUTE (60 * GOC_SECOND)

goc_time goc_now(void);

/* Park this goroutine for at least d; d <= 0 returns at once. Go: time.Sleep. */
void goc_sleep(goc_duration d);

typedef struct goc_timer goc_timer;
typedef struct goc_ticker goc_ticker;

/* A channel that gets the time once, d from now. It frees itself once received. Go: time.After. */
goc_recv_chan(goc_time) goc_after(goc_duration d);

/* A timer whose channel gets the time once. Go: time.NewTimer. */
goc_timer *goc_timer_new(goc_duration d);
goc_recv_chan(goc_time) goc_timer_chan(goc_timer *t);
/* Call fn(arg) in a new goroutine, d from now; its channel is NULL. Go: time.AfterFunc. */
goc_timer *goc_after_func(goc_duration d, void (*fn)(void *), void *arg);
/* True if this stopped it, false if it had fired or been stopped already. A time that was sent but
   not received is taken back. Go (1.23): Timer.Stop. */
bool goc_timer_stop(goc_timer *t);
/* Start it again, d from now; true if it had been running. Go (1.23): Timer.Reset. */
bool goc_timer_reset(goc_timer *t, goc_duration d);
/* Stop it and give it back, its channel too. */
void goc_timer_free(goc_timer *t);

/* A channel that gets the time every d; ticks nobody has room for are dropped. d <= 0 panics.
   Go: time.NewTicker. */
goc_ticker *goc_ticker_new(goc_duration d);
goc_recv_chan(goc_time) goc_ticker_chan(goc_ticker *t);
/* Stop it and give it back, its channel too. Go: Ticker.Stop. */
void goc_ticker_stop(goc_ticker *t);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
