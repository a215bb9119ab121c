/*
 * leak.c - goroutines that can never go on.
 *
 * A goroutine that waits on a channel is woken by somebody who has that channel. If nobody who can still run
 * has it, directly or through anything that he can reach, it is stuck: not "for long", but for
 * good. That is garbage collection with another question, and it finds what no timeout and no cycle of
 * owners can: the fetch whose reader timed out, the range over a channel never closed, half a program
 * deadlocked while the rest of it serves on.
 *
 *   alive    whoever runs, is runnable, sleeps, or waits for a descriptor, a thread or a timer
 *   reached  the data segments, what the alive have on their stacks and in registers, what pending timers
 *            point at, mappings and thread-local variables (roots.c), and all heap blocks that
 *            something reached points into
 *   woken    who waits on an object in reached memory is alive as well, and so is his stack
 *
 * repeated until nothing changes; the rest is stuck. Pointers are recognised conservatively: any
 * aligned word that points into a block (or into a blocked goroutine's stack) keeps all of it. So a stale
 * word may hide a leak, and nothing that could be woken is ever called stuck.
 *
 * Locks have owners, so for them reachability is the wrong question: who waits for a mutex is alive
 * if all who hold it are; a mutex in a global whose owner is stuck wakes nobody. (A lock that is passed on
 * between goroutines has no owner and counts like a channel; so does, for who asks, one that is in a
 * cycle too young to be believed (waitfor.c), and the periodic look leaves it alone.)
 *
 * The runtime's own structures are left out, or everybody would be reached through the list of all
 * goroutines: its records are no heap blocks. One of its pointers does stand in the program's
 * objects, the queue of waiters, which are on their stacks; it is told by where it is found, in an
 * object that this very goroutine waits on, and says nothing.
 *
 * When. At the end of the program (the main goroutine is gone, unless exit was called further in),
 * on goc_verify_no_leaks (the caller's stack does not count: it asks because it is done), on SIGQUIT before
 * the traces are printed, and every
 * few seconds by a thread of our own, as long as somebody has been waiting since the last look, at
 * intervals that grow with what a look costs. All of it happens in a copy of the process
 * (snapshot.c).
 *
 * What it is called. Stuck goroutines that wait for one another (each for what another one of them
 * has in hand) are a DEADLOCK, with those who wait for them; the main goroutine stuck is one too.
 * The rest are LEAKs, one finding for each place they wait at and are started from.
 *
 * Rejected: goleak's way (all that is left at the end: a monitor that idles is no leak), a timeout
 * (neither sound nor complete), reference counts on channels (C has no copy constructors).
 */
#include "access.h"
#include "leak.h"
#include "goroutine.h"
#include "heap.h"
#include "intercept.h"
#include "output.h"
#include "record.h"
#include "snapshot.h"
#include "sys.h"
#include <link.h>
#include <linux/futex.h>

struct leak_question leak_q;

void (*det_point)(void);
bool (*det_sleep)(int64_t ns);
bool (*det_yield)(void);
void (*det_told)(uint64_t out[4]);
u32 det_in_handler;
u32 det_wish;

/* Verdicts are compared access by access with a trace that the program writes: nobody may come between an
   event and the access that it tells of. */
void hook_wish(bool on)
{
    __atomic_store_n(&det_wish, (on && !debug_all) || det_point, __ATOMIC_RELAXED);
}

void hook_world(const struct hook_world *w)
{
    if (w->controlled) {
        det_point = w->point;
        det_sleep = w->sleep;
        det_yield = w->yield;
        det_told = w->told;
        det_wish = 1;
    }
    leak_q.world = w;
    leak_q.main_thread_area = (uintptr_t)__builtin_thread_pointer();
}

extern void *__libc_malloc(size_t n);

static int note_data(struct dl_phdr_info *info, size_t size, void *arg)
{
    bool libc = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD &&
            (uintptr_t)__libc_malloc - (info->dlpi_addr + p->p_vaddr) < p->p_memsz)
            libc = true;
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) && leak_q.data_n < DATA_MAX) {
            leak_q.data[leak_q.data_n].allocators = libc;
            leak_q.data[leak_q.data_n].lo = (info->dlpi_addr + p->p_vaddr) & ~7ul;
            leak_q.data[leak_q.data_n++].hi = info->dlpi_addr + p->p_vaddr + p->p_memsz;
        }
    }
    return 0;
}

