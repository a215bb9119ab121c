/*
 * reach.c - who can still be woken: the search of leak.c, in a copy of the process.
 *
 * It reads the memory of a program that was stopped anywhere, in the middle of any critical section, so
 * it takes no lock, allocates nothing but pages, and expects that a list which somebody was changing is a
 * little wrong. What it has are words: the people (every goroutine, and every thread that the program
 * made), tables sorted by address (whose stack, who waits on this object, who waits for this lock), and
 * a list of memory still to be looked at. A word that points into a live heap block, or into the live
 * part of a blocked goroutine's stack, adds that; reaching memory wakes whoever waits on an object in
 * it; whoever wakes adds his stack and frees the locks he holds. Each block and each stack is added
 * once, so the time is linear in the memory reached; what is read for each pointer is fetched ahead (ring).
 *
 * Where it begins: the data segments, the stacks of those who run, and all other memory of the process
 * that is neither a block nor somebody's stack nor this library's own (roots.c).
 *
 * Some words are told apart by where they stand: the queue of an object that p waits on points at p's
 * stack and says nothing; the C library's allocator names chunks by an address in the block before; a
 * goroutine's record in the registers or innermost frames of a thread that runs means that it is just
 * being woken.
 *
 * In the end the stuck are sorted into those who wait for one another and the rest (cycles.c).
 */
#include "clock.h"
#include "goroutine.h"
#include "heap.h"
#include "reach_impl.h"
#include "record.h"
#include "roots.h"
#include "snapshot.h"
#include "sys.h"

#define NEAR 4096 /* bytes of a thread's innermost frames in which a goroutine's record counts */

/* --- tables ------------------------------------------------------------------------------------------- */

void table_add(struct table *t, uintptr_t key, u32 value)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 4096;
        struct pair *v = det_map(cap * sizeof *v);
        if (t->v) {
            det_copy(v, t->v, t->n * sizeof *v);
            det_unmap(t->v, t->cap * sizeof *v);
        }
        t->v = v;
        t->cap = cap;
    }
    t->v[t->n++] = (struct pair){key, value};
}

static void sift(struct pair *v, size_t k, size_t n)
{
    for (size_t child; (child = 2 * k + 1) < n; k = child) {
        if (child + 1 < n && v[child].key < v[child + 1].key)
            child++;
        if (v[k].key >= v[child].key)
            return;
        struct pair t = v[k];
        v[k] = v[child];
        v[child] = t;
    }
}

void table_sort(struct table *t)
{
    bool sorted = true;
    for (size_t k = 1; k < t->n && sorted; k++)
        sorted = t->v[k - 1].key <= t->v[k].key;
    if (sorted)
        return;
    for (size_t k = t->n / 2; k-- > 0;)
        sift(t->v, k, t->n);
    for (size_t n = t->n; n-- > 1;) {
        struct pair x = t->v[0];
        t->v[0] = t->v[n];
        t->v[n] = x;
        sift(t->v, 0, n);
    }
}

/* --- who is there ------------------------------------------------------------------------------------ */

struct reach reach;
static u32 blocked_n;
static struct table stacks;  /* by lowest address: everybody's */
static struct table records; /* by the runtime's record: who it is */
static struct table locks;   /* by number: who waits for it */
static struct table starts;  /* race_g to person */

void reach_push(uintptr_t lo, uintptr_t hi)
{
    lo = (lo + 7) & ~7ul;
    if (lo >= hi)
        return;
    table_add(&reach.work, lo, 0);
    if (reach.ends_cap < reach.work.cap) {
        uintptr_t *more = det_map(reach.work.cap * sizeof *more);
        if (reach.ends) {
            det_copy(more, reach.ends, reach.ends_cap * sizeof *more);
            det_unmap(reach.ends, reach.ends_cap * sizeof *more);
        }
        reach.ends = more;
        reach.ends_cap = reach.work.cap;
    }
    reach.ends[reach.work.n - 1] = hi;
}

