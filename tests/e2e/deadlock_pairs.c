/*
 * Deadlocks, lock orders, leaks and misuses, each beside its quiet twin: the same program with the
 * one thing changed that prevents it. deadlock_pairs.sh builds this once and runs every case both ways.
 * The pairs are in the files beside this one, by kind.
 *
 *   deadlock_pairs              lists the cases: name, what must be found
 *   deadlock_pairs NAME bug     runs it with the fault
 *   deadlock_pairs NAME fixed   and without: nothing may be found
 *
 * Halves that must not meet are kept apart in time by sleeping, which orders nothing.
 */
#include "deadlock_pairs.h"

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
void nested_after(goc_mutex *x, goc_mutex *y, int ms)
{
    goc_sleep(ms * MS);
    nested(x, y);
}
void write_once(goc_rwmutex *x, int ms)
{
    goc_sleep(ms * MS);
    goc_rwmutex_lock(x);
    goc_rwmutex_unlock(x);
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
