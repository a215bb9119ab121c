/* One bug a name, with pthreads, for tests/bench/compare: each tool is given the same source. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY = 65, CROWD = 10000 };

static int shared;
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER,
                       gate = PTHREAD_MUTEX_INITIALIZER, many[MANY];
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static void *add(void *arg)
{
    if (arg)
        pthread_mutex_lock(&a);
    shared++;
    if (arg)
        pthread_mutex_unlock(&a);
    return NULL;
}

/* The lock orders the two accesses in this run, by chance. */
static void *add_then_lock(void *arg)
{
    shared++;
    pthread_mutex_lock(&a);
    pthread_mutex_unlock(&a);
    return NULL;
}

static void nest(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
    pthread_mutex_lock(outer);
    pthread_mutex_lock(inner);
    pthread_mutex_unlock(inner);
    pthread_mutex_unlock(outer);
}

static void *forth(void *gated)
{
    if (gated)
        pthread_mutex_lock(&gate);
    nest(&a, &b);
    if (gated)
        pthread_mutex_unlock(&gate);
    return NULL;
}

static void *back(void *gated)
{
    if (gated)
        pthread_mutex_lock(&gate);
    nest(&b, &a);
    if (gated)
        pthread_mutex_unlock(&gate);
    return NULL;
}

static void *meet(void *arg)
{
    pthread_mutex_lock(arg ? &a : &b);
    usleep(100000);
    pthread_mutex_lock(arg ? &b : &a);
    return NULL;
}

static void *hold_many(void *arg)
{
    for (int i = 0; i < MANY; i++)
        pthread_mutex_lock(&many[i]);
    nest(arg ? &a : &b, arg ? &b : &a);
    for (int i = MANY; i-- > 0;)
        pthread_mutex_unlock(&many[i]);
    nest(arg ? &a : &b, arg ? &b : &a);
    return NULL;
}

static void *wait_for_ever(void *arg)
{
    pthread_mutex_lock(&a);
    for (;;)
        pthread_cond_wait(&never, &a);
}

static void *crowd(void *arg)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    shared++;
    return NULL;
}

static void two(void *(*first)(void *), void *x, void *(*second)(void *), void *y, int at_once)
{
    pthread_t t, u;
    pthread_create(&t, NULL, first, x);
    if (!at_once)
        usleep(100000);
    pthread_create(&u, NULL, second, y);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
}

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "";
    void *yes = &shared;
    if (!strcmp(bug, "race"))
        two(add, NULL, add, NULL, 0);
    else if (!strcmp(bug, "race-fixed"))
        two(add, yes, add, yes, 0);
    else if (!strcmp(bug, "race-ordered-by-chance"))
        two(add_then_lock, NULL, add, yes, 0);
    else if (!strcmp(bug, "lock-order"))
        two(forth, NULL, back, NULL, 0);
    else if (!strcmp(bug, "lock-order-gate"))
        two(forth, yes, back, yes, 0);
    else if (!strcmp(bug, "lock-order-joined")) {
        pthread_t t;
        pthread_create(&t, NULL, forth, NULL);
        pthread_join(t, NULL);
        back(NULL);
    } else if (!strcmp(bug, "deadlock"))
        two(meet, yes, meet, NULL, 1);
    else if (!strcmp(bug, "many-locks")) {
        for (int i = 0; i < MANY; i++)
            pthread_mutex_init(&many[i], NULL);
        two(hold_many, yes, hold_many, NULL, 0);
    } else if (!strcmp(bug, "stuck")) {
        pthread_t t;
        pthread_create(&t, NULL, wait_for_ever, NULL);
        usleep(200000);
    } else if (!strcmp(bug, "unlock")) {
        pthread_mutex_unlock(&a);
    } else if (!strcmp(bug, "crowd")) {
        static pthread_t t[CROWD];
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 64 << 10);
        pthread_mutex_lock(&gate);
        for (int i = 0; i < CROWD; i++)
            if (pthread_create(&t[i], &attr, crowd, NULL))
                return 9;
        pthread_mutex_unlock(&gate);
        for (int i = 0; i < CROWD; i++)
            pthread_join(t[i], NULL);
    } else {
        return 8;
    }
    return 0;
}
