/*
 * lockgraph.c - which locks are on a cycle of the order graph.
 *
 * Lock order has two questions. The cheap one, asked at every new nesting of two locks: can there be a cycle
 * at all? The dear one: is it a deadlock (other goroutines, no gate, not ordered)? This file answers
 * the first, so that a program with a million locks in good order never asks the second.
 *
 * The graph has an edge a -> b if b was taken while a was the lock taken last of those held. The earlier
 * ones need no edges: with a, b, c held in this order a -> b -> c is a path, and paths are
 * all that is asked for. That keeps the graph linear in what the program does, also when it holds
 * thousands of locks at once (edges from each held lock would be quadratic).
 *
 * Chosen: an incremental topological order (Pearce and Kelly) of the strongly connected components. An
 * edge that agrees with the order, nearly every one, costs nothing; one that does not makes a search
 * bounded to what lies between its ends in the order, after which either the order is mended or the
 * components on the new cycle are made one. So "may this nesting be part of a cycle" is a comparison
 * of two component numbers at any time, also after the first cycles were seen. Rejected: a search per
 * edge (quadratic in a program with much nesting), a matrix of reachability (memory), the order without
 * components (void after the first cycle, and a gate lock makes harmless cycles common).
 *
 * A lock that first appears as the outer one is put before all others, one that first appears as the
 * inner one after all: the two usual shapes (one big lock outside, many small ones inside, or the
 * other way round) then never need mending.
 *
 * When a lock ends, its edges go. Its component stays as large as it was: the answer to the cheap
 * question may be "perhaps" too often, never "no" too often.
 *
 * Invariant (lockgraph_valid): for each edge, both ends are in one component or the first one's comes
 * before the second one's.
 */
#include "lockgraph.h"

struct edge {
    u32 link; /* of the slab */
    u32 from, to;
    u32 next_out, next_in, prev_out, prev_in;
    u32 hash_next;
};

struct comp {
    u32 link; /* of the slab */
    u32 head, size;
    u32 forward, backward; /* the last search that found it */
    int64_t order;
};

static struct slab edges, comps;
static int64_t first_order, last_order;
static u32 search;

#define EDGE_LIMIT (1u << 26)
static u32 *buckets; /* of edges by both ends */
static u32 bucket_mask;

static struct edge *edge(u32 i)
{
    return slab_at(&edges, i);
}
static struct comp *comp(u32 i)
{
    return slab_at(&comps, i);
}

void lockgraph_init(void)
{
    slab_init(&edges, "lock order: edges", sizeof(struct edge), EDGE_LIMIT);
    slab_init(&comps, "lock order: components", sizeof(struct comp), EDGE_LIMIT);
    bucket_mask = (1u << 22) - 1;
    buckets = det_map(((size_t)bucket_mask + 1) * sizeof *buckets);
}

static u32 *bucket(u32 from, u32 to)
{
    u64 h = ((u64)from << 32 | to) * 0x9e3779b97f4a7c15ull;
    return &buckets[(h >> 40) & bucket_mask];
}

/* --- components ------------------------------------------------------------------------------------ */

static void comp_add(u32 c, u32 lock)
{
    struct lock_rec *r = lock_at(lock);
    r->comp = c;
    r->comp_prev = 0;
    r->comp_next = comp(c)->head;
    if (r->comp_next)
        lock_at(r->comp_next)->comp_prev = lock;
    comp(c)->head = lock;
    comp(c)->size++;
}

static void comp_new(u32 lock, bool outer)
{
    u32 c = slab_alloc(&comps);
    *comp(c) = (struct comp){.order = outer ? --first_order : ++last_order};
    comp_add(c, lock);
}

/* The smaller one is renamed. Returns the survivor. */
static u32 comp_merge(u32 a, u32 b)
{
    if (comp(a)->size < comp(b)->size) {
        u32 t = a;
        a = b;
        b = t;
    }
    for (u32 i = comp(b)->head, next; i; i = next) {
        next = lock_at(i)->comp_next;
        comp_add(a, i);
    }
    slab_free(&comps, b);
    return a;
}

