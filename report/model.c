/* model.c - words for what a finding says; one place, so that every format uses the same. */
#include "model.h"

#include "hooks.h"

#include <signal.h>
#include <string.h>

struct part *finding_part(const struct finding *f, enum record_role role, const struct part *from)
{
    for (size_t i = from ? (size_t)(from - f->part) + 1 : 0; i < f->nparts; i++)
        if (f->part[i].r.role == role)
            return &f->part[i];
    return NULL;
}

static const struct {
    const char *heading, *total, *word;
} kinds[] = {
    [FINDING_RACE] = {"DATA RACE", "data race(s)", "race"},
    [FINDING_LOCK_ORDER] = {"POTENTIAL DEADLOCK", "potential deadlock(s)", "lockorder"},
    [FINDING_DEADLOCK] = {"DEADLOCK", "deadlock(s)", "deadlock"},
    [FINDING_LEAK] = {"GOROUTINE LEAK", "goroutine leak(s)", "leak"},
    [FINDING_MISUSE] = {"SYNC MISUSE", "sync misuse(s)", "misuse"},
};

const char *kind_heading(unsigned kind)
{
    return kinds[kind].heading;
}

const char *kind_total(unsigned kind)
{
    return kinds[kind].total;
}

const char *kind_word(unsigned kind)
{
    return kinds[kind].word;
}

const char *part_who(struct arena *a, const struct part *p)
{
    if (p->r.flags & PART_MAIN)
        return "main goroutine";
    return arena_printf(a, "%s %llu", p->r.flags & PART_THREAD ? "thread" : "goroutine",
                        (unsigned long long)p->r.goid);
}

const char *part_who_capital(struct arena *a, const struct part *p)
{
    char *s = arena_str(a, part_who(a, p));
    s[0] = (char)(s[0] - 'a' + 'A');
    return s;
}

const char *part_access(const struct part *p, bool lower)
{
    static const char *const word[2][4] = {
        {"Read", "Write", "Atomic read", "Atomic write"},
        {"read", "write", "atomic read", "atomic write"},
    };
    return word[lower][(p->r.flags & PART_WRITE ? 1 : 0) + (p->r.flags & PART_ATOMIC ? 2 : 0)];
}

static const char *const waits[] = {
#define X(name, text) text,
    HOOK_WAITS(X)
#undef X
};

const char *wait_name(uint64_t wait)
{
    return wait < sizeof waits / sizeof *waits ? waits[wait] : "waiting";
}

static const char *const objects[] = {
    [HOOK_OBJ_NONE] = "object",     [HOOK_OBJ_CHAN] = "channel",        [HOOK_OBJ_MUTEX] = "mutex",
    [HOOK_OBJ_RWMUTEX] = "RWMutex", [HOOK_OBJ_WAITGROUP] = "WaitGroup", [HOOK_OBJ_ONCE] = "Once",
    [HOOK_OBJ_COND] = "Cond",       [HOOK_OBJ_SEM] = "semaphore",       [HOOK_OBJ_TIMER] = "timer",
    [HOOK_OBJ_CONTEXT] = "context", [HOOK_OBJ_FD] = "file descriptor",
};

const char *object_kind(uint64_t kind)
{
    return kind < sizeof objects / sizeof *objects ? objects[kind] : "object";
}

unsigned wait_object(uint64_t wait)
{
    switch (wait) {
    case HOOK_WAIT_CHAN_RECV:
    case HOOK_WAIT_CHAN_SEND:
        return HOOK_OBJ_CHAN;
    case HOOK_WAIT_MUTEX:
        return HOOK_OBJ_MUTEX;
    case HOOK_WAIT_RWMUTEX_R:
    case HOOK_WAIT_RWMUTEX_W:
        return HOOK_OBJ_RWMUTEX;
    case HOOK_WAIT_WAITGROUP:
        return HOOK_OBJ_WAITGROUP;
    case HOOK_WAIT_ONCE:
        return HOOK_OBJ_ONCE;
    case HOOK_WAIT_COND:
        return HOOK_OBJ_COND;
    case HOOK_WAIT_SEM:
        return HOOK_OBJ_SEM;
    default:
        return HOOK_OBJ_NONE;
    }
}

const char *object_called(struct arena *a, uint64_t kind, uint64_t addr, const char *name)
{
    if (name)
        return arena_printf(a, "'%s'", name);
    return arena_printf(a, "%s 0x%012llx", object_kind(kind), (unsigned long long)addr);
}

const char *object_with_kind(struct arena *a, uint64_t kind, uint64_t addr, const char *name)
{
    if (!name)
        return object_called(a, kind, addr, NULL);
    return arena_printf(a, "%s '%s'", object_kind(kind), name);
}

const char *waits_for(struct arena *a, const struct part *p)
{
    unsigned kind = wait_object(p->r.aux);
    const char *verb = p->r.aux == HOOK_WAIT_CHAN_RECV   ? "to receive from"
                       : p->r.aux == HOOK_WAIT_CHAN_SEND ? "to send to"
                                                         : "for";
    if (kind != HOOK_OBJ_CHAN)
        return arena_printf(a, "it waits %s %s", verb,
                            kind == HOOK_OBJ_MUTEX || kind == HOOK_OBJ_RWMUTEX
                                ? object_called(a, kind, p->r.addr, p->name)
                                : object_with_kind(a, kind, p->r.addr, p->name));
    const char *ch = object_with_kind(a, kind, p->r.addr, p->name);
    if (!p->file)
        return arena_printf(a, "it waits %s %s", verb, ch);
    return arena_printf(a, "it waits %s %s (made at %s:%u)", verb, ch, p->file, p->line);
}

