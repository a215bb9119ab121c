/* Atomics by their orders, freed blocks, descriptors, and threads that the runtime did not start.
   race_pairs.c says what a pair is. */
#include "race_pairs.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/socket.h>

static int data;
static atomic_int flag;
static const memory_order relaxed = memory_order_relaxed, acquire = memory_order_acquire,
                          release = memory_order_release;

/* --- atomics: first publishes, second takes
 * ------------------------------------------------------------------------ */

static void stores(void)
{
    data = 1;
    if (fixed)
        atomic_store_explicit(&flag, 1, release);
    else
        atomic_store_explicit(&flag, 1, relaxed);
}
static void loads(void)
{
    if (atomic_load_explicit(&flag, acquire))
        USE(data);
}
static void store_relaxed(void)
{
    in_turn(stores, loads);
}

static void stores_released(void)
{
    data = 1;
    atomic_store_explicit(&flag, 1, release);
}
static void loads_relaxed(void)
{
    int seen = fixed ? atomic_load_explicit(&flag, acquire) : atomic_load_explicit(&flag, relaxed);
    if (seen)
        USE(data);
}
static void load_relaxed(void)
{
    in_turn(stores_released, loads_relaxed);
}

static void fenced_store(void)
{
    data = 1;
    if (fixed)
        atomic_thread_fence(release);
    atomic_store_explicit(&flag, 1, relaxed);
}
static void fenced_load(void)
{
    int seen = atomic_load_explicit(&flag, relaxed);
    atomic_thread_fence(acquire);
    if (seen)
        USE(data);
}
static void fences(void)
{
    in_turn(fenced_store, fenced_load);
}
static void fence_too_early(void) /* a fence before the load that sees the flag takes nothing */
{
    if (!fixed)
        atomic_thread_fence(acquire);
    int seen = atomic_load_explicit(&flag, relaxed);
    if (fixed)
        atomic_thread_fence(acquire);
    if (seen)
        USE(data);
}
static void fence_before_load(void)
{
    in_turn(stores_released, fence_too_early);
}

/* A read-modify-write goes on with the release sequence; a store ends it. */
static void in_between(void)
{
    if (fixed)
        atomic_fetch_add_explicit(&flag, 1, relaxed);
    else
        atomic_store_explicit(&flag, 2, relaxed);
}
static void release_sequence(void)
{
    in_turn(stores_released, in_between);
    in_turn(loads, NULL);
}

static void swaps(void)
{
    data = 1;
    if (fixed)
        atomic_exchange_explicit(&flag, 1, memory_order_acq_rel);
    else
        atomic_exchange_explicit(&flag, 1, acquire);
}
static void exchange(void)
{
    in_turn(swaps, loads);
}

static void fails_to_swap(void) /* a failed compare-exchange is a load of its second order */
{
    int want = 5;
    if (fixed)
        atomic_compare_exchange_strong_explicit(&flag, &want, 6, acquire, acquire);
    else
        atomic_compare_exchange_strong_explicit(&flag, &want, 6, acquire, relaxed);
    if (want == 1)
        USE(data);
}
static void failed_exchange(void)
{
    in_turn(stores_released, fails_to_swap);
}

static void sync_builtin_first(void)
{
    if (fixed)
        (void)__sync_fetch_and_add(&data, 1);
    else
        data++;
}
static void sync_builtin_second(void)
{
    (void)__sync_fetch_and_add(&data, 1);
}

static _Atomic uint64_t wide;
static void wide_atomic_first(void)
{
    atomic_store_explicit(&wide, 1, relaxed);
}
static void wide_atomic_second(void)
{
    if (fixed)
        atomic_store_explicit(&wide, 2, relaxed);
    else
        ((char *)&wide)[7] = 1;
}

static atomic_flag busy = ATOMIC_FLAG_INIT;
static void spin_lock_first(void)
{
    while (atomic_flag_test_and_set_explicit(&busy, acquire))
        goc_gosched();
    data++;
    if (fixed)
        atomic_flag_clear_explicit(&busy, release);
    else
        atomic_flag_clear_explicit(&busy, relaxed);
}
#define spin_lock_second spin_lock_first

/* --- blocks given back
 * ---------------------------------------------------------------------------------------------- */

static goc_mutex mu;
static int *block;
static void uses_block(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
    if (block)
        *block = 1;
    if (fixed)
        goc_mutex_unlock(&mu);
    turn_end();
}
static void frees_block(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
    int *old = block;
    block = NULL;
    free(old);
    if (fixed)
        goc_mutex_unlock(&mu);
}
static void free_against_write(void)
{
    block = malloc(sizeof *block);
    in_turn(uses_block, frees_block);
}
static void grows_block(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
    block = realloc(block, 1 << 20);
    if (fixed)
        goc_mutex_unlock(&mu);
}
static void realloc_against_write(void)
{
    block = malloc(sizeof *block);
    in_turn(uses_block, grows_block);
}
static char *page;
static void uses_page(void)
{
    if (fixed)
        goc_mutex_lock(&mu);
    page[100] = 1;
    if (fixed)
        goc_mutex_unlock(&mu);
}
static void mapped_page(void)
{
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    in_turn(uses_page, uses_page);
    munmap(page, 4096);
}

