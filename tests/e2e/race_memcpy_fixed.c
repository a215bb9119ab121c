// status: 0
/* Halves that do not overlap. */
#include <goc.h>
#include <string.h>

static char text[32];

static void write_text(size_t from, size_t n)
{
    memcpy(text + from, "sixteen letters", n);
}

int main(int argc, char **argv)
{
    size_t n = 16 + argc - 1;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, write_text, (size_t)0, n);
    goc_waitgroup_go(&wg, write_text, n, n);
    goc_waitgroup_wait(&wg);
    return strcmp(text, "sixteen letters");
}
