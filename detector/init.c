/*
 * init.c - the address space, the options, the first goroutine.
 *
 * The shadow and its sister maps are linear over the low 44 bits of an address, 52 TiB reserved without
 * memory behind it. That works while the program's mappings lie in three ranges (det_app): low
 * addresses, position-independent executables at 0x55…, libraries, heap and stacks at 0x7e…. With
 * more than the usual 28 bits of randomisation they may not, nor where the kernel lays libraries out
 * from below (an unlimited stack, setarch -L); then the program is started anew, once, without
 * randomisation and with a limited stack, whose limit it gets back. goc-race switches randomisation
 * off from the beginning.
 *
 * Whoever comes first initialises: __tsan_init from the program's constructors, an interceptor called
 * by the dynamic linker, or our own constructor. There is one thread then.
 */
#include "facts.h"
#include "goroutine.h"
#include "heap.h"
#include "intercept.h"
#include "output.h"
#include "stackmem.h"
#include "sync.h"
#include "sys.h"
#include <fcntl.h>
#include <sys/personality.h>
#include <sys/resource.h>

extern char **environ;
void finding_init(void);
void finding_forked(void);
void crash_init(void);

bool det_ready;
u64 det_started_ns;
static char options[4096];
static u32 detects = ~0u;

const char *det_env(const char *name)
{
    for (char **e = environ; e && *e; e++) {
        const char *s = *e, *n = name;
        while (*n && *s == *n)
            s++, n++;
        if (*n == 0 && *s == '=')
            return s + 1;
    }
    return NULL;
}

static void env_remove(const char *name)
{
    for (char **e = environ; e && *e; e++) {
        const char *s = *e, *n = name;
        while (*n && *s == *n)
            s++, n++;
        if (*n == 0 && *s == '=') {
            for (char **k = e; (k[0] = k[1]); k++)
                ;
            e--;
        }
    }
}

/* --- options ------------------------------------------------------------------------------------------ */


bool det_option(const char *name, char *buf, size_t size)
{
    bool found = false;
    for (const char *p = options; *p;) {
        while (*p == ' ' || *p == '\t' || *p == '\n')
            p++;
        const char *s = p, *n = name;
        while (*n && *s == *n)
            s++, n++;
        const char *end = p;
        while (*end && !(*end == ' ' || *end == '\t' || *end == '\n'))
            end++;
        if (*n == 0 && *s == '=') { /* the last one counts */
            size_t len = (size_t)(end - s) - 1;
            if (len >= size)
                len = size - 1;
            det_copy(buf, s + 1, len);
            buf[len] = 0;
            found = true;
        }
        p = end;
    }
    return found;
}

long det_option_num(const char *name, long otherwise)
{
    char buf[32];
    if (!det_option(name, buf, sizeof buf))
        return otherwise;
    long v = 0;
    const char *p = buf + (buf[0] == '-');
    for (; *p >= '0' && *p <= '9'; p++)
        v = v * 10 + (*p - '0');
    return buf[0] == '-' ? -v : v;
}

bool det_detects(u32 kind)
{
    return detects >> kind & 1;
}

static void options_init(void)
{
    const char *env = det_env(RECORD_ENV_OPTIONS);
    if (env)
        det_format(options, sizeof options, "%s", env);
    static const char *const names[] = {"", "race", "lockorder", "deadlock", "leak", "misuse"};
    char list[128];
    if (!det_option("detect", list, sizeof list))
        return;
    bool more_than_usual = list[0] == '+';
    if (!more_than_usual)
        detects = 0;
    for (char *p = list + more_than_usual; *p;) {
        char *end = p;
        while (*end && *end != ',')
            end++;
        bool more = *end == ',';
        *end = 0;
        for (u32 k = FINDING_RACE; k <= FINDING_MISUSE; k++)
            if (det_cmp(p, names[k]) == 0)
                detects |= 1u << k;
        if (det_cmp(p, "slow") == 0)
            det_slow_ns = (u64)det_option_num("slow_lock_ms", 1000) * 1000000;
        p = end + more;
    }
    lock_facts = detects & ~(1u << FINDING_RACE);
}

/* --- the address space --------------------------------------------------------------------------------- */

#define RERUN "GOC_RACE_RERUN"
struct limit {
    u64 cur, max;
};

/* The value of RERUN is the limit of the stack, which is given back after. */
static void limit_stack(char *rerun, size_t size)
{
    struct limit was = {0, 0};
    sys_call(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&was, 0, 0);
    det_format(rerun, size, RERUN "=%lu", was.cur);
    struct limit now = {1ull << 30, was.max};
    if (was.cur > now.cur)
        sys_call(SYS_prlimit64, 0, RLIMIT_STACK, (long)&now, 0, 0, 0);
}