bool lockgraph_cyclic(u32 a, u32 b)
{
    u32 c = lock_at(a)->comp;
    return c != 0 && c == lock_at(b)->comp;
}

/* --- the search ------------------------------------------------------------------------------------ */

/* Components with their place in the order; grows by doubling. */
struct place {
    int64_t order;
    u32 comp;
};
struct list {
    struct place *v;
    u32 n, cap;
};

static void list_add(struct list *l, u32 c, int64_t order)
{
    if (l->n == l->cap) {
        u32 cap = l->cap ? 2 * l->cap : 1024;
        struct place *v = det_map(cap * sizeof *v);
        if (l->v) {
            det_copy(v, l->v, l->n * sizeof *v);
            det_unmap(l->v, l->cap * sizeof *v);
        }
        l->v = v;
        l->cap = cap;
    }
    l->v[l->n++] = (struct place){order, c};
}

/* All components reachable from c along the edges that do not lie beyond `bound` in the order. */
static void reach_forward(struct list *found, u32 c, int64_t bound)
{
    found->n = 0;
    list_add(found, c, comp(c)->order);
    comp(c)->forward = search;
    for (u32 k = 0; k < found->n; k++)
        for (u32 i = comp(found->v[k].comp)->head; i; i = lock_at(i)->comp_next)
            for (u32 e = lock_at(i)->out; e; e = edge(e)->next_out) {
                u32 d = lock_at(edge(e)->to)->comp;
                if (comp(d)->forward == search || comp(d)->order > bound)
                    continue;
                comp(d)->forward = search;
                list_add(found, d, comp(d)->order);
            }
}

static void reach_backward(struct list *found, u32 c, int64_t bound)
{
    found->n = 0;
    list_add(found, c, comp(c)->order);
    comp(c)->backward = search;
    for (u32 k = 0; k < found->n; k++)
        for (u32 i = comp(found->v[k].comp)->head; i; i = lock_at(i)->comp_next)
            for (u32 e = lock_at(i)->in; e; e = edge(e)->next_in) {
                u32 d = lock_at(edge(e)->from)->comp;
                if (comp(d)->backward == search || comp(d)->order < bound)
                    continue;
                comp(d)->backward = search;
                list_add(found, d, comp(d)->order);
            }
}

/* Heap sort: no recursion, no libc. */
static void sift(struct place *v, u32 k, u32 n)
{
    for (u32 child; (child = 2 * k + 1) < n; k = child) {
        if (child + 1 < n && v[child].order < v[child + 1].order)
            child++;
        if (v[k].order >= v[child].order)
            return;
        struct place t = v[k];
        v[k] = v[child];
        v[child] = t;
    }
}
static void sort_by_order(struct list *l)
{
    for (u32 k = l->n / 2; k-- > 0;)
        sift(l->v, k, l->n);
    for (u32 n = l->n; n-- > 1;) {
        struct place t = l->v[0];
        l->v[0] = l->v[n];
        l->v[n] = t;
        sift(l->v, 0, n);
    }
}

static bool on_cycle(u32 c)
{
    return comp(c)->forward == search && comp(c)->backward == search;
}

/* The edge x -> y goes against the order. What is between them is put in order anew, in the places it
   has now: first what leads to x, then what can be reached from y; what is both is on a cycle, and
   becomes one component in the middle. */
