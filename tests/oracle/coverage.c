/*
 * coverage.c - which of the primitives did the programs use? A generator can lack one for years without a
 * difference to show it. One line for each, with the number of programs in whose trace it did something; a
 * primitive that none used is a hole, and `oracle --coverage` fails for it.
 */
#include "oracle.h"
#include "prog.h"
#include <stdio.h>

#define IS(k) (o->kind == OP_##k)
#define ORDER(x) ((IS(ALOAD) || IS(ASTORE) || IS(AXCHG) || IS(ARMW) || IS(ACAS)) && o->b == __ATOMIC_##x)
#define COVERED(X)                                                                     \
    X("go statement", IS(SPAWN))                                                       \
    X("goc_after_func", IS(AFTER))                                                     \
    X("goc_sleep", IS(SLEEP))                                                          \
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
    X("context, cancel", IS(CANCEL))                                                   \
    X("context, err", IS(CTXERR))                                                      \
    X("context, done", IS(CTXWAIT))                                                    \
    X("atomic, relaxed", ORDER(RELAXED))                                               \
    X("atomic, consume", ORDER(CONSUME))                                               \
    X("atomic, acquire", ORDER(ACQUIRE))                                               \
    X("atomic, release", ORDER(RELEASE))                                               \
    X("atomic, acq_rel", ORDER(ACQ_REL))                                               \
    X("atomic, seq_cst", ORDER(SEQ_CST))                                               \
    X("compare-exchange", IS(ACAS))                                                    \
    X("fence", IS(FENCE))                                                              \
    X("malloc, free", IS(MALLOC))                                                      \
    X("realloc", IS(REALLOC))                                                          \
    X("race annotations", IS(ANNACQ) || IS(ANNREL) || IS(ANNMERGE))                    \
    X("pthread_mutex", IS(PLOCK) && o->a < P_SPIN)                                     \
    X("pthread_mutex, trylock", IS(PTRYLOCK) && o->a < P_SPIN)                         \
    X("pthread_spin", IS(PLOCK) && o->a == P_SPIN)                                     \
    X("pthread_spin, trylock", IS(PTRYLOCK) && o->a == P_SPIN)                         \
    X("mtx (C11)", (IS(PLOCK) || IS(PTRYLOCK)) && o->a == P_MTX)                       \
    X("pthread_rwlock, reader", IS(PRLOCK))                                            \
    X("pthread_rwlock, writer", IS(PWLOCK))                                            \
    X("sem_t", IS(PPOST) || IS(PWAIT))                                                 \
    X("pthread_once", IS(PONCE))                                                       \
    X("pipe", IS(PIPEREAD) && o->a < PIPE_PAIR)                                        \
    X("socketpair", IS(PIPEREAD) && o->a == PIPE_PAIR)                                 \
    X("TCP connection", IS(PIPEREAD) && o->a == PIPE_TCP)                              \
    X("thread, joined", IS(THREAD) && o->b == THREAD_JOIN)                             \
    X("thread, joined later", IS(JOIN))                                                \
    X("thread, detached", IS(THREAD) && o->b == THREAD_DETACHED)                       \
    X("pthread_barrier", IS(THREAD) && o->b == THREAD_BARRIER)                         \
    X("pthread_cond", IS(THREAD) && o->b == THREAD_COND)

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
        printf("%-26s %8llu programs%s\n", name[k], (unsigned long long)programs[k],
               programs[k] ? "" : "   !");
        all = all && programs[k];
    }
    return all;
}
