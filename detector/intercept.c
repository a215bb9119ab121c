/*
 * intercept.c - the interceptors' common ground: whose call it is, and where the real function
 * lives.
 *
 * Whose call. A program under the detector also runs code that was compiled without it: libstdc++,
 * a database client, a plugin. TSan looks at the memory such code passes to libc as if it were the
 * program's own; but the atomics and inlined locks that order it are invisible, and false alarms
 * follow, for which there are suppression files. Here a module counts as instrumented exactly if it
 * refers to __tsan_* functions, which its dynamic symbol table tells: undefined symbols stand at
 * its front, before the first one that DT_GNU_HASH covers, so a look at a few hundred names
 * decides. Memory is looked at only for calls from such modules. Synchronisation counts whoever
 * calls.
 *
 * The executable that this library is linked into defines those names itself; it counts as
 * instrumented, less the library's own code (section goc_text).
 *
 * Where the real function lives. dlsym(RTLD_NEXT), once, at start, for every entry of the section
 * goc_icept that ICEPT_REAL fills; functions with several versions name the one they mean.
 * Rejected: parsing libc's symbol table ourselves (breaks with every other preloaded library), and
 * resolving at first call (dlsym takes the loader's lock, which a signal handler may have
 * interrupted).
 *
 * Ranges are read without a lock by every interceptor while dlopen changes them: an entry is
 * written low end first, then its size; it goes by its size becoming 0; a stable module keeps its
 * entry.
 */
#include "intercept.h"
#include "output.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

struct icept_range icept_range[ICEPT_RANGES];
static u32 range_count; /* entries in use or once used */
static u32 range_lock;

/* --- real functions --------------------------------------------------------------------------- */

extern const struct icept_real __start_goc_icept[] __attribute__((visibility("hidden")));
extern const struct icept_real __stop_goc_icept[] __attribute__((visibility("hidden")));

static bool real_find(const struct icept_real *r)
{
    void *f = r->ver ? dlvsym(RTLD_NEXT, r->name, r->ver) : NULL;
    if (!f)
        f = dlsym(RTLD_NEXT, r->name);
    if (f)
        __atomic_store_n(r->to, f, __ATOMIC_RELAXED);
    return f != NULL;
}

void icept_resolve(const struct icept_real *r)
{
    if (!real_find(r))
        det_die("the program calls %s, which no library that it is linked with defines", r->name);
}

/* --- instrumented modules --------------------------------------------------------------------- */

bool icept_in_module(uintptr_t pc)
{
    u32 n = __atomic_load_n(&range_count, __ATOMIC_ACQUIRE);
    for (u32 i = 0; i < n; i++)
        if (pc - icept_range[i].lo < __atomic_load_n(&icept_range[i].size, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

static bool starts_with(const char *s, const char *with)
{
    while (*with)
        if (*s++ != *with++)
            return false;
    return true;
}

/* Does the module refer to the detector's entry points? */
static bool module_instrumented(const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *dyn = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            dyn = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    uintptr_t symtab = 0, strtab = 0, gnu = 0, sysv = 0;
    for (; dyn && dyn->d_tag != DT_NULL; dyn++) {
        uintptr_t at = dyn->d_un.d_ptr;
        if (at < info->dlpi_addr) /* the vDSO's are not relocated */
            at += info->dlpi_addr;
        if (dyn->d_tag == DT_SYMTAB)
            symtab = at;
        else if (dyn->d_tag == DT_STRTAB)
            strtab = at;
        else if (dyn->d_tag == DT_GNU_HASH)
            gnu = at;
        else if (dyn->d_tag == DT_HASH)
            sysv = at;
    }
    if (!symtab || !strtab || (!gnu && !sysv))
        return false;
    u32 n = sysv ? ((const u32 *)sysv)[1] : ((const u32 *)gnu)[1];
    const ElfW(Sym) *sym = (const void *)symtab;
    for (u32 i = 1; i < n; i++)
        if (sym[i].st_shndx == SHN_UNDEF &&
            starts_with((const char *)strtab + sym[i].st_name, "__tsan_"))
            return true;
    return false;
}

struct scan {
    u32 n;
    struct icept_range found[ICEPT_RANGES];
};
static struct scan scan; /* under range_lock */

static void scan_add(uintptr_t lo, uintptr_t hi)
{
    if (hi <= lo)
        return;
    if (scan.n < ICEPT_RANGES)
        scan.found[scan.n++] = (struct icept_range){lo, hi - lo};
    else if (scan.n++ == ICEPT_RANGES)
        det_notice("more than %d instrumented modules: libc calls of the last ones are not checked",
                   ICEPT_RANGES);
}

static int scan_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    uintptr_t own_lo = (uintptr_t)__start_goc_text, own_hi = (uintptr_t)__stop_goc_text;
    bool mine = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        mine |= p->p_type == PT_LOAD && own_lo - (info->dlpi_addr + p->p_vaddr) < p->p_memsz;
    }
    /* The first module is the executable. */
    bool executable = *(bool *)arg;
    *(bool *)arg = false;
    if (mine ? !executable || !det_instrumented : !module_instrumented(info))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
            continue;
        uintptr_t lo = info->dlpi_addr + p->p_vaddr, hi = lo + p->p_memsz;
        if (own_lo >= lo && own_lo < hi) {
            scan_add(lo, own_lo);
            scan_add(own_hi, hi);
        } else {
            scan_add(lo, hi);
        }
    }
    return 0;
}