/* Does anybody who is alive know of what e's goroutine did when it took the lock? */
static bool learned(const struct held_lock *e)
{
    for (u32 i = 0; i < reach.people_n; i++) {
        const struct race_g *g = reach.people[i].g;
        bool gone = g == leak_q.caller && leak_q.from == 0; /* it ends, or it asks because it is done */
        if (g != e->g && !gone && clock_lookup(&g->know, e->id) >= e->epoch)
            return true;
    }
    return false;
}

/* Its owner waits for it, and may have told somebody who is to unlock it (waitfor.c). */
static bool perhaps_a_signal(const struct lock_rec *r, u32 lock)
{
    u32 n = 0;
    for (const struct held_lock *e = r->holders; e && n < 64; e = e->next, n++) {
        const struct waiting *w = e->g->wait;
        if (w && w->lock == lock && !r->owned && held_told(e))
            return leak_q.when == LEAK_PERIODIC || learned(e);
    }
    return false;
}

static bool owned(u32 lock)
{
    const struct lock_rec *r = lock_at(lock);
    return r->holders && !r->passed_on && (leak_q.when == LEAK_EXIT || !wait_suspects(r)) &&
           !perhaps_a_signal(r, lock);
}

/* Now and then one looks again, so a cycle of locks is left alone until waitfor.c believes in it. Who asks
   wants an answer: for him such a lock counts as one without an owner. */
static bool too_early(const struct waiting *w)
{
    return leak_q.when == LEAK_PERIODIC && w->lock && wait_suspects(lock_at(w->lock));
}

u32 reach_lock_awaited(const struct person *p)
{
    u32 lock = p->w->lock;
    return lock && owned(lock) ? lock : 0;
}

struct person *reach_person(struct race_g *g)
{
    size_t k = table_find(&starts, (uintptr_t)g);
    return k < starts.n && starts.v[k].key == (uintptr_t)g ? &reach.people[starts.v[k].value] : NULL;
}

/* Could whoever waits for this lock still get it? */
static bool holders_alive(u32 lock)
{
    u32 n = 0;
    for (struct held_lock *e = lock_at(lock)->holders; e && n < 4096; e = e->next, n++) {
        struct person *p = reach_person(e->g);
        if (p && p->blocked && !p->alive)
            return false;
    }
    return true;
}

static void wake(u32 i);

/* The pages that have an object somebody waits on: a bit for each. Nearly all blocks lie on others. */
static u64 *object_pages;
#define OBJECT_PAGES_SIZE (1ull << (DET_ADDR_BITS - 15))

static u64 *page_of_object(uintptr_t a, u64 *bit)
{
    uintptr_t page = (a & DET_ADDR_MASK) >> 12;
    *bit = 1ull << page % 64;
    return &object_pages[page / 64];
}

static void note_objects(void)
{
    u64 bit;
    for (size_t k = 0; k < reach.objects.n; k++) {
        u64 *word = page_of_object(reach.objects.v[k].key, &bit);
        *word |= bit;
    }
}

static inline bool has_object(uintptr_t a)
{
    u64 bit;
    return *page_of_object(a, &bit) & bit;
}

static void wake_range(uintptr_t lo, uintptr_t hi)
{
    if (hi - lo <= 4096 && !has_object(lo) && !has_object(hi - 1))
        return;
    for (size_t k = table_find(&reach.objects, lo); k < reach.objects.n && reach.objects.v[k].key < hi; k++) {
        struct person *p = &reach.people[reach.objects.v[k].value];
        if (!p->alive && !reach_lock_awaited(p))
            wake(reach.objects.v[k].value);
    }
}

static void reach_stack(struct person *p)
{
    if (p->stack_done)
        return;
    p->stack_done = true;
    reach_push(p->sp, p->hi);
    wake_range(p->sp, p->hi);
}

