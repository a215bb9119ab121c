// status: 0
// repeat: 3
/* A value published through a pipe: the write comes before the read of the same bytes. */
#include <goc.h>
#include <unistd.h>

static int value;
static int ends[2];

static void publish(void)
{
    value = 42;
    goc_write(ends[1], "x", 1);
}

int main(void)
{
    if (pipe(ends))
        return 1;
    go(publish);
    char c;
    goc_read(ends[0], &c, 1);
    return value != 42;
}
