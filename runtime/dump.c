/*
 * dump.c - goroutines on paper: the traces of a fatal error, a panic, SIGQUIT.
 *
 * A parked goroutine is registers and a return address on its own stack, so libunwind walks it from
 * a context made of those; the goroutine that asks is walked from where it stands; one that runs on
 * another thread is held there by a signal meanwhile. The runtime's own frames say nothing to the
 * reader: they are left out, by their section, and a trace ends at main or at the goroutine's first
 * function.
 *
 * The text is Go's: `goroutine 7 [chan receive, 3 minutes]:`, two lines a frame, `created by`. Lines of
 * source come from outside the process (lines.c); without them a frame is a symbol, a file and an
 * offset in it.
 *
 * Everything is written with rt_print, on the scheduler's stack, the dying goroutine's or a signal
 * handler's: no lock, no allocation. Others may still run meanwhile.
 */
#define UNW_LOCAL_ONLY
#include "sched_impl.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <libunwind.h>
#include <sys/syscall.h>

enum { HEAD = 50, TAIL = 50, MOST = 100000 };

/* A stack as addresses: the innermost HEAD, the outermost TAIL. It is collected first and printed
   then, so that a thread that is held for it is held for microseconds. */
struct trace {
    uint32_t n; /* frames in all */
    bool whole; /* the outermost one was reached */
    struct at {
        uintptr_t pc;
        bool exact; /* an instruction's own address; else a return address */
    } head[HEAD], tail[TAIL]; /* the tail is a ring */
};

static void add_frame(struct trace *t, uintptr_t pc, bool exact)
{
    struct at *a = t->n < HEAD ? &t->head[t->n] : &t->tail[(t->n - HEAD) % TAIL];
    *a = (struct at){pc, exact};
    t->n++;
}

/* The runtime's own frames are left out. `exact`: of the first one. */
static void walk(unw_cursor_t *c, bool exact, struct trace *t)
{
    t->n = 0;
    t->whole = false;
    for (int n = 0; n < MOST; n++) {
        unw_word_t ip;
        unw_get_reg(c, UNW_REG_IP, &ip);
        if (!ip)
            break;
        if (!in_runtime((uintptr_t)ip))
            add_frame(t, (uintptr_t)ip, exact);
        exact = unw_is_signal_frame(c) > 0;
        if (unw_step(c) <= 0)
            break;
        if (n + 1 == MOST)
            return;
    }
    t->whole = true;
}

/* A cursor at `pc`, whatever the stack: enough to name the function. */
static void function_name(uintptr_t pc, char *name, size_t size)
{
    unw_context_t uc;
    unw_cursor_t c;
    unw_word_t off;
    rt_zero(&uc, sizeof uc);
    name[0] = 0;
#if defined __x86_64__
    uc.uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
#elif defined __aarch64__
    uc.uc_mcontext.pc = pc;
#endif
    if (unw_init_local(&c, &uc) < 0 || (unw_get_proc_name(&c, name, size, &off) < 0 && !name[0]))
        rt_format(name, size, "0x%lx", (unsigned long)pc);
}

static void print_place(uintptr_t pc)
{
    Dl_info info;
    if (dladdr((void *)pc, &info) && info.dli_fname)
        rt_print("\t%s +0x%lx\n", info.dli_fname, (unsigned long)(pc - (uintptr_t)info.dli_fbase));
    else
        rt_print("\t0x%lx\n", (unsigned long)pc);
}

/* True if that was main: what is below it is libc's. */
static bool print_frame(uintptr_t pc, bool exact)
{
    char name[256];
    bool is_main;
    const char *text = lines_of(exact ? 'x' : 'f', pc, &is_main);
    if (text) {
        rt_write(text, rt_strlen(text));
        return is_main;
    }
    function_name(exact ? pc + 1 : pc, name, sizeof name); /* which takes it for a return address */
    rt_print("%s()\n", name);
    print_place(pc);
    return rt_streq(name, "main");
}

static void print_trace(const struct trace *t)
{
    uint32_t tail = t->n > HEAD ? t->n - HEAD : 0;
    uint32_t lost = tail > TAIL ? tail - TAIL : 0;
    for (uint32_t i = 0; i < t->n && i < HEAD; i++)
        if (print_frame(t->head[i].pc, t->head[i].exact))
            return;
    if (!t->whole) {
        rt_print("...additional frames elided...\n");
        return;
    }
    if (lost)
        rt_print("...%u frames elided...\n", lost);
    for (uint32_t i = lost; i < tail; i++)
        if (print_frame(t->tail[i % TAIL].pc, t->tail[i % TAIL].exact))
            return;
}

