/*
 * lockorder.c - deadlocks foreseen: a cycle in the order of taking locks, though nothing blocked.
 *
 * A deadlock of k goroutines needs k acquisitions, each by another goroutine, each wanting a lock that
 * the next one holds, all waiting at one time. Whoever has seen these k acquisitions, one by one and
 * harmless, knows that the schedule alone stands between the program and the deadlock. Tools that only
 * keep a graph of locks (lockdep, TSan, Helgrind) cry at cycles that cannot close: made by a single
 * thread, under a common gate lock, before and after a join, among readers. Here an acquisition
 * is kept with what is needed to tell:
 *
 *   node      "lock L was taken in this mode while exactly these locks were held, taken in this order":
 *             a trie, whose root is no lock held; so a set of held locks is a node too, and the gates of
 *             an acquisition are its ancestors;
 *   instance  of a node: who did it and when (order.h: an actor, its epoch and its clock without
 *             locks), and where each lock of the path was taken (a chain of depot stacks, hash-consed
 *             like the trie).
 *
 * When an acquisition is new it is looked for as the last member of a cycle, once lockgraph.c
 * says there may be one. A cycle of instances is a finding if
 *   - the actors differ;
 *   - each one's wanted lock is held by the next, in modes that exclude each other (two readers do not,
 *     unless the lock ever had a writer that could wait between them and hold the second back);
 *   - no lock is held by two of them (a gate), unless both only read;
 *   - no two are ordered by the program itself.
 * A lock taken by trylock is held like any other, but is wanted by nobody: no instance.
 *
 * What may be forgotten. Instance p dominates q (of one node) if q is before p in the program's order: a
 * future acquisition that is not ordered after q is not ordered after p either, and all cycles with past
 * ones have been looked for. So a node keeps the instances that are not before one another; a
 * goroutine that repeats itself keeps one. They are at most INSTANCES for a node, the latest ones.
 *
 * Constant work when known. A goroutine remembers its last few (held set, lock, mode) with the number
 * order_now had: if nothing has been published since, the acquisition says nothing new to anybody, and it
 * is over without a lock of ours.
 *
 * Lives. When a lock ends, the nodes it appears in end, with the subtrees under them. A generation in the
 * node tells the goroutines' memories.
 *
 * Bounds. Past NODES_DEFAULT nodes (option lock_order_size) nothing new is remembered; past BUDGET steps a
 * search is given up. Either is said once.
 *
 * Rejected: a graph with one instance an edge (misses and false alarms both); edges from every
 * held lock (quadratic when thousands are held); asking at unlock rather than at lock (a deadlock that
 * happens would not be in the graph).
 *
 * Everything below is under `order_lock`, but what says otherwise.
 */
#include "order.h"
#include "lockgraph.h"
#include "record.h"

#define INSTANCES 64
#define NODES_DEFAULT (1u << 24)
#define BUDGET (1u << 17)
#define FIRST_BUDGET (1u << 22) /* for cycles of two */
#define VISITS 8 /* of one lock in a search: by ways that differ in who is on them */
#define STEPS_MAX 8192

struct node {
    u32 link; /* of the slab */
    u32 gen;  /* grows at each death */
    u32 parent, lock;
    u32 hash_next;
    u32 lock_next, lock_prev; /* all acquisitions of this lock */
    u32 child, sibling, prev_sibling;
    u32 instances;
    uint16_t count;
    uint8_t mode; /* HOOK_READ or HOOK_WRITE */
};

struct instance {
    u32 link; /* of the slab */
    u32 next;
    u32 path;
    struct order_stamp stamp;
};

struct path {
    u32 parent, stack, hash_next;
};

static struct slab nodes, instances, paths;
static u32 *node_bucket, *path_bucket;
#define BUCKETS (1u << 22)
static u32 order_lock;
static u32 node_limit;
static bool ready, said_full, said_budget;

static struct node *node(u32 i)
{
    return slab_at(&nodes, i);
}
static struct instance *instance(u32 i)
{
    return slab_at(&instances, i);
}
static struct path *path(u32 i)
{
    return slab_at(&paths, i);
}

