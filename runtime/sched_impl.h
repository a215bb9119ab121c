/*
 * sched_impl.h - G, M and P: the scheduler's insides, for sched*.c, stack.c, timer.c, netpoll.c and
 * the files that print goroutines. The rest of the runtime sees sched.h.
 *
 *   G  a goroutine: 128 bytes, plus a stack from its first run to its end
 *   M  a thread of ours, or a foreign thread that called in; has a stack of its own (g0) on which
 *      the scheduler runs
 *   P  the right to run goroutines, GOMAXPROCS of them, with what that needs: a run queue, timers,
 *      caches of Gs and stacks
 *
 * States of a G, and who owns it
 *
 *   DEAD      in a free list, owned by the list
 *   RUNNABLE  in exactly one run queue, or in a P's runnext, or in the hands of the M that took it
 *   RUNNING   on an M, which owns the G and its stack
 *   WAITING   parked; owned by whoever will call g_ready; the stack is nobody's
 *
 * `fresh` Gs have never run: they have arguments instead of a stack.
 */
#ifndef GOC_SCHED_IMPL_H
#define GOC_SCHED_IMPL_H

#include "rt.h"
#include "sched.h"
#include "timer.h"

#include <pthread.h>

enum g_status {
    G_DEAD,
    G_RUNNABLE,
    G_RUNNING,
    G_WAITING,
};

enum {                 /* struct g.flags */
       GF_FRESH = 1,   /* never ran: `start` holds its arguments, there is no stack */
       GF_FOREIGN = 2, /* a foreign thread's: it never leaves its thread and holds no P */
       GF_MAIN = 4,    /* on the process's own stack */
       GF_SYSTEM = 8,  /* not the program's: left out of counts and dumps */
       GF_LOCKED = 16, /* goc_lock_os_thread */
       GF_BIG = 32,    /* a stack of its own size, not from the cache */
       GF_MESSAGE = 64,
       GF_KEPT = 128, /* `kept` is a set of waiters */
};

/* Why a G is parked: on its own stack, in g_park. */
struct park {
    bool (*commit)(struct g *g, void *arg);
    void *arg;
    const void *const *obj;
    size_t n;
    uintptr_t pc;
    int64_t since; /* sched.coarse_now */
    enum hook_wait why;
};

struct goc_deferred;
struct pcall;

/* The arguments of a goroutine, at the top of its stack while it runs. */
struct start {
    uintptr_t arg[6];
    uintptr_t pad[2];
};
_Static_assert(sizeof(struct start) == 64, "keeps the stack aligned");

/* What waking it reads is in the first cache line. */
struct g {
    struct g *next; /* run queue, free list */
    uint8_t status; /* enum g_status */
    uint8_t flags;
    uint8_t why;   /* enum hook_wait, for the dump */
    uint8_t locks; /* nesting of goc_lock_os_thread */
    int32_t error; /* errno while parked */
    union {
        struct {
            uintptr_t arg[6];
            size_t stack_size; /* 0: the default */
        } start;               /* GF_FRESH */
        struct {
            void *sp;          /* while not running */
            char *stack_hi;    /* one past its highest byte; NULL: not ours (main, foreign) */
            struct m *m;       /* running on, or locked to */
            struct park *park; /* WAITING; valid until it is readied */
            struct goc_deferred *defer; /* innermost first */
            struct pcall *pcall;        /* innermost first */
            size_t stack_size;
        } run;
        struct {
            struct g *bundle; /* the next one */
            uint32_t n;
        } dead; /* the first of a bundle in sched.gfree */
    };
    struct race_g *race;
    uint64_t id;
    uintptr_t create_pc;
    uint64_t create_id; /* the goroutine whose go statement this is */
    void *fn;           /* the function of the go statement */
    char *message;      /* GF_MESSAGE: of the last panic that goc_pcall caught */
    union {
        uint64_t rank;     /* control.c, in race builds */
        uint64_t guess;    /* select_keep.c: before there is a set */
        struct kept *kept; /* GF_KEPT */
    };
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct g) == 128 && offsetof(struct g, run.stack_size) == 64,
               "two cache lines, the second of which waking and ending need not touch");

