/*
 * intercept_thread.c - threads that the program starts itself: pthread_create, C11's thrd_create,
 * and their ends.
 *
 * A thread is a goroutine to the detector: it knows at its start what its creator knew, and whoever
 * joins it knows all that it knew. Both edges need something that outlives the thread: glibc gives
 * the pthread_t (the address of the thread's control block) to the next thread as soon as a join
 * has seen it end, so the joiner must hold on to the old thread's clock before it joins. Hence a
 * record for each thread, found by pthread_t, counted by those who need it:
 *
 *   the creator   until pthread_create has returned and the record is in the table
 *   the thread    until its last destructor ran
 *   the table     until somebody has joined or detached it
 *
 * Creator and child both put it into the table, whoever comes first: the child may hand its
 * pthread_self() to a joiner before its creator runs again. (TSan makes the child wait for the
 * creator; that is a context switch for every thread.)
 *
 * The end. Destructors of thread-specific data are the program's code and run in libc after the
 * start routine has returned, in up to PTHREAD_DESTRUCTOR_ITERATIONS rounds. A key of our own
 * re-arms itself until the last round; only then the thread publishes what it knows and is nobody.
 *
 * Stacks. A new thread's stack, static TLS included, may be a dead one's: what was remembered of it
 * is forgotten at the start, on the new thread, before its first access.
 *
 * Threads of the runtime (their pthread_create is called from this library's own code) have no
 * record: they run goroutines, and are nobody in between.
 */
#include "heap.h"
#include "intercept.h"
#include "sys.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <threads.h>
#include <time.h>

struct thread {
    u32 next; /* of its bucket; the slab's link when free */
    u32 refs;
    u64 end; /* the address under which its end is published */
    pthread_t id;
    union {
        void *(*posix)(void *);
        int (*c11)(void *);
    } fn;
    void *arg;
    struct race_g *g;
    bool listed; /* has been in the table; it enters once */
    bool detached;
};

#define BUCKETS 1024
static struct slab threads;
static u32 bucket[BUCKETS], threads_lock;
static pthread_key_t end_key;

ICEPT_REAL(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *));
ICEPT_REAL(int, thrd_create, (thrd_t *, int (*)(void *), void *));

/* --- records ---------------------------------------------------------------------------------- */

static u32 *bucket_of(pthread_t id)
{
    return &bucket[((uintptr_t)id >> 6) * 0x9e3779b97f4a7c15ull >> 54];
}

static u32 thread_index(const struct thread *t)
{
    return (u32)(((const char *)t - threads.base) / threads.size);
}

static void thread_unref(struct thread *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL))
        return;
    hook_forget(&t->end, sizeof t->end);
    slab_free(&threads, thread_index(t));
}

static void thread_list(struct thread *t, pthread_t id)
{
    det_lock(&threads_lock);
    if (!t->listed) {
        t->listed = true;
        t->id = id;
        if (!t->detached) {
            u32 *b = bucket_of(id);
            t->next = *b;
            *b = thread_index(t);
            __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
        }
    }
    det_unlock(&threads_lock);
}

/* The record of a thread that can be joined, one reference taken; NULL: not one of ours. */
static struct thread *thread_get(pthread_t id)
{
    struct thread *t = NULL;
    det_lock(&threads_lock);
    u32 i = *bucket_of(id);
    while (i && ((struct thread *)slab_at(&threads, i))->id != id)
        i = ((struct thread *)slab_at(&threads, i))->next;
    if (i) {
        t = slab_at(&threads, i);
        __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    }
    det_unlock(&threads_lock);
    return t;
}

/* Joined or detached: the table's reference goes. */
static void thread_unlist(struct thread *t)
{
    bool was = false;
    det_lock(&threads_lock);
    for (u32 *i = bucket_of(t->id); *i; i = &((struct thread *)slab_at(&threads, *i))->next)
        if (slab_at(&threads, *i) == (void *)t) {
            *i = t->next;
            was = true;
            break;
        }
    det_unlock(&threads_lock);
    if (was)
        thread_unref(t);
}

/* --- start and end ---------------------------------------------------------------------------- */

static size_t own_stack(void **lo)
{
    pthread_attr_t attr;
    size_t n = 0;
    *lo = NULL;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, lo, &n);
        pthread_attr_destroy(&attr);
    }
    return n;
}

static void thread_begin(struct thread *t)
{
    void *lo;
    size_t n = own_stack(&lo);
    heap_drop((uintptr_t)lo, n);
    det_forget((uintptr_t)lo, n);
    thread_list(t, pthread_self());
    pthread_setspecific(end_key, (void *)1);
    det_thread_start(t->g, lo, (char *)lo + n);
}