static void start(void)
{
    node_limit = (u32)det_option_num("lock_order_size", NODES_DEFAULT);
    slab_init(&nodes, "lock order: acquisitions", sizeof(struct node), node_limit + 64);
    slab_init(&instances, "lock order: instances", sizeof(struct instance), 2 * node_limit + 4096);
    slab_init(&paths, "lock order: paths", sizeof(struct path), node_limit + 64);
    node_bucket = det_map(BUCKETS * sizeof *node_bucket);
    path_bucket = det_map(BUCKETS * sizeof *path_bucket);
    lockgraph_init();
    ready = true;
}

/* --- the trie -------------------------------------------------------------------------------------- */

static u32 *bucket_of(u32 *table, u64 a, u64 b)
{
    u64 h = (a * 0x9e3779b97f4a7c15ull ^ b) * 0xd6e8feb86659fd93ull;
    return &table[h >> 42];
}

/* 0: the table is full. */
static u32 node_child(u32 parent, u32 lock, u32 mode)
{
    u32 *b = bucket_of(node_bucket, parent, (u64)lock << 1 | mode);
    for (u32 i = *b; i; i = node(i)->hash_next)
        if (node(i)->parent == parent && node(i)->lock == lock && node(i)->mode == mode)
            return i;
    if (nodes.live >= node_limit || instances.live >= 2 * node_limit) {
        said_full = true;
        return 0;
    }
    u32 i = slab_alloc(&nodes), gen = node(i)->gen;
    struct node *n = node(i);
    struct lock_rec *r = lock_at(lock);
    *n = (struct node){.gen = gen, .parent = parent, .lock = lock, .hash_next = *b, .mode = (uint8_t)mode};
    *b = i;
    n->lock_next = r->nodes;
    if (r->nodes)
        node(r->nodes)->lock_prev = i;
    r->nodes = i;
    if (parent) {
        struct node *p = node(parent);
        n->sibling = p->child;
        if (p->child)
            node(p->child)->prev_sibling = i;
        p->child = i;
        lockgraph_edge(p->lock, lock);
    } else {
        r->top[mode] = i;
    }
    return i;
}

static u32 path_child(u32 parent, u32 stack)
{
    u32 *b = bucket_of(path_bucket, parent, stack);
    for (u32 i = *b; i; i = path(i)->hash_next)
        if (path(i)->parent == parent && path(i)->stack == stack)
            return i;
    if (paths.live >= node_limit)
        return parent; /* the stacks in a report are then those of an outer lock */
    u32 i = slab_alloc(&paths);
    *path(i) = (struct path){parent, stack, *b};
    *b = i;
    return i;
}

static void instance_free(u32 i)
{
    order_stamp_drop(&instance(i)->stamp);
    slab_free(&instances, i);
}

/* Takes over the stamp. */
static void instance_add(u32 n, struct order_stamp *s, u32 p)
{
    struct node *nd = node(n);
    u32 *at = &nd->instances;
    while (*at) {
        u32 i = *at;
        bool last = instance(i)->next == 0 && nd->count >= INSTANCES;
        if (last || order_before(&instance(i)->stamp, s)) {
            *at = instance(i)->next;
            nd->count--;
            instance_free(i);
        } else {
            at = &instance(i)->next;
        }
    }
    u32 i = slab_alloc(&instances);
    *instance(i) = (struct instance){.next = nd->instances, .path = p, .stamp = *s};
    nd->instances = i;
    nd->count++;
}

static void node_free(u32 i)
{
    struct node *n = node(i);
    u32 *b = bucket_of(node_bucket, n->parent, (u64)n->lock << 1 | n->mode);
    while (*b != i)
        b = &node(*b)->hash_next;
    *b = n->hash_next;
    if (n->lock_next)
        node(n->lock_next)->lock_prev = n->lock_prev;
    if (n->lock_prev)
        node(n->lock_prev)->lock_next = n->lock_next;
    else
        lock_at(n->lock)->nodes = n->lock_next;
    if (n->sibling)
        node(n->sibling)->prev_sibling = n->prev_sibling;
    if (n->prev_sibling)
        node(n->prev_sibling)->sibling = n->sibling;
    else if (n->parent)
        node(n->parent)->child = n->sibling;
    else
        lock_at(n->lock)->top[n->mode] = 0;
    for (u32 k = n->instances, next; k; k = next) {
        next = instance(k)->next;
        instance_free(k);
    }
    __atomic_fetch_add(&n->gen, 1, __ATOMIC_RELEASE);
    slab_free(&nodes, i);
}

