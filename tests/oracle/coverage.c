/*
 * coverage.c - which of the primitives did the programs use? A generator can lack one for years without a
 * difference to show it. One line for each, with the number of programs in whose trace it did something; a
 * primitive that none used is a hole, and `oracle --coverage` fails for it.
 */
#include "oracle.h"
#include "prog.h"
#include <stdio.h>

#define IS(k) (o->kind == OP_##k)
#define ANY_ATOMIC (IS(ALOAD) || IS(ASTORE) || IS(AXCHG) || IS(ARMW) || IS(ACAS))
#define ORDER(x) (ANY_ATOMIC && o->b == __ATOMIC_##x)
#define FENCES(X)                                                      \
    X("fence, relaxed", IS(FENCE) && o->b == __ATOMIC_RELAXED)         \
    X("fence, consume", IS(FENCE) && o->b == __ATOMIC_CONSUME)         \
    X("fence, acquire", IS(FENCE) && o->b == __ATOMIC_ACQUIRE)         \
    X("fence, release", IS(FENCE) && o->b == __ATOMIC_RELEASE)         \
    X("fence, acq_rel", IS(FENCE) && o->b == __ATOMIC_ACQ_REL)         \
    X("fence, seq_cst", IS(FENCE) && o->b == __ATOMIC_SEQ_CST)
