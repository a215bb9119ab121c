/*
 * order.c - what the program itself puts in order, locks left out.
 *
 * A deadlock foreseen is only one if the two halves could meet. The happens-before relation of the race
 * detector cannot say: when the halves did not meet, the unlock of the first and the lock of the
 * second have ordered them, and every potential deadlock would look impossible. What keeps them apart
 * for good is the rest: the go statement, channels, WaitGroups, condition variables, joins. So lock
 * order has clocks of its own, moved by the same hooks, for every object but locks.
 *
 * Rejected: running each clock of the race detector twice (every synchronisation twice as dear,
 * for programs that never nest a lock too); a count of "phases" at go and join alone (channels order as
 * surely); asking the history afterwards (it forgets).
 *
 * Chosen: the only events that ever need ordering are nested acquisitions, so only goroutines
 * that made one, the *actors*, have a component here, and a clock is a `struct clock` over actors. As
 * long as no program thread has taken a lock inside another, order_active is false and a
 * hook costs one predicted branch; a goroutine that never heard of an actor has no clock, and its
 * channels carry none.
 *
 * Actors are numbered by slab index, and the index is reused when the goroutine has ended and no event of
 * it is remembered any more: epochs go on from the last one, so what old clocks say of the former
 * owner says nothing of the new one's later epochs. The tables are therefore as large as what
 * lock order remembers, however many goroutines come and go.
 *
 * An actor's epoch grows only when it makes an event after having published the last one: two events
 * in one epoch cannot be told apart by anybody else. That number is also what lets a goroutine see
 * without any look-up that an acquisition it repeats has nothing new to say (lockorder.c).
 *
 * Objects. The clock that an object carries is found through the same linear map as the locks (held.h);
 * a word is either part of a lock, and then orders nothing here, or an object of ours, or neither. Two
 * locks do order: a Once, because its function has returned for everybody who comes by, and one that is
 * passed on between goroutines, which is a signal.
 */
#include "order.h"
#include "held.h"
#include "record.h"

bool order_active;

/* What one goroutine knows, and who it is. */
struct order_g {
    u32 link; /* of the slab */
    u32 actor;
    u32 epoch;
    bool published; /* since the last event */
    struct clock know;
};

struct order_obj {
    u32 link; /* of the slab */
    u32 guard;
    struct clock know;
};

static struct slab actors, goroutines, objects;

static struct order_g *og(u32 i)
{
    return slab_at(&goroutines, i);
}

struct order_actor *order_actor(u32 i)
{
    return slab_at(&actors, i);
}

static void actor_drop(u32 i)
{
    struct order_actor *a = order_actor(i);
    if (__atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) == 0)
        slab_free(&actors, i);
}

static void activate(void)
{
    static u32 lock;
    det_lock(&lock);
    if (!order_active) {
        facts_init();
        slab_init(&actors, "lock order: actors", sizeof(struct order_actor), 1u << 25);
        slab_init(&goroutines, "lock order: goroutines", sizeof(struct order_g), 1u << 25);
        slab_init(&objects, "lock order: objects", sizeof(struct order_obj), 1u << 27);
        __atomic_store_n(&order_active, true, __ATOMIC_RELEASE);
    }
    det_unlock(&lock);
}

static struct order_g *own(struct race_g *g)
{
    if (g->order == 0) {
        u32 i = slab_alloc(&goroutines);
        det_zero(og(i), sizeof(struct order_g));
        g->order = i;
    }
    return og(g->order);
}

/* --- events ---------------------------------------------------------------------------------------- */

u32 order_now(const struct race_g *g)
{
    if (g->order == 0)
        return 0;
    const struct order_g *o = og(g->order);
    return o->actor == 0 ? 0 : o->epoch + o->published;
}

void order_stamp(struct race_g *g, struct order_stamp *s)
{
    if (unlikely(!order_active))
        activate();
    struct order_g *o = own(g);
    if (o->actor == 0) {
        o->actor = slab_alloc(&actors);
        struct order_actor *a = order_actor(o->actor);
        a->refs = 1;
        a->goid = g->goid;
        a->flags = det_g_flags(g);
        a->created = det_g_created(g);
        o->epoch = a->epoch + 1;
        a->epoch = o->epoch;
        clock_set(&o->know, o->actor, o->epoch);
        o->published = false;
    } else if (o->published) {
        o->epoch++;
        order_actor(o->actor)->epoch = o->epoch;
        clock_set(&o->know, o->actor, o->epoch);
        o->published = false;
    }
    __atomic_fetch_add(&order_actor(o->actor)->refs, 1, __ATOMIC_RELAXED);
    s->actor = o->actor;
    s->epoch = o->epoch;
    clock_copy(&s->know, &o->know);
}

void order_stamp_drop(struct order_stamp *s)
{
    clock_drop(&s->know);
    actor_drop(s->actor);
    s->actor = 0;
}

