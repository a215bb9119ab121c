// status: 0
/* The same with release and acquire, and once more with stand-alone fences around relaxed accesses.
 */
#include <goc.h>
#include <stdatomic.h>

static int value, other;
static atomic_int ready, fenced;

static void publish(void)
{
    value = 42;
    atomic_store_explicit(&ready, 1, memory_order_release);
    other = 43;
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&fenced, 1, memory_order_relaxed);
}

static void use(void)
{
    while (!atomic_load_explicit(&ready, memory_order_acquire))
        goc_sleep(GOC_MILLISECOND);
    if (value != 42)
        goc_gosched();
    while (!atomic_load_explicit(&fenced, memory_order_relaxed))
        goc_sleep(GOC_MILLISECOND);
    atomic_thread_fence(memory_order_acquire);
    if (other != 43)
        goc_gosched();
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, use);
    goc_sleep(5 * GOC_MILLISECOND);
    goc_waitgroup_go(&wg, publish);
    goc_waitgroup_wait(&wg);
}
