/*
 * intercept_fd.c - the calls on descriptors: what they read and write of memory.
 *
 * What they order is stream.c's: each tells it that the descriptor is used, and what goes in or comes
 * out. What a call reads is looked at before the real one, what it writes after it and only as far as
 * its result says that it wrote. Opening, sharing and closing a number are told as well, and
 * connections, by their addresses. errno is the real call's.
 */
#include "output.h"
#include "stream.h"
#include "sys.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- what calls read and write ---------------------------------------------------------------- */

#define R(p, n) det_read_range(pc, (uintptr_t)(p), (n))
#define W(p, n) det_write_range(pc, (uintptr_t)(p), (n))

/* The first n bytes of a vector were written (into) or read. */
static void vector(uintptr_t pc, const struct iovec *v, size_t count, ssize_t n, bool write)
{
    for (size_t i = 0; i < count && n > 0; i++) {
        size_t k = v[i].iov_len < (size_t)n ? v[i].iov_len : (size_t)n;
        if (write)
            W(v[i].iov_base, k);
        else
            R(v[i].iov_base, k);
        n -= (ssize_t)k;
    }
}
static void message(uintptr_t pc, const struct msghdr *m, ssize_t n, bool write)
{
    R(m, sizeof *m);
    if (m->msg_iov) {
        R(m->msg_iov, m->msg_iovlen * sizeof *m->msg_iov);
        vector(pc, m->msg_iov, m->msg_iovlen, n, write);
    }
    if (m->msg_name && !write)
        R(m->msg_name, m->msg_namelen);
    else if (m->msg_name)
        W(m->msg_name, m->msg_namelen);
    if (m->msg_control && !write)
        R(m->msg_control, m->msg_controllen);
    else if (m->msg_control)
        W(m->msg_control, m->msg_controllen);
}
/* What a received message says of itself. */
static void message_out(uintptr_t pc, const struct msghdr *m)
{
    if (m->msg_name)
        W(&m->msg_namelen, sizeof m->msg_namelen);
    W(&m->msg_controllen, sizeof m->msg_controllen);
    W(&m->msg_flags, sizeof m->msg_flags);
}
/* An address that the kernel filled in. */
static void address_out(uintptr_t pc, const void *a, const socklen_t *n)
{
    if (a && n) {
        W(n, sizeof *n);
        W(a, *n);
    }
}

#define IN(name, ret, params, args, write) \
    ICEPT(ret, name, params)               \
    {                                      \
        uintptr_t pc = ICEPT_PC();         \
        if (!icept_sync(pc))               \
            return REAL(name) args;        \
        icept_fd_used(fd, pc);                   \
        ret r = REAL(name) args;           \
        if (r < 0)                         \
            return r;                      \
        int saved = errno;                 \
        icept_fd_read(fd);                         \
        if (r == 0)                        \
            icept_fd_read_end(fd);               \
        if (icept_mem(pc)) {               \
            write;                         \
        }                                  \
        errno = saved;                     \
        return r;                          \
    }
#define OUT(name, ret, params, args, sync, read) \
    ICEPT(ret, name, params)                     \
    {                                            \
        uintptr_t pc = ICEPT_PC();               \
        if (!icept_sync(pc))                     \
            return REAL(name) args;              \
        icept_fd_used(fd, pc);                         \
        if (icept_mem(pc)) {                     \
            read;                                \
        }                                        \
        sync;                                    \
        return REAL(name) args;                  \
    }

IN(read, ssize_t, (int fd, void *b, size_t n), (fd, b, n), W(b, r))
IN(__read_chk, ssize_t, (int fd, void *b, size_t n, size_t m), (fd, b, n, m), W(b, r))
IN(pread, ssize_t, (int fd, void *b, size_t n, off_t o), (fd, b, n, o), W(b, r))
IN(pread64, ssize_t, (int fd, void *b, size_t n, off_t o), (fd, b, n, o), W(b, r))
IN(__pread_chk, ssize_t, (int fd, void *b, size_t n, off_t o, size_t m), (fd, b, n, o, m), W(b, r))
IN(__pread64_chk, ssize_t, (int fd, void *b, size_t n, off_t o, size_t m), (fd, b, n, o, m),
   W(b, r))
