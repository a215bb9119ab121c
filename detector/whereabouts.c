/*
 * whereabouts.c - where an object is kept, so that the report can call it by its variable.
 *
 * A channel is a block of the heap, and so are many mutexes: their address says nothing to anybody.
 * What a programmer calls them is the variable that points at them, `bank.requests`, or the member they
 * are, `srv->lock`. Only the running program knows where pointers are, and only the report knows
 * types and names, so the work is divided: here the memory is searched for words that hold the
 * object's address, and each place goes into the finding as an ITEM_PLACE; the report says which of them
 * is a variable, of a pointer's type, and what its name is.
 *
 * Rejected: to note at each goc_chan_make where its result is stored (a store is an instruction of
 * the program, not a call of ours); to leave it to debug information alone (it knows where the
 * result of a call is put, which is tried as well, but not that a channel made in main is
 * `bank.requests` to all others).
 *
 * For each object named in a finding, what is searched for is the start of its block: first in the live
 * blocks of the heap (`srv->in[1]`: then who points at that block matters too), then in the writable
 * data of the modules and in the stacks of goroutines. A finding is rare and its memory may be large,
 * so the search is bounded in bytes and time, for one finding and in all; what is not found in
 * time has no name, and the report shows its address as before.
 *
 * The program runs meanwhile: blocks go, stacks end. Everything is read through the kernel, which
 * refuses instead of faulting. A word that was there an instant ago still names the variable.
 *
 * All of it is under the output lock.
 */
#include "whereabouts.h"
#include "facts.h"
#include "goroutine.h"
#include "heap.h"
#include "history.h"
#include "output.h"
#include "sys.h"

#define OBJECTS 24
#define TARGETS 64
#define PLACES_EACH 4
#define FRAMES 8
#define WINDOW (64u << 10)
#define BATCH 64
#define DATA_BYTES (64u << 20)   /* of the modules' data, for one finding */
#define BLOCK_BYTES (1u << 20)   /* of one block */
#define STACK_BYTES (16u << 10)  /* of one goroutine */
#define MAIN_BYTES (256u << 10)  /* of the main one: above its frames is the environment */
#define STACKS 512
#define HEAP_NS 60000000ull      /* for one finding */
#define HEAP_NS_ALL 1000000000ull

/* What is looked for is kept as its complement, or it would be found here. */
static uintptr_t noted[OBJECTS];
static u32 noted_n;
static struct target {
    uintptr_t not_at;
    u32 in_heap, in_data, on_stack; /* places found */
} target[TARGETS];
static u32 target_n;
static uintptr_t not_lo, not_hi; /* complements of the lowest and the highest */
static u64 heap_ns;
/* Copies of the program's memory: in pages of the detector's own, which leak.c knows to be nobody's. */
static u64 *window;
static struct batch {
    struct heap_block block[BATCH];
    long iov[BATCH][2];
    u32 n;
    size_t bytes;
} *batch;

void where_begin(void)
{
    noted_n = 0;
}

void where_note(uintptr_t object)
{
    for (u32 i = 0; i < noted_n; i++)
        if (noted[i] == ~object)
            return;
    if (object && noted_n < OBJECTS)
        noted[noted_n++] = ~object;
}

static void look_for(uintptr_t at)
{
    for (u32 i = 0; i < target_n; i++)
        if (target[i].not_at == ~at)
            return;
    if (target_n == TARGETS)
        return;
    target[target_n++] = (struct target){.not_at = ~at};
    if (target_n == 1 || at < ~not_lo)
        not_lo = ~at;
    if (target_n == 1 || at > ~not_hi)
        not_hi = ~at;
}

static struct target *wanted(u64 word)
{
    if (word < ~not_lo || word > ~not_hi)
        return NULL;
    for (u32 i = 0; i < target_n; i++)
        if (target[i].not_at == ~word)
            return &target[i];
    return NULL;
}

static void tell(const struct record_place *p, const uintptr_t *pc, const uintptr_t *fp, size_t n)
{
    uintptr_t rest[2 * DET_STACK_MAX];
    struct record_place place = *p;
    place.depth = (u32)n;
    det_copy(rest, pc, n * sizeof *pc);
    if (fp)
        det_copy(rest + n, fp, n * sizeof *fp);
    items_add(&output_items, ITEM_PLACE, &place, sizeof place, rest,
              n * sizeof *rest * (fp ? 2 : 1));
}

static void tell_block(u32 where, uintptr_t at, uintptr_t points_at, const struct heap_block *b)
{
    uintptr_t pc[DET_STACK_MAX];
    size_t n = det_stack_get(b->alloc_stack, pc, DET_STACK_MAX);
    tell(&(struct record_place){.where = where,
                                .at = at,
                                .points_at = points_at,
                                .base = b->base,
                                .size = b->size},
         pc, NULL, n);
}

static void tell_stack(u32 where, uintptr_t at, uintptr_t points_at, u64 goid, uintptr_t lo,
                       uintptr_t hi)
{
    uintptr_t pc[FRAMES], fp[FRAMES];
    size_t n = det_frames_around(at, lo, hi, pc, fp, FRAMES);
    if (n)
        tell(&(struct record_place){
                 .where = where, .at = at, .points_at = points_at, .goid = goid},
             pc, fp, n);
}

/* The kernel reads [p, p+n) into the window: how much of it there is. */
static size_t peek(uintptr_t p, size_t n)
{
    long mine[2] = {(long)window, (long)n}, its[2] = {(long)p, (long)n};
    long r = sys_call(SYS_process_vm_readv, sys_getpid(), (long)mine, 1, (long)its, 1, 0);
    return r > 0 ? (size_t)r : 0;
}

