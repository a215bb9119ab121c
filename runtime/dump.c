/*
 * dump.c - goroutines on paper: the traces of a fatal error, a panic, SIGQUIT.
 *
 * A parked goroutine is registers and a return address on its own stack, so libunwind walks it from
 * a context made of those; the goroutine that asks is walked from where it stands. The runtime's
 * own frames say nothing to the reader: they are left out, by their section, and a trace ends at
 * main or at the goroutine's first function.
 *
 * The text is Go's: `goroutine 7 [chan receive, 3 minutes]:`, two lines a frame, `created by`.
 *
 * Everything is written with rt_print, on the scheduler's stack or the dying goroutine's; others
 * may still run meanwhile, so a goroutine is walked only if it is parked or is the caller.
 */
#define UNW_LOCAL_ONLY
#include "sched_impl.h"

#include <dlfcn.h>
#include <libunwind.h>

enum { FRAMES = 60 };

static void print_place(uintptr_t pc)
{
    Dl_info info;
    if (dladdr((void *)pc, &info) && info.dli_fname)
        rt_print("\t%s +0x%lx\n", info.dli_fname, (unsigned long)(pc - (uintptr_t)info.dli_fbase));
    else
        rt_print("\t0x%lx\n", (unsigned long)pc);
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
    if (unw_init_local(&c, &uc) < 0 || unw_get_proc_name(&c, name, size, &off) < 0)
        rt_format(name, size, "0x%lx", (unsigned long)pc);
}

static void walk(unw_cursor_t *c)
{
    char name[256];
    int printed = 0;
    for (int n = 0; n < 100000; n++) {
        unw_word_t ip, off;
        unw_get_reg(c, UNW_REG_IP, &ip);
        if (!ip)
            return;
        if (!in_runtime((uintptr_t)ip)) {
            if (++printed > FRAMES) {
                rt_print("...additional frames elided...\n");
                return;
            }
            name[0] = 0;
            if (unw_get_proc_name(c, name, sizeof name, &off) < 0 && !name[0])
                rt_format(name, sizeof name, "?");
            rt_print("%s()\n", name);
            print_place((uintptr_t)ip);
            if (rt_streq(name, "main"))
                return;
        }
        if (unw_step(c) <= 0)
            return;
    }
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
    if (!g->create_pc)
        return;
    char name[256];
    function_name(g->create_pc - 1, name, sizeof name);
    rt_print("created by %s in goroutine %lu\n", name, (unsigned long)g->create_id);
    print_place(g->create_pc);
}

void dump_goroutine(struct g *g)
{
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
    if (g->flags & GF_FRESH) {
        char name[256];
        function_name((uintptr_t)g->fn, name, sizeof name);
        rt_print("%s()\n", name);
        print_place((uintptr_t)g->fn);
    } else if (m && m->cur == g) {
        unw_getcontext(&uc);
        if (!unw_init_local(&c, &uc))
            walk(&c);
    } else if (status != G_RUNNING && !(g->flags & GF_FOREIGN)) {
        parked_context(&uc, g->run.sp);
        if (!unw_init_local(&c, &uc))
            walk(&c);
    } else {
        rt_print("\tgoroutine running on other thread; stack unavailable\n");
    }
    print_creator(g);
}

static void dump_other(struct g *g, void *first)
{
    if (g != first)
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
    unw_cursor_t c;
    if (!g)
        return;
    print_head(g, "running", NULL);
    if (!unw_init_local2(&c, context, UNW_INIT_SIGNAL_FRAME))
        walk(&c);
    print_creator(g);
}
