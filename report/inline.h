/*
 * inline.h - what compiled programs know of the detector: the second door, beside record.h.
 *
 * `goc-race cc` writes the test whether an access repeats a known one into the program itself
 * (inline.c has the essay). The constants below are thus part of objects that outlive the library
 * they were built beside. The detector asserts that its structures agree with them; whoever changes
 * one changes INLINE_SYMBOL, and an old object then fails to link, by that name, instead of
 * misreading a new shadow.
 */
#ifndef GOC_INLINE_H
#define GOC_INLINE_H

/* In thread-local storage: what follows is offsets from it. */
#define INLINE_SYMBOL goc_race_layout_1
/* The shadow word of a granule all of which this goroutine did, in this epoch. */
#define INLINE_FULL 0
#define INLINE_G 8 /* the goroutine, NULL if nobody's code is running */

/* In the goroutine's record: its shadow call stack. */
#define INLINE_SP 8         /* where the next return address goes */
#define INLINE_SP_SYNCED 16 /* the lowest that sp has been since the history was told */
#define INLINE_SP_END 32

/* The granule of eight bytes at address a has its write word at SHADOW + (a & GRANULE) * 2 and its
   read word 8 bytes further. */
#define INLINE_SHADOW 0x100000000000
#define INLINE_GRANULE 0xffffffffff8

#endif