enum { RUNQ = 256, FAIR = 61 };

struct timer_entry {
    int64_t when;
    uintptr_t t; /* a struct g *, asleep; or with the low bit set a struct timer * */
};

struct p {
    /* The owner's. */
    struct g *runnext;
    uint32_t tick;   /* slices given: the FAIRth looks at the global queue first */
    uint32_t streak; /* times in a row that runnext was taken */
    bool cut;        /* the monitor ended a slice since timers were looked at */
    struct g *gfree; /* dead Gs, the last one first */
    struct g *gfull; /* and a full bundle of those before them, or NULL */
    uint32_t gfree_n;
    uint32_t stack_n; /* used stacks, linked through their top words, the last one first */
    char *stack_free;
    char *stack_full; /* and a full bundle of those before them, or NULL */
    char *stack_new, *stack_new_end; /* stacks never used, */
    size_t stack_new_size;           /* of this size each */
    uint64_t spawned, ended;         /* for goc_numgoroutine */
    char *last_stack;                /* the end of that of the last goroutine entered, */
    ptrdiff_t stride;                /* how far that was from the one before, */
    uint32_t strides;                /* and how often in a row */

    /* Shared. */
    uint32_t head
        __attribute__((aligned(64))); /* run queue: taken here, by the owner and thieves */
    uint32_t tail;                    /* and added here, by the owner */
    uint32_t slice;                   /* changes with each time slice; the monitor compares */
    uint32_t preempt;                 /* the monitor: what runs has had its time */
    struct m *m;                      /* owner; NULL: idle */
    struct p *idle_next;
    int32_t id;
    bool idle, dead; /* under sched.lock */
    struct g *runq[RUNQ];

    /* Timers, under timer_lock. */
    struct lock timer_lock __attribute__((aligned(64)));
    struct timer *timer_firing; /* its function is being called (world.c) */
    int64_t timer_when; /* of the first one; 0: none. Read without the lock */
    struct timer_entry *timers;
    uint32_t timer_n, timer_cap;
};

/* A scheduler's stack, thread-local variables included. */
enum { G0_SIZE = 256 << 10 };

struct m {
    struct g *cur; /* the goroutine it runs; NULL in the scheduler */
    struct p *p;   /* NULL: foreign, idle, or its P was handed on */
    void *g0_sp;   /* where the scheduler's stack begins */
    int *error;    /* this thread's errno */
    uint32_t rand[2];
    uint32_t inside;   /* in the runtime, and touching p: the monitor must not take it */
    uint32_t hand_off; /* the monitor is about to: ask under sched.lock */
    bool bereft;       /* and has; counted in sched.bereft until it has parked */
    bool spinning;     /* looking for work, counted in sched.spinning */
    bool foreign;
    bool locked_wait;     /* waits for `locked`, counted in nm_idle */
    uint8_t lock_rank[8]; /* GOC_DEBUG: ranks held */
    uint16_t lock_depth;
    struct p *next_p; /* given by who woke it */
    struct g *locked; /* goc_lock_os_thread: only this one runs here */
    uint32_t wake;    /* futex: 1 = go on */
    struct m *idle_next;
    struct m *all_next; /* of sched.all_m, then of sched.leaving or m_spare */
    void *thread_sp;    /* where its thread goes on to end */
    void *alt_stack;
    struct g *foreign_g;
    pthread_t thread;
    int tid;
    uint64_t sigmask; /* what its code began with */
};

struct sched {
    /* Read mostly. */
    int32_t nproc; /* GOMAXPROCS */
    int32_t np;    /* Ps that exist: p[0..np) */
    int32_t numcpu;
    bool started;

    /* The protocol of waking: see sched_idle.c. */
    uint32_t nidle_p __attribute__((aligned(64)));
    uint32_t spinning;
    uint32_t gq_n;    /* in the global queue, and in `spent`: read without the lock */
    uint32_t spent_n; /* of those, in `spent` */
    int64_t coarse_now;