void lock_order_forget(u32 i)
{
    struct lock_rec *r = lock_at(i);
    if (r->nodes == 0 && r->comp == 0)
        return;
    det_lock(&order_lock);
    while (r->nodes) {
        u32 n = r->nodes;
        while (node(n)->child)
            n = node(n)->child;
        node_free(n);
    }
    lockgraph_forget(i);
    det_unlock(&order_lock);
}

/* --- questions about a member of a cycle ----------------------------------------------------------- */

/* Does holding in mode a keep somebody waiting who wants it in mode b? */
static bool excludes(struct lock_rec *r, u32 a, u32 b)
{
    if (!(a & b & HOOK_READ))
        return true;
    if (r->prefers_readers)
        return false;
    if (!r->has_writer)
        r->readers_cross = 1; /* looked at again when one comes */
    return r->has_writer;
}

/* Of the locks held at x's acquisition, the node of `lock`; 0 if it is not held. */
static u32 holds(u32 x, u32 lock)
{
    for (u32 i = node(x)->parent; i; i = node(i)->parent)
        if (node(i)->lock == lock)
            return i;
    return 0;
}

/* A lock that both hold and that lets only one of them in. */
static bool gate(u32 x, u32 y)
{
    for (u32 i = node(x)->parent; i; i = node(i)->parent) {
        if (!lock_is_one(lock_at(node(i)->lock)))
            continue;
        u32 j = holds(y, node(i)->lock);
        if (j && !(node(i)->mode & node(j)->mode & HOOK_READ))
            return true;
    }
    return false;
}

/* --- the search ------------------------------------------------------------------------------------ */

/* One member: it wants node y's lock; the member before wants `lock`, which this one holds at x. */
struct step {
    u32 lock, mode;
    u32 x, y, inst;
};

struct member {
    uint64_t goid;
    u32 flags, created;
    u32 want_stack, held_stack;
    u32 want_kind, held_kind, want_mode, held_mode;
    uintptr_t want, held;
};
struct cycle {
    u32 n;
    struct member *m;
};

/* The next node under x, in preorder, that stays within lock's component; x itself comes first. */
static u32 next_under(u32 x, u32 y, u32 lock)
{
    u32 n = node(y)->child;
    for (;;) {
        while (n && !lockgraph_cyclic(node(n)->lock, lock))
            n = node(n)->sibling;
        if (n)
            return n;
        if (y == x)
            return 0;
        n = node(y)->sibling;
        y = node(y)->parent;
    }
}

/* To the next acquisition by somebody who holds s->lock. */
static bool advance(struct step *s, u32 *budget)
{
    for (;;) {
        if (*budget == 0)
            return false;
        --*budget;
        if (s->inst && (s->inst = instance(s->inst)->next))
            return true;
        if (s->x) {
            s->y = next_under(s->x, s->y ? s->y : s->x, s->lock);
            if (s->y) {
                s->inst = node(s->y)->instances;
                if (s->inst)
                    return true;
                continue;
            }
        }
        s->x = s->x ? node(s->x)->lock_next : lock_at(s->lock)->nodes;
        while (s->x && !excludes(lock_at(s->lock), node(s->x)->mode, s->mode))
            s->x = node(s->x)->lock_next;
        s->y = 0;
        s->inst = 0;
        if (!s->x)
            return false;
    }
}

/* Can candidate `c` wait at the same time as member `m`? */
static bool can_meet(const struct step *c, const struct step *m)
{
    const struct order_stamp *a = &instance(c->inst)->stamp, *b = &instance(m->inst)->stamp;
    return a->actor != b->actor && !order_before(a, b) && !order_before(b, a) && !gate(c->y, m->y);
}

static bool fits(const struct step *s, u32 depth)
{
    if (!lock_is_one(lock_at(node(s[depth].y)->lock)))
        return false;
    for (u32 k = 0; k < depth; k++)
        if (!can_meet(&s[depth], &s[k]))
            return false;
    return true;
}

static bool wanted_before(const struct step *s, u32 depth, u32 lock)
{
    for (u32 k = 0; k < depth; k++)
        if (node(s[k].y)->lock == lock)
            return true;
    return false;
}

static u32 path_up(u32 p, u32 steps)
{
    while (steps-- && p)
        p = path(p)->parent;
    return p;
}

