/*
 * stream.h - what the interceptors tell of descriptors, and ask: stream.c says what a stream is.
 *
 * A call says first that it uses the descriptor. One that writes then publishes to the stream
 * (icept_fd_out, intercept.h), before the real call; one that reads learns, after it.
 */
#ifndef STREAM_H
#define STREAM_H

#include "intercept.h"
#include <sys/socket.h>

/* A use of the number, which a close in another goroutine must be ordered with; the close, before
   the kernel frees the number. */
void icept_fd_used(int fd, uintptr_t pc);
void icept_fd_closes(int fd, uintptr_t pc);
/* No descriptor that anything is known of has a number above this. */
int icept_fd_highest(void);

/* fd is new (below 0: it is not): what is behind it will be seen when it is first used; another name
   of what `from` names; a stream for both directions; two ends of a pipe, or of two if `both`. */
void icept_fd_opened(int fd);
void icept_fd_dup(int from, int fd);
void icept_fd_looped(int fd);
void icept_fd_paired(const int *fd, bool both);

/* flock: who has a file for himself knows all who had it, who shares it those who had it for themselves. */
enum fd_lock { FD_UNLOCKED, FD_READER, FD_WRITER };
void icept_fd_locked(int fd, enum fd_lock how);
void icept_fd_unlocks(int fd); /* or closes */

/* Data was read; the end was met; nothing more will be written; a datagram goes to this address. */
void icept_fd_read(int fd);
void icept_fd_read_end(int fd);
void icept_fd_write_ends(int fd);
void icept_fd_out_to(int fd, const void *to, socklen_t n);

/* The server's door: who connects tells who accepts (word 0), who listens tells who connects (1). It
   is the address's, or without one what fd is bound to; NULL: none. */
u64 *icept_fd_door(int fd, const void *to, socklen_t n, int which);
void icept_fd_connected(int fd);

#endif
