// status: 0
// says: all as it should be
/* An io_uring by system calls alone: what the kernel writes into a buffer is nobody's access, and
   the rings are shared with it, not with another thread. */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fcntl.h>
static char buf[4096];
int main(void)
{
    struct io_uring_params p = {0};
    int fd = syscall(SYS_io_uring_setup, 8, &p);
    if (fd < 0) {
        puts("all as it should be: there is none");
        return 0;
    }
    size_t sl = p.sq_off.array + p.sq_entries * 4,
           cl = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    char *sq =
             mmap(0, sl, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING),
         *cq =
             mmap(0, cl, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_CQ_RING);
    struct io_uring_sqe *s = mmap(0, p.sq_entries * sizeof *s, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
    int zf = open("/dev/zero", O_RDONLY);
    for (int i = 0; i < 100; i++) {
        unsigned t = *(unsigned *)(sq + p.sq_off.tail), m = *(unsigned *)(sq + p.sq_off.ring_mask);
        memset(&s[t & m], 0, sizeof *s);
        s[t & m].opcode = IORING_OP_READ;
        s[t & m].fd = zf;
        s[t & m].addr = (unsigned long)buf;
        s[t & m].len = 100;
        ((unsigned *)(sq + p.sq_off.array))[t & m] = t & m;
        __atomic_store_n((unsigned *)(sq + p.sq_off.tail), t + 1, __ATOMIC_RELEASE);
        syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
        unsigned h = *(unsigned *)(cq + p.cq_off.head);
        while (h == __atomic_load_n((unsigned *)(cq + p.cq_off.tail), __ATOMIC_ACQUIRE))
            ;
        buf[0] = 1;
        __atomic_store_n((unsigned *)(cq + p.cq_off.head), h + 1, __ATOMIC_RELEASE);
    }
    puts("all as it should be");
    return 0;
}