bool part_of_order(const struct part *p)
{
    return p->r.role == PART_SLEPT || p->r.role == PART_WEAK || p->r.role == PART_KNEW ||
           p->r.role == PART_EMPTY_WAIT;
}

/* --- summaries ---------------------------------------------------------------------------- */

const struct frame *part_frame(const struct part *p)
{
    /* The first with a source: an address inside a library says less. */
    for (size_t i = 0; p && i < p->stack.n; i++)
        if (p->stack.frame[i].file)
            return &p->stack.frame[i];
    return p && p->stack.n ? &p->stack.frame[0] : NULL;
}

const struct part *finding_main_part(const struct finding *f)
{
    for (size_t i = 0; i < f->nparts; i++)
        if (f->part[i].stack.n && f->part[i].r.role != PART_CREATED)
            return &f->part[i];
    return f->nparts ? &f->part[0] : NULL;
}

static void add_place(struct buf *b, const struct part *p)
{
    const struct frame *f = part_frame(p);
    if (f && f->func)
        buf_printf(b, " in %s()", f->func);
    if (f && f->file)
        buf_printf(b, " at %s:%u", f->file, f->line);
}

/* " by goroutine 7", where it is wanted. */
static const char *by(struct arena *a, const struct part *p, bool who)
{
    return who ? arena_printf(a, " by %s", part_who(a, p)) : "";
}

static const char *message(struct arena *a, const struct finding *f, bool who)
{
    struct buf b = {0};
    const struct part *now = finding_part(f, PART_ACCESS, NULL);
    const struct part *old = finding_part(f, PART_PREVIOUS, NULL);
    const struct part *at = finding_main_part(f);
    switch (f->r.kind) {
    case FINDING_RACE:
        buf_str(&b, "data race");
        for (size_t i = 0; i < f->nparts; i++)
            if (f->part[i].name && f->part[i].r.role >= PART_GLOBAL &&
                f->part[i].r.role <= PART_TLS) {
                buf_printf(&b, " on '%s'", f->part[i].name);
                break;
            }
        if (now) {
            buf_printf(&b, ": %s%s", part_access(now, true), by(a, now, who));
            add_place(&b, now);
        }
        if (old) {
            buf_printf(&b, ", previous %s%s", part_access(old, true), by(a, old, who));
            add_place(&b, old);
        }
        break;
    case FINDING_LOCK_ORDER:
        buf_str(&b, "potential deadlock:");
        for (at = finding_part(f, PART_EDGE, NULL); at; at = finding_part(f, PART_EDGE, at)) {
            buf_printf(&b, " %s locks %s while it holds %s", who ? part_who(a, at) : "one",
                       object_called(a, at->r.aux >> 8, at->r.addr2, at->name2),
                       object_called(a, at->r.aux >> 8, at->r.addr, at->name));
            add_place(&b, at);
            if (finding_part(f, PART_EDGE, at))
                buf_str(&b, ";");
        }
        break;
    case FINDING_DEADLOCK:
    case FINDING_LEAK: {
        const char *sep = ": ";
        buf_str(&b, f->r.kind == FINDING_LEAK ? "goroutine leak" : "deadlock");
        for (at = finding_part(f, PART_WAIT, NULL); at; at = finding_part(f, PART_WAIT, at)) {
            buf_printf(&b, "%s%s [%s] can never run again", sep, who ? part_who(a, at) : "one",
                       wait_name(at->r.aux));
            add_place(&b, at);
            sep = ", ";
        }
        break;
    }
    default:
        buf_printf(&b, "%s", at && at->text ? at->text : "misuse");
        if (at)
            add_place(&b, at);
    }
    const char *s = arena_str(a, b.s);
    buf_free(&b);
    return s;
}

const char *finding_message(struct arena *a, const struct finding *f)
{
    return message(a, f, true);
}

const char *finding_title(struct arena *a, const struct finding *f)
{
    return message(a, f, false);
}

const char *crash_message(struct arena *a, const struct crash *c)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    const char *name = sigabbrev_np((int)c->r.signal), *how = "was killed";
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if ((int)c->r.signal == faults[i])
            how = "crashed";
    const char *s = arena_printf(a, "%s: SIG%s", how, name ? name : "???");
    if (c->part.r.role && (c->r.signal == SIGSEGV || c->r.signal == SIGBUS))
        s = arena_printf(a, "%s at address 0x%012llx", s, (unsigned long long)c->r.addr);
    return s;
}

uint64_t finding_fingerprint(const struct finding *f)
{
    /* Functions and file names, not lines or folders: it outlives edits elsewhere in the file. */
    uint64_t sum = f->r.kind;
    for (size_t i = 0; i < f->nparts; i++) {
        const struct part *p = &f->part[i];
        uint64_t h = 0xcbf29ce484222325u;
        /* Two variables are two findings; which element it was is chance. */
        bool named = p->r.role == PART_GLOBAL || p->r.role == PART_STACK;
        for (const char *c = named && p->name ? p->name : ""; *c; c++)
            if (*c < '0' || *c > '9')
                h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        if (p->r.role == PART_CREATED || part_of_order(p) || (!p->stack.n && !named))
            continue;
        for (size_t k = 0; k < p->stack.n; k++) {
            const struct frame *fr = &p->stack.frame[k];
            const char *base = fr->file ? strrchr(fr->file, '/') : NULL;
            const char *s[] = {fr->func, base ? base + 1 : fr->file};
            for (size_t j = 0; j < 2; j++)
                for (const char *c = s[j] ? s[j] : ""; *c; c++)
                    h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        }
        sum += h * 0x9e3779b97f4a7c15u ^ h >> 29;
    }
    return sum;
}
