/*
 * clock.c - who knows what of whom.
 *
 * A goroutine knows of each other one up to which epoch that one's actions happened before its own
 * next action. The text-book form, an array with an entry for everyone, costs O(n) to hold, copy
 * and join, which ends at some thousands of goroutines (TSan: 8128 threads). Here a clock is
 *
 *   - the goroutine's own (id, epoch), kept apart: advancing it copies nothing;
 *   - a persistent tree of epochs with 32 children a node: nodes are counted references, shared
 *     between all clocks that have them in common, and copied when one of several owners changes
 *     one. Up to 32 goroutines it is a single leaf and a join is eight SIMD maxima;
 *   - eight `extras`, (id, epoch) pairs newer than the tree, so that the commonest step, learning
 *     from one releaser of whom all else is known, changes no node at all; they enter the tree
 *     together. (That copies the path to them, and counts a reference more to each node beside it:
 *     70 of them among 100,000 goroutines. With two extras a turn of a lock round those took half as
 *     long again.)
 *
 * Four shortcuts keep synchronisation O(1) at any number of goroutines; each is exact.
 *
 *   1. Whoever knows (id, e) knows all that `id` knew when it published at e, because knowledge is
 *      passed on only whole. So acquiring from a releaser whose epoch is known already is nothing.
 *   2. Each goroutine has a *base*: a pair (id, e) with the property that whoever knows it also
 *      knows everything this goroutine has learnt from others. After being spawned it is
 *      (spawner, its epoch then); after learning from S all of what S knew, where S knew our base,
 *      it is (S, its epoch); after a real join it is our own current epoch (it will be
 *      published only together with the result of the join). If the releaser knows our base, its
 *      clock replaces ours: a reference is copied and no node is visited. This is what makes a
 *      relay chain of n goroutines O(n), not O(n^2/32). The other way round, the base is
 *      published too, and if we know the releaser's, nothing of its clock is news but itself: the
 *      receiver of a buffered channel, which sends nothing back, joins nothing for each value.
 *   3. A join skips subtrees that are the same node, and gives back one of its operands' nodes
 *      when that one dominates, so that equal knowledge becomes equal references again.
 *   4. Where the two sides stay different for good (one knows of everybody a little more than the
 *      other, as a receiver does whose senders also meet at an atomic) nothing is ever shared. So a
 *      node remembers one node that it *covers*, the last that was joined into it, and a join
 *      skips a pair it knows. What comes again and again costs what is new in it: the path to
 *      the latest entries. The note names a node by index and version. Contents only grow, so it stays
 *      true of its own node whatever is done to that; of the other it is true as long as the version
 *      is, which goes up when the node, or one below it, is changed in place, and with each new life.
 *
 * Ids are slots in the tree, reused exactly: a dead goroutine's id is given to a new one only if its
 * spawner already knows the dead one's last epoch; the new owner goes on at the next epoch, and the
 * pair (id, epoch) stays unique. Nothing gets ordered by reuse that was not ordered. A goroutine whose
 * epoch runs out of its 30 bits gets a fresh id and knows its old self as another.
 *
 * A program that starts goroutines for ever and waits for none of them runs out of ids: no spawner knows
 * an end. Then the id of the one that ended first is taken, at the next epoch. Whoever knows the new
 * owner passes for one who knows the old owner's actions, which may hide a race with something done
 * millions of goroutines ago; it must not pass for one who knows what the old owner had *learnt*, or
 * there would be false alarms. So the epoch of the change is kept (ids_taken), and shortcuts 1 and 2
 * are not taken with epochs up to it. It is said once.
 *
 * Rejected: sparse hash clocks (join O(size), no sharing), tree clocks by Mathur et al. (fast joins, but
 * O(n) memory a goroutine), interval sets of known threads (degenerate under work stealing).
 *
 * Invariants: an epoch in a clock is at most its owner's current one; ids are never 0; a node with
 * refs == 1 may be changed by the owner of that reference, if every node above it has refs == 1.
 */
#include "clock.h"
#include "history.h"

struct slab clock_nodes;
#define VERSION_MAX 0xffffffffu

static struct clock_node *node(u32 i)
{
    return slab_at(&clock_nodes, i);
}

static u32 first_epoch = 1; /* debug_epoch: later, so that tests see epochs run out */

static void ids_limit(long n);

void clock_init(void)
{
    first_epoch = (u32)det_option_num("debug_epoch", 1);
    ids_limit(det_option_num("debug_ids", ID_MAX));
    slab_init(&clock_nodes, "clock nodes", sizeof(struct clock_node), 1u << 27);
}

