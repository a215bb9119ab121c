/* model.c - words for what a finding says; one place, so that every format uses the same. */
#include "model.h"

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

/* The order of enum hook_wait; tests/unit/rep_model.c holds the two together. */
static const char *const waits[] = {
    "running",        "runnable",           "chan receive",       "chan send",
    "chan receive (nil chan)", "chan send (nil chan)", "select", "select (no cases)",
    "sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock", "sync.WaitGroup.Wait",
    "sync.Once.Do",   "sync.Cond.Wait",     "semacquire",         "sleep",
    "IO wait",        "syscall",            "thread join",
};

const char *wait_name(uint64_t wait)
{
    return wait < sizeof waits / sizeof *waits ? waits[wait] : "waiting";
}

static const char *const objects[] = {
    "object", "channel", "mutex", "RWMutex", "WaitGroup", "Once", "Cond", "semaphore", "timer",
    "context", "file descriptor",
};

const char *object_kind(uint64_t kind)
{
    return kind < sizeof objects / sizeof *objects ? objects[kind] : "object";
}

const char *object_called(struct arena *a, uint64_t kind, uint64_t addr, const char *name)
{
    if (name)
        return arena_printf(a, "'%s'", name);
    return arena_printf(a, "%s 0x%012llx", object_kind(kind), (unsigned long long)addr);
}
