/*
 * Races, each beside its quiet twin: the same program with the one thing changed that makes it
 * right. race_pairs.sh builds this once and runs every case both ways. The pairs are in the files
 * beside this one, by what the two accesses or what ought to order them are made of.
 *
 *   race_pairs                  lists the cases: name, what must be found
 *   race_pairs NAME bug         runs it with the fault; NAME of a case of two halves runs the first
 * one race_pairs NAME fixed       first, NAME:turned the second
 *
 * In a case of two halves a goroutine runs one, ends, and then another runs the other: nothing
 * orders them, whatever P and thread they share. The whole cases say for themselves who comes when.
 * Nothing waits by the clock.
 */
#include "race_pairs.h"
#include "turns.h"

bool fixed;

void turn_end(void)
{
    turn_done();
}
void turn_wait(int n)
{
    turn_await(n);
}
void others_ended(void)
{
    until_left(1);
}
void others_blocked(void)
{
    until_blocked();
}

static void call(void *fn)
{
    ((void (*)(void))(uintptr_t)fn)();
}

void in_turn(void (*first)(void), void (*second)(void))
{
    goc_go(call, (void *)(uintptr_t)first);
    others_ended();
    if (!second)
        return;
    goc_go(call, (void *)(uintptr_t)second);
    others_ended();
}

static void run(const struct pair *p, bool turned)
{
    if (p->fn)
        p->fn();
    else
        in_turn(turned ? p->second : p->first, turned ? p->first : p->second);
}

int main(int argc, char **argv)
{
    const struct pair *const tables[] = {memory_pairs, program_pairs, channel_pairs, sync_pairs,
                                         thread_pairs};
    char *colon = argc < 3 ? NULL : strchr(argv[1], ':');
    if (colon)
        *colon = 0;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct pair *p = tables[t]; p->name; p++) {
            if (argc < 3) {
                printf("%s DATA RACE\n", p->name);
                if (!p->fn)
                    printf("%s:turned DATA RACE\n", p->name);
            } else if (strcmp(argv[1], p->name) == 0) {
                fixed = strcmp(argv[2], "fixed") == 0;
                run(p, colon != NULL);
                return 0;
            }
        }
    }
    return argc < 3 ? 0 : 1;
}