IN(readv, ssize_t, (int fd, const struct iovec *v, int k), (fd, v, k), R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv, ssize_t, (int fd, const struct iovec *v, int k, off_t o), (fd, v, k, o),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv2, ssize_t, (int fd, const struct iovec *v, int k, off_t o, int f), (fd, v, k, o, f),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv64, ssize_t, (int fd, const struct iovec *v, int k, off_t o), (fd, v, k, o),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv64v2, ssize_t, (int fd, const struct iovec *v, int k, off_t o, int f), (fd, v, k, o, f),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(recv, ssize_t, (int fd, void *b, size_t n, int f), (fd, b, n, f),
   W(b, (size_t)r < n ? (size_t)r : n))
IN(__recv_chk, ssize_t, (int fd, void *b, size_t n, size_t m, int f), (fd, b, n, m, f),
   W(b, (size_t)r < n ? (size_t)r : n))
IN(recvfrom, ssize_t, (int fd, void *b, size_t n, int f, struct sockaddr *from, socklen_t *from_n),
   (fd, b, n, f, from, from_n), W(b, (size_t)r < n ? (size_t)r : n);
   address_out(pc, from, from_n))
IN(__recvfrom_chk, ssize_t,
   (int fd, void *b, size_t n, size_t m, int f, struct sockaddr *from, socklen_t *from_n),
   (fd, b, n, m, f, from, from_n), W(b, (size_t)r < n ? (size_t)r : n);
   address_out(pc, from, from_n))
IN(recvmsg, ssize_t, (int fd, struct msghdr *m, int f), (fd, m, f), message(pc, m, r, true);
   message_out(pc, m))
IN(
    recvmmsg, int, (int fd, struct mmsghdr *m, unsigned k, int f, struct timespec *t),
    (fd, m, k, f, t), for (int i = 0; i < r; i++) {
        message(pc, &m[i].msg_hdr, m[i].msg_len, true);
        message_out(pc, &m[i].msg_hdr);
        W(&m[i].msg_len, sizeof m[i].msg_len);
    })
IN(eventfd_read, int, (int fd, eventfd_t *v), (fd, v), W(v, sizeof *v))
IN(epoll_wait, int, (int fd, struct epoll_event *e, int n, int t), (fd, e, n, t),
   W(e, r * sizeof *e))
IN(epoll_pwait, int, (int fd, struct epoll_event *e, int n, int t, const sigset_t *s),
   (fd, e, n, t, s), W(e, r * sizeof *e))
IN(epoll_pwait2, int,
   (int fd, struct epoll_event *e, int n, const struct timespec *t, const sigset_t *s),
   (fd, e, n, t, s), W(e, r * sizeof *e))

OUT(write, ssize_t, (int fd, const void *b, size_t n), (fd, b, n), icept_fd_out(fd), R(b, n))
OUT(pwrite, ssize_t, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), icept_fd_out(fd),
    R(b, n))
OUT(pwrite64, ssize_t, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), icept_fd_out(fd),
    R(b, n))
OUT(writev, ssize_t, (int fd, const struct iovec *v, int k), (fd, v, k), icept_fd_out(fd),
    R(v, k * sizeof *v);
    vector(pc, v, k, SSIZE_MAX, false))
OUT(pwritev, ssize_t, (int fd, const struct iovec *v, int k, off_t o), (fd, v, k, o),
    icept_fd_out(fd), R(v, k * sizeof *v);
    vector(pc, v, k, SSIZE_MAX, false))
OUT(pwritev2, ssize_t, (int fd, const struct iovec *v, int k, off_t o, int f), (fd, v, k, o, f),
    icept_fd_out(fd), R(v, k * sizeof *v);
    vector(pc, v, k, SSIZE_MAX, false))
OUT(pwritev64, ssize_t, (int fd, const struct iovec *v, int k, off_t o), (fd, v, k, o),
    icept_fd_out(fd), R(v, k * sizeof *v);
    vector(pc, v, k, SSIZE_MAX, false))
OUT(pwritev64v2, ssize_t, (int fd, const struct iovec *v, int k, off_t o, int f), (fd, v, k, o, f),
    icept_fd_out(fd), R(v, k * sizeof *v);
    vector(pc, v, k, SSIZE_MAX, false))
OUT(send, ssize_t, (int fd, const void *b, size_t n, int f), (fd, b, n, f), icept_fd_out(fd),
    R(b, n))