static void unlimit_stack(const char *rerun)
{
    struct limit now = {0, 0};
    u64 was = 0;
    for (; *rerun >= '0' && *rerun <= '9'; rerun++)
        was = was * 10 + (u64)(*rerun - '0');
    sys_call(SYS_prlimit64, 0, RLIMIT_STACK, 0, (long)&now, 0, 0);
    if (was > now.cur && was <= now.max) {
        now.cur = was;
        sys_call(SYS_prlimit64, 0, RLIMIT_STACK, (long)&now, 0, 0, 0);
    }
}

static _Noreturn void run_again(void)
{
    static char rerun[64];
    static char args[131072], *argv[4096], *envp[4096];
    long fd = sys_open("/proc/self/cmdline", O_RDONLY), n = 0, r;
    while (fd >= 0 && (r = sys_read((int)fd, args + n, sizeof args - 1 - (size_t)n)) > 0)
        n += r;
    int argc = 0;
    for (long at = 0; at < n && argc < 4095; at += (long)det_len(args + at) + 1)
        argv[argc++] = args + at;
    int e = 0;
    for (char **k = environ; k && *k && e < 4094; k++)
        envp[e++] = *k;
    limit_stack(rerun, sizeof rerun);
    envp[e++] = rerun;
    long persona = sys_call(SYS_personality, 0xffffffff, 0, 0, 0, 0, 0);
    sys_call(SYS_personality, (persona | ADDR_NO_RANDOMIZE) & ~ADDR_COMPAT_LAYOUT, 0, 0, 0, 0, 0);
    sys_call(SYS_execve, (long)"/proc/self/exe", (long)argv, (long)envp, 0, 0, 0);
    det_die("the address space is laid out in a way that the shadow memory does not reach, and "
            "the program could not be started anew (run it through goc-race)");
}

struct map_line {
    uintptr_t lo, hi;
    bool special; /* of the kernel's */
    bool stack;
};

/* Calls fn for each line of /proc/self/maps; true if one of the calls was. */
static bool each_map(bool (*fn)(const struct map_line *))
{
    static char buf[8192];
    size_t have = 0;
    bool any = false;
    long fd = sys_open("/proc/self/maps", O_RDONLY);
    for (;;) {
        long r = fd < 0 ? 0 : sys_read((int)fd, buf + have, sizeof buf - have);
        if (r <= 0)
            break;
        have += (size_t)r;
        size_t at = 0;
        for (size_t i = 0; i < have; i++) {
            if (buf[i] != '\n')
                continue;
            struct map_line m = {0};
            size_t p = at;
            uintptr_t *v = &m.lo;
            for (; buf[p] != ' '; p++) {
                if (buf[p] == '-')
                    v = &m.hi;
                else
                    *v = *v << 4 | (uintptr_t)(buf[p] <= '9' ? buf[p] - '0' : buf[p] - 'a' + 10);
            }
            m.special = i - at > 6 && det_memcmp(buf + i - 6, "scall]", 6) == 0;
            m.stack = i - at > 7 && det_memcmp(buf + i - 7, "[stack]", 7) == 0;
            any = fn(&m) || any;
            at = i + 1;
        }
        det_memmove(buf, buf + at, have - at);
        have -= at;
    }
    if (fd >= 0)
        sys_close((int)fd);
    return any;
}

static bool out_of_reach(const struct map_line *m)
{
    return !m->special && (!det_app(m->lo) || !det_app(m->hi - 1));
}

static uintptr_t stack_hi;
static bool note_stack(const struct map_line *m)
{
    if (m->stack)
        stack_hi = m->hi;
    return m->stack;
}

