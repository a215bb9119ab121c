/*
 * exec_thread.c - operations that start and end threads, by POSIX's names and C11's.
 *
 * A thread would run beside the one P: its creator waits for it with plain loads that the detector does
 * not see, until it has ended or has come to the place where the two meet, at a barrier or a condition
 * (exec.c says why that changes nothing of what the detector is told). The end of some is the destructor
 * of a key, which runs after the thread's function has returned, in the first round of destructors or
 * a later one.
 */
#include "exec.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PHASE_START, PHASE_MEET, PHASE_DONE };
enum { N_LOOSE = 8 };
static struct start *loose[N_LOOSE]; /* threads that somebody may join */
static uint32_t nthreads;
uint32_t thread_runs;
static pthread_key_t key;
static tss_t c11_key;

static void wait_phase(struct start *s, uint32_t phase)
{
    while (__atomic_load_n(&s->phase, __ATOMIC_ACQUIRE) < phase) {
        if (par)
            usleep(20);
        else
            __builtin_ia32_pause();
    }
}

static void thread_ends(struct run *x, struct start *s)
{
    log_event(x, EV_WG_DONE, 0, WG_OF + x->inst, 0, 0);
    log_event(x, EV_FINISH, 0, 0, 0, 0);
    __atomic_store_n(&s->phase, PHASE_DONE, __ATOMIC_RELEASE);
}

static void set_key(struct start *s)
{
    if (s->flavour == FLAVOUR_C11 ? tss_set(c11_key, s) : pthread_setspecific(key, s))
        abort();
}

/* After the function of a THREAD_KEY thread has returned. */
static void destructor(void *arg)
{
    struct start *s = arg;
    if (s->rounds-- > 0) {
        set_key(s);
        return;
    }
    struct run x = {.inst = s->inst, .body = s->body, .op = s->made_by, .thread = true};
    __tsan_func_entry((void *)fake_pc(x.inst, x.op));
    write_global(&x, s->region * 8, 1);
    __tsan_func_exit();
    thread_ends(&x, s);
}

bool thread_objects(void)
{
    return !pthread_key_create(&key, destructor) && tss_create(&c11_key, destructor) == thrd_success;
}

/* Until its creator has signalled. */
static void wait_signal(struct start *s)
{
    struct timespec far;
    clock_gettime(s->flavour == FLAVOUR_CLOCK ? CLOCK_MONOTONIC : CLOCK_REALTIME, &far);
    far.tv_sec += 3600;
    do {
        switch (s->flavour) {
        case FLAVOUR_POSIX:
            pthread_cond_wait(&s->cond, &s->mutex);
            break;
        case FLAVOUR_C11:
            if (s->inst & 1)
                cnd_wait(&s->c11_cond, &s->c11_mutex);
            else
                cnd_timedwait(&s->c11_cond, &s->c11_mutex, &far);
            break;
        case FLAVOUR_TIMED:
            pthread_cond_timedwait(&s->cond, &s->mutex, &far);
            break;
        default:
            pthread_cond_clockwait(&s->cond, &s->mutex, CLOCK_MONOTONIC, &far);
        }
    } while (!s->signalled);
}

static void s_lock(struct start *s)
{
    if (s->flavour == FLAVOUR_C11)
        mtx_lock(&s->c11_mutex);
    else
        pthread_mutex_lock(&s->mutex);
}
static void s_unlock(struct start *s)
{
    if (s->flavour == FLAVOUR_C11)
        mtx_unlock(&s->c11_mutex);
    else
        pthread_mutex_unlock(&s->mutex);
}

static __attribute__((noinline)) void *thread(void *arg)
{
    struct start *s = arg;
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.inst = s->inst, .body = s->body, .buffer = buffer, .thread = true};
    __asm__ volatile("" : : "r"(buffer) : "memory");
    if (s->how == THREAD_KEY)
        set_key(s);
    run_begins(&x);
    run_all(&x);
    if (s->how == THREAD_BARRIER) {
        log_event(&x, EV_RELEASE_MERGE, 0, ANN_BARRIER + x.inst, 0, 0);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        pthread_barrier_wait(&s->barrier);
        log_event(&x, EV_ACQUIRE, 0, ANN_BARRIER + x.inst, 0, 0);
        run_all(&x);
    } else if (s->how == THREAD_COND) {
        s_lock(s);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        wait_signal(s);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_ACQUIRE, 0, ANN_COND + x.inst, 0, 0);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        s_unlock(s);
        run_all(&x);
    }
    run_ends(&x);
    if (s->how != THREAD_KEY)
        thread_ends(&x, s);
    return NULL;
}
static int c11_thread(void *arg)
{
    thread(arg);
    return 0;
}

static void thread_join(struct run *x, struct start *s, int how)
{
    struct timespec far;
    int r;
    clock_gettime(how == JOIN_CLOCK ? CLOCK_MONOTONIC : CLOCK_REALTIME, &far);
    far.tv_sec += 3600;
    if (s->flavour == FLAVOUR_C11)
        r = thrd_join(s->thread, NULL);
    else if (how == JOIN_TIMED)
        r = pthread_timedjoin_np(s->thread, NULL, &far);
    else if (how == JOIN_CLOCK)
        r = pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &far);
    else if (how == JOIN_TRY)
        while ((r = pthread_tryjoin_np(s->thread, NULL)) == EBUSY)
            __builtin_ia32_pause();
    else
        r = pthread_join(s->thread, NULL);
    if (r)
        abort();
    log_event(x, EV_WG_WAITED, 0, WG_OF + s->inst, 0, 0);
}