/* --- descriptors
 * ------------------------------------------------------------------------------------------------------
 */

static int ends[2];
static void write_down(bool early)
{
    if (early)
        data = 1;
    if (write(ends[1], "x", 1) != 1)
        abort();
    if (!early)
        data = 1;
    turn_end();
}
static void through(void)
{
    char c;
    go(write_down, fixed);
    turn_wait(1);
    if (goc_read(ends[0], &c, 1) != 1)
        abort();
    USE(data);
    others_ended();
}
static void through_a_pipe(void)
{
    if (pipe(ends))
        abort();
    through();
}
static void through_a_socket(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        abort();
    through();
}
static void other_pipe(void) /* a byte of somebody else orders nothing */
{
    int two[2];
    char c;
    if (pipe(ends) || pipe(two) || write(two[1], "y", 1) != 1)
        abort();
    go(write_down, true);
    turn_wait(1);
    if (read(fixed ? ends[0] : two[0], &c, 1) != 1)
        abort();
    USE(data);
    others_ended();
}

/* --- threads of the program's own
 * -------------------------------------------------------------------------------------- */

static goc_chan(int) ch;
static void *thread_sends(void *arg)
{
    if (fixed)
        data = 1;
    goc_send(ch, 1);
    if (!fixed)
        data = 1;
    turn_end();
    return NULL;
}
static void thread_to_goroutine(void)
{
    pthread_t t;
    ch = goc_chan_make(int, 1);
    pthread_create(&t, NULL, thread_sends, NULL);
    turn_wait(1);
    goc_recv(ch);
    USE(data);
    pthread_join(t, NULL);
}

static void (*callback)(int);
static void got(int v)
{
    data += v;
}
static void *calls_back(void *arg)
{
    if (fixed)
        goc_mutex_lock(&mu);
    callback(1);
    if (fixed)
        goc_mutex_unlock(&mu);
    turn_end();
    return NULL;
}
static void library_calls_back(void)
{
    pthread_t t;
    callback = got;
    pthread_create(&t, NULL, calls_back, NULL);
    turn_wait(1);
    calls_back(NULL);
    pthread_join(t, NULL);
}

static void *reads_argument(void *arg)
{
    USE(*(int *)arg);
    turn_end();
    return NULL;
}
static void thread_argument(void) /* one variable for all threads, or one for each */
{
    pthread_t t[2];
    int arg[2] = {0};
    for (int i = 0; i < 2; i++) {
        arg[fixed ? i : 0] = i;
        pthread_create(&t[i], NULL, reads_argument, &arg[fixed ? i : 0]);
        turn_wait(i + 1);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

static sem_t posted;
static void *posts(void *arg)
{
    if (fixed)
        data = 1;
    sem_post(&posted);
    if (!fixed)
        data = 1;
    turn_end();
    return NULL;
}
static void semaphore_of_threads(void)
{
    pthread_t t;
    sem_init(&posted, 0, 0);
    pthread_create(&t, NULL, posts, NULL);
    turn_wait(1);
    sem_wait(&posted);
    USE(data);
    pthread_join(t, NULL);
}

static pthread_mutex_t pmu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pcond = PTHREAD_COND_INITIALIZER;
static int told;
static void *tells(void *arg)
{
    if (fixed)
        data = 1;
    pthread_mutex_lock(&pmu);
    told = 1;
    pthread_cond_signal(&pcond);
    pthread_mutex_unlock(&pmu);
    if (!fixed)
        data = 1;
    turn_end();
    return NULL;
}
static void condition_of_threads(void)
{
    pthread_t t;
    pthread_create(&t, NULL, tells, NULL);
    pthread_mutex_lock(&pmu);
    while (!told)
        pthread_cond_wait(&pcond, &pmu);
    pthread_mutex_unlock(&pmu);
    turn_wait(1);
    USE(data);
    pthread_join(t, NULL);
}

static pthread_key_t key;
static void writes_at_exit(void *value)
{
    *(int *)value = 1;
    turn_end();
}
static void *has_value(void *arg)
{
    pthread_setspecific(key, arg);
    return NULL;
}
static void key_destructor(void) /* it runs in the thread that ends, which a join waits for */
{
    pthread_t t;
    pthread_key_create(&key, writes_at_exit);
    pthread_create(&t, NULL, has_value, &data);
    if (fixed)
        pthread_join(t, NULL);
    else
        turn_wait(1);
    USE(data);
    if (!fixed)
        pthread_join(t, NULL);
}

const struct pair thread_pairs[] = {
    PAIR(store_relaxed),
    PAIR(load_relaxed),
    PAIR(fences),
    PAIR(fence_before_load),
    PAIR(release_sequence),
    PAIR(exchange),
    PAIR(failed_exchange),
    HALVES(sync_builtin),
    HALVES(wide_atomic),
    HALVES(spin_lock),
    PAIR(free_against_write),
    PAIR(realloc_against_write),
    PAIR(mapped_page),
    PAIR(through_a_pipe),
    PAIR(through_a_socket),
    PAIR(other_pipe),
    PAIR(thread_to_goroutine),
    PAIR(library_calls_back),
    PAIR(thread_argument),
    PAIR(semaphore_of_threads),
    PAIR(condition_of_threads),
    PAIR(key_destructor),
    {0},
};