/* Whoever waits for a lock that this one holds may go on now. */
static void wake_for_locks(struct person *p)
{
    struct held *h = p->g->held;
    for (u32 k = 0; h && k < h->n && k < h->cap; k++) {
        u32 lock = h->lock[k]->lock;
        for (size_t j = table_find(&locks, lock); j < locks.n && locks.v[j].key == lock; j++)
            if (!reach.people[locks.v[j].value].alive && holders_alive(lock))
                wake(locks.v[j].value);
    }
}

static u32 *to_wake;
static u32 to_wake_n;

/* Its consequences are drawn by the loop in spread(): no recursion along a chain of goroutines. */
static void wake(u32 i)
{
    if (reach.people[i].alive)
        return;
    reach.people[i].alive = true;
    to_wake[to_wake_n++] = i;
}

/* --- what words mean --------------------------------------------------------------------------------- */

/* Is the word at `at` part of an object that p waits on? Then it is the queue that p stands in. */
static bool own_queue(const struct person *p, uintptr_t at)
{
    const struct waiting *w = p->w;
    if (!w)
        return false;
    uintptr_t first = w->lock ? lock_at(w->lock)->addr : (uintptr_t)w->first;
    return first && at - first < 128;
}

static struct person *stack_owner(uintptr_t a)
{
    size_t k = table_find(&stacks, a + 1);
    if (k == 0)
        return NULL;
    struct person *p = &reach.people[stacks.v[k - 1].value];
    return a < p->hi ? p : NULL;
}

/* Does a block begin at w that has been reached? */
static inline bool marked(uintptr_t w)
{
    return reach.marks[(w & DET_ADDR_MASK) >> 7] >> (w >> 4 & 7) & 1;
}

static uintptr_t stacks_lo, stacks_hi, libc_lo, libc_hi;

/* The allocator names a chunk by the address 16 bytes before it, and that lies in the last 8 bytes of
   the chunk before: seen in the allocator's data, it says nothing about the latter. */
static bool header(uintptr_t w, uintptr_t base, size_t size)
{
    return (w & 15) == 0 && w > base && w + 8 >= base + size;
}

/* Where live blocks begin: a bit for each 16 bytes, so that the nearest one before an address is found in a
   few words that the cache holds, instead of by walking through the map of block records. */
static u64 *begins;
#define BEGINS_SIZE (1ull << (DET_ADDR_BITS - 7))

static void note_block(uintptr_t base, size_t size)
{
    uintptr_t bit = (base & DET_ADDR_MASK) >> 4;
    if (size < HEAP_BIG)
        begins[bit / 64] |= 1ull << bit % 64;
    roots_except_block(base, size);
}

/* The nearest beginning of a small block at or before w; 0: none that could hold it. */
static uintptr_t begin_before(uintptr_t w)
{
    uintptr_t bit = (w & DET_ADDR_MASK) >> 4, at = bit / 64;
    u64 bits = begins[at] & (~0ull >> (63 - bit % 64));
    for (u32 k = 0; !bits && k <= HEAP_BIG / 1024 && at > 0; k++)
        bits = begins[--at];
    return bits ? (w & ~DET_ADDR_MASK) | (at * 64 + 63 - (uintptr_t)__builtin_clzll(bits)) << 4 : 0;
}

/* A word that may point into a block, and where it stands. What is to be known of it lies in four places far
   apart (this bitmap, the map, the block's record, the block), each a miss of the cache in a large heap. So
   it goes through a ring, and at each quarter of the way the next of them is fetched. */
#define RING 32
static struct {
    uintptr_t w, at, base;
} *ring; /* in a mapping of our own: this library's data may be the program's, which is looked through */
static u32 ring_at, ring_n; /* where the next one goes; how many are in it */