    struct lock lock __attribute__((aligned(64)));
    struct g *gq_head, *gq_tail;
    struct g *spent_head, *spent_tail; /* whose time was over: behind the others (sched.c) */
    struct p *idle_p;
    struct m *idle_m;
    struct m *all_m;
    struct m *leaving;     /* threads that end; while there are any, nobody is called dead */
    uint32_t nm;           /* Ms of ours */
    uint32_t nm_idle;      /* of them in idle_m, or waiting for their locked goroutine */
    uint32_t nforeign;     /* foreign threads not parked */
    uint32_t nforeign_all; /* foreign threads that called in */
    uint32_t nthreads;     /* of ours that are no Ms */
    uint32_t bereft;       /* Ms whose P was taken while they slept in the kernel */
    struct m *poller;      /* the idle M that sleeps until the next timer or descriptor */
    int64_t poll_until;

    uint64_t next_goid __attribute__((aligned(64)));
    uint64_t spawned, ended; /* without a P */

    struct lock g_lock __attribute__((aligned(64)));
    struct g *gfree; /* bundles of dead ones */
};
extern struct sched sched;
enum { MAX_P = 1024 };
extern struct p *sched_p[MAX_P];

/* --- this thread ------------------------------------------------------------------------------ */

extern __thread struct m *tls_m __attribute__((tls_model("initial-exec")));
struct m *m_slow(void); /* the first call of a thread */

/* The M of the thread this runs on. The thread changes at every park, and the compiler must not
   remember: hence the volatile read in one piece. */