static void mend(u32 x, u32 y)
{
    static struct list fwd, back, places;
    search++;
    reach_forward(&fwd, y, comp(x)->order);
    reach_backward(&back, x, comp(y)->order);
    sort_by_order(&fwd);
    sort_by_order(&back);
    places.n = 0;
    for (u32 i = 0, j = 0; i < back.n || j < fwd.n;) {
        int64_t o = j == fwd.n || (i < back.n && back.v[i].order <= fwd.v[j].order)
                        ? back.v[i].order
                        : fwd.v[j].order;
        list_add(&places, 0, o);
        i += i < back.n && back.v[i].order == o;
        j += j < fwd.n && fwd.v[j].order == o;
    }
    /* Those before take the lowest places and those after the highest, so that no one moves past what
       lies outside both; the cycle's component takes the first one left. */
    u32 merged = 0, low = 0, high = places.n;
    for (u32 k = 0; k < back.n; k++)
        if (!on_cycle(back.v[k].comp))
            comp(back.v[k].comp)->order = places.v[low++].order;
    for (u32 k = fwd.n; k-- > 0;)
        if (!on_cycle(fwd.v[k].comp))
            comp(fwd.v[k].comp)->order = places.v[--high].order;
    for (u32 k = 0; k < fwd.n; k++)
        if (on_cycle(fwd.v[k].comp))
            merged = merged ? comp_merge(merged, fwd.v[k].comp) : fwd.v[k].comp;
    if (merged)
        comp(merged)->order = places.v[low].order;
}

/* --- edges ----------------------------------------------------------------------------------------- */

bool lockgraph_edge(u32 from, u32 to)
{
    if (from == to)
        return false;
    u32 *b = bucket(from, to);
    for (u32 e = *b; e; e = edge(e)->hash_next)
        if (edge(e)->from == from && edge(e)->to == to)
            return lockgraph_cyclic(from, to);
    u32 e = slab_alloc(&edges);
    struct lock_rec *x = lock_at(from), *y = lock_at(to);
    *edge(e) = (struct edge){
        .from = from, .to = to, .next_out = x->out, .next_in = y->in, .hash_next = *b};
    if (x->out)
        edge(x->out)->prev_out = e;
    if (y->in)
        edge(y->in)->prev_in = e;
    x->out = y->in = *b = e;
    if (x->comp == 0)
        comp_new(from, true);
    if (y->comp == 0)
        comp_new(to, false);
    if (x->comp == y->comp)
        return true;
    if (comp(x->comp)->order > comp(y->comp)->order)
        mend(x->comp, y->comp);
    return x->comp == y->comp;
}

static void edge_end(u32 i)
{
    struct edge *e = edge(i);
    u32 *b = bucket(e->from, e->to);
    while (*b != i)
        b = &edge(*b)->hash_next;
    *b = e->hash_next;
    if (e->next_out)
        edge(e->next_out)->prev_out = e->prev_out;
    if (e->prev_out)
        edge(e->prev_out)->next_out = e->next_out;
    else
        lock_at(e->from)->out = e->next_out;
    if (e->next_in)
        edge(e->next_in)->prev_in = e->prev_in;
    if (e->prev_in)
        edge(e->prev_in)->next_in = e->next_in;
    else
        lock_at(e->to)->in = e->next_in;
    slab_free(&edges, i);
}

void lockgraph_forget(u32 i)
{
    struct lock_rec *r = lock_at(i);
    while (r->out)
        edge_end(r->out);
    while (r->in)
        edge_end(r->in);
    if (r->comp == 0)
        return;
    struct comp *c = comp(r->comp);
    if (r->comp_next)
        lock_at(r->comp_next)->comp_prev = r->comp_prev;
    if (r->comp_prev)
        lock_at(r->comp_prev)->comp_next = r->comp_next;
    else
        c->head = r->comp_next;
    if (--c->size == 0)
        slab_free(&comps, r->comp);
    r->comp = 0;
}

bool lockgraph_valid(void)
{
    for (u32 b = 0; b <= bucket_mask; b++)
        for (u32 e = buckets[b]; e; e = edge(e)->hash_next) {
            u32 x = lock_at(edge(e)->from)->comp, y = lock_at(edge(e)->to)->comp;
            if (x != y && comp(x)->order >= comp(y)->order)
                return false;
        }
    return true;
}