static void meet(struct run *x, struct start *s, uint32_t which)
{
    uint32_t off = which * 8;
    wait_phase(s, PHASE_MEET);
    if (s->how == THREAD_BARRIER) {
        write_global(x, off, 1);
        log_event(x, EV_RELEASE_MERGE, 0, ANN_BARRIER + s->inst, 0, 0);
        pthread_barrier_wait(&s->barrier);
        log_event(x, EV_ACQUIRE, 0, ANN_BARRIER + s->inst, 0, 0);
    } else {
        s_lock(s); /* it waits now */
        log_event(x, EV_LOCKED, 0, MUTEX_OF + s->inst, 0, MUTEX);
        s->signalled = true;
        log_event(x, EV_UNLOCK, 0, MUTEX_OF + s->inst, 0, MUTEX);
        s_unlock(s);
        write_global(x, off, 1);
        log_event(x, EV_RELEASE_MERGE, 0, ANN_COND + s->inst, 0, 0);
        if (s->flavour == FLAVOUR_C11)
            (s->inst & 2 ? cnd_broadcast : cnd_signal)(&s->c11_cond);
        else
            (s->inst & 2 ? pthread_cond_broadcast : pthread_cond_signal)(&s->cond);
    }
}

static void thread_create(struct start *s, bool detached)
{
    if (s->flavour == FLAVOUR_C11) {
        if (thrd_create(&s->thread, c11_thread, s) != thrd_success ||
            (detached && thrd_detach(s->thread) != thrd_success))
            abort();
        return;
    }
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    if (detached)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&s->thread, &attr, thread, s))
        abort();
}

static void run_thread(struct run *x, const struct op *o)
{
    struct start *s;
    int place = -1;
    if (o->b == THREAD_LATER) {
        for (place = 0; place < N_LOOSE && loose[place]; place++)
            ;
        if (place == N_LOOSE || par)
            return;
    }
    if ((uint32_t)o->a >= S->nbodies || __atomic_add_fetch(&nthreads, 1, __ATOMIC_RELAXED) > 60 ||
        !(s = new_instance((uint32_t)o->a)))
        return;
    s->how = o->b;
    s->flavour = o->d;
    s->region = (uint32_t)o->c;
    s->made_by = x->op;
    s->rounds = (int)(s->inst % 3);
    unseen_blocks = true;
    if (o->b == THREAD_BARRIER)
        pthread_barrier_init(&s->barrier, NULL, 2);
    if (o->b == THREAD_COND) {
        pthread_mutex_init(&s->mutex, NULL);
        pthread_cond_init(&s->cond, NULL);
        mtx_init(&s->c11_mutex, mtx_plain);
        cnd_init(&s->c11_cond);
    }
    __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
    log_event(x, EV_GO, 0, s->inst, 0, 0);
    thread_create(s, o->b == THREAD_DETACHED);
    if (o->b == THREAD_BARRIER || o->b == THREAD_COND)
        meet(x, s, (uint32_t)o->c);
    wait_phase(s, PHASE_DONE);
    if (place >= 0)
        loose[place] = s;
    else if (o->b != THREAD_DETACHED)
        thread_join(x, s, JOIN_PLAIN);
    if (!x->thread) /* the monitor may have thought that we sleep */
        goc_gosched();
    __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
}

static void run_join(struct run *x, int how)
{
    for (int i = 0; i < N_LOOSE; i++) {
        struct start *s = loose[i];
        if (!s)
            continue;
        loose[i] = NULL;
        __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        thread_join(x, s, how);
        if (!x->thread)
            goc_gosched();
        __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        return;
    }
}

/* What needs nobody else: no other goroutine, no thread, no P. */
bool for_child(int kind)
{
    switch (kind) {
    case OP_READ:
    case OP_WRITE:
    case OP_MOVE:
    case OP_ALOAD:
    case OP_ASTORE:
    case OP_AXCHG:
    case OP_ARMW:
    case OP_ACAS:
    case OP_FENCE:
    case OP_MALLOC:
    case OP_FREE:
    case OP_REALLOC:
    case OP_PLOCK:
    case OP_PTRYLOCK:
    case OP_PUNLOCK:
    case OP_PRLOCK:
    case OP_PWLOCK:
    case OP_PRWUNLOCK:
    case OP_RAISE:
    case OP_JUMP:
    case OP_CALL:
    case OP_LOOP:
    case OP_END:
    case OP_ANNACQ:
    case OP_ANNREL:
    case OP_ANNMERGE:
        return true;
    default:
        return false;
    }
}
bool for_thread(int kind)
{
    switch (kind) {
    case OP_PPOST:
    case OP_PWAIT:
    case OP_PONCE:
    case OP_PIPEWRITE:
    case OP_PIPEREAD:
    case OP_THREAD:
    case OP_JOIN:
        return true;
    default:
        return for_child(kind);
    }
}

bool thread_op(struct run *x, const struct op *o)
{
    switch ((enum op_kind)o->kind) {
    case OP_THREAD:
        run_thread(x, o);
        return true;
    case OP_JOIN:
        run_join(x, o->b);
        return true;
    default:
        return false;
    }
}