/* --- the heap ----------------------------------------------------------------------------------------- */

static void search_block(const struct heap_block *b, const u64 *word, size_t n)
{
    for (size_t i = 0; i < n / 8; i++) {
        struct target *t = wanted(word[i]);
        if (!t || b->base == ~t->not_at || t->in_heap++ >= PLACES_EACH)
            continue;
        tell_block(PLACE_POINTER_HEAP, b->base + i * 8, ~t->not_at, b);
        look_for(b->base);
    }
}

static void search_batch(void)
{
    for (u32 from = 0; from < batch->n;) {
        long mine[2] = {(long)window, WINDOW};
        long r = sys_call(SYS_process_vm_readv, sys_getpid(), (long)mine, 1, (long)batch->iov[from],
                          batch->n - from, 0);
        size_t have = r > 0 ? (size_t)r : 0, at = 0;
        for (; from < batch->n && at + (size_t)batch->iov[from][1] <= have; from++) {
            search_block(&batch->block[from], window + at / 8, (size_t)batch->iov[from][1]);
            at += (size_t)batch->iov[from][1];
        }
        from += from < batch->n; /* this one has gone */
    }
    batch->n = 0;
    batch->bytes = 0;
}

static void search_large(const struct heap_block *b)
{
    struct heap_block part = *b;
    size_t left = b->size < BLOCK_BYTES ? b->size : BLOCK_BYTES;
    for (uintptr_t at = b->base; left >= 8; at += WINDOW) {
        size_t n = left < WINDOW ? left : WINDOW, have = peek(at, n & ~7ul);
        for (size_t i = 0; i < have / 8; i++) {
            struct target *t = wanted(window[i]);
            if (!t || t->in_heap++ >= PLACES_EACH)
                continue;
            tell_block(PLACE_POINTER_HEAP, at + i * 8, ~t->not_at, &part);
            look_for(b->base);
        }
        if (have < n)
            return;
        left -= n;
    }
}

static void search_heap(void)
{
    struct heap_block b;
    u64 began = sys_now_ns();
    u32 at = 0, n = 0;
    if (heap_ns > HEAP_NS_ALL)
        return;
    while (heap_next_live(&at, &b)) {
        if (++n % 256 == 0 && sys_now_ns() - began > HEAP_NS)
            break;
        size_t size = b.size & ~7ul;
        if (size == 0)
            continue;
        if (size > WINDOW / 4) {
            search_large(&b);
            continue;
        }
        if (batch->n == BATCH || batch->bytes + size > WINDOW)
            search_batch();
        batch->block[batch->n] = b;
        batch->iov[batch->n][0] = (long)b.base;
        batch->iov[batch->n++][1] = (long)size;
        batch->bytes += size;
    }
    search_batch();
    heap_ns += sys_now_ns() - began;
}

/* --- data and stacks ------------------------------------------------------------------------------------- */

static void search_data(void)
{
    uintptr_t lo, hi;
    size_t left = DATA_BYTES;
    for (u32 at = 0; left && output_module_data(&at, &lo, &hi);) {
        lo = (lo + 7) & ~7ul;
        for (; lo + 8 <= hi && left; lo += WINDOW) {
            size_t n = hi - lo < WINDOW ? hi - lo : WINDOW, have = peek(lo, n & ~7ul);
            for (size_t i = 0; i < have / 8; i++) {
                struct target *t = wanted(window[i]);
                if (t && t->in_data++ < PLACES_EACH)
                    tell(&(struct record_place){.where = PLACE_POINTER_DATA,
                                                .at = lo + i * 8,
                                                .points_at = ~t->not_at},
                         NULL, NULL, 0);
            }
            left -= n < left ? n : left;
        }
    }
}

static void search_stack(const struct race_g *g)
{
    uintptr_t hi = g->stack_hi, lo = g->stack_lo;
    size_t most = g->main ? MAIN_BYTES : STACK_BYTES;
    if (!hi || hi <= lo)
        return;
    const struct waiting *w = g->wait;
    uintptr_t from = hi - lo > most ? hi - most : lo;
    if (w && w->why != HOOK_WAIT_NONE && w->sp > from && w->sp < hi)
        from = w->sp;
    for (uintptr_t p = from & ~7ul; p < hi;) {
        size_t page = 4096 - (p & 4095), n = hi - p < page ? hi - p : page;
        size_t have = peek(p, n & ~7ul);
        for (size_t i = 0; i < have / 8; i++) {
            struct target *t = wanted(window[i]);
            if (t && t->on_stack++ < PLACES_EACH)
                tell_stack(PLACE_POINTER_STACK, p + i * 8, ~t->not_at, g->goid, lo, hi);
        }
        p += page;
    }
}

/* --- all of it ------------------------------------------------------------------------------------------- */

void where_tell(void)
{
    target_n = 0;
    for (u32 i = 0; i < noted_n; i++) {
        uintptr_t object = ~noted[i];
        struct heap_block b;
        struct life l;
        if (output_in_module(object))
            continue;
        if (heap_find(object, &b)) {
            tell_block(PLACE_HEAP, object, 0, &b);
            look_for(b.base);
        } else if (life_by_stack(object, &l)) {
            tell_stack(PLACE_STACK, object, 0, l.goid, l.stack_lo, l.stack_hi);
        }
    }
    noted_n = 0;
    if (target_n == 0)
        return;
    if (!window) {
        window = det_map(WINDOW);
        batch = det_map(sizeof *batch);
    }
    search_heap();
    search_data();
    u32 at = 0, n = 0;
    for (struct race_g *g; n < STACKS && (g = det_g_each(&at)); n++)
        search_stack(g);
}