static void decide(uintptr_t w, uintptr_t at, uintptr_t begin)
{
    uintptr_t base;
    size_t size;
    if (!w || !(begin ? heap_block_at(w, &base, &size) : heap_big_at(w, &base, &size)) ||
        (at - libc_lo < libc_hi - libc_lo && header(w, base, size)) || !reach_mark(base))
        return;
    reach_push(base, base + size);
    wake_range(base, base + size);
}

static void ring_step(uintptr_t w, uintptr_t at)
{
    u32 k = ring_at++ % RING, a = (k + RING * 3 / 4) % RING, b = (k + RING / 2) % RING;
    uintptr_t due = ring[k].w, due_at = ring[k].at, due_base = ring[k].base;
    ring[k].w = w;
    ring[k].at = at;
    ring[k].base = 0;
    ring_n += 1 - (due != 0);
    if (ring[a].w && (ring[a].base = begin_before(ring[a].w)))
        heap_prefetch(ring[a].base);
    if (ring[b].base)
        heap_prefetch_record(ring[b].base);
    decide(due, due_at, due_base);
}

/* There is nothing else to do until they have come. A list through the heap makes this the common case: each of
   its blocks leads to the next alone. */
static void decide_all(void)
{
    for (u32 k = ring_at; ring_n;) {
        k = (k + RING - 1) % RING;
        uintptr_t w = ring[k].w;
        if (!w)
            continue;
        ring[k].w = 0;
        ring_n--;
        decide(w, ring[k].at, begin_before(w));
    }
}

static inline void visit(uintptr_t w, uintptr_t at)
{
    if (w - stacks_lo < stacks_hi - stacks_lo) {
        struct person *p = stack_owner(w);
        if (p) {
            if (p->blocked && !p->stack_done && w >= p->sp && !own_queue(p, at))
                reach_stack(p);
            return;
        }
    }
    if (!heap_may_hold(w) || marked(w))
        return;
    __builtin_prefetch(&begins[(w & DET_ADDR_MASK) >> 10]);
    __builtin_prefetch((const void *)w);
    ring_step(w, at);
}

static void spread(void)
{
    for (;;) {
        if (to_wake_n) {
            struct person *p = &reach.people[to_wake[--to_wake_n]];
            reach_stack(p);
            wake_for_locks(p);
            continue;
        }
        if (reach.work.n == 0)
            decide_all();
        if (reach.work.n == 0 && to_wake_n == 0)
            return;
        if (reach.work.n == 0)
            continue;
        uintptr_t lo = reach.work.v[reach.work.n - 1].key, hi = reach.ends[reach.work.n - 1];
        reach.work.n--;
        for (; lo + 8 <= hi; lo += 8) {
            uintptr_t w = *(const uintptr_t *)lo;
            if (w) /* most of most blocks is zero */
                visit(w, lo);
        }
    }
}

/* --- the start ----------------------------------------------------------------------------------------- */

bool reach_needs_nobody(const struct waiting *w)
{
    switch (w->why) {
    case HOOK_WAIT_NONE:
        return w->lock == 0;
    case HOOK_WAIT_RUNNABLE:
    case HOOK_WAIT_SLEEP:
    case HOOK_WAIT_IO:
    case HOOK_WAIT_SYSCALL:
    case HOOK_WAIT_THREAD_JOIN:
        return true;
    default:
        return false;
    }
}

