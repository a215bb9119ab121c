/* Data structures as programs have them. race_pairs.c says what a pair is. */
#include "race_pairs.h"

static goc_mutex mu;
static void lock_if_fixed(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
}
static void unlock_if_fixed(void)
{
    if (fixed)
        goc_mutex_unlock(&mu);
}

/* --- slices, strings, maps, interfaces
 * ---------------------------------------------------------------------- */

struct slice {
    int *data;
    size_t len, cap;
};
static void grow(struct slice *s, int v)
{
    if (s->len == s->cap) {
        int *data = calloc(s->cap * 2, sizeof *data);
        for (size_t i = 0; i < s->len; i++)
            data[i] = s->data[i];
        s->data = data;
        s->cap *= 2;
    }
    s->data[s->len++] = v;
}

static struct slice shared_slice;
static void append_one(int v)
{
    lock_if_fixed();
    grow(&shared_slice, v);
    unlock_if_fixed();
    turn_end();
}
static void append(void)
{
    shared_slice = (struct slice){calloc(4, sizeof(int)), 0, 4};
    go(append_one, 1);
    turn_wait(1);
    go(append_one, 2);
    others_ended();
}

/* Two slices of one array: appending to both writes one element, unless there is no room in it. */
static void append_own(struct slice *s)
{
    grow(s, 1);
    turn_end();
}
static void append_aliased(void)
{
    struct slice s = {calloc(4, sizeof(int)), fixed ? 4 : 3, 4}, two[2] = {s, s};
    go(append_own, &two[0]);
    turn_wait(1);
    go(append_own, &two[1]);
    others_ended();
}

static struct {
    const char *at;
    size_t len;
} name = {"one", 3};
static void string_header_first(void)
{
    lock_if_fixed();
    name.at = "fifteen";
    name.len = 7;
    unlock_if_fixed();
}
static void string_header_second(void)
{
    lock_if_fixed();
    if (name.len)
        USE(name.at[name.len - 1]);
    unlock_if_fixed();
}

static struct {
    unsigned keys[16];
    int values[16], count;
} map;
static void put(unsigned key, int value)
{
    unsigned i = key % 16;
    while (map.keys[i] && map.keys[i] != key)
        i = (i + 1) % 16;
    map.count += !map.keys[i];
    map.keys[i] = key;
    map.values[i] = value;
}
static void map_other_keys_first(void) /* other keys, the same count */
{
    lock_if_fixed();
    put(3, 1);
    unlock_if_fixed();
}
static void map_other_keys_second(void)
{
    lock_if_fixed();
    put(4, 1);
    unlock_if_fixed();
}
static void map_lookup_first(void)
{
    lock_if_fixed();
    put(3, 2);
    unlock_if_fixed();
}
static void map_lookup_second(void) /* looks past a key that is not there */
{
    lock_if_fixed();
    unsigned i = 3;
    while (map.keys[i])
        i++;
    USE(i);
    unlock_if_fixed();
}

/* A tagged pointer, read in two words; the twin publishes one pointer to an immutable pair. */
struct shape {
    const struct kind {
        int (*area)(const struct shape *);
    } * kind;
    int size;
};
static int area_of_square(const struct shape *s)
{
    return s->size * s->size;
}
static const struct kind square = {area_of_square};
static struct shape shape = {&square, 1}, *_Atomic shape_now = &shape;
static void interface_first(void)
{
    if (fixed) {
        struct shape *s = malloc(sizeof *s);
        *s = (struct shape){&square, 2};
        atomic_store_explicit(&shape_now, s, memory_order_release);
    } else {
        shape = (struct shape){&square, 2};
    }
}
static void interface_second(void)
{
    struct shape *s = fixed ? atomic_load_explicit(&shape_now, memory_order_acquire) : &shape;
    USE(s->kind->area(s));
}

static int twice(int x)
{
    return 2 * x;
}
static int (*operation)(int) = twice;
static void function_pointer_first(void)
{
    lock_if_fixed();
    operation = twice;
    unlock_if_fixed();
}
static void function_pointer_second(void)
{
    lock_if_fixed();
    int (*now)(int) = operation;
    unlock_if_fixed();
    USE(now(1));
}

/* --- closures
 * -----------------------------------------------------------------------------------------------
 */

struct closure {
    int *by_reference, by_value;
};
static void body(void *arg)
{
    struct closure *c = arg;
    USE(fixed ? c->by_value : *c->by_reference);
    turn_end();
}
static void closure(void) /* a variable that goes on changing after the closure was made */
{
    int i = 0;
    struct closure c = {&i, i};
    goc_go(body, &c);
    turn_wait(1);
    i++;
    USE(i);
    others_ended();
}

static void result_of(int *slot, int v)
{
    *slot = v;
    turn_end();
}
static void result_slots(void) /* workers that answer into one slot, or into one each */
{
    int slots[2] = {0};
    go(result_of, &slots[0], 1);
    turn_wait(1);
    go(result_of, &slots[fixed], 2);
    others_ended();
}

static int before_go;
static void reads_before_go(void)
{
    USE(before_go);
    turn_end();
}
static void written_after_go(void)
{
    if (fixed)
        before_go = 1;
    go(reads_before_go);
    turn_wait(1);
    if (!fixed)
        before_go = 1;
    others_ended();
}

/* --- lists, queues, counts
 * ------------------------------------------------------------------------------------ */

static struct link {
    struct link *next;
    int value;
} * head;
static void list_push_first(void)
{
    struct link *l = malloc(sizeof *l);
    lock_if_fixed();
    *l = (struct link){head, 1};
    head = l;
    unlock_if_fixed();
}

