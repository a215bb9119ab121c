/*
 * intercept_ipc.c - message queues, semaphore sets and shared segments of System V, POSIX's message
 * queues, asynchronous I/O: what the calls read and write, and what they order.
 *
 * What goes through a queue carries knowledge, as through a pipe (stream.c): send publishes
 * (merged, several may send), receive learns. An operation that raises a semaphore publishes, one
 * that has waited or lowered one learns, whichever of the set it is. These objects live in the
 * kernel and outlive processes; the name here is their number, hashed: a collision can hide a race,
 * not invent one.
 *
 * Asynchronous I/O is done on threads of libc's own, which nobody here sees. A write reads its
 * buffer when it is asked for, a read has written it when its result is collected; who collects (or
 * sees that it is done) knows what the one knew who asked.
 *
 * A segment that is attached begins a life, and ends it when it is detached. Two places of one
 * segment are two memories to the detector.
 */
#include "intercept.h"
#include "sys.h"
#include <aio.h>
#include <mqueue.h>
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define NAMES 1024u
static u64 queue_name[NAMES], semaphore_name[NAMES], mq_name[NAMES];

static const void *name_of(u64 *names, u64 number)
{
    return &names[(number * 0x9e3779b97f4a7c15ull) >> 54];
}

/* --- System V ------------------------------------------------------------------------------------
 */

ICEPT(int, msgsnd, (int id, const void *m, size_t n, int flags))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    if (icept_mem(pc))
        det_read_range(pc, (uintptr_t)m, sizeof(long) + n);
    if (icept_sync(pc))
        hook_release_merge(NULL, name_of(queue_name, (u64)id));
    int r = REAL(msgsnd)(id, m, n, flags);
    ICEPT_SLEPT();
    return r;
}

ICEPT(ssize_t, msgrcv, (int id, void *m, size_t n, long type, int flags))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    ssize_t r = REAL(msgrcv)(id, m, n, type, flags);
    if (r >= 0 && icept_sync(pc))
        hook_acquire(NULL, name_of(queue_name, (u64)id));
    if (r >= 0 && icept_mem(pc))
        det_write_range(pc, (uintptr_t)m, sizeof(long) + (size_t)r);
    return r;
}

static void semop_before(uintptr_t pc, int id, const struct sembuf *ops, size_t n)
{
    if (icept_mem(pc))
        det_read_range(pc, (uintptr_t)ops, n * sizeof *ops);
    bool raises = false;
    for (size_t i = 0; i < n; i++)
        raises = raises || ops[i].sem_op > 0;
    if (raises && icept_sync(pc))
        hook_release_merge(NULL, name_of(semaphore_name, (u64)id));
}
static void semop_after(uintptr_t pc, int id, const struct sembuf *ops, size_t n)
{
    bool waits = false;
    for (size_t i = 0; i < n; i++)
        waits = waits || ops[i].sem_op <= 0;
    if (waits && icept_sync(pc))
        hook_acquire(NULL, name_of(semaphore_name, (u64)id));
}

ICEPT(int, semop, (int id, struct sembuf *ops, size_t n))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    semop_before(pc, id, ops, n);
    int r = REAL(semop)(id, ops, n);
    if (r == 0)
        semop_after(pc, id, ops, n);
    return r;
}
ICEPT(int, semtimedop, (int id, struct sembuf *ops, size_t n, const struct timespec *t))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    if (t && icept_mem(pc))
        det_read_range(pc, (uintptr_t)t, sizeof *t);
    semop_before(pc, id, ops, n);
    int r = REAL(semtimedop)(id, ops, n, t);
    if (r == 0)
        semop_after(pc, id, ops, n);
    return r;
}

/* Setting a value may let others through. */
ICEPT_REAL(int, semctl, (int id, int i, int what, ...));
ICEPT_EXPORT(int, semctl, (int id, int i, int what, ...))
{
    uintptr_t pc = ICEPT_PC();
    va_list ap;
    va_start(ap, what);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if ((what == SETVAL || what == SETALL) && icept_sync(pc))
        hook_release_merge(NULL, name_of(semaphore_name, (u64)id));
    return REAL(semctl)(id, i, what, arg);
}

#define SEGMENTS 256
static struct {
    uintptr_t at;
    size_t size;
} segment[SEGMENTS];
static u32 segment_lock;

ICEPT(void *, shmat, (int id, const void *at, int flags))
{
    void *p = REAL(shmat)(id, at, flags);
    struct shmid_ds d;
    if (p == (void *)-1 || icept_own(ICEPT_PC()) || shmctl(id, IPC_STAT, &d) < 0)
        return p;
    det_forget((uintptr_t)p, d.shm_segsz);
    det_lock(&segment_lock);
    for (int i = 0; i < SEGMENTS; i++)
        if (segment[i].at == 0 || segment[i].at == (uintptr_t)p) {
            segment[i].at = (uintptr_t)p;
            segment[i].size = d.shm_segsz;
            break;
        }
    det_unlock(&segment_lock);
    return p;
}