OUT(sendto, ssize_t,
    (int fd, const void *b, size_t n, int f, const struct sockaddr *to, socklen_t to_n),
    (fd, b, n, f, to, to_n), icept_fd_out_to(fd, to, to_n), R(b, n);
    if (to) R(to, to_n))
OUT(sendmsg, ssize_t, (int fd, const struct msghdr *m, int f), (fd, m, f),
    icept_fd_out_to(fd, m->msg_name, m->msg_namelen), message(pc, m, SSIZE_MAX, false))
OUT(sendmmsg, int, (int fd, struct mmsghdr *m, unsigned k, int f), (fd, m, k, f),
    for (unsigned i = 0; i < k; i++) icept_fd_out_to(fd, m[i].msg_hdr.msg_name, m[i].msg_hdr.msg_namelen),
    for (unsigned i = 0; i < k; i++) message(pc, &m[i].msg_hdr, SSIZE_MAX, false))
OUT(sendfile, ssize_t, (int fd, int in, off_t *o, size_t n), (fd, in, o, n), icept_fd_out(fd),
    if (o) W(o, sizeof *o))
OUT(eventfd_write, int, (int fd, eventfd_t v), (fd, v), icept_fd_out(fd), )
OUT(shutdown, int, (int fd, int how), (fd, how), icept_fd_write_ends(fd), )
OUT(epoll_ctl, int, (int fd, int op, int what, struct epoll_event *e), (fd, op, what, e),
    icept_fd_out(fd), if (e) R(e, sizeof *e))

/* --- descriptors made ------------------------------------------------------------------------- */

#define PATH(p) R(p, det_len(p) + 1)
#define OPEN(name, params, args, paths) \
    ICEPT(int, name, params)            \
    {                                   \
        uintptr_t pc = ICEPT_PC();      \
        if (icept_mem(pc)) {            \
            paths;                      \
        }                               \
        int fd = REAL(name) args;       \
        if (!icept_own(pc))             \
            icept_fd_opened(fd);              \
        return fd;                      \
    }
/* Variadic in the headers; the mode is there or is not looked at. */
OPEN(open, (const char *p, int f, mode_t m), (p, f, m), PATH(p))
OPEN(open64, (const char *p, int f, mode_t m), (p, f, m), PATH(p))
OPEN(openat, (int d, const char *p, int f, mode_t m), (d, p, f, m), PATH(p))
OPEN(openat64, (int d, const char *p, int f, mode_t m), (d, p, f, m), PATH(p))
OPEN(__open_2, (const char *p, int f), (p, f), PATH(p))
OPEN(__open64_2, (const char *p, int f), (p, f), PATH(p))
OPEN(creat, (const char *p, mode_t m), (p, m), PATH(p))
OPEN(creat64, (const char *p, mode_t m), (p, m), PATH(p))
OPEN(socket, (int domain, int type, int protocol), (domain, type, protocol), )
OPEN(inotify_init, (void), (), )
OPEN(inotify_init1, (int f), (f), )
OPEN(memfd_create, (const char *p, unsigned f), (p, f), PATH(p))
OPEN(shm_open, (const char *p, int f, mode_t m), (p, f, m), PATH(p))
OPEN(timerfd_create, (int c, int f), (c, f), )
OPEN(signalfd, (int s, const sigset_t *m, int f), (s, m, f), R(m, sizeof *m))

/* One stream for both directions. */
#define OPEN_LOOP(name, params, args) \
    ICEPT(int, name, params)          \
    {                                 \
        int fd = REAL(name) args;     \
        if (icept_sync(ICEPT_PC()))   \
            icept_fd_looped(fd);            \
        return fd;                    \
    }
OPEN_LOOP(eventfd, (unsigned v, int f), (v, f))
OPEN_LOOP(epoll_create, (int n), (n))
OPEN_LOOP(epoll_create1, (int f), (f))

static void fd_pair(int r, int *fd, bool both, uintptr_t pc)
{
    if (r || !icept_sync(pc))
        return;
    icept_fd_paired(fd, both);
    if (icept_mem(pc))
        W(fd, 2 * sizeof *fd);
}
ICEPT(int, pipe, (int *fd))
{
    int r = REAL(pipe)(fd);
    fd_pair(r, fd, false, ICEPT_PC());
    return r;
}
ICEPT(int, pipe2, (int *fd, int f))
{
    int r = REAL(pipe2)(fd, f);
    fd_pair(r, fd, false, ICEPT_PC());
    return r;
}
ICEPT(int, socketpair, (int d, int t, int p, int *fd))
{
    int r = REAL(socketpair)(d, t, p, fd);
    fd_pair(r, fd, true, ICEPT_PC());
    return r;
}