static void member_fill(struct member *m, const struct step *s, u32 held_node)
{
    const struct instance *i = instance(s->inst);
    const struct order_actor *a = order_actor(i->stamp.actor);
    const struct node *want = node(s->y);
    u32 up = 0;
    for (u32 n = s->y; n != held_node; n = node(n)->parent)
        up++;
    const struct lock_rec *w = lock_at(want->lock), *h = lock_at(node(held_node)->lock);
    u32 held_path = path_up(i->path, up);
    *m = (struct member){
        .goid = a->goid, .flags = a->flags, .created = a->created,
        .want_stack = i->path ? path(i->path)->stack : 0,
        .held_stack = held_path ? path(held_path)->stack : 0,
        .want_kind = w->kind, .held_kind = h->kind, .want_mode = want->mode,
        .held_mode = node(held_node)->mode, .want = w->name, .held = h->name,
    };
}

/* Cycles are the same if they were made at the same places. */
static bool seen_before(const struct cycle *c)
{
    static u64 seen[1u << 12];
    u64 key = 0;
    for (u32 k = 0; k < c->n; k++) {
        u64 h = ((u64)c->m[k].want_stack << 32 | c->m[k].held_stack) * 0x9e3779b97f4a7c15ull;
        key += (h ^ h >> 29) * 0xd6e8feb86659fd93ull;
    }
    key |= 1;
    for (u32 i = 0; i < 64; i++) {
        u64 *p = &seen[(key + i) % (sizeof seen / sizeof *seen)];
        if (*p == key)
            return true;
        if (*p == 0) {
            *p = key;
            return false;
        }
    }
    return false;
}

/* s[0..depth] is a cycle: describe it. False: it was reported before. */
static bool closed(struct step *s, u32 depth, u32 closing, struct cycle *out)
{
    out->n = depth + 1;
    out->m = det_alloc(out->n * sizeof *out->m);
    for (u32 k = 0; k <= depth; k++)
        member_fill(&out->m[k], &s[k], k ? s[k].x : closing);
    if (!seen_before(out))
        return true;
    det_release(out->m, out->n * sizeof *out->m);
    return false;
}

/* Is s[depth] a last member: does it want what n's own acquisition held? */
static bool closes(struct step *s, u32 depth, struct cycle *out)
{
    const struct node *want = node(s[depth].y);
    u32 held = holds(s[0].y, want->lock);
    return held && excludes(lock_at(want->lock), node(held)->mode, want->mode) && fits(s, depth) &&
           closed(s, depth, held, out);
}

/* Somebody holds s[depth].lock and wants a lock that the first member held. Both sides can be huge (a
   million locks inside one), so they are gone through in step, and the shorter one ends it. */
static bool find_last(struct step *s, u32 depth, u32 *budget, struct cycle *out)
{
    struct step side = s[depth];
    u32 held = node(s[0].y)->parent, y = held ? lock_at(node(held)->lock)->nodes : 0;
    for (;;) {
        while (y == 0) {
            held = node(held)->parent;
            if (held == 0)
                return false;
            y = lock_at(node(held)->lock)->nodes;
        }
        s[depth].y = y;
        s[depth].x = node(y)->instances ? holds(y, side.lock) : 0;
        if (s[depth].x &&
            excludes(lock_at(side.lock), node(s[depth].x)->mode, s[depth].mode))
            for (u32 i = node(y)->instances; i; i = instance(i)->next) {
                s[depth].inst = i;
                if (closes(s, depth, out))
                    return true;
            }
        y = node(y)->lock_next;
        if (!advance(&side, budget))
            return false;
        s[depth] = side;
        if (closes(s, depth, out))
            return true;
    }
}

/* A cycle that acquisition n, by its newest instance, is part of. True: *out is one not seen before,
   its members allocated. */