static inline struct m *m_raw(void)
{
#if defined __x86_64__
    struct m *m;
    __asm__ volatile("movq tls_m@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(m));
    return m;
#else
    extern struct m *m_get(void);
    return m_get();
#endif
}
static inline struct m *m_cur(void)
{
    struct m *m = m_raw();
    return likely(m) ? m : m_slow();
}

/* Code that uses this thread's P lies between these two, where the monitor does not take it away
   (sysmon.c). The scheduler is inside from park to execute. */
void p_ask(struct m *m);
static inline struct p *p_enter(struct m *m)
{
    store_relaxed(&m->inside, 1);
    __asm__ volatile("" ::: "memory");
    if (unlikely(load_relaxed(&m->hand_off)))
        p_ask(m);
    return m->p;
}
static inline void p_leave(struct m *m)
{
    __asm__ volatile("" ::: "memory");
    store_relaxed(&m->inside, 0);
}

/* --- state.c: debug builds (GOC_DEBUG) ----------------------------------------------------------- */

/* The table of states, where a G, a P or an M changes hands; `where` is the function. Nothing in other
   builds. */
enum {
    CAN_WAKE = 1 << G_WAITING, /* or never ran: its go statement makes it ready */
    CAN_RUN = 1 << G_RUNNABLE,
    DOES_RUN = 1 << G_RUNNING,
    IS_DEAD = 1 << G_DEAD,
};
#ifdef GOC_DEBUG
void g_check(const struct g *g, unsigned states, const char *where);
void p_check_idle(struct p *p, const char *where);
void m_check_free(const struct m *m, const char *where); /* no internal lock is held */
#else
static inline void g_check(const struct g *g, unsigned states, const char *where)
{
}
static inline void p_check_idle(struct p *p, const char *where)
{
}
static inline void m_check_free(const struct m *m, const char *where)
{
}
#endif

/* g has been woken, and is about to be put into a queue. */
static inline void g_runnable(struct g *g, const char *where)
{
    g_check(g, CAN_WAKE, where);
    g->status = G_RUNNABLE;
}

/* --- switch_*.S ------------------------------------------------------------------------------- */

void ctx_leave(void **save, void *stack, void *(*fn)(void *), void *arg);
_Noreturn void ctx_end(void *stack, void *(*fn)(void *), void *arg);
_Noreturn void ctx_enter(void *sp);
_Noreturn void ctx_start(void *stack, void (*fn)(void *), void *arg);

/* --- sched.c ---------------------------------------------------------------------------------- */

void *schedule(struct m *m); /* on g0, with a P: what to enter */
void *m_loop(void *m);       /* the scheduler's entry on g0 */
void runq_put(struct p *p, struct g *g);
struct g *runq_get(struct p *p);
struct g *runq_turn(struct p *p); /* the same, but when it is the global queue's turn */
void slice_end(struct p *p);      /* of the goroutine that p ran: who is in runnext gets in line */
struct g *runq_steal(struct p *thief, struct p *victim);
bool runq_empty(struct p *p);
void gq_put(struct g *g);                    /* under sched.lock */
struct g *gq_get(struct p *p, uint32_t max); /* under sched.lock */
bool yield_spent(struct g *g, void *arg);    /* a commit: its time is over */
struct g *wait_locked(struct m *m);          /* on g0: until its goroutine has a turn */
void run_locked(struct m *m, struct g *g);   /* on g0: it is another thread's, which gets the P */
void spawn_yield(struct m *m, uintptr_t pc);
void ready_inside(struct m *m, struct g *g); /* at the tail; inside or in the scheduler */
void ready_first(struct m *m, struct g *g);  /* the same, as the next one */
void ready_slow(struct m *m, struct g *g);   /* without a P, or a foreign g */

/* --- sched_idle.c ----------------------------------------------------------------------------- */

struct g *find_runnable(struct m *m); /* blocks; m->p may be another one after it */
void wake_p(void);                    /* there is work: see that somebody looks */
void m_wake(struct m *m);
void wake_poller(int64_t when);          /* a timer earlier than poll_until was added */
void p_release(struct p *p);             /* under sched.lock */
struct p *p_idle_get(void);              /* under sched.lock */
void hand_p(struct p *p, bool spinning); /* under sched.lock, which it releases */
void p_bind(struct m *m, struct p *p);   /* under sched.lock */
bool needs_poller(void);                 /* timers or descriptors that nobody watches */
bool check_dead(void);                   /* under sched.lock; true: only strangers */
void foreign_park(struct m *m);

/* --- sched_init.c ----------------------------------------------------------------------------- */

void sched_init(void);
struct m *m_new(void); /* its thread is not started */
void m_start(struct m *m);
void *m_end(struct m *m); /* on g0: this thread is not to be used again; what to enter */
void m_reap(void);                 /* the monitor: of those that end, which have */
int cgroup_cpus(void); /* that its quota allows; 0: no limit */
bool m_may_end(const struct m *m);
_Noreturn void deadlock(void); /* panic.c */
int rt_thread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

/* --- sysmon.c, preempt.c ------------------------------------------------------------------------
 */

void sysmon_start(void);    /* once, at the first go statement */
void m_settle(struct m *m); /* under sched.lock: it holds or awaits a P again, or none by right */
void sysmon_kick(void);     /* a P is busy again: see that it is awake */
extern uint32_t sysmon_asleep;
extern bool sysmon_polls; /* it may hold goroutines that wait for nothing any more */
void preempt_init(void);
bool preempt_signal(struct m *m); /* interrupt what runs there; false: its signal is not ours */
bool in_runtime(uintptr_t pc);    /* is it the library's own code? */
void preempt_turn(void);          /* race builds: struct hook_world's */

/* --- spawn.c ---------------------------------------------------------------------------------- */

struct g *g_alloc(struct m *m);
void g_free(struct m *m, struct g *g);
void g_spill(struct p *p); /* the P's dead ones into the common list */
struct start *g_prepare(struct m *m, struct g *g); /* a stack for a fresh g, its arguments on it */
struct g *g_spawn(void *fn, const uintptr_t *args, int n, size_t stack_size, uintptr_t pc);
void g_spawn_timer(void (*fn)(void *), void *arg, struct race_g *race, uint64_t id,
                   uint64_t creator, uintptr_t pc); /* by a timer, in the scheduler */
struct g *g_exit(void);                             /* the current one has ended */
_Noreturn void g_leave(void);                       /* the same, from any depth of its stack */
void g_entry(void *);                               /* a goroutine's first frame */
void g_each(void (*fn)(struct g *g, void *arg), void *arg); /* all alive */
size_t g_count(void);

/* Where a goroutine's frames begin on the stack that ends at hi, its arguments there. Stacks are
   64 KiB or more apart, so their tops would share one cache set: they are shifted. */
static inline struct start *stack_top(char *hi)
{
    size_t colour = (uintptr_t)hi / 65536 % 16;
    return (struct start *)(hi - 64 - colour * 64) - 1;
}

/* --- select_keep.c ---------------------------------------------------------------------------- */

#ifndef GOC_RACE
void select_forget(struct g *g); /* with GF_KEPT: its set goes */
void select_fork(void);          /* in the child */
#endif

/* --- stack.c ---------------------------------------------------------------------------------- */

enum { GUARD = 4096 }; /* at a stack's lowest address */
void stack_init(void);
char *stack_take(struct m *m, size_t *size); /* one past its end; fatal when there is none */
void stack_give(struct m *m, struct g *g);
void stack_spill(struct p *p); /* the P's cache into the common one */
/* The monitor: the pages of some used stacks that are not needed (all: of all) go back to the
   system. True if there are more. */
bool stack_trim(int64_t now, bool all);

enum fork { FORK_PREPARE, FORK_PARENT, FORK_CHILD };
void stack_fork(enum fork when);
void netpoll_fork(void); /* in the child */
void sysmon_fork(void);
void fork_init(void); /* fork.c */

/* --- timer.c ---------------------------------------------------------------------------------- */

int64_t timers_run(struct m *m, struct p *p, int64_t now); /* the next one's time; 0: none */
int64_t timers_next(void);                                 /* over all Ps; 0: none */
bool timers_live(void);
void timers_move(struct p *from, struct p *to);

/* --- netpoll.c -------------------------------------------------------------------------------- */

bool netpoll_waiting(void);    /* is a goroutine waiting for a descriptor? */
struct g *netpoll(int64_t ns); /* ready ones, linked; ns < 0: for ever */
void netpoll_break(void);

/* --- dump.c ----------------------------------------------------------------------------------- */

/* `first`, which is the current one or NULL, then the others; the runtime's frames are left out. */
void dump_goroutine(struct g *g);
enum dump { DUMP_ALL, DUMP_OTHERS };
void dump_all(struct g *first, enum dump what);
/* Threads that run no goroutine (of a race build); `context`: of the current one, if it is such. */
void dump_threads(void *context);
/* The current goroutine (NULL: none) as a signal found it; `context` is the handler's ucontext. */
void dump_fault(struct g *g, void *context);
/* In a signal handler: was the signal sent to look at this thread's goroutine? True once it is
 * over. */
bool dump_hold(struct m *m, void *context);

/* --- lines.c ---------------------------------------------------------------------------------- */

/* The frames of a pc with their lines, ready to print (valid until the next call), or NULL: what
   there is without. `kind` is 'f' for a return address, 'x' for an instruction's own, 'c' for the
   innermost function of a return address, without parentheses. */
const char *lines_of(char kind, uintptr_t pc, bool *is_main);

/* --- signals.c -------------------------------------------------------------------------------- */

void signals_init(void);
void signals_timed(void); /* SIGQUIT alone, from the start, in a program that may start no goroutine */
bool signals_interrupt(int tid, struct m *m); /* for dump_hold; false: no signal is ours */

/* --- world.c ---------------------------------------------------------------------------------- */

#ifdef GOC_RACE
extern struct hook_world world;
#endif

/* --- panic.c ---------------------------------------------------------------------------------- */

bool main_has_ended(void);
/* True for the first thread that asks, false when it asks again. Another one waits for the end that
   the first one brings, or gets false at once. */
bool end_claim(bool wait);
bool runtime_dying(void); /* by a panic or a fatal error */
void panic_forget(struct g *g);
_Noreturn void die(int status);

#endif