#define COVERED(X)                                                                     \
    X("go statement", IS(SPAWN))                                                       \
    X("goc_after_func", IS(AFTER))                                                     \
    X("goc_sleep", IS(SLEEP))                                                          \
    X("ticker", IS(TICK) && o->d == TICK_TICKER)                                       \
    X("ticker, of another goroutine", IS(TICKTRY))                                     \
    X("goc_after", IS(TICK) && o->d == TICK_AFTER)                                     \
    X("goc_timer, reset", IS(TICK) && o->d == TICK_TIMER)                              \
    X("mutex", IS(LOCK))                                                               \
    X("mutex, trylock", IS(TRYLOCK))                                                   \
    X("rwmutex, reader", IS(RLOCK))                                                    \
    X("rwmutex, reader tries", IS(TRYRLOCK))                                           \
    X("rwmutex, writer", IS(WLOCK))                                                    \
    X("rwmutex, writer tries", IS(TRYWLOCK))                                           \
    X("channel, unbuffered", (IS(SEND) || IS(RECV)) && !s->cap[o->a])                  \
    X("channel, buffered", (IS(SEND) || IS(RECV)) && s->cap[o->a])                     \
    X("try_send, try_recv", IS(TRYSEND) || IS(TRYRECV))                                \
    X("close", IS(CLOSE))                                                              \
    X("select, blocking", IS(SELECT) && !o->c)                                         \
    X("select, default", IS(SELECT) && o->c == 1)                                      \
    X("select, timeout", IS(SELECT) && o->c == 2)                                      \
    X("WaitGroup", IS(WGDONE) || IS(WGWAIT))                                           \
    X("WaitGroup, a group", IS(GROUP) && (o->d & 3) == GROUP_WAIT)                     \
    X("sized WaitGroup", IS(GROUP) && (o->d & 3) == GROUP_SIZED)                       \
    X("errgroup", IS(GROUP) && (o->d & 3) == GROUP_ERR)                                \
    X("once", IS(ONCE))                                                                \
    X("cond", IS(CWAIT))                                                               \
    X("cond, signal", IS(CSIGNAL))                                                     \
    X("cond, broadcast", IS(CBROADCAST))                                               \
    X("weighted semaphore", IS(SEMACQ))                                                \
    X("weighted semaphore, try", IS(SEMTRY))                                           \
    X("weighted semaphore, context", IS(SEMCTX))                                       \
    X("context, cancel", IS(CANCEL))                                                   \
    X("context, err", IS(CTXERR))                                                      \
    X("context, done", IS(CTXWAIT))                                                    \
    X("context, timeout", IS(CTXMAKE) && !o->d)                                        \
    X("context, deadline", IS(CTXMAKE) && o->d)                                        \
    X("context that expires, seen", (IS(CTXERR) || IS(CTXWAIT) || IS(SEMCTX)) && (IS(SEMCTX) ? o->c : o->a) >= N_CTX)\
    X("atomic, relaxed", ORDER(RELAXED))                                               \
    X("atomic, consume", ORDER(CONSUME))                                               \
    X("atomic, acquire", ORDER(ACQUIRE))                                               \
    X("atomic, release", ORDER(RELEASE))                                               \
    X("atomic, acq_rel", ORDER(ACQ_REL))                                               \
    X("atomic, seq_cst", ORDER(SEQ_CST))                                               \
    X("compare-exchange", IS(ACAS))                                                    \
    X("compare-exchange, fails", IS(ACAS) && o->d & 4)                                 \
    X("compare-exchange, weak", IS(ACAS) && o->d & 1)                                  \
    X("atomic of 16 bytes", ANY_ATOMIC && (o->a == 17 || o->a == 18))                  \
    FENCES(X)                                                              \
    X("malloc, free", IS(MALLOC))                                                      \
    X("realloc", IS(REALLOC))                                                          \
    X("memmove, memcpy", IS(MOVE))                                                     \
    X("access by libc", (IS(READ) || IS(WRITE)) && o->d == HOW_LIBC)                   \
    X("access, unaligned", (IS(READ) || IS(WRITE)) && o->d == HOW_UNALIGNED)           \
    X("access below a word", (IS(READ) || IS(WRITE)) && o->c < 4)                      \
    X("race annotations", IS(ANNACQ) || IS(ANNREL) || IS(ANNMERGE))                    \
    X("pthread_mutex", IS(PLOCK) && o->a < P_SPIN)                                     \
    X("pthread_mutex, trylock", IS(PTRYLOCK) && o->a < P_SPIN)                         \
    X("pthread_spin", IS(PLOCK) && o->a == P_SPIN)                                     \
    X("pthread_spin, trylock", IS(PTRYLOCK) && o->a == P_SPIN)                         \
    X("mtx (C11)", (IS(PLOCK) || IS(PTRYLOCK)) && o->a == P_MTX)                       \
    X("pthread_mutex, timed", IS(PLOCK) && o->a < P_SPIN && o->b == LOCK_TIMED)        \
    X("pthread_mutex, clocked", IS(PLOCK) && o->a < P_SPIN && o->b == LOCK_CLOCK)      \
    X("mtx, timed", IS(PLOCK) && o->a == P_MTX && o->b >= LOCK_TIMED)                  \
    X("pthread_rwlock, reader", IS(PRLOCK))                                            \
    X("pthread_rwlock, writer", IS(PWLOCK))                                            \
    X("pthread_rwlock, timed", (IS(PRLOCK) || IS(PWLOCK)) && o->b == LOCK_TIMED)       \
    X("pthread_rwlock, clocked", (IS(PRLOCK) || IS(PWLOCK)) && o->b == LOCK_CLOCK)     \
    X("sem_t", IS(PPOST) || IS(PWAIT))                                                 \
    X("sem_t, timed", IS(PWAIT) && o->b == LOCK_TIMED)                                 \
    X("sem_t, clocked", IS(PWAIT) && o->b == LOCK_CLOCK)                               \
    X("pthread_once", IS(PONCE))                                                       \
    X("call_once", IS(PONCE) && o->a == N_PONCE - 1)                                   \
    X("pipe", IS(PIPEREAD) && o->a < PIPE_PAIR)                                        \
    X("socketpair", IS(PIPEREAD) && o->a == PIPE_PAIR)                                 \
    X("TCP connection", IS(PIPEREAD) && o->a == PIPE_TCP)                              \
    X("goc_write", IS(GWRITE))                                                         \
    X("goc_read, nobody waits", IS(GREAD) && !o->b)                                    \
    X("goc_read, parked", IS(GREAD) && o->b)                                           \
    X("thread, joined", IS(THREAD) && o->b == THREAD_JOIN)                             \
    X("thread, joined later", IS(JOIN))                                                \
    X("thread, detached", IS(THREAD) && o->b == THREAD_DETACHED)                       \
    X("pthread_barrier", IS(THREAD) && o->b == THREAD_BARRIER)                         \
    X("pthread_cond", IS(THREAD) && o->b == THREAD_COND)                               \
    X("pthread_cond, timed", IS(THREAD) && o->b == THREAD_COND && o->d == FLAVOUR_TIMED)\
    X("pthread_cond, clocked", IS(THREAD) && o->b == THREAD_COND && o->d == FLAVOUR_CLOCK)\
    X("cnd (C11)", IS(THREAD) && o->b == THREAD_COND && o->d == FLAVOUR_C11)           \
    X("thread (C11)", IS(THREAD) && o->d == FLAVOUR_C11)                               \
    X("key destructor", IS(THREAD) && o->b == THREAD_KEY)                              \
    X("fork", IS(FORK))                                                                \
    X("signal handler", IS(RAISE))                                                     \
    X("longjmp", IS(JUMP))

static const char *const name[] = {
#define X(n, test) n,
    COVERED(X)
#undef X
};
enum { N = sizeof name / sizeof *name };
static uint64_t programs[N];

void coverage_add(const struct shared *s)
{
    static bool did[MAX_OPS];
    bool used[N] = {false};
    for (uint32_t i = 0; i < s->nops; i++)
        did[i] = s->op[i].kind == OP_SLEEP; /* it leaves no event */
    for (uint32_t i = 0; i < s->nevents && i < MAX_EVENTS; i++)
        if (s->ev[i].op < s->nops)
            did[s->ev[i].op] = true;
    for (uint32_t i = 0; i < s->nops; i++) {
        const struct op *o = &s->op[i];
        if (!did[i])
            continue;
        size_t k = 0;
#define X(n, test) used[k] = used[k] || (test), k++;
        COVERED(X)
#undef X
    }
    for (size_t k = 0; k < N; k++)
        programs[k] += used[k];
}

bool coverage_print(void)
{
    bool all = true;
    for (size_t k = 0; k < N; k++) {
        printf("%-30s %8llu programs%s\n", name[k], (unsigned long long)programs[k],
               programs[k] ? "" : "   !");
        all = all && programs[k];
    }
    return all;
}
