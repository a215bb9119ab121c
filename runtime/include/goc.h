/*
 * goc.h - Go's concurrency for C: goroutines, channels, select, sync, context, time, I/O.
 *
 * One include, one library (libgoc; libgoc-race is the same with the detector in it). C11 with GNU
 * extensions, or C++11 (goc/cplusplus.h), gcc >= 12 or clang >= 14. Each header below documents its functions.
 */
#ifndef GOC_H
#define GOC_H

#include <goc/go.h>      /* goroutines, scheduling, defer and panic */
#include <goc/chan.h>    /* typed channels */
#include <goc/time.h>    /* durations, sleep, timers, tickers */
#include <goc/select.h>  /* select */
#include <goc/sync.h>    /* mutex, rwmutex, waitgroup, once, cond, semaphore, errgroup */
#include <goc/context.h> /* cancellation, deadlines, values */
#include <goc/io.h>      /* file descriptors and sockets that park the goroutine */

#endif