/* --- connections ------------------------------------------------------------------------------ */

static void accepted(int listener, int fd, const void *a, const socklen_t *n, uintptr_t pc)
{
    if (fd < 0)
        return;
    int saved = errno;
    if (!icept_own(pc))
        icept_fd_opened(fd);
    u64 *word = icept_sync(pc) ? icept_fd_door(listener, NULL, 0, 0) : NULL;
    if (word)
        hook_acquire(NULL, word);
    if (icept_mem(pc))
        address_out(pc, a, n);
    errno = saved;
}
ICEPT(int, accept, (int fd, struct sockaddr *a, socklen_t *n))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(accept)(fd, a, n);
    ICEPT_SLEPT();
    accepted(fd, r, a, n, pc);
    return r;
}
ICEPT(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(accept4)(fd, a, n, f);
    ICEPT_SLEPT();
    accepted(fd, r, a, n, pc);
    return r;
}
ICEPT(int, connect, (int fd, const struct sockaddr *a, socklen_t n))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(connect)(fd, a, n);
    icept_fd_used(fd, pc);
    if (icept_mem(pc))
        R(a, n);
    u64 *tell = icept_fd_door(fd, a, n, 0), *learn = icept_fd_door(fd, a, n, 1);
    if (tell)
        hook_release_merge(NULL, tell);
    int r = REAL(connect)(fd, a, n);
    ICEPT_SLEPT();
    if (r == 0 && learn)
        hook_acquire(NULL, learn);
    if (r == 0)
        icept_fd_connected(fd);
    return r;
}
ICEPT(int, listen, (int fd, int n))
{
    uintptr_t pc = ICEPT_PC();
    u64 *word = icept_sync(pc) ? icept_fd_door(fd, NULL, 0, 1) : NULL;
    icept_fd_used(fd, pc);
    if (word)
        hook_release_merge(NULL, word);
    return REAL(listen)(fd, n);
}
ICEPT(int, bind, (int fd, const struct sockaddr *a, socklen_t n))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    if (icept_mem(pc))
        R(a, n);
    return REAL(bind)(fd, a, n);
}
ICEPT(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(getsockname)(fd, a, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, a, n);
    return r;
}
ICEPT(int, getpeername, (int fd, struct sockaddr *a, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(getpeername)(fd, a, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, a, n);
    return r;
}
ICEPT(int, getsockopt, (int fd, int l, int o, void *v, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(getsockopt)(fd, l, o, v, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, v, n);
    return r;
}
ICEPT(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    if (v && icept_mem(pc))
        R(v, n);
    return REAL(setsockopt)(fd, l, o, v, n);
}

/* --- readiness -------------------------------------------------------------------------------- */

/* Of each entry what is asked is read, and only the answer written. */
#define POLL(name, params, args)                                     \
    ICEPT(int, name, params)                                         \
    {                                                                \
        ICEPT_MAY_SLEEP();                                           \
        uintptr_t pc = ICEPT_PC();                                   \
        if (icept_mem(pc))                                           \
            for (nfds_t i = 0; i < n; i++)                           \
                R(&p[i], offsetof(struct pollfd, revents));          \
        int r = REAL(name) args;                                     \
        ICEPT_SLEPT();                                               \
        if (r >= 0 && icept_mem(pc))                                 \
            for (nfds_t i = 0; i < n; i++)                           \
                W(&p[i].revents, sizeof p[i].revents);               \
        return r;                                                    \
    }
POLL(poll, (struct pollfd * p, nfds_t n, int t), (p, n, t))
POLL(ppoll, (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s),
     (p, n, t, s))
POLL(__poll_chk, (struct pollfd * p, nfds_t n, int t, size_t m), (p, n, t, m))
POLL(__ppoll_chk,
     (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s, size_t m),
     (p, n, t, s, m))

static void sets_out(uintptr_t pc, int n, const fd_set *i, const fd_set *o, const fd_set *e)
{
    size_t bytes = ((size_t)n + 63) / 64 * 8;
    if (i)
        W(i, bytes);
    if (o)
        W(o, bytes);
    if (e)
        W(e, bytes);
}
ICEPT(int, select, (int n, fd_set *i, fd_set *o, fd_set *e, struct timeval *t))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    int r = REAL(select)(n, i, o, e, t);
    ICEPT_SLEPT();
    if (r >= 0 && icept_mem(pc)) {
        sets_out(pc, n, i, o, e);
        if (t)
            W(t, sizeof *t);
    }
    return r;
}
ICEPT(int, pselect,
      (int n, fd_set *i, fd_set *o, fd_set *e, const struct timespec *t, const sigset_t *s))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    int r = REAL(pselect)(n, i, o, e, t, s);
    ICEPT_SLEPT();
    if (r >= 0 && icept_mem(pc))
        sets_out(pc, n, i, o, e);
    return r;
}