static void add_person(void *arg, const struct hook_goroutine *h)
{
    if (!h->race)
        return;
    if (reach.people_n == reach.people_cap) {
        u32 cap = reach.people_cap ? 2 * reach.people_cap : 4096;
        struct person *more = det_map(cap * sizeof *more);
        if (reach.people) {
            det_copy(more, reach.people, reach.people_n * sizeof *more);
            det_unmap(reach.people, reach.people_cap * sizeof *more);
        }
        reach.people = more;
        reach.people_cap = cap;
    }
    u32 i = reach.people_n++;
    struct person *p = &reach.people[i];
    struct waiting *w = h->race->wait;
    *p = (struct person){.g = h->race, .w = w, .state = h->state, .tid = h->tid};
    p->hi = h->race->stack_hi;
    p->exact = h->sp && h->state != HOOK_G_RUNNING;
    p->sp = h->sp ? h->sp : w && w->sp ? w->sp - 1024 : 0;
    if (h->arg) { /* it has no stack yet */
        p->sp = p->hi = 0;
        for (size_t k = 0; k < h->args; k++)
            table_add(&reach.objects, h->arg[k], ~0u); /* looked at below, then dropped */
    }
    if (p->sp && (p->sp > p->hi || (h->race->stack_lo && p->sp < h->race->stack_lo)))
        p->sp = h->race->stack_lo;
    p->blocked = h->state == HOOK_G_WAITING && w && !reach_needs_nobody(w) && !too_early(w);
    p->stack_done = p->g == leak_q.caller; /* what counts of it is pushed by a rule of its own */
    blocked_n += p->blocked;
    table_add(&starts, (uintptr_t)p->g, i);
    if (h->record)
        table_add(&records, (uintptr_t)h->record, i);
}

static void add_timers(void *arg, const void *p, size_t n)
{
    for (size_t k = 0; k + 8 <= n; k += 8) {
        uintptr_t t = ((const uintptr_t *)p)[k / 8];
        struct person *x = t - stacks_lo < stacks_hi - stacks_lo ? stack_owner(t) : NULL;
        if (x)
            wake((u32)(x - reach.people)); /* a timeout: it goes on by itself */
        else
            visit(t, 0);
    }
}

static const struct snapshot *shot;
static void add_idle(void *arg, int tid)
{
    for (u32 k = 0; k < shot->n; k++)
        if (shot->thread[k].tid == tid)
            shot->thread[k].idle = true;
}

/* A goroutine's record in the hands of a running thread: it is being woken. */
static void visit_record(uintptr_t w)
{
    size_t k = table_find(&records, w);
    if (k < records.n && records.v[k].key == w && reach.people[records.v[k].value].blocked)
        wake(records.v[k].value);
}

/* [sp, hi) as far as its pages exist. */
static void push_resident(uintptr_t sp, uintptr_t hi)
{
    unsigned char in;
    while (sp < hi) {
        uintptr_t end = (sp | 4095) + 1;
        if (sys_call(SYS_mincore, (long)(sp & ~4095ul), 4096, (long)&in, 0, 0, 0) < 0)
            return; /* not mapped: the stack has ended */
        if (in & 1)
            reach_push(sp, end < hi ? end : hi);
        sp = end;
    }
}

static uintptr_t asked_sp;
static bool in_scheduler;
static void is_scheduler(uintptr_t top, size_t at_most)
{
    in_scheduler |= top - asked_sp <= at_most;
}

static void add_thread(const struct snapshot_thread *t)
{
    /* The scheduler wakes by timers, which it tells of, and by descriptors, whose waiters are none of ours. All
       else in its registers and frames is left from whom it ran before: the goroutine that has just blocked, and
       what that one had. */
    asked_sp = t->sp;
    in_scheduler = false;
    leak_q.world->thread_stacks(is_scheduler);
    if (in_scheduler || t->tid == leak_q.handler)
        return; /* what the handler interrupted is looked at for itself: leak_q.word, leak_q.from */
    for (u32 k = 0; t->held && k < SNAPSHOT_REGS; k++) {
        visit(t->regs[k], 0);
        visit_record(t->regs[k]);
    }
    struct person *p = t->sp ? stack_owner(t->sp) : NULL;
    if (p && p->blocked)
        return; /* a foreign thread, parked */
    uintptr_t sp = t->sp - (t->held ? 128 : 0); /* the red zone */
    for (uintptr_t a = sp & ~7ul; t->held && t->sp && a < sp + NEAR; a += 8) {
        unsigned char in;
        if ((a & 4095) < 8 && sys_call(SYS_mincore, (long)(a & ~4095ul), 4096, (long)&in, 0, 0, 0) < 0)
            break;
        visit_record(*(const uintptr_t *)a);
        if (!p)
            visit(*(const uintptr_t *)a, 0);
    }
    if (p) {
        p->stack_done = p->exact = true;
        p->sp = sp;
        wake_range(p->sp, p->hi);
        push_resident(sp, p->hi);
    }
}