static __thread struct thread *self;

static void thread_end(void *rounds)
{
    uintptr_t n = (uintptr_t)rounds;
    if (n < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(end_key, (void *)(n + 1));
        return;
    }
    struct thread *t = self;
    if (!t)
        return;
    self = NULL;
    icept_locks_thread_end();
    hook_release(NULL, &t->end);
    det_thread_end(t->g);
    det_set_cur(NULL);
    t->g = NULL;
    thread_unref(t);
}

bool icept_thread_is(const struct race_g *g)
{
    return self && self->g == g;
}

static void *start_posix(void *arg)
{
    struct thread *t = self = arg;
    thread_begin(t);
    return t->fn.posix(t->arg);
}
static int start_c11(void *arg)
{
    struct thread *t = self = arg;
    thread_begin(t);
    return t->fn.c11(t->arg);
}

static struct thread *thread_new(void *arg, uintptr_t pc)
{
    u32 i = slab_alloc(&threads);
    if (!i)
        det_die("too many threads");
    struct thread *t = slab_at(&threads, i);
    *t = (struct thread){.refs = 2, .arg = arg, .g = det_thread_create(pc)};
    return t;
}

/* The creator's last step: r is what the real function said. */
static void thread_made(struct thread *t, int r, pthread_t id)
{
    if (r) {
        det_thread_cancel(t->g);
        thread_unref(t);
    } else {
        thread_list(t, id);
    }
    thread_unref(t);
}

ICEPT_EXPORT(int, pthread_create,
             (pthread_t * to, const pthread_attr_t *attr, void *(*fn)(void *), void *arg))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(pthread_create)(to, attr, fn, arg);
    struct thread *t = thread_new(arg, pc);
    int state = PTHREAD_CREATE_JOINABLE;
    if (attr)
        pthread_attr_getdetachstate(attr, &state);
    t->detached = state == PTHREAD_CREATE_DETACHED;
    t->fn.posix = fn;
    pthread_t id;
    int r = REAL(pthread_create)(&id, attr, start_posix, t);
    thread_made(t, r, id);
    if (r == 0) {
        *to = id;
        if (icept_mem(pc))
            det_write_range(pc, (uintptr_t)to, sizeof *to);
    }
    return r;
}

static u32 own_threads;

size_t hook_own_threads(void)
{
    return __atomic_load_n(&own_threads, __ATOMIC_RELAXED);
}

void icept_start_thread(void *(*fn)(void *))
{
    struct race_g *g = det_cur;
    det_set_cur(NULL);
    /* But not the two that libc keeps for itself: setuid and its like signal every thread and wait for each. */
    u64 all = ~(3ull << 31), old;
    sys_call(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, (long)&all, (long)&old, 8, 0, 0);
    pthread_attr_t attr;
    pthread_t id;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 64 * 1024);
    /* Without it one only looks at the end. It counts before it runs. */
    __atomic_add_fetch(&own_threads, 1, __ATOMIC_RELAXED);
    if (REAL(pthread_create)(&id, &attr, fn, NULL) != 0)
        __atomic_sub_fetch(&own_threads, 1, __ATOMIC_RELAXED);
    pthread_attr_destroy(&attr);
    sys_call(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&old, 0, 8, 0, 0);
    det_set_cur(g);
}

ICEPT_EXPORT(int, thrd_create, (thrd_t * to, int (*fn)(void *), void *arg))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(thrd_create)(to, fn, arg);
    struct thread *t = thread_new(arg, pc);
    t->fn.c11 = fn;
    thrd_t id;
    int r = REAL(thrd_create)(&id, start_c11, t);
    thread_made(t, r, id);
    if (r == thrd_success) {
        *to = id;
        if (icept_mem(pc))
            det_write_range(pc, (uintptr_t)to, sizeof *to);
    }
    return r;
}

/* --- join and detach -------------------------------------------------------------------------- */