static struct {
    int item[8];
    unsigned in, out;
    atomic_uint in_now, out_now;
} ring;
static void ring_first(void)
{
    unsigned in = fixed ? atomic_load_explicit(&ring.in_now, memory_order_relaxed) : ring.in;
    ring.item[in % 8] = 5;
    if (fixed)
        atomic_store_explicit(&ring.in_now, in + 1, memory_order_release);
    else
        ring.in = in + 1;
}
static void ring_second(void)
{
    unsigned in = fixed ? atomic_load_explicit(&ring.in_now, memory_order_acquire) : ring.in;
    if (in == ring.out)
        return;
    USE(ring.item[ring.out++ % 8]);
}

static struct counted {
    int plain;
    atomic_int refs;
    int body;
} * counted;
static void put_back(struct counted *c) /* the twin's last one frees after an acquire */
{
    USE(c->body);
    int left =
        fixed ? atomic_fetch_sub_explicit(&c->refs, 1, memory_order_release) - 1 : --c->plain;
    if (left == 0) {
        atomic_thread_fence(memory_order_acquire);
        free(c);
    }
    turn_end();
}
static void reference_count(void)
{
    counted = malloc(sizeof *counted);
    *counted = (struct counted){2, 2, 3};
    go(put_back, counted);
    turn_wait(1);
    go(put_back, counted);
    others_ended();
}
static void put_back_relaxed(
    struct counted *c) /* ... and without the orders, free races with the other's read */
{
    USE(c->body);
    if (atomic_fetch_sub_explicit(&c->refs, 1,
                                  fixed ? memory_order_acq_rel : memory_order_relaxed) == 1)
        free(c);
    turn_end();
}
static void reference_count_relaxed(void)
{
    counted = malloc(sizeof *counted);
    *counted = (struct counted){2, 2, 3};
    go(put_back_relaxed, counted);
    turn_wait(1);
    go(put_back_relaxed, counted);
    others_ended();
}

static struct shape *_Atomic instance;
static struct shape *plain_instance;
static void make_instance(void)
{
    struct shape *s =
        fixed ? atomic_load_explicit(&instance, memory_order_acquire) : plain_instance;
    if (!s) {
        goc_mutex_lock(&mu);
        s = fixed ? atomic_load_explicit(&instance, memory_order_relaxed) : plain_instance;
        if (!s) {
            s = malloc(sizeof *s);
            *s = shape;
            if (fixed)
                atomic_store_explicit(&instance, s, memory_order_release);
            else
                plain_instance = s;
        }
        goc_mutex_unlock(&mu);
    }
    USE(s->size);
    turn_end();
}
static void double_checked(void)
{
    go(make_instance);
    turn_wait(1);
    go(make_instance);
    others_ended();
}

/* A sequence lock: the copy that is thrown away is read with relaxed loads in the twin only. */
static atomic_uint sequence;
static int guarded;
static _Atomic int guarded_now;
static void seqlock_first(void)
{
    unsigned s = atomic_load_explicit(&sequence, memory_order_relaxed);
    atomic_store_explicit(&sequence, s + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    if (fixed)
        atomic_store_explicit(&guarded_now, 1, memory_order_relaxed);
    else
        guarded = 1;
    atomic_store_explicit(&sequence, s + 2, memory_order_release);
}
static void seqlock_second(void)
{
    for (;;) {
        unsigned s = atomic_load_explicit(&sequence, memory_order_relaxed);
        if (fixed)
            USE(atomic_load_explicit(&guarded_now, memory_order_relaxed));
        else
            USE(guarded);
        atomic_thread_fence(memory_order_acquire);
        if (s % 2 == 0 && s == atomic_load_explicit(&sequence, memory_order_relaxed))
            break;
    }
}

/* --- panics and defers
 * ---------------------------------------------------------------------------------------- */

static int balance;
static void unlock_deferred(void *arg)
{
    goc_mutex_unlock(arg);
}
static void withdraw(void *arg)
{
    if (fixed) {
        goc_mutex_lock(&mu);
        goc_defer(unlock_deferred, &mu);
        balance--;
        goc_panic("no more");
    }
    balance--;
    goc_panic("no more");
}
static void recover(void)
{
    goc_pcall(withdraw, NULL);
    turn_end();
}
static void recovered_panic(void) /* the lock that a deferred call gives back orders as any other */
{
    go(recover);
    turn_wait(1);
    go(recover);
    others_ended();
}

static void deposit_deferred(void *arg)
{
    balance++;
}
static void done_deferred(void *arg)
{
    if (arg)
        goc_waitgroup_done(arg);
}
static void ends(goc_waitgroup *wg) /* what is deferred last runs first */
{
    goc_defer(done_deferred, fixed ? wg : NULL);
    goc_defer(deposit_deferred, NULL);
    goc_goexit();
}
static void exit_runs_defers(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, fixed);
    go(ends, &wg);
    others_ended();
    goc_waitgroup_wait(&wg);
    USE(balance);
}

#define list_push_second list_push_first
const struct pair program_pairs[] = {
    PAIR(append),
    PAIR(append_aliased),
    HALVES(string_header),
    HALVES(map_other_keys),
    HALVES(map_lookup),
    HALVES(interface),
    HALVES(function_pointer),
    PAIR(closure),
    PAIR(result_slots),
    PAIR(written_after_go),
    HALVES(list_push),
    HALVES(ring),
    PAIR(reference_count),
    PAIR(reference_count_relaxed),
    PAIR(double_checked),
    HALVES(seqlock),
    PAIR(recovered_panic),
    PAIR(exit_runs_defers),
    {0},
};