/* The context of a goroutine that ctx_leave has saved at sp. */
static void parked_context(unw_context_t *uc, void *sp)
{
    rt_zero(uc, sizeof *uc);
    uint64_t *s = sp;
#if defined __x86_64__
    greg_t *r = uc->uc_mcontext.gregs;
    r[REG_R15] = (greg_t)s[0];
    r[REG_R14] = (greg_t)s[1];
    r[REG_R13] = (greg_t)s[2];
    r[REG_R12] = (greg_t)s[3];
    r[REG_RBX] = (greg_t)s[4];
    r[REG_RBP] = (greg_t)s[5];
    r[REG_RIP] = (greg_t)s[6];
    r[REG_RSP] = (greg_t)(s + 7);
#elif defined __aarch64__
    for (int i = 0; i < 12; i++)
        uc->uc_mcontext.regs[19 + i] = s[i];
    uc->uc_mcontext.pc = s[11];
    uc->uc_mcontext.sp = (uint64_t)(s + 20);
#endif
}

static const char *const wait_text[HOOK_WAIT_COUNT] = {
#define X(name, text) [HOOK_WAIT_##name] = text,
    HOOK_WAITS(X)
#undef X
};

static void print_head(struct g *g, const char *state, const struct park *k)
{
    char since[32] = "";
    int64_t minutes = k && k->since ? (rt_now() - k->since) / 60000000000 : 0;
    if (minutes >= 1)
        rt_format(since, sizeof since, ", %ld minutes", (long)minutes);
    rt_print("\ngoroutine %lu [%s%s%s]:\n", (unsigned long)g->id, state, since,
             g->flags & (GF_LOCKED | GF_FOREIGN) ? ", locked to thread" : "");
}

static void print_creator(struct g *g)
{
    char name[256];
    bool is_main;
    if (!g->create_pc)
        return;
    const char *text = lines_of('c', g->create_pc, &is_main);
    if (text) {
        int n = 0;
        while (text[n] && text[n] != '\n')
            n++;
        rt_print("created by %.*s in goroutine %lu", n, text, (unsigned long)g->create_id);
        rt_write(text + n, rt_strlen(text + n));
        return;
    }
    function_name(g->create_pc - 1, name, sizeof name);
    rt_print("created by %s in goroutine %lu\n", name, (unsigned long)g->create_id);
    print_place(g->create_pc);
}

/* --- a goroutine that runs on another thread ----------------------------------------------------
 *
 * Its thread gets a signal, and stays in the handler while its stack is walked from here. Nobody waits
 * for long: the one who asks, if the thread has that signal blocked; the thread, if the one who asks is
 * stuck behind a lock that it holds.
 */
static struct {
    uint32_t state;
    int tid;
    struct g *g;
    uint64_t thread; /* its number, if it runs no goroutine */
    void *context;
} hold;
enum { FREE, ASKED, TAKEN, HELD };
static const int64_t ASK_NS = 200000000, HOLD_NS = 1000000000;

