/*
 * sized_waitgroup.c - a waitgroup that lets only so many work at a time.
 *
 * A waitgroup for "all done" and a semaphore for "at most so many". The slot is taken before the
 * counter goes up and given back before it goes down, so that when wait returns every slot is free
 * and the group may be used again or freed.
 */
#include "waiter.h"
#include <goc/context.h>

GOC_EXPORT void goc_sized_waitgroup_init(goc_sized_waitgroup *wg, int limit)
{
    NEED(wg);
    *wg = (goc_sized_waitgroup){.goc_slots.goc_size = limit > 0 ? limit : 0};
}

GOC_EXPORT void goc_sized_waitgroup_add(goc_sized_waitgroup *wg)
{
    NEED(wg);
    if (wg->goc_slots.goc_size)
        sem_acquire_at(&wg->goc_slots, 1, NULL, CALLER_PC());
    waitgroup_add_at(&wg->goc_wg, 1, CALLER_PC());
}

GOC_EXPORT int goc_sized_waitgroup_add_ctx(goc_sized_waitgroup *wg, goc_context *ctx)
{
    NEED(wg);
    NEED(ctx);
    if (wg->goc_slots.goc_size && sem_acquire_at(&wg->goc_slots, 1, ctx, CALLER_PC()) < 0)
        return -1;
    waitgroup_add_at(&wg->goc_wg, 1, CALLER_PC());
    return 0;
}

GOC_EXPORT void goc_sized_waitgroup_done(goc_sized_waitgroup *wg)
{
    NEED(wg);
    if (wg->goc_slots.goc_size)
        sem_release_at(&wg->goc_slots, 1, CALLER_PC());
    waitgroup_add_at(&wg->goc_wg, -1, CALLER_PC());
}

GOC_EXPORT void goc_sized_waitgroup_wait(goc_sized_waitgroup *wg)
{
    NEED(wg);
    waitgroup_wait_at(&wg->goc_wg, CALLER_PC());
}
