/*
 * exec_posix.c - operations on what POSIX has: mutexes, spin locks, rwlocks, semaphores, once, pipes, sockets,
 * threads.
 *
 * A goroutine that blocked in one of these would block its P with it, so that those that goroutines
 * do are only done where they need not wait. A thread would run beside the one P: its creator waits
 * for it with plain loads that the detector does not see, until it has ended or has come to the
 * place where the two meet (exec.c says why that changes nothing of what the detector is told).
 */
#include "exec.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <threads.h>
#include <unistd.h>

static pthread_mutex_t pmutex[P_SPIN];
static pthread_spinlock_t spin;
static mtx_t mtx;
static pthread_rwlock_t prw[N_PRW];
static sem_t psem[N_PSEM];
static pthread_once_t ponce[N_PONCE]; /* PTHREAD_ONCE_INIT is zero */
static int pipes[N_PIPE][2];

/* What the guards know; exact with one P. */
static uint32_t pmutex_held[N_PMUTEX], prw_readers[N_PRW], prw_written[N_PRW];

/* A connection from us to us; the accepted end is the one that reads. */
static bool tcp_pair(int end[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    end[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || end[1] < 0 || bind(listener, (struct sockaddr *)&at, n) ||
        listen(listener, 1) || getsockname(listener, (struct sockaddr *)&at, &n) ||
        connect(end[1], (struct sockaddr *)&at, n))
        return false;
    end[0] = accept(listener, NULL, NULL);
    close(listener);
    return end[0] >= 0 && !fcntl(end[0], F_SETFL, O_NONBLOCK) && !fcntl(end[1], F_SETFL, O_NONBLOCK);
}

bool posix_objects(void)
{
    for (int i = 0; i < P_SPIN; i++)
        pthread_mutex_init(&pmutex[i], NULL);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    mtx_init(&mtx, mtx_plain);
    for (int i = 0; i < N_PRW; i++)
        pthread_rwlock_init(&prw[i], NULL);
    for (int i = 0; i < N_PSEM; i++)
        sem_init(&psem[i], 0, 0);
    for (int i = 0; i < PIPE_PAIR; i++)
        if (pipe2(pipes[i], O_NONBLOCK))
            return false;
    return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pipes[PIPE_PAIR]) &&
           tcp_pair(pipes[PIPE_TCP]);
}

/* --- locks, semaphores, pipes, once ----------------------------------------------------------- */

static bool plock(int i, bool attempt)
{
    if (i == P_SPIN)
        return !(attempt ? pthread_spin_trylock : pthread_spin_lock)(&spin);
    if (i == P_MTX)
        return (attempt ? mtx_trylock : mtx_lock)(&mtx) == thrd_success;
    return !(attempt ? pthread_mutex_trylock : pthread_mutex_lock)(&pmutex[i]);
}

static void run_plock(struct run *x, int i, bool attempt)
{
    if (x->pmutex >> i & 1)
        return;
    attempt = attempt || par;
    if ((!attempt && pmutex_held[i]) || !plock(i, attempt))
        return;
    log_event(x, EV_LOCKED, 0, MUTEX_POSIX + (uint64_t)i, 0, MUTEX);
    x->pmutex |= 1u << i;
    pmutex_held[i] = 1;
}

static void run_punlock(struct run *x, int i)
{
    if (!(x->pmutex >> i & 1))
        return;
    x->pmutex &= ~(1u << i);
    log_event(x, EV_UNLOCK, 0, MUTEX_POSIX + (uint64_t)i, 0, MUTEX);
    pmutex_held[i] = 0;
    if (i == P_SPIN)
        pthread_spin_unlock(&spin);
    else if (i == P_MTX)
        mtx_unlock(&mtx);
    else
        pthread_mutex_unlock(&pmutex[i]);
}