static u32 node_new(void)
{
    u32 i = slab_alloc(&clock_nodes);
    struct clock_node *n = node(i);
    n->version++;
    n->covers = 0;
    n->refs = 1;
    return i;
}

static u32 node_share(u32 i)
{
    if (i)
        __atomic_fetch_add(&node(i)->refs, 1, __ATOMIC_RELAXED);
    return i;
}

static void node_drop(u32 i, int level)
{
    if (i == 0)
        return;
    struct clock_node *n = node(i);
    /* The last owner needs no locked instruction. */
    if (__atomic_load_n(&n->refs, __ATOMIC_ACQUIRE) != 1 &&
        __atomic_fetch_sub(&n->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    if (level > 0)
        for (int k = 0; k < CLOCK_FAN; k++)
            node_drop(n->e[k], level - 1);
    if (n->version < VERSION_MAX) /* one whose versions are used up rests for ever */
        slab_free(&clock_nodes, i);
}

/* May the caller, who has a reference, change the node where it is? */
static bool node_single(u32 i)
{
    const struct clock_node *n = node(i);
    return __atomic_load_n(&n->refs, __ATOMIC_ACQUIRE) == 1 && n->version < VERSION_MAX;
}

static u64 node_name(u32 i)
{
    return (u64)node(i)->version << 32 | i;
}

/* a, which may be shared, holds all that b does. */
static void node_covers(u32 a, u32 b)
{
    if (a != b)
        __atomic_store_n(&node(a)->covers, node_name(b), __ATOMIC_RELAXED);
}

static bool node_known_to_cover(u32 a, u32 b)
{
    return __atomic_load_n(&node(a)->covers, __ATOMIC_RELAXED) == node_name(b);
}

/* A node that the caller alone owns and is about to change, with the same contents; takes the
   caller's reference. */
static u32 node_own(u32 i, int level)
{
    if (i && node_single(i)) {
        node(i)->version++;
        return i;
    }
    u32 c = node_new();
    struct clock_node *to = node(c);
    if (i == 0) {
        det_zero(to->e, sizeof to->e);
        return c;
    }
    const struct clock_node *from = node(i);
    to->covers = __atomic_load_n(&from->covers, __ATOMIC_RELAXED);
    for (int k = 0; k < CLOCK_FAN; k++) {
        to->e[k] = from->e[k];
        if (level > 0)
            node_share(to->e[k]);
    }
    node_drop(i, level);
    return c;
}

static u32 tree_get(u32 n, int level, u32 id)
{
    if (level < 5 && id >> (CLOCK_BITS * (level + 1)))
        return 0;
    while (n && level > 0) {
        n = node(n)->e[(id >> (CLOCK_BITS * level)) % CLOCK_FAN];
        level--;
    }
    return n ? node(n)->e[id % CLOCK_FAN] : 0;
}

u32 clock_lookup(const struct clock *c, u32 id)
{
    u32 e = tree_get(c->root, c->level, id);
    for (int i = 0; i < c->n; i++)
        if (extra_id(c->extra[i]) == id && extra_epoch(c->extra[i]) > e)
            e = extra_epoch(c->extra[i]);
    return e;
}

/* Takes the reference to n, gives one to the result. */
static u32 tree_set(u32 n, int level, u32 id, u32 epoch)
{
    n = node_own(n, level);
    u32 *slot = &node(n)->e[(id >> (CLOCK_BITS * level)) % CLOCK_FAN];
    if (level > 0)
        *slot = tree_set(*slot, level - 1, id, epoch);
    else if (*slot < epoch)
        *slot = epoch;
    return n;
}

static void tree_raise(u32 *root, uint8_t *level)
{
    if (*root) {
        u32 up = node_new();
        det_zero(node(up)->e, sizeof node(up)->e);
        node(up)->e[0] = *root;
        *root = up;
    }
    ++*level;
}

static void clock_tree_set(struct clock *c, u32 id, u32 epoch)
{
    if (tree_get(c->root, c->level, id) >= epoch)
        return;
    while (id >> (CLOCK_BITS * (c->level + 1)))
        tree_raise(&c->root, &c->level);
    c->root = tree_set(c->root, c->level, id, epoch);
}

void clock_flush(struct clock *c)
{
    for (int i = 0; i < c->n; i++)
        clock_tree_set(c, extra_id(c->extra[i]), extra_epoch(c->extra[i]));
    c->n = 0;
}

void clock_set(struct clock *c, u32 id, u32 epoch)
{
    for (int i = 0; i < c->n; i++)
        if (extra_id(c->extra[i]) == id) {
            if (extra_epoch(c->extra[i]) < epoch)
                c->extra[i] = extra_of(id, epoch);
            return;
        }
    if (unlikely(c->n == CLOCK_EXTRAS))
        clock_flush(c);
    c->extra[c->n++] = extra_of(id, epoch);
}

void clock_copy(struct clock *to, const struct clock *from)
{
    clock_put(to, from);
    node_share(to->root);
}

void clock_drop(struct clock *c)
{
    node_drop(c->root, c->level);
    *c = (struct clock){0};
}

/* --- joins ----------------------------------------------------------------------------------------- */

/* a = max(a, b) over a leaf; says whether a changed. Epochs stay below 2^31, so that a signed
   comparison, which SSE2 has, will do. */
bool leaf_join_scalar(u32 *a, const u32 *b)
{
    bool changed = false;
    for (int k = 0; k < CLOCK_FAN; k++)
        if (b[k] > a[k]) {
            a[k] = b[k];
            changed = true;
        }
    return changed;
}

typedef int v4 __attribute__((vector_size(16)));

bool leaf_join_fast(u32 *a, const u32 *b)
{
    v4 *x = (v4 *)a;
    const v4 *y = (const v4 *)b;
    v4 any = {0};
    for (int k = 0; k < CLOCK_FAN / 4; k++) {
        v4 more = y[k] > x[k];
        any |= more;
        x[k] = (y[k] & more) | (x[k] & ~more);
    }
    return (any[0] | any[1] | any[2] | any[3]) != 0;
}

/* Bit 0: some entry of b exceeds a's; bit 1: some of a's exceeds b's. */
static int leaf_compare(const u32 *a, const u32 *b)
{
    const v4 *x = (const v4 *)a, *y = (const v4 *)b;
    v4 more = {0}, less = {0};
    for (int k = 0; k < CLOCK_FAN / 4; k++) {
        more |= y[k] > x[k];
        less |= x[k] > y[k];
    }
    return ((more[0] | more[1] | more[2] | more[3]) ? 1 : 0) |
           ((less[0] | less[1] | less[2] | less[3]) ? 2 : 0);
}

/* The join of two subtrees of one level. `mine`: the caller gives its reference to a away, and a may
   be changed in place if nobody else has one. The result is a reference for the caller. */
static u32 tree_join(u32 a, u32 b, int level, bool mine);

static u32 leaves_join(u32 a, u32 b, bool mine)
{
    int c = leaf_compare(node(a)->e, node(b)->e);
    if (!(c & 1)) {
        node_covers(a, b);
        return mine ? a : node_share(a);
    }
    if (!(c & 2)) {
        node_covers(b, a);
        if (mine)
            node_drop(a, 0);
        return node_share(b);
    }
    a = node_own(mine ? a : node_share(a), 0);
    leaf_join_fast(node(a)->e, node(b)->e);
    node_covers(a, b);
    return a;
}

/* a is the caller's alone. */
static u32 tree_join_here(u32 a, u32 b, int level)
{
    struct clock_node *x = node(a);
    bool same = true;
    x->version++;
    for (int k = 0; k < CLOCK_FAN; k++) {
        u32 y = node(b)->e[k];
        if (x->e[k] != y)
            x->e[k] = tree_join(x->e[k], y, level - 1, true);
        same = same && x->e[k] == y;
    }
    if (!same) {
        node_covers(a, b);
        return a;
    }
    node_drop(a, level);
    return node_share(b);
}

static u32 tree_join_apart(u32 a, u32 b, int level)
{
    u32 r[CLOCK_FAN];
    bool is_a = true, is_b = true;
    for (int k = 0; k < CLOCK_FAN; k++) {
        u32 x = node(a)->e[k], y = node(b)->e[k];
        r[k] = tree_join(x, y, level - 1, false);
        is_a = is_a && r[k] == x;
        is_b = is_b && r[k] == y;
    }
    if (is_a || is_b) {
        for (int k = 0; k < CLOCK_FAN; k++)
            node_drop(r[k], level - 1);
        u32 result = is_a ? a : b;
        node_covers(result, is_a ? b : a);
        return node_share(result);
    }
    u32 result = node_new();
    det_copy(node(result)->e, r, sizeof r);
    node_covers(result, b);
    return result;
}

static u32 tree_join(u32 a, u32 b, int level, bool mine)
{
    u32 result;
    if (a == b || b == 0)
        return mine ? a : node_share(a);
    if (a == 0)
        return node_share(b);
    if (node_known_to_cover(a, b))
        return mine ? a : node_share(a);
    if (node_known_to_cover(b, a))
        result = node_share(b);
    else if (level == 0)
        return leaves_join(a, b, mine);
    else if (mine && node_single(a))
        return tree_join_here(a, b, level);
    else
        result = tree_join_apart(a, b, level);
    if (mine)
        node_drop(a, level);
    return result;
}

void clock_join(struct clock *a, const struct clock *b)
{
    if (b->root && b->root != a->root) {
        u32 root = b->root;
        uint8_t level = b->level;
        bool raised = false;
        while (a->level < level)
            tree_raise(&a->root, &a->level);
        if (level < a->level) {
            node_share(root);
            raised = true;
            while (level < a->level)
                tree_raise(&root, &level);
        }
        a->root = tree_join(a->root, root, a->level, true);
        if (raised)
            node_drop(root, level);
    }
    for (int i = 0; i < b->n; i++) {
        u32 id = extra_id(b->extra[i]), epoch = extra_epoch(b->extra[i]);
        if (clock_lookup(a, id) < epoch)
            clock_set(a, id, epoch);
    }
}

/* --- what goroutines do with them ------------------------------------------------------------------ */

/* In place of what was there. */
static inline void clock_assign(struct clock *to, const struct clock *from)
{
    if (to->root != from->root) {
        node_drop(to->root, to->level);
        node_share(from->root);
    }
    clock_put(to, from);
}

static inline bool published_knows(const struct published *p, u32 id, u32 epoch)
{
    return id != 0 && id_whole(id, epoch) &&
           ((p->id == id && p->epoch >= epoch) || clock_lookup(&p->know, id) >= epoch);
}

static inline bool g_holds_base(const struct race_g *g, const struct published *p)
{
    return p->base_id == 0 ||
           (g_knows(g, p->base_id, p->base_epoch) && id_whole(p->base_id, p->base_epoch));
}

static inline void g_based_on(struct race_g *g, u32 id, u32 epoch)
{
    g->base_id = id;
    g->base_epoch = epoch;
}

void g_learn(struct race_g *g, const struct published *p)
{
    if (p->id) {
        if (g_holds(g, p))
            return;
        if (published_knows(p, g->base_id, g->base_epoch)) {
            clock_assign(&g->know, &p->know);
            g_based_on(g, p->id, p->epoch);
        } else {
            if (!g_holds_base(g, p))
                clock_join(&g->know, &p->know);
            g_based_on(g, g->id, g->epoch);
        }
        clock_set(&g->know, p->id, p->epoch);
        return;
    }
    if (p->know.root == 0 && p->know.n == 0)
        return;
    if (published_knows(p, g->base_id, g->base_epoch))
        clock_assign(&g->know, &p->know);
    else
        clock_join(&g->know, &p->know);
    g_based_on(g, g->id, g->epoch);
}

void g_publish(const struct race_g *g, struct published *p)
{
    published_set(p, g->id, g->epoch);
    p->base_id = g->base_id;
    p->base_epoch = g->base_epoch;
    clock_assign(&p->know, &g->know);
}

void g_publish_merge(const struct race_g *g, struct published *p)
{
    bool empty = p->id == 0 && p->know.root == 0 && p->know.n == 0;
    if (empty || g_holds(g, p)) {
        g_publish(g, p);
        return;
    }
    if (p->id) {
        clock_set(&p->know, p->id, p->epoch);
        published_set(p, 0, 0);
    }
    if (!published_knows(p, g->base_id, g->base_epoch))
        clock_join(&p->know, &g->know);
    clock_set(&p->know, g->id, g->epoch);
}

void published_drop(struct published *p)
{
    clock_drop(&p->know);
    published_set(p, 0, 0);
}

void published_copy(struct published *to, const struct published *from)
{
    published_drop(to);
    published_set(to, from->id, from->epoch);
    to->base_id = from->base_id;
    to->base_epoch = from->base_epoch;
    clock_copy(&to->know, &from->know);
}

bool clock_renamed;

static void id_end(u32 id, u32 last);

/* Out of epochs: the goroutine goes on under a fresh id, knowing its old self. */
void g_rename(struct race_g *g)
{
    u32 old = g->id, last = g->epoch;
    id_end(old, last); /* nobody gets it, its epochs are used up */
    id_give(g, NULL);
    life_renamed(g);
    clock_renamed = true;
    clock_set(&g->know, old, last);
    g_based_on(g, g->id, g->epoch);
    g->set_known = g->set_mine = g->set_atomic = 0;
    if (g == det_cur && det_self)
        det_set_self(g->self);
}

void g_advance(struct race_g *g)
{
    g_advance_quick(g);
}

/* --- ids ------------------------------------------------------------------------------------------- */

/* Ids of the dead with their last epochs, oldest first. A spawner looks at a few: the oldest are the
   likeliest to be known to it. */
static struct {
    u32 lock;
    u32 fresh; /* the next never used */
    u32 limit; /* debug_ids: less, so that tests see them run out */
    u32 head, tail, cap;
    struct dead_id {
        u32 id, epoch;
    } *ring;
} ids = {.fresh = 1};
u32 *ids_taken;

static void ids_limit(long n)
{
    ids.limit = (u32)n;
}

#define ID_TRIES 4

static bool id_reuse(struct race_g *child, const struct race_g *spawner)
{
    for (u32 k = 0; k < ID_TRIES && ids.tail - ids.head > k; k++) {
        struct dead_id *d = &ids.ring[(ids.head + k) & (ids.cap - 1)];
        if (!g_knows(spawner, d->id, d->epoch) || d->epoch >= EPOCH_MAX)
            continue;
        child->id = d->id;
        child->epoch = d->epoch + 1;
        *d = ids.ring[ids.head & (ids.cap - 1)];
        ids.head++;
        return true;
    }
    if (ids.tail != ids.head && ids.tail - ids.head > ID_TRIES) {
        /* Do not let a few unknown ones at the head hide the rest: rotate. */
        struct dead_id d = ids.ring[ids.head & (ids.cap - 1)];
        ids.head++;
        ids.ring[ids.tail & (ids.cap - 1)] = d;
        ids.tail++;
    }
    return false;
}

/* The id of the one that ended first, known or not. */
static bool id_take(struct race_g *child)
{
    while (ids.head != ids.tail) {
        struct dead_id d = ids.ring[ids.head++ & (ids.cap - 1)];
        if (d.epoch >= EPOCH_MAX)
            continue;
        if (!ids_taken)
            __atomic_store_n(&ids_taken, det_map(((size_t)ID_MAX + 1) * sizeof *ids_taken),
                             __ATOMIC_RELEASE);
        __atomic_store_n(&ids_taken[d.id], d.epoch, __ATOMIC_RELEASE);
        child->id = d.id;
        child->epoch = d.epoch + 1;
        return true;
    }
    return false;
}

void id_give(struct race_g *child, const struct race_g *spawner)
{
    bool first = false;
    det_lock(&ids.lock);
    if (!spawner || !id_reuse(child, spawner)) {
        bool none = !ids_taken;
        if (ids.fresh < ids.limit || !id_take(child)) {
            if (ids.fresh == ID_MAX) {
                det_unlock(&ids.lock);
                det_die("more than %u goroutines at once: no identity is left", ID_MAX);
            }
            child->id = ids.fresh++;
            child->epoch = first_epoch;
        }
        first = none && ids_taken;
    }
    det_unlock(&ids.lock);
    if (unlikely(first))
        det_notice("%u goroutines have ended that nobody waited for, and their identities are used "
                   "again: a race with what the first of them did may go unseen",
                   ids.limit - 1);
    child->self = word_of(child->id, child->epoch);
}

static void id_end(u32 id, u32 last)
{
    det_lock(&ids.lock);
    if (ids.tail - ids.head == ids.cap) {
        u32 cap = ids.cap ? 2 * ids.cap : 256;
        struct dead_id *ring = det_alloc(cap * sizeof *ring);
        for (u32 i = ids.head; i != ids.tail; i++)
            ring[i & (cap - 1)] = ids.ring[i & (ids.cap - 1)];
        if (ids.ring)
            det_release(ids.ring, ids.cap * sizeof *ring);
        ids.ring = ring;
        ids.cap = cap;
    }
    ids.ring[ids.tail++ & (ids.cap - 1)] = (struct dead_id){id, last};
    det_unlock(&ids.lock);
}

void id_return(struct race_g *g)
{
    /* An epoch in which nothing was recorded is as good as never begun. */
    id_end(g->id, g->ev_epoch == g->epoch || g->epoch == 1 ? g->epoch : g->epoch - 1);
}

void g_learn_ended(struct race_g *g)
{
    det_lock(&ids.lock);
    for (u32 i = ids.head; i != ids.tail; i++) {
        const struct dead_id *d = &ids.ring[i & (ids.cap - 1)];
        if (!g_knows(g, d->id, d->epoch))
            clock_set(&g->know, d->id, d->epoch);
    }
    det_unlock(&ids.lock);
    g_based_on(g, g->id, g->epoch);
}