/* Threads that have never called the runtime. */
static void add_threads_of_the_program(void)
{
    u32 at = 0;
    for (struct race_g *g; (g = det_g_each(&at));)
        if (g->thread && g->stack_hi && !reach_person(g))
            add_person(NULL, &(struct hook_goroutine){.race = g, .state = HOOK_G_RUNNING});
}

static void visit_root(uintptr_t lo, uintptr_t hi, const uintptr_t *copy)
{
    if (!copy)
        wake_range(lo, hi);
    for (; copy && lo < hi; lo += 8)
        visit(*copy++, lo);
}

/* All the rest of memory. */
static void add_rest(void)
{
    for (u32 k = 0; k < leak_q.data_n; k++)
        roots_except(leak_q.data[k].lo, leak_q.data[k].hi);
    for (size_t k = 0; k < stacks.n; k++)
        roots_except(stacks.v[k].key, reach.people[stacks.v[k].value].hi);
    leak_q.world->thread_stacks(roots_except_below);
    if (!roots_each(visit_root))
        for (u32 i = 0; i < reach.people_n; i++)
            if (reach.people[i].blocked)
                wake(i); /* what was not seen may have any of them */
}

static void find_roots(void)
{
    roots_begin();
    heap_each_live(note_block);
    leak_q.world->goroutines(add_person, NULL);
    table_sort(&starts);
    add_threads_of_the_program();
    to_wake = det_map((reach.people_n + 1) * sizeof *to_wake);
    stacks_lo = UINTPTR_MAX;
    for (u32 i = 0; i < reach.people_n; i++) {
        struct person *p = &reach.people[i];
        uintptr_t lo = p->g->stack_lo ? p->g->stack_lo : p->sp;
        if (p->hi && lo) {
            table_add(&stacks, lo, i);
            stacks_lo = lo < stacks_lo ? lo : stacks_lo;
            stacks_hi = p->hi > stacks_hi ? p->hi : stacks_hi;
        }
    }
    table_sort(&stacks);
    table_sort(&records);
    table_sort(&starts);
    /* Until here `objects` has the arguments of those who have not run yet. */
    struct table args = reach.objects;
    reach.objects = (struct table){0};
    for (u32 i = 0; i < reach.people_n; i++) {
        struct person *p = &reach.people[i];
        if (!p->blocked)
            continue;
        u32 lock = reach_lock_awaited(p);
        if (lock)
            table_add(&locks, lock, i);
        const struct waiting *w = p->w;
        uintptr_t list = (uintptr_t)w->obj;
        bool all = w->n > 1 && list >= p->sp && list + w->n * 8 <= p->hi;
        if (w->lock && !lock)
            table_add(&reach.objects, lock_at(w->lock)->addr, i);
        for (u32 k = 0; k < (all ? w->n : w->n > 0); k++) {
            uintptr_t o = (uintptr_t)(all ? w->obj[k] : w->first);
            if (o)
                table_add(&reach.objects, o, i);
        }
    }
    table_sort(&reach.objects);
    table_sort(&locks);
    note_objects();
    for (size_t k = 0; k < args.n; k++)
        visit(args.v[k].key, 0);
    for (size_t k = 0; k < leak_q.words; k++) {
        visit(leak_q.word[k], 0);
        visit_record(leak_q.word[k]);
    }
    for (u32 k = 0; k < leak_q.data_n; k++) {
        if (leak_q.data[k].allocators) {
            libc_lo = leak_q.data[k].lo;
            libc_hi = leak_q.data[k].hi;
        }
        reach_push(leak_q.data[k].lo, leak_q.data[k].hi);
        wake_range(leak_q.data[k].lo, leak_q.data[k].hi);
    }
    reach_push(leak_q.main_thread_area & ~4095ul, (leak_q.main_thread_area | 4095) + 1);
    add_rest();
    leak_q.world->timers(add_timers, NULL);
    leak_q.world->idle_threads(add_idle, NULL);
    for (u32 k = 0; k < shot->n; k++)
        if (!shot->thread[k].idle)
            add_thread(&shot->thread[k]);
    for (u32 i = 0; i < reach.people_n; i++) {
        struct person *p = &reach.people[i];
        if (p->blocked)
            continue;
        p->alive = true;
        if (p->g == leak_q.caller && leak_q.from) {
            reach_push(leak_q.from, p->hi);
            wake_range(leak_q.from, p->hi);
        } else if (!p->stack_done && p->hi) {
            p->stack_done = true;
            uintptr_t lo = p->state != HOOK_G_RUNNING && p->sp ? p->sp : p->g->stack_lo;
            if (lo)
                push_resident(lo, p->hi);
            wake_range(lo, p->hi);
        }
        wake_for_locks(p);
    }
    /* Locks whose holders all run, or are no goroutines of the runtime. */
    for (size_t k = 0; k < locks.n; k++)
        if (holders_alive((u32)locks.v[k].key))
            wake(locks.v[k].value);
}