/* Still in the wait that the copy saw, and not reported so far. */
static bool still_stuck(const struct stuck *s, bool only_new)
{
    const struct waiting *w = __atomic_load_n(&s->g->wait, __ATOMIC_ACQUIRE);
    return w && __atomic_load_n(&w->seq, __ATOMIC_ACQUIRE) == s->seq &&
           (!only_new || w->reported == WAIT_QUIET);
}

static void report_group(struct leak_answer *a, u32 first, struct race_g **list)
{
    const struct stuck *f = &a->stuck[first];
    const struct waiting *w = f->g->wait;
    bool deadlock = f->group != 0 || (f->g->main && leak_q.when != LEAK_EXIT);
    u32 n = 0, created = det_g_created(f->g);
    for (u32 k = first; k < a->n; k++) {
        struct stuck *s = &a->stuck[k];
        if (!still_stuck(s, true))
            continue;
        const struct waiting *x = s->g->wait;
        bool alike = f->group ? s->group == f->group
                              : s->group == 0 && x->why == w->why && x->pc == w->pc &&
                                    x->lock == w->lock && det_g_created(s->g) == created &&
                                    s->g->main == f->g->main;
        if (alike)
            list[n++] = s->g;
    }
    for (u32 k = 0; k < n; k++)
        list[k]->wait->reported = deadlock ? WAIT_CYCLE : WAIT_LEAKED;
    wait_report(deadlock ? FINDING_DEADLOCK : FINDING_LEAK, list, n, NULL);
}

/* What g waits for was a local of a function that has returned. */
static void report_left(struct race_g *g)
{
    const struct waiting *w = g->wait;
    u32 kind = w->lock ? lock_at(w->lock)->kind
               : w->why == HOOK_WAIT_WAITGROUP ? HOOK_OBJ_WAITGROUP
               : w->why == HOOK_WAIT_COND      ? HOOK_OBJ_COND
               : w->why == HOOK_WAIT_SEM       ? HOOK_OBJ_SEM
                                               : HOOK_OBJ_NONE;
    misuse_waited(g, kind, w->lock ? lock_at(w->lock)->addr : (uintptr_t)w->first,
                  "the goroutine waits for what was a local of a function that has returned", NULL,
                  w->pc);
}

/* Whom SIGQUIT has interrupted, and where its stack ends; NULL: nobody, or on another stack. */
static struct race_g *quit_g;
static uintptr_t quit_sp;

static u32 look_lock;
static u64 look_ns, held_ns;

struct look {
    size_t found;
};

static void look(void *arg)
{
    struct look *l = arg;
    static struct leak_answer *a;
    static struct race_g **list;
    if (!a) {
        a = det_map(sizeof *a);
        list = det_map(STUCK_MAX * sizeof *list);
    }
    a->n = a->idle_n = 0;
    a->done = false;
    u64 began = sys_now_ns();
    static u32 failures;
    bool good = false;
    for (u32 tries = 0; !good && tries < (leak_q.when == LEAK_PERIODIC ? 1 : 4); tries++)
        good = snapshot_run(reach_search, a, sizeof *a, &held_ns) && a->done;
    look_ns = sys_now_ns() - began;
    if (!good) {
        if (++failures == 8 || leak_q.when != LEAK_PERIODIC)
            det_notice("goroutines that are stuck cannot be looked for: the program's threads could "
                       "not be held for a moment, or the process not be copied");
        return;
    }
    failures = 0;
    for (u32 k = 0; k < a->n; k++)
        l->found += still_stuck(&a->stuck[k], false);
    for (u32 k = 0; k < a->n; k++)
        if (a->stuck[k].left && still_stuck(&a->stuck[k], true))
            report_left(a->stuck[k].g);
    for (u32 k = 0; k < a->n; k++)
        if (still_stuck(&a->stuck[k], true))
            report_group(a, k, list);
    u32 idle = 0;
    for (u32 k = 0; k < a->idle_n; k++)
        if (still_stuck(&a->idle[k], true))
            list[idle++] = a->idle[k].g;
    if (idle)
        wait_report(FINDING_NONE, list, idle, NULL);
    if (a->too_many)
        det_notice("more than %u goroutines are stuck; the others are not listed", STUCK_MAX);
    if (det_option_num("verbosity", 0) > 0)
        det_notice("%u of %u waiting goroutines can never go on; looked in %lu us, held the "
                   "program for %lu us",
                   a->n, a->blocked, (unsigned long)(look_ns / 1000),
                   (unsigned long)(held_ns / 1000));
}