/* Around the real join: the clock is held before, learned after. */
#define JOIN(name, params, args, id, result, blocks)                        \
    ICEPT_REAL(int, name, params);                                          \
    ICEPT_EXPORT(int, name, params)                                         \
    {                                                                       \
        ICEPT_MAY_SLEEP();                                                  \
        uintptr_t pc = ICEPT_PC();                                          \
        struct thread *t = icept_sync(pc) ? thread_get(id) : NULL;          \
        if (!t)                                                             \
            return REAL(name) args;                                         \
        const void *waits_for = t->g;                                       \
        if (blocks)                                                         \
            hook_park(det_cur, HOOK_WAIT_THREAD_JOIN, &waits_for, 1, pc);   \
        int r = REAL(name) args;                                            \
        if (blocks)                                                         \
            hook_unpark(det_cur);                                           \
        if (r == 0) {                                                       \
            hook_acquire(NULL, &t->end);                                    \
            thread_unlist(t);                                               \
            if ((result) && icept_mem(pc))                                  \
                det_write_range(pc, (uintptr_t)(result), sizeof *(result)); \
        }                                                                   \
        thread_unref(t);                                                    \
        return r;                                                           \
    }
JOIN(pthread_join, (pthread_t id, void **result), (id, result), id, result, true)
JOIN(pthread_tryjoin_np, (pthread_t id, void **result), (id, result), id, result, false)
JOIN(pthread_timedjoin_np, (pthread_t id, void **result, const struct timespec *until),
     (id, result, until), id, result, false)
JOIN(pthread_clockjoin_np, (pthread_t id, void **result, clockid_t c, const struct timespec *until),
     (id, result, c, until), id, result, false)
JOIN(thrd_join, (thrd_t id, int *result), (id, result), id, result, true)

#define DETACH(name)                                                       \
    ICEPT_REAL(int, name, (pthread_t id));                                 \
    ICEPT_EXPORT(int, name, (pthread_t id))                                \
    {                                                                      \
        struct thread *t = icept_sync(ICEPT_PC()) ? thread_get(id) : NULL; \
        if (t) {                                                           \
            thread_unlist(t);                                              \
            thread_unref(t);                                               \
        }                                                                  \
        return REAL(name)(id);                                             \
    }
DETACH(pthread_detach)
DETACH(thrd_detach)

/* --- threads that libc starts for a timer ----------------------------------------------------- */

/* Each expiry runs the program's function in a thread of libc's making, which nobody creates or
   joins: it gets a record for as long as the function runs, and knows what those knew who made and
   set timers. */
struct timer {
    u32 link;
    void (*fn)(union sigval);
    union sigval value;
};
static struct slab timers;
static u64 timers_set;

void icept_timer_set(void)
{
    hook_release_merge(NULL, &timers_set);
}

static void timer_expires(union sigval which)
{
    const struct timer *t = which.sival_ptr;
    struct race_g *outer = det_cur, *g = outer ? outer : det_thread_create(0);
    if (!outer) {
        void *lo;
        size_t n = own_stack(&lo);
        det_forget((uintptr_t)lo, n);
        det_thread_start(g, lo, (char *)lo + n);
    }
    hook_acquire(NULL, &timers_set);
    t->fn(t->value);
    if (!outer) {
        det_thread_end(g);
        det_set_cur(NULL);
    }
}

ICEPT(int, timer_create, (clockid_t clock, struct sigevent *how, timer_t *to))
{
    uintptr_t pc = ICEPT_PC();
    struct sigevent mine;
    u32 i = 0;
    if (!icept_sync(pc))
        return REAL(timer_create)(clock, how, to);
    if (how && icept_mem(pc))
        det_read_range(pc, (uintptr_t)how, sizeof *how);
    if (how && how->sigev_notify == SIGEV_THREAD && (i = slab_alloc(&timers)) != 0) {
        struct timer *t = slab_at(&timers, i);
        *t = (struct timer){.fn = how->sigev_notify_function, .value = how->sigev_value};
        mine = *how;
        mine.sigev_notify_function = timer_expires;
        mine.sigev_value.sival_ptr = t;
        how = &mine;
    }
    icept_timer_set();
    int r = REAL(timer_create)(clock, how, to);
    if (r && i)
        slab_free(&timers, i);
    if (r == 0 && icept_mem(pc))
        det_write_range(pc, (uintptr_t)to, sizeof *to);
    return r;
}

void icept_threads_init(void)
{
    slab_init(&timers, "timers", sizeof(struct timer), 1u << 24);
    slab_init(&threads, "threads", sizeof(struct thread), 1u << 22);
    if (pthread_key_create(&end_key, thread_end))
        det_die("no thread-specific key is left for the detector");
}

/* In the child of fork only the caller's record is still a thread's. */
void icept_threads_fork(int phase)
{
    if (phase == 0)
        det_lock(&threads_lock);
    else
        det_unlock(&threads_lock);
    if (phase == 2) /* a child has the thread that forked, and no other */
        own_threads = 0;
}
