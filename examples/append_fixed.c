/*
 * append.c mended: the array belongs to main, and the workers send it what they have.
 */
#include <goc.h>
#include <stdio.h>
#include <stdlib.h>

struct slice {
    int *items;
    size_t len, cap;
};

static void append(struct slice *s, int v)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 4;
        s->items = realloc(s->items, s->cap * sizeof *s->items);
    }
    s->items[s->len++] = v;
}

static void worker(int from, goc_send_chan(int) out)
{
    goc_send(out, from);
}

int main(void)
{
    struct slice list = {0};
    goc_chan(int) out = goc_chan_make(int, 0);
    for (int i = 0; i < 10; i++)
        go(worker, i, out);
    for (int i = 0; i < 10; i++)
        append(&list, goc_recv(out));
    printf("%zu items of 10\n", list.len);
    size_t len = list.len;
    free(list.items);
    return len != 10;
}
