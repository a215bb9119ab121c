/*
 * netpoll.h - waiting for descriptors: what io.c asks of netpoll.c.
 */
#ifndef GOC_NETPOLL_H
#define GOC_NETPOLL_H

#include <stdbool.h>
#include <stdint.h>

/* How a descriptor is read and written; found at its first use. */
enum fd_kind {
    FD_UNKNOWN,
    FD_SOCKET, /* with MSG_DONTWAIT */
    FD_POLLED, /* pipe, eventfd, terminal …: ready or not, by poll */
    FD_FILE,   /* always ready, may block the thread */
};
enum fd_kind netpoll_kind(int fd);

/* The runtime has just made this descriptor: nothing known of its number holds any more. It is the
   runtime's to close, so it stays registered. */
void netpoll_opened(int fd, enum fd_kind kind);
bool netpoll_owned(int fd);

/* Park until fd is ready for `events` (POLLIN, POLLOUT). The events, or -errno: -EBADF if it is
   closed meanwhile, -ETIMEDOUT at `deadline` (0: none). */
int netpoll_wait(int fd, int events, int64_t deadline, uintptr_t pc);

/* What was ready before does not count any more: called before the system call whose EAGAIN is
   followed by netpoll_wait. */
void netpoll_ready_reset(int fd, int events);

/* Around close(2): wakes all who wait for fd (-EBADF), and holds new waits back until it is closed.
 */
void netpoll_close_begin(int fd);
void netpoll_close_end(int fd);

#endif
