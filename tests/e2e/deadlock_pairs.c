/*
 * Deadlocks, lock orders, leaks and misuses, each beside its quiet twin: the same program with the
 * one thing changed that prevents it. deadlock_pairs.sh builds this once and runs every case both ways.
 * The pairs are in the files beside this one, by kind.
 *
 *   deadlock_pairs              lists the cases: name, what must be found
 *   deadlock_pairs NAME bug     runs it with the fault
 *   deadlock_pairs NAME fixed   and without: nothing may be found
 *
 * Halves that must meet, or must not, wait for relaxed atomics, which order nothing; and that somebody is
 * blocked is seen from outside (settled). Nothing here depends on how fast the machine is: where a case
 * sleeps, a longer sleep would not change what is found.
 */
#include "deadlock_pairs.h"
#include "turns.h"

bool fixed;
goc_mutex a, b, c, d, gate;
goc_rwmutex rw, rw2;
goc_waitgroup done;

void nested(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}

/* --- who comes when ------------------------------------------------------------------------------------- */

static int met;

void turn_wait(int k)
{
    turn_await(k);
}
void turn_wait_asleep(int k)
{
    while (__atomic_load_n(&turns_done, __ATOMIC_RELAXED) < k)
        goc_sleep(MS);
}
void turn_end(void)
{
    turn_done();
}
/* Without sleeping: who sleeps is blocked, for settled. */
void meet(int n)
{
    __atomic_fetch_add(&met, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&met, __ATOMIC_RELAXED) < n)
        turn_yield();
}
void settled(void)
{
    until_blocked();
}

/* --- what several cases do -------------------------------------------------------------------------------- */

void nested_in_turn(goc_mutex *x, goc_mutex *y, int turn)
{
    turn_wait(turn);
    nested(x, y);
    turn_end();
}
void write_in_turn(goc_rwmutex *x, int turn)
{
    turn_wait(turn);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
    turn_end();
}
void unrelated(goc_chan(int) ch)
{
    goc_recv(ch);
}

int main(int argc, char **argv)
{
    const struct pair *const tables[] = {order_pairs, stuck_pairs, leak_pairs, misuse_pairs};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct pair *p = tables[t]; p->name; p++) {
            if (argc < 3) {
                printf("%s %s\n", p->name, p->finds);
            } else if (strcmp(argv[1], p->name) == 0) {
                fixed = strcmp(argv[2], "fixed") == 0;
                p->fn();
                return 0;
            }
        }
    }
    return argc < 3 ? 0 : 1;
}