bool dump_hold(struct m *m, void *context)
{
    uint32_t asked = ASKED;
    if (load_acquire(&hold.state) != ASKED || hold.tid != rt_sys0(SYS_gettid) ||
        !__atomic_compare_exchange_n(&hold.state, &asked, TAKEN, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
        return false;
    hold.g = m ? m->cur : NULL;
    hold.thread = m ? 0 : hook_thread_number();
    hold.context = context;
    store_release(&hold.state, HELD);
    futex_wake(&hold.state, 1);
    int64_t until = rt_now() + HOLD_NS, now;
    while (load_acquire(&hold.state) == HELD && (now = rt_now()) < until)
        futex_wait(&hold.state, HELD, until - now);
    return true;
}

/* Thread tid (m, or NULL) is held; until hold_end. False: it does not come. */
static bool hold_begin(int tid, struct m *m)
{
    uint32_t state = ASKED;
    hold.tid = tid;
    store_release(&hold.state, ASKED);
    if (signals_interrupt(tid, m)) {
        int64_t until = rt_now() + ASK_NS, now;
        while ((state = load_acquire(&hold.state)) != HELD &&
               ((now = rt_now()) < until || state == TAKEN))
            futex_wait(&hold.state, state, state == TAKEN ? 1000000 : until - now);
    }
    if (state == ASKED && __atomic_compare_exchange_n(&hold.state, &state, FREE, false,
                                                      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return false;
    while (load_acquire(&hold.state) != HELD)
        cpu_relax();
    return true;
}

static void hold_end(void)
{
    store_release(&hold.state, FREE);
    futex_wake(&hold.state, 1);
}

static void walk_context(void *context, struct trace *t)
{
    unw_cursor_t c;
    t->n = 0;
    if (!unw_init_local2(&c, context, UNW_INIT_SIGNAL_FRAME))
        walk(&c, true, t);
}

static bool walk_other(struct g *g, struct trace *t)
{
    struct m *m = g->run.m;
    bool ok = false;
    if (!m || !m->tid || !hold_begin(m->tid, m))
        return false;
    if (hold.g == g) {
        walk_context(hold.context, t);
        ok = t->n != 0;
    }
    hold_end();
    return ok;
}

#ifdef GOC_RACE
static void print_thread(uint64_t number, const struct trace *t)
{
    struct trace own = *t;
    if (own.whole && own.n > 2 && own.n < HEAD)
        own.n -= 2; /* libc's, which call what pthread_create was given */
    rt_print("\nthread %lu [running]:\n", (unsigned long)number);
    print_trace(&own);
}

/* A thread of pthread_create that has run no goroutine: the detector knows it, and reports number
 * it. */
static void dump_thread(int tid)
{
    static struct trace t;
    if (!hold_begin(tid, NULL))
        return;
    uint64_t thread = hold.thread;
    if (thread)
        walk_context(hold.context, &t);
    hold_end();
    if (thread)
        print_thread(thread, &t);
}

void dump_threads(void *context)
{
    static struct trace t;
    if (context && hook_thread_number()) {
        walk_context(context, &t);
        print_thread(hook_thread_number(), &t);
    }
    static char entries[4096] __attribute__((aligned(8)));
    long fd =
        rt_sys4(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    long self = rt_sys0(SYS_gettid), n;
    while (fd >= 0 && (n = rt_sys3(SYS_getdents64, fd, entries, sizeof entries)) > 0)
        for (long at = 0; at < n;) {
            const struct {
                uint64_t ino, off;
                uint16_t len;
                uint8_t type;
                char name[];
            } *e = (const void *)(entries + at);
            int tid = 0;
            for (const char *s = e->name; *s >= '0' && *s <= '9'; s++)
                tid = tid * 10 + (*s - '0');
            at += e->len;
            if (tid && tid != self)
                dump_thread(tid);
        }
    if (fd >= 0)
        rt_sys1(SYS_close, fd);
}
#endif

/* --- the dump ----------------------------------------------------------------------------------- */

void dump_goroutine(struct g *g)
{
    static struct trace t; /* one thread dumps */
    uint8_t status = load_relaxed(&g->status);
    struct m *m = m_raw();
    struct park *k = status == G_WAITING && !(g->flags & GF_FRESH) ? g->run.park : NULL;
    print_head(g,
               status == G_RUNNABLE             ? "runnable"
               : status == G_RUNNING && !g->why ? "running"
                                                : wait_text[g->why],
               k);
    unw_context_t uc;
    unw_cursor_t c;
    t.n = 0;
    if (g->flags & GF_FRESH) {
        print_frame((uintptr_t)g->fn, true);
    } else if (m && m->cur == g) {
        unw_getcontext(&uc);
        if (!unw_init_local(&c, &uc))
            walk(&c, false, &t);
        print_trace(&t);
    } else if (status != G_RUNNING && !(g->flags & GF_FOREIGN)) {
        parked_context(&uc, g->run.sp);
        if (!unw_init_local(&c, &uc))
            walk(&c, false, &t);
        print_trace(&t);
    } else if (walk_other(g, &t)) {
        print_trace(&t);
    } else {
        rt_print("\tgoroutine running on other thread; stack unavailable\n");
    }
    print_creator(g);
    rt_gather(true);
}

static void dump_other(struct g *g, void *first)
{
    if (g != first && !(g->flags & GF_MAIN && main_has_ended()))
        dump_goroutine(g);
}

void dump_all(struct g *first, enum dump what)
{
    if (first && what == DUMP_ALL)
        dump_goroutine(first);
    g_each(dump_other, first);
}

void dump_fault(struct g *g, void *context)
{
    static struct trace t;
    unw_cursor_t c;
    if (!g)
        return;
    print_head(g, "running", NULL);
    t.n = 0;
    if (!unw_init_local2(&c, context, UNW_INIT_SIGNAL_FRAME))
        walk(&c, true, &t);
    print_trace(&t);
    print_creator(g);
}