static void run_prwlock(struct run *x, int i, bool write, bool attempt)
{
    if ((x->prlocked | x->pwlocked) >> i & 1)
        return;
    if (!par && (prw_written[i] || (write && prw_readers[i])))
        return;
    attempt = attempt || par;
    if (write ? (attempt ? pthread_rwlock_trywrlock : pthread_rwlock_wrlock)(&prw[i])
              : (attempt ? pthread_rwlock_tryrdlock : pthread_rwlock_rdlock)(&prw[i]))
        return;
    log_event(x, EV_LOCKED, 0, RW_POSIX + (uint64_t)i, 0, write ? WRITER : READER);
    *(write ? &x->pwlocked : &x->prlocked) |= 1u << i;
    if (write)
        prw_written[i] = 1;
    else
        __atomic_add_fetch(&prw_readers[i], 1, __ATOMIC_RELAXED);
}

static void run_prwunlock(struct run *x, int i)
{
    bool write = x->pwlocked >> i & 1;
    if (!write && !(x->prlocked >> i & 1))
        return;
    *(write ? &x->pwlocked : &x->prlocked) &= ~(1u << i);
    log_event(x, EV_UNLOCK, 0, RW_POSIX + (uint64_t)i, 0, write ? WRITER : READER);
    if (write)
        prw_written[i] = 0;
    else
        __atomic_sub_fetch(&prw_readers[i], 1, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&prw[i]);
}

/* All that was posted or written before orders what is taken or read after; with several Ps the log
   does not tell what was before. */
static void run_merged(struct run *x, const struct op *o)
{
    char byte = 0;
    switch ((enum op_kind)o->kind) {
    case OP_PPOST:
        if (!par)
            log_event(x, EV_RELEASE_MERGE, 0, ANN_SEM + (uint64_t)o->a, 0, 0);
        sem_post(&psem[o->a]);
        break;
    case OP_PWAIT:
        if (sem_trywait(&psem[o->a]) == 0 && !par)
            log_event(x, EV_ACQUIRE, 0, ANN_SEM + (uint64_t)o->a, 0, 0);
        break;
    case OP_PIPEWRITE:
        if (!par)
            log_event(x, EV_RELEASE_MERGE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
        if (write(pipes[o->a][1], &byte, 1) < 0 && errno != EAGAIN)
            abort();
        break;
    default:
        if (read(pipes[o->a][0], &byte, 1) == 1 && !par)
            log_event(x, EV_ACQUIRE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
    }
}

static void ponce_body(int i)
{
    struct run *x = run_here();
    write_global(x, (uint32_t)i * 8, S->arena >= 8 ? 8 : 1);
    log_event(x, EV_ONCE_RAN, 0, ONCE_POSIX + (uint64_t)i, 0, 0);
}
static void ponce0(void)
{
    ponce_body(0);
}
static void ponce1(void)
{
    ponce_body(1);
}
static void (*const ponce_fn[N_PONCE])(void) = {ponce0, ponce1};

/* --- threads ---------------------------------------------------------------------------------- */

enum { PHASE_START, PHASE_MEET, PHASE_DONE };
enum { N_LOOSE = 8 };
static struct start *loose[N_LOOSE]; /* threads that somebody may join */
static uint32_t nthreads;
uint32_t thread_runs;

static void wait_phase(struct start *s, uint32_t phase)
{
    while (__atomic_load_n(&s->phase, __ATOMIC_ACQUIRE) < phase) {
        if (par)
            usleep(20);
        else
            __builtin_ia32_pause();
    }
}

static __attribute__((noinline)) void *thread(void *arg)
{
    struct start *s = arg;
    _Alignas(16) unsigned char buffer[STACKBUF];
    struct run x = {.inst = s->inst, .body = s->body, .buffer = buffer, .thread = true};
    __asm__ volatile("" : : "r"(buffer) : "memory");
    run_begins(&x);
    run_all(&x);
    if (s->how == THREAD_BARRIER) {
        log_event(&x, EV_RELEASE_MERGE, 0, ANN_BARRIER + x.inst, 0, 0);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        pthread_barrier_wait(&s->barrier);
        log_event(&x, EV_ACQUIRE, 0, ANN_BARRIER + x.inst, 0, 0);
        run_all(&x);
    } else if (s->how == THREAD_COND) {
        pthread_mutex_lock(&s->mutex);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        __atomic_store_n(&s->phase, PHASE_MEET, __ATOMIC_RELEASE);
        do
            pthread_cond_wait(&s->cond, &s->mutex);
        while (!s->signalled);
        log_event(&x, EV_LOCKED, 0, MUTEX_OF + x.inst, 0, MUTEX);
        log_event(&x, EV_ACQUIRE, 0, ANN_COND + x.inst, 0, 0);
        log_event(&x, EV_UNLOCK, 0, MUTEX_OF + x.inst, 0, MUTEX);
        pthread_mutex_unlock(&s->mutex);
        run_all(&x);
    }
    run_ends(&x);
    log_event(&x, EV_WG_DONE, 0, WG_OF + x.inst, 0, 0);
    log_event(&x, EV_FINISH, 0, 0, 0, 0);
    __atomic_store_n(&s->phase, PHASE_DONE, __ATOMIC_RELEASE);
    return NULL;
}

static void thread_join(struct run *x, struct start *s)
{
    pthread_join(s->thread, NULL);
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
        pthread_mutex_lock(&s->mutex); /* it waits now */
        log_event(x, EV_LOCKED, 0, MUTEX_OF + s->inst, 0, MUTEX);
        s->signalled = true;
        log_event(x, EV_UNLOCK, 0, MUTEX_OF + s->inst, 0, MUTEX);
        pthread_mutex_unlock(&s->mutex);
        write_global(x, off, 1);
        log_event(x, EV_RELEASE_MERGE, 0, ANN_COND + s->inst, 0, 0);
        pthread_cond_signal(&s->cond);
    }
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
    unseen_blocks = true;
    if (o->b == THREAD_BARRIER)
        pthread_barrier_init(&s->barrier, NULL, 2);
    if (o->b == THREAD_COND) {
        pthread_mutex_init(&s->mutex, NULL);
        pthread_cond_init(&s->cond, NULL);
    }
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 128 * 1024);
    if (o->b == THREAD_DETACHED)
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
    log_event(x, EV_GO, 0, s->inst, 0, 0);
    if (pthread_create(&s->thread, &attr, thread, s))
        abort();
    if (o->b == THREAD_BARRIER || o->b == THREAD_COND)
        meet(x, s, (uint32_t)o->c);
    wait_phase(s, PHASE_DONE);
    if (place >= 0)
        loose[place] = s;
    else if (o->b != THREAD_DETACHED)
        thread_join(x, s);
    if (!x->thread) /* the monitor may have thought that we sleep */
        goc_gosched();
    __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
}

