// status: 66
// says: Found 1 goroutine leak
/* Channels that only pages of the program's own name: of every kind of mapping. With the pages gone
   nobody can wake who waits on them. */
#define _GNU_SOURCE
#include <goc.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>
#include "turns.h"

static const bool fixed = false;
enum { KINDS = 4, PAGE = 4096 };
/* Not a pointer: what stands in globals is reached anyhow. */
static unsigned long hidden[KINDS];

static void wait_for(void *ch)
{
    goc_recv((goc_recv_chan(int))ch);
}

static void keep(int kind)
{
    int fd = memfd_create("page", 0);
    int flags[KINDS] = {MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED,
                        MAP_PRIVATE};
    if (fd < 0 || ftruncate(fd, PAGE))
        _exit(1);
    void **page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags[kind],
                       flags[kind] & MAP_ANONYMOUS ? -1 : fd, 0);
    close(fd);
    goc_chan(int) ch = goc_chan_make(int, 0);
    page[17] = ch;
    hidden[kind] = ~(unsigned long)page;
    goc_go(wait_for, ch);
    if (kind == 3)
        mprotect(page, 2 * PAGE, PROT_READ);
}

static void all(void *done)
{
    for (int kind = 0; kind < KINDS; kind++)
        keep(kind);
    goc_waitgroup_done(done);
}

int main(void)
{
    goc_waitgroup done = {0};
    goc_waitgroup_add(&done, 1);
    goc_go(all, &done);
    goc_waitgroup_wait(&done);
    until_blocked();
    for (int kind = 0; kind < KINDS && !fixed; kind++)
        munmap((void *)~hidden[kind], 2 * PAGE);
}
