/*
 * exec_posix.c - operations on what POSIX has: mutexes, spin locks, rwlocks, semaphores, once, pipes, sockets
 * (threads: exec_thread.c).
 *
 * A goroutine that blocked in one of these would block its P with it, so that those that goroutines
 * do are only done where they need not wait; a deadline, where there is one, is over.
 *
 * Pipes and sockets are libgoc's as well: goc_read parks. A reader that waits for good would keep the
 * program from ending, so it starts a goroutine that writes (`feeds`), and what is there is left to
 * those who wait that way (`reserved`).
 */
#include "exec.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t pmutex[P_SPIN];
static pthread_spinlock_t spin;
static mtx_t mtx;
static pthread_rwlock_t prw[N_PRW];
static sem_t psem[N_PSEM];
static pthread_once_t ponce[N_PONCE - 1]; /* PTHREAD_ONCE_INIT is zero */
static once_flag c11_once = ONCE_FLAG_INIT;
static int pipes[N_PIPE][2];

/* What the guards know; exact with one P. */
static uint32_t pmutex_held[N_PMUTEX], prw_readers[N_PRW], prw_written[N_PRW], reserved[N_PIPE];

static const struct timespec over = {1, 0};

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

static bool plock(int i, int how)
{
    if (i == P_SPIN)
        return !(how == LOCK_PLAIN ? pthread_spin_lock : pthread_spin_trylock)(&spin);
    if (i == P_MTX)
        return (how == LOCK_PLAIN ? mtx_lock(&mtx)
                : how == LOCK_TRY ? mtx_trylock(&mtx)
                                  : mtx_timedlock(&mtx, &over)) == thrd_success;
    switch (how) {
    case LOCK_PLAIN:
        return !pthread_mutex_lock(&pmutex[i]);
    case LOCK_TRY:
        return !pthread_mutex_trylock(&pmutex[i]);
    case LOCK_TIMED:
        return !pthread_mutex_timedlock(&pmutex[i], &over);
    default:
        return !pthread_mutex_clocklock(&pmutex[i], CLOCK_MONOTONIC, &over);
    }
}

static void run_plock(struct run *x, int i, int how)
{
    if (x->pmutex >> i & 1)
        return;
    if (par && how == LOCK_PLAIN)
        how = LOCK_TRY;
    if ((how == LOCK_PLAIN && pmutex_held[i]) || !plock(i, how))
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

static int prwlock(pthread_rwlock_t *rw, bool write, int how)
{
    switch (how) {
    case LOCK_PLAIN:
        return (write ? pthread_rwlock_wrlock : pthread_rwlock_rdlock)(rw);
    case LOCK_TRY:
        return (write ? pthread_rwlock_trywrlock : pthread_rwlock_tryrdlock)(rw);
    case LOCK_TIMED:
        return (write ? pthread_rwlock_timedwrlock : pthread_rwlock_timedrdlock)(rw, &over);
    default:
        return (write ? pthread_rwlock_clockwrlock : pthread_rwlock_clockrdlock)(rw, CLOCK_MONOTONIC,
                                                                                 &over);
    }
}

static void run_prwlock(struct run *x, int i, bool write, int how)
{
    if ((x->prlocked | x->pwlocked) >> i & 1)
        return;
    if (!par && (prw_written[i] || (write && prw_readers[i])))
        return;
    if (prwlock(&prw[i], write, par && how == LOCK_PLAIN ? LOCK_TRY : how))
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

/* By the kernel itself: the program has not asked. */
static int waiting_bytes(int pipe)
{
    int n = 0;
    syscall(SYS_ioctl, pipes[pipe][0], FIONREAD, &n);
    return n;
}

void feed(struct run *x, uint32_t pipe)
{
    char byte = 0;
    if (!par)
        log_event(x, EV_RELEASE_MERGE, 0, ANN_PIPE + pipe, 0, 0);
    if (goc_write(pipes[pipe][1], &byte, 1) != 1)
        abort();
}

/* Is there a byte for this reader, now or later? With several Ps another may take it first. */
static bool goc_readable(struct run *x, const struct op *o)
{
    if (o->b == 0 || par)
        return goc_wait_fd(pipes[o->a][0], POLLIN, goc_now() + 200 * GOC_MICROSECOND) > 0;
    if ((uint32_t)o->b >= S->nbodies)
        return false;
    struct start *s = new_instance((uint32_t)o->b);
    if (!s)
        return false;
    reserved[o->a]++;
    start_later(x, s, (uint32_t)o->a);
    return true;
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
        if ((o->b == LOCK_TIMED   ? sem_timedwait(&psem[o->a], &over)
             : o->b == LOCK_CLOCK ? sem_clockwait(&psem[o->a], CLOCK_MONOTONIC, &over)
                                  : sem_trywait(&psem[o->a])) == 0 &&
            !par)
            log_event(x, EV_ACQUIRE, 0, ANN_SEM + (uint64_t)o->a, 0, 0);
        break;
    case OP_PIPEWRITE:
        if (!par)
            log_event(x, EV_RELEASE_MERGE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
        if (write(pipes[o->a][1], &byte, 1) < 0 && errno != EAGAIN)
            abort();
        break;
    case OP_GWRITE:
        if (waiting_bytes(o->a) > 100) /* it would wait for a reader */
            break;
        feed(x, (uint32_t)o->a);
        break;
    default:
        if (o->kind == OP_GREAD && !goc_readable(x, o))
            break;
        if (!par && o->b == 0 && waiting_bytes(o->a) <= (int)reserved[o->a])
            break;
        if ((par || o->kind == OP_PIPEREAD ? read : goc_read)(pipes[o->a][0], &byte, 1) == 1 && !par)
            log_event(x, EV_ACQUIRE, 0, ANN_PIPE + (uint64_t)o->a, 0, 0);
        if (o->kind == OP_GREAD && o->b)
            reserved[o->a]--;
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
static void ponce2(void)
{
    ponce_body(2);
}
static void (*const ponce_fn[N_PONCE])(void) = {ponce0, ponce1, ponce2};

bool posix_op(struct run *x, const struct op *o)
{
    switch ((enum op_kind)o->kind) {
    case OP_PLOCK:
    case OP_PTRYLOCK:
        run_plock(x, o->a, o->kind == OP_PTRYLOCK ? LOCK_TRY : o->b);
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
    case OP_GWRITE:
    case OP_GREAD:
        run_merged(x, o);
        break;
    case OP_PONCE:
        if (o->a == N_PONCE - 1)
            call_once(&c11_once, ponce_fn[o->a]);
        else
            pthread_once(&ponce[o->a], ponce_fn[o->a]);
        log_event(x, EV_ONCE_DONE, 0, ONCE_POSIX + (uint64_t)o->a, 0, 0);
        break;
    default:
        return false;
    }
    return true;
}
