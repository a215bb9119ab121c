/*
 * race.h - annotations for code that synchronises in a way the detector cannot see. In a plain build
 * they do nothing.
 */
#ifndef GOC_RACE_H
#define GOC_RACE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Is the race detector linked in? */
bool goc_race_enabled(void);

/* What happened before a release of `p` happens before what follows the next acquire of it. A
   release forgets what was released there before; release_merge adds to it. */
void goc_race_acquire(const void *p);
void goc_race_release(const void *p);
void goc_race_release_merge(const void *p);

/* Between the two, this goroutine's accesses and synchronisation are not looked at. They nest. */
void goc_race_disable(void);
void goc_race_enable(void);

/* This goroutine reads or writes these bytes, in code that is not instrumented. */
void goc_race_read_range(const void *p, size_t n);
void goc_race_write_range(void *p, size_t n);

/* Findings so far. */
size_t goc_race_errors(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
