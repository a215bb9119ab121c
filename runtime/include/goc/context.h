/*
 * goc/context.h - cancellation, deadlines and values that cross call boundaries (Go's context).
 *
 * Contexts form a tree under goc_background(). A context ends when it is cancelled, when its
 * deadline passes, or when its parent ends, and with it all below it. Every function may be called
 * by several goroutines at once. The goc_with_ functions return NULL with errno ENOMEM when memory
 * is out, and panic "cannot create context from nil parent" on NULL.
 *
 * Each context is given back once with goc_context_free, which cancels it first; in which order
 * parents and children are does not matter.
 */
#ifndef GOC_CONTEXT_H
#define GOC_CONTEXT_H

#include <goc/chan.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct goc_context goc_context;

/* The root: never ends, carries nothing, need not be freed. */
goc_context *goc_background(void);

goc_context *goc_with_cancel(goc_context *parent);
/* Ends by itself after d nanoseconds (at once if d <= 0), or at the goc_now() time t. */
goc_context *goc_with_timeout(goc_context *parent, int64_t d);
goc_context *goc_with_deadline(goc_context *parent, int64_t t);
/* goc_context_value(ctx, key) on it or below gives value. Keys are compared as pointers. */
goc_context *goc_with_value(goc_context *parent, const void *key, void *value);

/* End ctx and all below it, with ECANCELED. No effect on one that has ended, or on the root. */
void goc_cancel(goc_context *ctx);

/* Closed when ctx ends; NULL for the root (which blocks forever). It lives as long as ctx. */
goc_recv_chan(goc_unit) goc_context_done(goc_context *ctx);

/* 0 while ctx has not ended, then ECANCELED or ETIMEDOUT for good. */
int goc_context_err(goc_context *ctx);

/* The time at which it will end at the latest, into *t; false if there is none. */
bool goc_context_deadline(goc_context *ctx, int64_t *t);

/* The value of the nearest context, from ctx upwards, that has this key; NULL if there is none. */
void *goc_context_value(goc_context *ctx, const void *key);

void goc_context_free(goc_context *ctx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