/* --- moved without the program ---------------------------------------------------------------- */

/* What is spliced goes from one stream to another: who reads it there knows what its writer knew. So that
   is learned, and published, before the kernel moves anything, which must then be no more than what was
   there to be learned of: wait until something is, and ask for that much. Where somebody else takes it
   first, once again. */
static bool splice_ready(int in, int out, unsigned flags, size_t *n)
{
    struct pollfd p = {in, POLLIN, 0}, q = {out, POLLOUT, 0};
    int there = 0;
    if (!(flags & SPLICE_F_NONBLOCK)) {
        if (icept_asleep((void *)REAL(poll), (long)&p, 1, -1, 0) < 0 ||
            icept_asleep((void *)REAL(poll), (long)&q, 1, -1, 0) < 0)
            return false;
    }
    if (sys_call(SYS_ioctl, in, FIONREAD, (long)&there, 0, 0, 0) == 0 && there > 0 && (size_t)there < *n)
        *n = (size_t)there;
    icept_fd_read(in);
    if (there <= 0)
        icept_fd_read_end(in);
    icept_fd_out(out);
    return true;
}
/* Would the kernel wait, where the call is not to: a descriptor may say so itself. */
static unsigned splice_flags(int in, int out, unsigned flags)
{
    long a = sys_call(SYS_fcntl, in, F_GETFL, 0, 0, 0, 0), b = sys_call(SYS_fcntl, out, F_GETFL, 0, 0, 0, 0);
    return (a > 0 && a & O_NONBLOCK) || (b > 0 && b & O_NONBLOCK) ? flags | SPLICE_F_NONBLOCK : flags;
}
#define SPLICE(name, params, args, seen)                                                  \
    ICEPT(ssize_t, name, params)                                                          \
    {                                                                                     \
        uintptr_t pc = ICEPT_PC();                                                        \
        if (!icept_sync(pc))                                                              \
            return REAL(name) args;                                                       \
        icept_fd_used(in, pc);                                                            \
        icept_fd_used(out, pc);                                                           \
        if (icept_mem(pc)) {                                                              \
            seen;                                                                         \
        }                                                                                 \
        unsigned asked = splice_flags(in, out, flags);                                    \
        ssize_t r;                                                                        \
        do {                                                                              \
            size_t all = n;                                                               \
            if (!splice_ready(in, out, asked, &n))                                        \
                return -1;                                                                \
            flags |= SPLICE_F_NONBLOCK;                                                   \
            r = REAL(name) args;                                                          \
            n = all;                                                                      \
        } while (r < 0 && errno == EAGAIN && !(asked & SPLICE_F_NONBLOCK));               \
        return r;                                                                         \
    }
SPLICE(splice, (int in, off64_t *io, int out, off64_t *oo, size_t n, unsigned flags), (in, io, out, oo, n, flags),
       if (io) W(io, sizeof *io);
       if (oo) W(oo, sizeof *oo))
SPLICE(tee, (int in, int out, size_t n, unsigned flags), (in, out, n, flags), )

/* Into a pipe as writev, out of one as readv; the pipe's end says which. */
ICEPT(ssize_t, vmsplice, (int fd, const struct iovec *v, size_t k, unsigned flags))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    if (!icept_sync(pc))
        return REAL(vmsplice)(fd, v, k, flags);
    icept_fd_used(fd, pc);
    long mode = sys_call(SYS_fcntl, fd, F_GETFL, 0, 0, 0, 0);
    bool reads = mode >= 0 && (mode & O_ACCMODE) == O_RDONLY;
    if (icept_mem(pc)) {
        R(v, k * sizeof *v);
        if (!reads)
            vector(pc, v, k, SSIZE_MAX, false);
    }
    if (!reads)
        icept_fd_out(fd);
    ssize_t r = REAL(vmsplice)(fd, v, k, flags);
    ICEPT_SLEPT();
    if (reads && r >= 0) {
        int saved = errno;
        icept_fd_read(fd);
        if (r == 0)
            icept_fd_read_end(fd);
        if (icept_mem(pc))
            vector(pc, v, k, r, true);
        errno = saved;
    }
    return r;
}