static void run_join(struct run *x)
{
    for (int i = 0; i < N_LOOSE; i++) {
        struct start *s = loose[i];
        if (!s)
            continue;
        loose[i] = NULL;
        __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        thread_join(x, s);
        if (!x->thread)
            goc_gosched();
        __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
        return;
    }
}

/* What a thread may do: nothing that needs a P. */
bool for_thread(int kind)
{
    switch (kind) {
    case OP_READ:
    case OP_WRITE:
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
    case OP_PPOST:
    case OP_PWAIT:
    case OP_PONCE:
    case OP_PIPEWRITE:
    case OP_PIPEREAD:
    case OP_THREAD:
    case OP_JOIN:
    case OP_ANNACQ:
    case OP_ANNREL:
    case OP_ANNMERGE:
        return true;
    default:
        return false;
    }
}

bool posix_op(struct run *x, const struct op *o)
{
    switch ((enum op_kind)o->kind) {
    case OP_PLOCK:
    case OP_PTRYLOCK:
        run_plock(x, o->a, o->kind == OP_PTRYLOCK);
        break;
    case OP_PUNLOCK:
        run_punlock(x, o->a);
        break;
    case OP_PRLOCK:
    case OP_PWLOCK:
        run_prwlock(x, o->a, o->kind == OP_PWLOCK, o->b);
        break;
    case OP_PRWUNLOCK:
        run_prwunlock(x, o->a);
        break;
    case OP_PPOST:
    case OP_PWAIT:
    case OP_PIPEWRITE:
    case OP_PIPEREAD:
        run_merged(x, o);
        break;
    case OP_PONCE:
        pthread_once(&ponce[o->a], ponce_fn[o->a]);
        log_event(x, EV_ONCE_DONE, 0, ONCE_POSIX + (uint64_t)o->a, 0, 0);
        break;
    case OP_THREAD:
        run_thread(x, o);
        break;
    case OP_JOIN:
        run_join(x);
        break;
    default:
        return false;
    }
    return true;
}