static bool search(u32 n, struct cycle *out)
{
    static struct step *s;
    static u32 searches;
    if (!s)
        s = det_map(STEPS_MAX * sizeof *s);
    if (!lock_is_one(lock_at(node(n)->lock)))
        return false;
    u32 budget = BUDGET, first_budget = FIRST_BUDGET, depth = 1;
    searches++;
    s[0] = (struct step){.y = n, .inst = node(n)->instances};
    struct step next = {.lock = node(n)->lock, .mode = node(n)->mode};
    for (;;) {
        s[depth] = next;
        if (find_last(s, depth, depth == 1 ? &first_budget : &budget, out))
            return true;
        /* Nobody closes it here: go by way of everybody who holds it and wants something else. */
        s[depth] = next;
        for (;;) {
            if (!advance(&s[depth], &budget)) {
                if (--depth == 0) {
                    said_budget |= budget == 0 || first_budget == 0;
                    return false;
                }
                continue;
            }
            struct lock_rec *want = lock_at(node(s[depth].y)->lock);
            if (want->search == searches && want->visits >= VISITS)
                continue;
            if (depth + 2 < STEPS_MAX && fits(s, depth) &&
                !wanted_before(s, depth, node(s[depth].y)->lock))
                break;
        }
        const struct node *y = node(s[depth].y);
        struct lock_rec *want = lock_at(y->lock);
        want->visits = want->search == searches ? want->visits + 1 : 1;
        want->search = searches;
        next = (struct step){.lock = y->lock, .mode = y->mode};
        depth++;
    }
}

/* --- one goroutine, two read locks ------------------------------------------------------------------- */

/* Acquisition y reads a lock that it already reads: a writer that comes between waits for the first and
   holds the second back. `w` is the writer's acquisition. */
static bool squeezed(u32 y, u32 w, struct cycle *out)
{
    u32 lock = node(y)->lock, first = holds(y, lock);
    struct lock_rec *r = lock_at(lock);
    if (!first || r->reported || r->prefers_readers || r->passed_on)
        return false;
    for (u32 i = node(y)->instances; i; i = instance(i)->next)
        for (u32 j = node(w)->instances; j; j = instance(j)->next) {
            struct step a = {.y = y, .inst = i}, b = {.y = w, .inst = j};
            if (!can_meet(&a, &b))
                continue;
            out->n = 2;
            out->m = det_alloc(2 * sizeof *out->m);
            member_fill(&out->m[0], &a, first);
            member_fill(&out->m[1], &b, w);
            r->reported = 1;
            return true;
        }
    return false;
}

static bool twice_read(u32 n, struct cycle *out)
{
    struct lock_rec *r = lock_at(node(n)->lock);
    u32 mode = node(n)->mode;
    if (mode == HOOK_READ && !holds(n, node(n)->lock))
        return false;
    for (u32 i = r->nodes; i; i = node(i)->lock_next)
        if (node(i)->mode != mode &&
            (mode == HOOK_READ ? squeezed(n, i, out) : squeezed(i, n, out)))
            return true;
    return false;
}

/* The first writer of a lock: cycles among readers that seemed harmless are looked at again. */
static bool writer_came(u32 lock, struct cycle *out)
{
    struct lock_rec *r = lock_at(lock);
    r->has_writer = 1;
    if (!r->readers_cross)
        return false;
    for (u32 i = r->nodes; i; i = node(i)->lock_next)
        if (node(i)->mode == HOOK_READ && node(i)->instances && search(i, out))
            return true;
    return false;
}

/* --- reports, under no lock ------------------------------------------------------------------------- */

static void part_created(struct finding *f, const struct member *m)
{
    if (m->created == 0 || (m->flags & PART_MAIN))
        return;
    struct record_part p = {.role = PART_CREATED, .flags = m->flags, .goid = m->goid};
    finding_part_stack(f, &p, m->created);
}

static void report_cycle(void *arg)
{
    struct cycle *c = arg;
    struct finding *f = finding_begin(FINDING_LOCK_ORDER, 0);
    if (f) {
        for (u32 k = 0; k < c->n; k++) {
            const struct member *m = &c->m[k];
            struct record_part p = {.role = PART_EDGE, .flags = m->flags, .goid = m->goid,
                                    .addr = m->held, .addr2 = m->want,
                                    .aux = m->want_kind << 8 | m->want_mode};
            finding_part_stack(f, &p, m->want_stack);
            p.role = PART_EDGE_HELD;
            p.aux = m->held_kind << 8 | m->held_mode;
            finding_part_stack(f, &p, m->held_stack);
        }
        for (u32 k = 0; k < c->n; k++)
            part_created(f, &c->m[k]);
        finding_end(f);
    }
    det_release(c->m, c->n * sizeof *c->m);
}

/* --- an acquisition ---------------------------------------------------------------------------------- */

static struct held_known *known_slot(struct held *h, u32 base, u32 lock)
{
    return &h->known[(base * 5 + lock) % HELD_CACHE];
}