void icept_modules(void)
{
    det_lock(&range_lock);
    bool first = true;
    scan.n = 0;
    dl_iterate_phdr(scan_module, &first);
    u32 n = scan.n < ICEPT_RANGES ? scan.n : ICEPT_RANGES;
    /* What is still there keeps its entry, what has gone loses it, what is new takes a free one. */
    for (u32 i = 0; i < range_count; i++) {
        bool still = false;
        for (u32 j = 0; j < n && !still; j++)
            if (scan.found[j].lo == icept_range[i].lo &&
                scan.found[j].size == icept_range[i].size) {
                scan.found[j].size = 0;
                still = true;
            }
        if (!still)
            __atomic_store_n(&icept_range[i].size, 0, __ATOMIC_RELEASE);
    }
    for (u32 j = 0; j < n; j++) {
        if (!scan.found[j].size)
            continue;
        u32 i = 0;
        while (i < range_count && icept_range[i].size)
            i++;
        if (i == ICEPT_RANGES)
            break;
        icept_range[i].lo = scan.found[j].lo;
        __atomic_store_n(&icept_range[i].size, scan.found[j].size, __ATOMIC_RELEASE);
        if (i == range_count)
            __atomic_store_n(&range_count, range_count + 1, __ATOMIC_RELEASE);
    }
    det_unlock(&range_lock);
}

static int count_changes(struct dl_phdr_info *info, size_t size, void *arg)
{
    *(u64 *)arg = (u64)info->dlpi_adds + 1;
    return 1;
}

void icept_module_starts(void)
{
    static u64 seen; /* libraries loaded so far, as of the last look; 0: never looked */
    u64 now = 0;
    dl_iterate_phdr(count_changes, &now);
    if (__atomic_exchange_n(&seen, now, __ATOMIC_RELAXED) == now)
        return;
    icept_modules();
    det_modules_changed();
}

/* --- names for narrow objects ----------------------------------------------------------------- */

/* Open addressing, entries are never taken out: an address that was a spin lock once keeps its
 * word. */
#define NAMES (1u << 18)
struct name {
    uintptr_t addr;
    u64 word;
};
static struct name *names;

const void *icept_name(const volatile void *p)
{
    uintptr_t a = (uintptr_t)p;
    if (!(a & 7) || !names)
        return (const void *)(a & ~(uintptr_t)7);
    u32 h = (u32)((a >> 2) * 0x9e3779b97f4a7c15ull >> 40) % NAMES;
    for (u32 i = 0; i < 4096; i++, h = (h + 1) % NAMES) {
        uintptr_t was = __atomic_load_n(&names[h].addr, __ATOMIC_RELAXED);
        if (!was)
            __atomic_compare_exchange_n(&names[h].addr, &was, a, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED);
        if (!was || was == a)
            return &names[h].word;
    }
    static u32 said;
    if (!__atomic_exchange_n(&said, 1, __ATOMIC_RELAXED))
        det_notice("too many 4-byte locks: neighbours are no longer told apart");
    return (const void *)(a & ~(uintptr_t)7);
}

void icept_name_drop(const volatile void *p)
{
    hook_forget(icept_name(p), 8);
}

/* --- start ------------------------------------------------------------------------------------ */

void icept_init(void)
{
    for (const struct icept_real *r = __start_goc_icept; r < __stop_goc_icept; r++)
        if (!*r->to)
            real_find(r);
    names = det_map(NAMES * sizeof *names);
    icept_modules();
    icept_threads_init();
    icept_signals_init();
    icept_exit_init();
}