ICEPT(int, shmdt, (const void *p))
{
    size_t size = 0;
    det_lock(&segment_lock);
    for (int i = 0; i < SEGMENTS; i++)
        if (p && segment[i].at == (uintptr_t)p) {
            size = segment[i].size;
            segment[i].at = 0;
        }
    det_unlock(&segment_lock);
    if (size)
        det_forget((uintptr_t)p, size);
    return REAL(shmdt)(p);
}

/* --- POSIX message queues ----------------------------------------------------------------- */

/* Two descriptors of one queue have its inode in common. */
static const void *mq_of(mqd_t q)
{
    struct stat s;
    if (sys_call(SYS_fstat, q, (long)&s, 0, 0, 0, 0) < 0)
        return NULL;
    return name_of(mq_name, (u64)s.st_ino);
}

#define SEND(name, params, args)                 \
    ICEPT(int, name, params)                     \
    {                                            \
        ICEPT_MAY_SLEEP();                       \
        uintptr_t pc = ICEPT_PC();               \
        if (icept_mem(pc))                       \
            det_read_range(pc, (uintptr_t)m, n); \
        if (icept_sync(pc))                      \
            hook_release_merge(NULL, mq_of(q));  \
        int r = REAL(name) args;                 \
        ICEPT_SLEPT();                           \
        return r;                                \
    }
#define RECEIVE(name, params, args)                                 \
    ICEPT(ssize_t, name, params)                                    \
    {                                                               \
        ICEPT_MAY_SLEEP();                                          \
        uintptr_t pc = ICEPT_PC();                                  \
        ssize_t r = REAL(name) args;                                \
        if (r >= 0 && icept_sync(pc))                               \
            hook_acquire(NULL, mq_of(q));                           \
        if (r >= 0 && icept_mem(pc)) {                              \
            det_write_range(pc, (uintptr_t)m, (size_t)r);           \
            if (prio)                                               \
                det_write_range(pc, (uintptr_t)prio, sizeof *prio); \
        }                                                           \
        return r;                                                   \
    }
SEND(mq_send, (mqd_t q, const char *m, size_t n, unsigned prio), (q, m, n, prio))
SEND(mq_timedsend, (mqd_t q, const char *m, size_t n, unsigned prio, const struct timespec *t),
     (q, m, n, prio, t))
RECEIVE(mq_receive, (mqd_t q, char *m, size_t n, unsigned *prio), (q, m, n, prio))
RECEIVE(mq_timedreceive, (mqd_t q, char *m, size_t n, unsigned *prio, const struct timespec *t),
        (q, m, n, prio, t))

/* --- asynchronous I/O --------------------------------------------------------------------- */

static void aio_asked(uintptr_t pc, struct aiocb *c, bool writes)
{
    if (icept_mem(pc) && writes)
        det_read_range(pc, (uintptr_t)c->aio_buf, c->aio_nbytes);
    if (icept_sync(pc))
        hook_release_merge(NULL, c);
}

#define ASK(name, writes)                    \
    ICEPT(int, name, (struct aiocb * c))     \
    {                                        \
        aio_asked(ICEPT_PC(), c, writes);    \
        return REAL(name)(c);                \
    }                                        \
    ICEPT(int, name##64, (struct aiocb * c)) \
    {                                        \
        aio_asked(ICEPT_PC(), c, writes);    \
        return REAL(name##64)(c);            \
    }
ASK(aio_read, false)
ASK(aio_write, true)

static void lio_asked(uintptr_t pc, struct aiocb *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (list[i] && list[i]->aio_lio_opcode != LIO_NOP)
            aio_asked(pc, list[i], list[i]->aio_lio_opcode == LIO_WRITE);
}
ICEPT(int, lio_listio, (int mode, struct aiocb *const *list, int n, struct sigevent *e))
{
    lio_asked(ICEPT_PC(), list, n);
    return REAL(lio_listio)(mode, list, n, e);
}
ICEPT(int, lio_listio64, (int mode, struct aiocb *const *list, int n, struct sigevent *e))
{
    lio_asked(ICEPT_PC(), list, n);
    return REAL(lio_listio64)(mode, list, n, e);
}

static ssize_t collected(uintptr_t pc, struct aiocb *c, ssize_t r)
{
    if (icept_sync(pc))
        hook_acquire(NULL, c);
    if (r > 0 && c->aio_lio_opcode == LIO_READ && icept_mem(pc))
        det_write_range(pc, (uintptr_t)c->aio_buf, (size_t)r);
    return r;
}
ICEPT(ssize_t, aio_return, (struct aiocb * c))
{
    return collected(ICEPT_PC(), c, REAL(aio_return)(c));
}
ICEPT(ssize_t, aio_return64, (struct aiocb * c))
{
    return collected(ICEPT_PC(), c, REAL(aio_return64)(c));
}