/* Outside the lock: is this a repeat? */
static bool known(struct race_g *g, struct held *h, u32 n, u32 lock, u32 mode, struct held_lock *e)
{
    if (h->clean < n) {
        if (h->clean != 0 || n != 1)
            return false;
        struct held_lock *first = h->lock[0];
        u32 top = __atomic_load_n(&lock_at(first->lock)->top[first->mode & HOOK_READ],
                                  __ATOMIC_ACQUIRE);
        if (top == 0)
            return false;
        first->node = top;
        h->clean = 1;
    }
    u32 base = n ? h->lock[n - 1]->node : 0;
    const struct held_known *k = known_slot(h, base, lock);
    if (k->lock != lock || k->base != base || k->mode != mode || k->stamp != order_now(g) ||
        __atomic_load_n(&node(k->child)->gen, __ATOMIC_ACQUIRE) != k->gen)
        return false;
    if (e) {
        e->node = k->child;
        h->clean = n + 1;
    }
    return true;
}

/* Nodes and paths of the locks held, as far as they are not known. */
static bool chain(struct held *h, u32 n)
{
    for (u32 k = h->clean; k < n; k++) {
        struct held_lock *e = h->lock[k];
        e->node = node_child(k ? h->lock[k - 1]->node : 0, e->lock, e->mode & HOOK_READ);
        if (e->node == 0)
            return false;
        h->clean = k + 1;
    }
    for (u32 k = h->clean_path; k < n; k++) {
        h->lock[k]->path = path_child(k ? h->lock[k - 1]->path : 0, h->lock[k]->stack);
        h->clean_path = k + 1;
    }
    return true;
}

static void notices(void)
{
    static bool full, budget;
    if (said_full && !__atomic_exchange_n(&full, true, __ATOMIC_RELAXED))
        det_notice("lock order: %u nested acquisitions are remembered, new ones are no longer "
                   "checked (GOCRACE=lock_order_size=N raises this)",
                   node_limit);
    if (said_budget && !__atomic_exchange_n(&budget, true, __ATOMIC_RELAXED))
        det_notice("lock order: the search for cycles through one lock was given up after %u steps; "
                   "a potential deadlock there may be missed",
                   BUDGET);
}

void lock_order_request(struct race_g *g, struct held *h, u32 n, u32 lock, int how, uintptr_t pc,
                        struct held_lock *e, bool quiet)
{
    u32 mode = how & HOOK_READ;
    bool try = how & HOOK_TRY;
    struct lock_rec *r = lock_at(lock);
    if (r->passed_on)
        return;
    if (likely(ready) && known(g, h, n, lock, mode | (try ? HOOK_TRY : 0), e))
        return;
    if (!det_detects(FINDING_LOCK_ORDER))
        return;
    u32 here = det_stack_save(g, pc);
    if (e)
        e->stack = here;
    for (u32 k = h->clean_path; k < n; k++)
        held_stack(h->lock[k]);
    struct order_stamp stamp;
    if (!try)
        order_stamp(g, &stamp);
    struct cycle found = {0};
    bool report = false;
    det_lock(&order_lock);
    if (!ready)
        start();
    u32 x = chain(h, n) ? node_child(n ? h->lock[n - 1]->node : 0, lock, mode) : 0;
    if (x) {
        if (e) {
            e->node = x;
            h->clean = n + 1;
        }
        if (!try)
            instance_add(x, &stamp, path_child(n ? h->lock[n - 1]->path : 0, here));
        if (mode == HOOK_WRITE && r->kind == HOOK_OBJ_RWMUTEX) {
            if (!r->has_writer)
                report = writer_came(lock, &found);
            else
                r->has_writer = 1;
        }
        if (!try && !report && n && lockgraph_cyclic(h->lock[n - 1]->lock, lock))
            report = search(x, &found);
        if (!try && !report && r->kind == HOOK_OBJ_RWMUTEX)
            report = twice_read(x, &found);
        *known_slot(h, n ? h->lock[n - 1]->node : 0, lock) = (struct held_known){
            n ? h->lock[n - 1]->node : 0, lock, mode | (try ? HOOK_TRY : 0), x, node(x)->gen,
            order_now(g)};
    } else if (!try) {
        order_stamp_drop(&stamp);
    }
    det_unlock(&order_lock);
    if (report && quiet)
        det_release(found.m, found.n * sizeof *found.m);
    else if (report)
        det_on_own_stack(report_cycle, &found);
    if (unlikely(said_full | said_budget))
        notices();
}