size_t leak_check(enum leak_when now, uintptr_t stack_from)
{
    if (!leak_q.world || (!det_detects(FINDING_LEAK) && !det_detects(FINDING_DEADLOCK)))
        return 0;
    struct look l = {0};
    det_lock(&look_lock);
    leak_q.when = now;
    leak_q.from = stack_from;
    leak_q.caller = now == LEAK_PERIODIC ? NULL : now == LEAK_QUIT ? quit_g : det_cur;
    leak_q.list = now == LEAK_EXIT && det_option_num("verbosity", 0) > 0;
    leak_q.data_n = 0;
    dl_iterate_phdr(note_data, NULL);
    /* What the search reads of this thread is its copy's, below this frame. */
    static char *stack;
    if (!stack)
        stack = (char *)det_map(1 << 20) + (1 << 20);
    det_on_given_stack(stack, look, &l);
    det_unlock(&look_lock);
    return l.found;
}

size_t hook_leaks(void)
{
    return leak_check(LEAK_ASKED, 0);
}

/* --- at the end -------------------------------------------------------------------------------------------- */

static uintptr_t exit_from;

void leak_exit_called(uintptr_t sp)
{
    exit_from = sp;
}

static bool anybody_waits(bool long_since)
{
    u32 at = 0;
    for (struct race_g *g; (g = det_g_each(&at));) {
        const struct waiting *w = g->wait;
        if (w && (w->lock || !reach_needs_nobody(w)) && (!long_since || w->since + 2 <= wait_clock))
            return true;
    }
    return false;
}

static bool at_once, quit_looked;

void leak_exit_at_once(void)
{
    at_once = true;
}

void leak_at_exit(struct race_g *g)
{
    if (!leak_q.world || leak_q.world->dying() || quit_looked)
        return;
    if (!at_once)
        misuse_exit(g);
    if (anybody_waits(false))
        leak_check(LEAK_EXIT, exit_from);
}

/* --- now and then ------------------------------------------------------------------------------------------- */

/* SIGQUIT asks from a signal handler, which may have interrupted anything: the answer is found by the thread
   that looks now and then. The handler's own thread sleeps meanwhile, on another stack than its
   goroutine's, so that one's registers are handed over. */
#define QUIT_MS 5000
static u32 started, asked, answered;

static void *watch(void *arg)
{
    det_set_cur(NULL);
    u64 next = 2, step = 1;
    for (;;) {
        u32 had = __atomic_load_n(&answered, __ATOMIC_RELAXED);
        long second[2] = {1, 0};
        sys_call(SYS_futex, (long)&asked, FUTEX_WAIT_PRIVATE, had, (long)second, 0, 0);
        if (__atomic_load_n(&asked, __ATOMIC_ACQUIRE) != had) {
            wait_confirm_all(false);
            if (anybody_waits(false))
                leak_check(LEAK_QUIT, quit_sp);
            __atomic_store_n(&answered, had + 1, __ATOMIC_RELEASE);
            sys_call(SYS_futex, (long)&answered, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
            continue;
        }
        __atomic_fetch_add(&wait_clock, 1, __ATOMIC_RELAXED);
        if (wait_clock < next || !anybody_waits(true))
            continue;
        size_t found = leak_check(LEAK_PERIODIC, 0);
        step = found ? 1 : step < 32 ? step * 2 : 32;
        u64 cost = look_ns / 50000000; /* not more than a twentieth of a processor */
        next = wait_clock + (step > cost ? step : cost);
    }
    return NULL;
}

void leak_watch(void)
{
    if (leak_q.world && !started && lock_facts && !__atomic_exchange_n(&started, 1, __ATOMIC_RELAXED))
        icept_start_thread(watch);
}

void hook_quit(const uintptr_t *reg, size_t n, uintptr_t sp)
{
    if (!started || quit_looked)
        return;
    quit_looked = true;
    struct race_g *g = det_cur;
    if (g && sp - g->stack_lo < g->stack_hi - g->stack_lo) {
        quit_g = g;
        quit_sp = sp - 128; /* the red zone */
        leak_q.handler = (int)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
    }
    leak_q.word = reg;
    leak_q.words = n;
    u32 had = __atomic_fetch_add(&asked, 1, __ATOMIC_RELEASE);
    sys_call(SYS_futex, (long)&asked, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
    u64 began = sys_now_ns();
    long step[2] = {0, 100000000};
    while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) == had &&
           sys_now_ns() - began < QUIT_MS * 1000000ull)
        sys_call(SYS_futex, (long)&answered, FUTEX_WAIT_PRIVATE, had, (long)step, 0, 0);
    leak_q.words = 0;
    leak_q.handler = 0;
}
