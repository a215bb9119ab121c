/*
 * thread.c - starting a thread of the runtime.
 *
 * In a race build pthread_create is the detector's, which would give the scheduler's threads a
 * record and an ordering. The one beneath it is found by name, behind ours.
 */
#include "sched_impl.h"

#include <dlfcn.h>

int rt_thread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
#ifdef GOC_RACE
    static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!next)
        next = (__typeof__(next))dlsym(RTLD_NEXT, "pthread_create");
    if (next)
        return next(t, attr, fn, arg);
#endif
    return pthread_create(t, attr, fn, arg);
}
