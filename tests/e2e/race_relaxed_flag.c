// status: 66
/* A value published by a relaxed flag: the flag is atomic, and orders nothing. */
#include <goc.h>
#include <stdatomic.h>
#include "turns.h"

static int value;
static atomic_int ready;

static void publish(void)
{
    value = 42;
    atomic_store_explicit(&ready, 1, memory_order_relaxed);
}

static void use(void)
{
    while (!atomic_load_explicit(&ready, memory_order_relaxed))
        goc_gosched();
    until_left(2);
    if (value != 42)
        goc_gosched();
}

int main(void)
{
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, use);
    goc_waitgroup_go(&wg, publish);
    goc_waitgroup_wait(&wg);
}