/* --- the answer -------------------------------------------------------------------------------------- */

/* Does p wait on an object in somebody's frame that has been left? */
static bool frame_left(const struct person *p)
{
    uintptr_t o = p->w->lock ? lock_at(p->w->lock)->addr : (uintptr_t)p->w->first;
    const struct person *q = o - stacks_lo < stacks_hi - stacks_lo ? stack_owner(o) : NULL;
    return q && q != p && (q->blocked || q->exact) && o < q->sp;
}

static void add_idle_person(struct leak_answer *a, const struct person *p)
{
    bool waits = p->state == HOOK_G_WAITING && p->w && !p->g->main &&
                 (p->w->lock || (p->w->why != HOOK_WAIT_NONE && p->w->why != HOOK_WAIT_RUNNABLE));
    if (leak_q.list && waits && a->idle_n < IDLE_MAX)
        a->idle[a->idle_n++] = (struct stuck){.g = p->g, .seq = p->w->seq};
}

void reach_search(const struct snapshot *s, void *out)
{
    struct leak_answer *a = out;
    shot = s;
    reach = (struct reach){0};
    stacks = records = locks = starts = (struct table){0};
    blocked_n = to_wake_n = ring_at = ring_n = 0;
    ring = det_map(RING * sizeof *ring);
    reach.marks = det_map(1ull << (DET_ADDR_BITS - 7));
    begins = det_map(BEGINS_SIZE);
    object_pages = det_map(OBJECT_PAGES_SIZE);
    find_roots();
    spread();
    for (u32 i = 0; i < reach.people_n; i++) {
        struct person *p = &reach.people[i];
        if (!p->blocked || p->alive) {
            add_idle_person(a, p);
            continue;
        }
        if (p->g->main && p->w->why == HOOK_WAIT_SELECT_NONE)
            continue; /* the way to say: let the others work */
        if (a->n == STUCK_MAX) {
            a->too_many = true;
            break;
        }
        a->stuck[a->n++] = (struct stuck){p->g, p->w->seq, 0, frame_left(p)};
    }
    a->blocked = blocked_n;
    cycles_find(a);
    det_unmap(object_pages, OBJECT_PAGES_SIZE);
    det_unmap(begins, BEGINS_SIZE);
    det_unmap(reach.marks, 1ull << (DET_ADDR_BITS - 7));
    a->done = true;
}
