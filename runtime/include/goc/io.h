/*
 * io.h - file descriptors and sockets that park the goroutine, never the thread. Part of <goc.h>.
 *
 * Each function takes a descriptor and means what POSIX means by the name without goc_: results and
 * errno are the same, on a descriptor in blocking mode, whatever mode it is in. Where the call would
 * block, the goroutine parks until the descriptor is ready. Regular files, which are always ready,
 * are read and written with the P handed on meanwhile.
 *
 * goc_close_fd wakes every goroutine that waits on the descriptor; their calls fail with EBADF.
 * Descriptors that goc_accept, goc_dial or goc_listen returned are to be closed with it.
 */
#ifndef GOC_IO_H
#define GOC_IO_H

#include <goc/time.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* <poll.h> and <sys/socket.h> are for the program to include where it needs them: they would take
   the names send, accept, poll … from every program that includes <goc.h>. */
struct sockaddr;
typedef unsigned int goc_socklen; /* socklen_t */

ssize_t goc_read(int fd, void *buf, size_t n);
/* Writes all n bytes; less only if an error came after some (the next call reports it). No SIGPIPE:
   a stream socket whose peer is gone gives EPIPE. */
ssize_t goc_write(int fd, const void *buf, size_t n);
int goc_accept(int fd, struct sockaddr *addr, goc_socklen *len); /* close-on-exec */
int goc_connect(int fd, const struct sockaddr *addr, goc_socklen len);
ssize_t goc_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr, goc_socklen *len);
ssize_t goc_sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                   goc_socklen len);

/* Wait until one of `events` (POLLIN, POLLOUT) is so, and return those that are, with POLLERR and
   POLLHUP as poll does. At `deadline` (a time of goc_now's clock; <= 0: none) -1 and ETIMEDOUT. */
int goc_wait_fd(int fd, int events, goc_time deadline);

/* Close; 0, or -1 and errno. */
int goc_close_fd(int fd);

/* Listen on, or connect to, an address in Go's spelling: network "tcp", "tcp4", "tcp6" with
   "127.0.0.1:8080", "[::1]:0", ":http" (listen: any address), "localhost:80"; "unix" with a path ("@name":
   abstract). The descriptor, or -1 and errno (EINVAL: not an address; EADDRNOTAVAIL: no such host;
   ETIMEDOUT: after `timeout`, which is <= 0 for none). */
int goc_listen(const char *network, const char *address);
int goc_dial(const char *network, const char *address, goc_duration timeout);

/* The local address of a socket, in the spelling above; its length as snprintf counts, or -1. */
int goc_local_addr(int fd, char *buf, size_t len);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