/* --- ioctl ------------------------------------------------------------------------------------ */

/* What a request's argument is: most newer ones say so in their number, the old ones are listed. One
   that is neither points at something whose size is not known here, or is no pointer. */
static void ioctl_argument(unsigned long what, size_t *in, size_t *out)
{
    static const struct {
        unsigned short what, in, out;
    } old[] = {
        {TCGETS, 0, 36},                             /* the kernel's struct termios */
        {TCSETS, 36, 0},
        {TCSETSW, 36, 0},
        {TCSETSF, 36, 0},
        {TIOCGWINSZ, 0, sizeof(struct winsize)},
        {TIOCSWINSZ, sizeof(struct winsize), 0},
        {TIOCGPGRP, 0, sizeof(pid_t)},
        {TIOCSPGRP, sizeof(pid_t), 0},
        {TIOCOUTQ, 0, sizeof(int)},
        {TIOCGETD, 0, sizeof(int)},
        {TIOCSETD, sizeof(int), 0},
        {TIOCMGET, 0, sizeof(int)},
        {TIOCMSET, sizeof(int), 0},
        {FIONREAD, 0, sizeof(int)},
        {FIONBIO, sizeof(int), 0},
        {FIOASYNC, sizeof(int), 0},
        {SIOCATMARK, 0, sizeof(int)},
        {SIOCGPGRP, 0, sizeof(pid_t)},
        {SIOCGIFCONF, sizeof(struct ifconf), sizeof(struct ifconf)},
        {SIOCGIFNAME, sizeof(int), sizeof(struct ifreq)},
        {SIOCGIFINDEX, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFFLAGS, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFADDR, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFDSTADDR, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFBRDADDR, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFNETMASK, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFHWADDR, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFMTU, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCGIFMETRIC, IFNAMSIZ, sizeof(struct ifreq)},
        {SIOCSIFFLAGS, sizeof(struct ifreq), 0},
        {SIOCSIFADDR, sizeof(struct ifreq), 0},
        {SIOCSIFMTU, sizeof(struct ifreq), 0},
    };
    *in = *out = 0;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (old[i].what == what) {
            *in = old[i].in;
            *out = old[i].out;
            return;
        }
    if (_IOC_DIR(what) & _IOC_WRITE) /* the program writes, the kernel reads */
        *in = _IOC_SIZE(what);
    if (_IOC_DIR(what) & _IOC_READ)
        *out = _IOC_SIZE(what);
}
ICEPT_REAL(int, ioctl, (int fd, unsigned long what, ...));
ICEPT_EXPORT(int, ioctl, (int fd, unsigned long what, void *arg))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    size_t in = 0, out = 0;
    if (arg && icept_mem(pc))
        ioctl_argument(what, &in, &out);
    if (in)
        R(arg, in);
    int r = REAL(ioctl)(fd, what, arg);
    ICEPT_SLEPT();
    if (r >= 0 && out)
        W(arg, out);
    return r;
}

/* --- flock ------------------------------------------------------------------------------------ */

/* A lock between two openings of a file, in one process as well. (lockf's and fcntl's belong to the process:
   its threads do not keep each other out.) */
ICEPT(int, flock, (int fd, int op))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    if (icept_sync(pc))
        icept_fd_unlocks(fd); /* another mode is taken after the one that was held is given up */
    int r = REAL(flock)(fd, op);
    ICEPT_SLEPT();
    if (r == 0 && icept_sync(pc)) {
        int saved = errno;
        icept_fd_locked(fd, op & LOCK_EX ? FD_WRITER : op & LOCK_SH ? FD_READER : FD_UNLOCKED);
        errno = saved;
    }
    return r;
}

/* --- descriptors shared and closed ------------------------------------------------------------ */

