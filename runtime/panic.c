/*
 * panic.c - how a goroutine or the program ends early: defer, panic, goexit, fatal errors.
 *
 * C has no unwinding. C++'s would do, but asks for -fexceptions in every frame between, a language
 * run-time library, and tens of microseconds. Instead the defers are a list: goc_defer puts a
 * record of its block's frame at the head of the goroutine's list, and the compiler's cleanup
 * attribute takes it off and calls it when the block is left. A panic needs no frames at all: it
 * walks the list, innermost first, taking each record off before it is called (so a panic in a
 * defer goes on with the next one), and then either jumps to the innermost goc_pcall that still
 * stands, or prints and ends the program. Frames in between just vanish, as with longjmp. While its
 * defers run, a panic stands in the list of goc_pcalls itself, as one that catches nothing: what a defer's
 * own goc_pcall catches leaves it alone, and a panic that gets past it is printed after it.
 *
 * Fatal errors (deadlock, unlock of an unlocked mutex, no memory) run no defers and cannot be
 * caught, as in Go: the state that they were to tidy up is what is broken.
 *
 * What is printed is Go's: "panic: …" or "fatal error: …", a blank line, the goroutine that did it,
 * then the others; status 2. Standard output is flushed first, so that what the program said before
 * it died is not lost in a buffer.
 */
#include "sched_impl.h"
#include "waiter.h"

#include <goc/go.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct pcall {
    void *jump[5]; /* __builtin_setjmp's */
    struct pcall *outer;
    struct goc_deferred *defer; /* the list's head when it began: those further out are not its */
    bool panic;                 /* no goc_pcall, but a panic whose defers run; */
    char *text;                 /* its message */
};

/* The thread that ends the program and says why; the others wait for the end. */
static uint32_t ender;