/* --- what hooks tell ------------------------------------------------------------------------------- */

static bool knows_nothing(const struct clock *c)
{
    return c->root == 0 && c->n == 0;
}

static bool lock_orders(const struct lock_rec *r)
{
    return r->kind == HOOK_OBJ_ONCE || (r->kind == HOOK_OBJ_CHAN ? !r->used_as_lock : r->passed_on);
}

/* The object whose word of the map is v; 0: none, or a lock. */
static u32 obj_index(u32 v)
{
    if (v & FACT_ORDER)
        return v & ~FACT_ORDER;
    return v && lock_orders(lock_at(v)) ? __atomic_load_n(&lock_at(v)->order, __ATOMIC_ACQUIRE) : 0;
}

/* What is known at obj; the caller's to drop. */
static struct clock obj_know(uintptr_t obj)
{
    struct clock c = {0};
    u32 i = obj_index(__atomic_load_n(fact_meta(obj), __ATOMIC_ACQUIRE));
    if (i == 0)
        return c;
    struct order_obj *o = slab_at(&objects, i);
    det_lock(&o->guard);
    if (obj_index(*fact_meta(obj)) == i)
        clock_copy(&c, &o->know);
    det_unlock(&o->guard);
    return c;
}

void order_acquire_slow(struct race_g *g, uintptr_t obj)
{
    if (!det_app(obj))
        return;
    struct clock c = obj_know(obj);
    if (!knows_nothing(&c)) {
        clock_join(&own(g)->know, &c);
        clock_drop(&c);
    }
}

static struct order_obj *obj_get(uintptr_t obj, bool make)
{
    u32 *meta = fact_meta(obj);
    for (;;) {
        u32 v = __atomic_load_n(meta, __ATOMIC_ACQUIRE), i = obj_index(v), old = 0;
        if (i)
            return slab_at(&objects, i);
        bool lock = v != 0;
        if (!make || (lock && !lock_orders(lock_at(v))))
            return NULL;
        i = slab_alloc(&objects);
        struct order_obj *o = slab_at(&objects, i);
        det_zero(o, sizeof *o);
        if (__atomic_compare_exchange_n(lock ? &lock_at(v)->order : meta, &old,
                                        lock ? i : i | FACT_ORDER, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            if (!lock)
                __atomic_fetch_add(fact_page(obj), 1, __ATOMIC_RELAXED);
            return o;
        }
        slab_free(&objects, i);
    }
}

void order_release_slow(struct race_g *g, uintptr_t obj, bool merge)
{
    if (!det_app(obj))
        return;
    struct order_g *mine = g->order ? og(g->order) : NULL;
    bool nothing = !mine || knows_nothing(&mine->know);
    if (nothing && merge)
        return;
    struct order_obj *o = obj_get(obj, !nothing);
    if (!o)
        return;
    struct clock old = {0};
    det_lock(&o->guard);
    if (merge) {
        clock_join(&o->know, &mine->know);
    } else {
        old = o->know;
        if (nothing)
            det_zero(&o->know, sizeof o->know);
        else
            clock_copy(&o->know, &mine->know);
    }
    det_unlock(&o->guard);
    clock_drop(&old);
    if (mine)
        mine->published = true;
}

void order_hand_on(uintptr_t from, uintptr_t to)
{
    if (!order_active || !det_app(from) || !det_app(to))
        return;
    struct clock c = obj_know(from);
    struct order_obj *o = obj_get(to, !knows_nothing(&c));
    if (o) {
        det_lock(&o->guard);
        struct clock old = o->know;
        o->know = c;
        c = old;
        det_unlock(&o->guard);
    }
    clock_drop(&c);
}

void order_pass_slow(struct race_g *from, struct race_g *to)
{
    if (from->order == 0 || from == to)
        return;
    struct order_g *f = og(from->order);
    if (knows_nothing(&f->know))
        return;
    clock_join(&own(to)->know, &f->know);
    f->published = true;
}

/* --- ends ------------------------------------------------------------------------------------------ */

void order_obj_drop(u32 i)
{
    struct order_obj *o = slab_at(&objects, i);
    det_lock(&o->guard);
    struct clock c = o->know;
    det_zero(&o->know, sizeof o->know);
    det_unlock(&o->guard);
    clock_drop(&c);
    slab_free(&objects, i);
}

void order_end(struct race_g *g)
{
    if (g->order == 0)
        return;
    struct order_g *o = og(g->order);
    clock_drop(&o->know);
    det_zero(&o->know, sizeof o->know);
    if (o->actor) {
        order_actor(o->actor)->flags |= PART_FINISHED;
        actor_drop(o->actor);
        o->actor = 0;
    }
    slab_free(&goroutines, g->order);
    g->order = 0;
}