/* The detector's own descriptors are not there for the program, whose results must get out. */
bool icept_fd_hidden(int fd, uintptr_t pc)
{
    if (fd < 0 || icept_own(pc) || output_next_fd(fd) != fd)
        return false;
    errno = EBADF;
    return true;
}
ICEPT(int, close, (int fd))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_fd_hidden(fd, pc))
        return -1;
    if (!icept_own(pc))
        icept_fd_closes(fd, pc);
    return REAL(close)(fd);
}
int icept_fd_close_range(unsigned first, unsigned last, int flags, uintptr_t pc)
{
    int highest = flags & CLOSE_RANGE_CLOEXEC ? -1 : icept_fd_highest();
    for (unsigned fd = first; fd <= last && (int)fd >= 0 && (int)fd <= highest; fd++)
        if (output_next_fd((int)fd) != (int)fd && sys_call(SYS_fcntl, (int)fd, F_GETFD, 0, 0, 0, 0) >= 0)
            icept_fd_closes((int)fd, pc);
    long r = first > last ? sys_call(SYS_close_range, first, last, flags, 0, 0, 0) : 0;
    while (first <= last && r == 0) {
        int own = (int)first < 0 ? -1 : output_next_fd((int)first);
        unsigned to = own < 0 || (unsigned)own > last ? last : (unsigned)own - 1;
        if ((int)first != own)
            r = sys_call(SYS_close_range, first, to, flags, 0, 0, 0);
        if (to == last || (unsigned)own == last)
            break;
        first = (unsigned)own + 1;
    }
    if (r < 0)
        errno = (int)-r;
    return r < 0 ? -1 : 0;
}
#if __GLIBC_PREREQ(2, 34)
ICEPT(int, close_range, (unsigned first, unsigned last, int flags))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_own(pc) || !det_ready)
        return REAL(close_range)(first, last, flags);
    return icept_fd_close_range(first, last, flags, pc);
}
/* Where the kernel has no close_range, as libc does it. */
ICEPT(void, closefrom, (int low))
{
    uintptr_t pc = ICEPT_PC();
    if (icept_own(pc) || !det_ready) {
        REAL(closefrom)(low);
        return;
    }
    low = low < 0 ? 0 : low;
    if (icept_fd_close_range((unsigned)low, ~0u, 0, pc) == 0)
        return;
    for (int fd = low, last = (int)sysconf(_SC_OPEN_MAX); fd < last; fd++)
        if (output_next_fd(fd) != fd) {
            icept_fd_closes(fd, pc);
            REAL(close)(fd);
        }
}
#endif
ICEPT(int, dup, (int fd))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    int r = REAL(dup)(fd);
    if (!icept_own(pc))
        icept_fd_dup(fd, r);
    return r;
}
ICEPT(int, dup2, (int fd, int to))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    if (!icept_own(pc) && fd != to) {
        output_leave_fd(to);
        icept_fd_closes(to, pc);
    }
    int r = REAL(dup2)(fd, to);
    if (!icept_own(pc) && fd != to)
        icept_fd_dup(fd, r);
    return r;
}
ICEPT(int, dup3, (int fd, int to, int f))
{
    uintptr_t pc = ICEPT_PC();
    icept_fd_used(fd, pc);
    if (!icept_own(pc) && fd != to) {
        output_leave_fd(to);
        icept_fd_closes(to, pc);
    }
    int r = REAL(dup3)(fd, to, f);
    if (!icept_own(pc))
        icept_fd_dup(fd, r);
    return r;
}
#define FCNTL(name)                                                       \
    ICEPT_REAL(int, name, (int fd, int cmd, ...));                        \
    ICEPT_EXPORT(int, name, (int fd, int cmd, void *arg))                 \
    {                                                                     \
        uintptr_t pc = ICEPT_PC();                                        \
        icept_fd_used(fd, pc);                                                  \
        int r = REAL(name)(fd, cmd, arg);                                 \
        if ((cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && !icept_own(pc)) \
            icept_fd_dup(fd, r);                                                \
        return r;                                                         \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

ICEPT(int, pclose, (FILE * f))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_own(pc))
        icept_fd_closes(icept_stream_fd(f), pc);
    return REAL(pclose)(f);
}
ICEPT(int, closedir, (DIR * d))
{
    uintptr_t pc = ICEPT_PC();
    if (d && !icept_own(pc))
        icept_fd_closes(dirfd(d), pc);
    return REAL(closedir)(d);
}