bool end_claim(bool wait)
{
    uint32_t none = 0, me = (uint32_t)rt_sys0(SYS_gettid);
    if (__atomic_compare_exchange_n(&ender, &none, me, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return true;
    while (wait && none != me)
        rt_sys5(SYS_ppoll, NULL, 0, NULL, NULL, 0);
    return false;
}

_Noreturn void die(int status)
{
    rt_gather(false);
    status = hook_exit(status);
    rt_sys1(SYS_exit_group, status);
    __builtin_unreachable();
}

bool runtime_dying(void)
{
    return load_acquire(&ender) != 0;
}

static void die_first(void)
{
    if (!end_claim(true))
        die(2); /* an error in the words about another one */
    /* Not fflush(NULL): a goroutine that waits in fgets has that stream's lock, and keeps it. */
    if (ftrylockfile(stdout) == 0) {
        fflush_unlocked(stdout);
        funlockfile(stdout);
    }
}

/* --- fatal errors ----------------------------------------------------------------------------- */

_Noreturn void goc_fatal(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    rt_vformat(text, sizeof text, fmt, ap);
    va_end(ap);
    die_first();
    rt_gather(true);
    rt_print("fatal error: %s\n", text);
    struct m *m = m_raw();
    dump_all(m ? m->cur : NULL, DUMP_ALL);
    die(2);
}

struct waiting {
    struct race_g **race;
    size_t n, room;
    bool others; /* main has ended, and is not waited for */
};

static void collect(struct g *g, void *arg)
{
    struct waiting *w = arg;
    if (g->race && w->n < w->room && !(w->others && g->flags & GF_MAIN))
        w->race[w->n++] = g->race;
}

/* Called on a scheduler's stack with sched.lock held, by the last thread awake. */
_Noreturn void deadlock(void)
{
    lock_release(&sched.lock);
    die_first();
    bool others = g_count() > 1;
    struct waiting w = {.room = g_count(), .others = others && main_has_ended()};
    w.race = rt_map((w.room + 1) * sizeof *w.race);
    if (w.race) {
        g_each(collect, &w);
        hook_deadlock(w.race, w.n);
    }
    rt_gather(true);
    rt_print(main_has_ended() && !others
                 ? "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n"
                 : "fatal error: all goroutines are asleep - deadlock!\n");
    dump_all(NULL, DUMP_ALL);
    die(2);
}

/* --- defer ------------------------------------------------------------------------------------ */

GOC_EXPORT struct goc_deferred *goc_deferred_begin(struct goc_deferred *d)
{
    if (unlikely(!d->fn))
        null_argument("goc_defer", CALLER_PC());
    struct g *g = g_current();
    d->next = g->run.defer;
    g->run.defer = d;
    return d;
}

GOC_EXPORT void goc_deferred_end(struct goc_deferred **block)
{
    struct goc_deferred *d = *block;
    struct g *g = g_current();
    if (g->run.defer == d)
        g->run.defer = d->next;
    d->fn(d->arg);
}

static void run_defers(struct g *g, struct goc_deferred *until)
{
    while (g->run.defer && g->run.defer != until) {
        struct goc_deferred *d = g->run.defer;
        g->run.defer = d->next;
        d->fn(d->arg);
    }
}

/* --- panic ------------------------------------------------------------------------------------ */

void panic_forget(struct g *g)
{
    free(g->message);
    g->flags &= (uint8_t)~GF_MESSAGE;
}

static noinline _Noreturn void pcall_jump(struct pcall *p)
{
    __builtin_longjmp(p->jump, 1);
}

/* For a message that there was no memory for. */
static const char no_text[] = "(out of memory for the message)";

/* Go's form: the first panic, and below it those that its defers made, up to the last one. */
enum { PANICS_MOST = 16 };
static size_t panic_parts(const struct pcall *last, struct iovec *part)
{
    const struct pcall *made[PANICS_MOST];
    size_t k = 0, n = 0;
    for (const struct pcall *p = last; p && p->panic && k < PANICS_MOST; p = p->outer)
        made[k++] = p;
    while (k-- > 0) {
        const char *head = n ? "\tpanic: " : "panic: ";
        const char *words = made[k]->text ? made[k]->text : no_text;
        part[n++] = (struct iovec){(void *)head, rt_strlen(head)};
        part[n++] = (struct iovec){(void *)words, rt_strlen(words)};
        part[n++] = (struct iovec){(void *)"\n", 1};
    }
    return n;
}

/* In one write, however long: a report that is printed at this moment does not come in between. */
static void print_panics(const struct pcall *last)
{
    struct iovec part[3 * PANICS_MOST], *end = part + panic_parts(last, part);
    for (struct iovec *v = part; v < end;) {
        long r = rt_sys3(SYS_writev, 2, v, end - v);
        if (r == -EINTR)
            continue;
        if (r <= 0)
            return;
        for (; v < end && (size_t)r >= v->iov_len; v++)
            r -= (long)v->iov_len;
        if (v < end) {
            v->iov_base = (char *)v->iov_base + r;
            v->iov_len -= (size_t)r;
        }
    }
}

static _Noreturn void panic_with(char *text)
{
    struct g *g = g_current();
    struct pcall mine = {.outer = g->run.pcall, .panic = true, .text = text}, *p = mine.outer;
    while (p && p->panic)
        p = p->outer;
    g->run.pcall = &mine;
    run_defers(g, p ? p->defer : NULL);
    if (p) {
        for (struct pcall *over = mine.outer; over != p; over = over->outer)
            free(over->text);
        g->run.pcall = p->outer;
        if (g->flags & GF_MESSAGE)
            free(g->message);
        g->message = text;
        g->flags |= GF_MESSAGE;
        pcall_jump(p);
    }
    die_first();
    print_panics(&mine);
    rt_gather(true);
    dump_all(g, DUMP_ALL);
    die(2);
}

static noinline char *panic_text(const char *fmt, va_list ap)
{
    char *text;
    if (!fmt)
        fmt = "(nil)";
    return vasprintf(&text, fmt, ap) < 0 ? NULL : text;
}

_Noreturn void goc_panic_at(uintptr_t pc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = panic_text(fmt, ap);
    va_end(ap);
    panic_with(text);
}

GOC_EXPORT void goc_panic(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = panic_text(fmt, ap);
    va_end(ap);
    panic_with(text);
}

static noinline bool pcall_run(struct g *g, struct pcall *p, void (*fn)(void *), void *arg)
{
    if (__builtin_setjmp(p->jump))
        return false;
    fn(arg);
    return true;
}

GOC_EXPORT const char *goc_pcall(void (*fn)(void *), void *arg)
{
    NEED(fn);
    struct g *g = g_current();
    struct pcall p = {.outer = g->run.pcall, .defer = g->run.defer};
    g->run.pcall = &p;
    size_t depth = hook_depth();
    if (!pcall_run(g, &p, fn, arg)) {
        hook_unwound(depth);
        return g_current()->message ? g_current()->message : no_text;
    }
    g->run.pcall = p.outer;
    return NULL;
}

/* --- goexit ----------------------------------------------------------------------------------- */

static bool main_ended;

bool main_has_ended(void)
{
    return main_ended;
}

GOC_EXPORT void goc_goexit(void)
{
    struct g *g = g_current();
    g->run.pcall = NULL; /* it cannot be caught */
    run_defers(g, NULL);
    if (g->flags & GF_MAIN) {
        main_ended = true;
        for (;;)
            g_park(NULL, NULL, HOOK_WAIT_NONE, NULL, 0, CALLER_PC());
    }
    if (g->flags & GF_FOREIGN)
        pthread_exit(NULL);
    g_leave();
}
