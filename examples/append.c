/*
 * Appending to one growing array from several goroutines: the length, the pointer and the array
 * itself are all raced for, and items get lost. Mended in append_fixed.c.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

struct slice {
    int *items;
    size_t len, cap;
};

static int room[64];
static struct slice list = {.items = room, .cap = 64};

static void append(struct slice *s, int v)
{
    if (s->len == s->cap) {
        int *items = malloc(2 * s->cap * sizeof *items);
        for (size_t i = 0; i < s->len; i++)
            items[i] = s->items[i];
        s->items = items;
        s->cap *= 2;
    }
    s->items[s->len++] = v;
}

static void worker(int from)
{
    append(&list, from);
}

int main(void)
{
    goc_waitgroup wg = {0};
    for (int i = 0; i < 10; i++)
        goc_waitgroup_go(&wg, worker, i);
    goc_waitgroup_wait(&wg);
    printf("%zu items of 10\n", list.len);
}
