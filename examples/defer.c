/*
 * Defer: what must be done on the way out, said on the way in. It runs when the block is left by
 * its end, by return, by goc_goexit or by a panic; goc_pcall catches the panic.
 */
#include <goc.h>
#include <stdio.h>

static goc_mutex mu;

static void unlock(void *m)
{
    goc_mutex_unlock(m);
}

static void say(void *what)
{
    printf("deferred: %s\n", (const char *)what);
}

static void done(void *wg)
{
    goc_waitgroup_done(wg);
}

static int guarded(int n)
{
    goc_mutex_lock(&mu);
    goc_defer(unlock, &mu);
    if (n < 0)
        return -1; /* unlocks */
    return n * 2;  /* and so does this */
}

static void panics(void *arg)
{
    (void)arg;
    goc_mutex_lock(&mu);
    goc_defer(unlock, &mu);
    goc_panic("index out of range [%d]", 7);
}

static void leaves(goc_waitgroup *wg)
{
    goc_defer(done, wg);
    goc_defer(say, "second");
    goc_defer(say, "first");
    goc_goexit();
}

int main(void)
{
    printf("%d %d\n", guarded(-5), guarded(21));
    const char *message = goc_pcall(panics, NULL);
    printf("recovered: %s\n", message);
    printf("the lock is free: %s\n", goc_mutex_trylock(&mu) ? "yes" : "no");
    goc_mutex_unlock(&mu);
    goc_waitgroup wg = {0};
    goc_waitgroup_add(&wg, 1);
    go(leaves, &wg);
    goc_waitgroup_wait(&wg);
    return message == NULL;
}