static void reserve(uintptr_t at, size_t n)
{
    long r = sys_mmap((void *)at, n, SYS_PROT_RW,
                      SYS_MAP_PRIVATE_ANON | SYS_MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (r == (long)at) {
        sys_madvise((void *)at, n, MADV_DONTDUMP);
        sys_madvise((void *)at, n, MADV_NOHUGEPAGE);
        return;
    }
    static const struct {
        int which;
        const char *what, *option;
    } limits[] = {{RLIMIT_AS, "the address space", "v"}, {RLIMIT_DATA, "a program's data", "d"}};
    for (int i = 0; i < 2; i++) {
        struct limit limit = {0, 0};
        sys_call(SYS_prlimit64, 0, limits[i].which, 0, (long)&limit, 0, 0);
        if (limit.cur != ~0ull)
            det_die("shadow memory cannot be reserved: %s is limited to %lu MiB; 64 TiB of addresses "
                    "(not of memory) are needed (ulimit -%s unlimited)",
                    limits[i].what, (unsigned long)(limit.cur >> 20), limits[i].option);
    }
    det_die("shadow memory cannot be reserved at 0x%lx: error %d (is vm.overcommit_memory 2?)",
            (unsigned long)at, (int)-r);
}

void det_init_slow(void)
{
    static bool begun;
    if (begun)
        return;
    begun = true;
    det_started_ns = sys_now_ns();
    if (each_map(out_of_reach)) {
        if (det_env(RERUN))
            det_die("a mapping of the program lies where the shadow memory does not reach");
        run_again();
    }
    const char *rerun = det_env(RERUN);
    if (rerun)
        unlimit_stack(rerun);
    env_remove(RERUN);
    options_init();
    output_init();
    env_remove(RECORD_ENV_FD);
    env_remove(RECORD_ENV_NOTICE);
    reserve(SHADOW_BASE, 1ull << (DET_ADDR_BITS + 1));
    reserve(SYNC_META_BASE, 1ull << (DET_ADDR_BITS - 1));
    reserve(HEAP_META_BASE, 1ull << (DET_ADDR_BITS - 2));
    reserve(STACKMEM_BASE, 1ull << (DET_ADDR_BITS - 12));
    clock_init();
    sets_init();
    splits_init();
    sync_init();
    history_init();
    g_init();
    finding_init();
    heap_init();
    struct race_g *g = g_new(NULL, 1, 0, 0, PART_MAIN);
    each_map(note_stack);
    g->life->stack_hi = g->stack_hi = stack_hi;
    g->life->stack_lo = stack_hi - (64u << 20);
    det_set_cur(g);
    det_ready = true;
    icept_init();
    crash_init();
}

__attribute__((constructor(101))) static void start(void)
{
    det_init();
}

/* --- a stack of our own ---------------------------------------------------------------------------------- */

#define STACK_SIZE (256 * 1024)

void det_on_given_stack(char *stack, void (*fn)(void *), void *arg)
{
#if defined(__x86_64__)
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %[top], %%rsp\n\t"
                     "call *%[fn]\n\t"
                     "movq %%rbx, %%rsp"
                     : "+D"(arg), [fn] "+r"(fn)
                     : [top] "r"(stack)
                     : "rbx", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, sp\n\t"
                     "mov sp, %[top]\n\t"
                     "mov x0, %[arg]\n\t"
                     "blr %[fn]\n\t"
                     "mov sp, x19"
                     :
                     : [top] "r"(stack), [fn] "r"(fn), [arg] "r"(arg)
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x30", "memory", "cc");
#endif
}

void det_on_stack(void (*fn)(void *), void *arg)
{
    static char *stack;
    if (!stack)
        stack = (char *)det_map(STACK_SIZE) + STACK_SIZE;
    det_on_given_stack(stack, fn, arg);
}

void det_on_own_stack(void (*fn)(void *), void *arg)
{
    static char *stack;
    static u32 lock;
    det_lock(&lock);
    if (!stack)
        stack = (char *)det_map(STACK_SIZE) + STACK_SIZE;
    det_on_given_stack(stack, fn, arg);
    det_unlock(&lock);
}

/* --- fork ------------------------------------------------------------------------------------------------- */

/* Nobody may be in the middle of a finding when the process is copied. Any other lock may be held by a
   thread that the child does not have: it is nobody's there (det_lock_held), and what it guarded was at
   worst about to lose an entry. */
void det_fork_before(void)
{
    output_lock();
}

void det_fork_parent(void)
{
    output_unlock();
}

void det_fork_child(void)
{
    det_lock_held++;
    det_starved = NULL; /* nor is who wanted one */
    output_forked();
    finding_forked();
    /* The copy was made at one instant: what anybody did before, those who have ended too, is the past of
       the one that goes on. What the parked do in the child comes later. */
    u32 at = 0;
    struct race_g *cur = det_cur;
    if (!cur)
        return;
    g_learn_ended(cur);
    for (struct race_g *g; (g = det_g_each(&at));)
        if (g != cur) {
            clock_set(&cur->know, g->id, g->epoch);
            g_advance(g);
        }
    cur->base_id = cur->id; /* nobody knows all this before we tell */
    cur->base_epoch = cur->epoch;
}
