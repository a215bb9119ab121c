/* emptywait.h - Waits that found a WaitGroup at zero, and who added to it after. emptywait.c has
 * the essay. */
#ifndef DET_EMPTYWAIT_H
#define DET_EMPTYWAIT_H

#include "goroutine.h"

/* The current goroutine has found wg at zero; has added to wg, which was at zero. */
void emptywait_note(struct race_g *g, uintptr_t wg, uintptr_t pc);
void emptywait_added(const struct race_g *g, uintptr_t wg);
/* Did `waiter`, before what it did at (id, epoch), find at zero a WaitGroup that `adder`, already
   there, added to later? Then that group, and where the Wait was. */
bool emptywait_find(const struct life *waiter, u32 id, u32 epoch, const struct life *adder,
                    uintptr_t *wg, uintptr_t *pc);

#endif
