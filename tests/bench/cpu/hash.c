/* A hash table with chaining: insert and look up. */
#include "cpu.h"

enum { BUCKETS = 4096, KEYS = 8192 };

struct entry {
    struct entry *next;
    unsigned long key, value;
};
static struct entry *bucket[BUCKETS];

static void prepare(void)
{
}

static struct entry **find(unsigned long key)
{
    struct entry **e = &bucket[key * 0x9e3779b97f4a7c15ul >> 52];
    while (*e && (*e)->key != key)
        e = &(*e)->next;
    return e;
}

static long work(long n)
{
    unsigned long sum = 0;
    while (n--) {
        for (unsigned long k = 0; k < KEYS; k++) {
            struct entry **at = find(k * 7);
            if (!*at) {
                struct entry *e = malloc(sizeof *e);
                *e = (struct entry){.key = k * 7};
                *at = e;
            }
            (*at)->value++;
        }
        for (unsigned long k = 0; k < KEYS; k++) {
            struct entry *e = *find(k);
            if (e)
                sum += e->value;
        }
    }
    return (long)sum;
}
