// status: 66
/* C11's threads, mutexes, conditions and call_once. */
#include <threads.h>
#include <time.h>

static mtx_t mu;
static cnd_t cv;
static once_flag once = ONCE_FLAG_INIT;
static tss_t key;
static int ready, value, made, dropped;

static void make(void)
{
    made = 1;
}
static void drop(void *p)
{
    dropped++;
}

static int work(void *arg)
{
    call_once(&once, make);
    tss_set(key, &value);
    mtx_lock(&mu);
    while (!ready)
        cnd_wait(&cv, &mu);
    int v = value;
    mtx_unlock(&mu);
    return v + made;
}

int main(void)
{
    thrd_t t;
    int r = 0;
    mtx_init(&mu, mtx_plain);
    cnd_init(&cv);
    tss_create(&key, drop);
    thrd_create(&t, work, NULL);
    call_once(&once, make);
    mtx_lock(&mu);
    ready = 1;
    cnd_broadcast(&cv);
    mtx_unlock(&mu);
    thrd_sleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    value = 41;
    thrd_join(t, &r);
    dropped += 1;
    mtx_destroy(&mu);
    cnd_destroy(&cv);
    return 0;
}
