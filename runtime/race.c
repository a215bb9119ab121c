/*
 * race.c - the public annotations (goc/race.h), and the program's last words.
 *
 * The annotations are the hooks under public names.
 *
 * The end. The detector wants to be asked last: after the program's atexit handlers and destructors
 * and the flush of stdio, which may still race and deadlock, and with the status in hand, which it
 * may change. on_exit tells the status but runs before the destructors; a destructor runs late but
 * is told nothing. So: on_exit notes the status, and the last destructor of this module flushes,
 * asks, and leaves. As a shared library this module starts before libc has registered the
 * destructors' turn, and exit, which goes backwards, comes to on_exit's after them: then that is
 * last.
 */
#include "sched_impl.h"

#include <goc/race.h>
#include <stdio.h>
#include <stdlib.h>

GOC_EXPORT bool goc_race_enabled(void)
{
#ifdef GOC_RACE
    return true;
#else
    return false;
#endif
}

GOC_EXPORT void goc_race_acquire(const void *p)
{
    hook_acquire(NULL, p);
}

GOC_EXPORT void goc_race_release(const void *p)
{
    hook_release(NULL, p);
}

GOC_EXPORT void goc_race_release_merge(const void *p)
{
    hook_release_merge(NULL, p);
}

GOC_EXPORT void goc_race_disable(void)
{
    hook_ignore(true);
}

GOC_EXPORT void goc_race_enable(void)
{
    hook_ignore(false);
}

GOC_EXPORT void goc_race_read_range(const void *p, size_t n)
{
    hook_read(CALLER_PC(), p, n);
}

GOC_EXPORT void goc_race_write_range(void *p, size_t n)
{
    hook_write(CALLER_PC(), p, n);
}

GOC_EXPORT size_t goc_race_errors(void)
{
    return hook_findings();
}

#ifdef GOC_RACE
static int exit_status;
static bool exiting, destroyed;

static void leave(void)
{
    fflush(NULL);
    die(exit_status);
}

static void note_status(int status, void *arg)
{
    exit_status = status;
    exiting = true;
    if (destroyed)
        leave();
}

__attribute__((constructor(101))) static void at_start(void)
{
    on_exit(note_status, NULL);
}

__attribute__((destructor(101))) static void at_end(void)
{
    destroyed = true;
    if (exiting)
        leave();
}
#endif
