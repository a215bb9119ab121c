/*
 * io.c - read, write, accept, connect … for goroutines, and addresses in Go's spelling.
 *
 * The rule of every call here: try it so that it cannot block; if it would have, wait in netpoll,
 * try again. How to try without blocking depends on what the descriptor is. Putting it into
 * non-blocking mode, as Go does, would change it for everyone who shares it, the shell that gave us
 * the terminal included, and for the program's own plain read(2). Sockets take MSG_DONTWAIT; pipes,
 * on a recent kernel, RWF_NOWAIT; the rest is asked by poll first, and may then block the thread if
 * somebody else was quicker, which the monitor puts right.
 *
 * To the detector a call here is what the interceptor of its namesake is: it reads or writes the
 * caller's buffer, and what goes through a pipe or socket orders its ends.
 */
#include "netpoll.h"
#include "sched_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <goc/go.h>
#include <goc/io.h>
#include <netdb.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static ssize_t fail(long error)
{
    *rt_errno() = (int)-error;
    return -1;
}

static bool would_block(long r)
{
    return r == -EAGAIN || r == -EWOULDBLOCK;
}

/* --- read and write -----------------------------------------------------------------------------
 */

/* Is it ready this moment? The events, 0, or -errno. */
static long poll_now(int fd, int events)
{
    struct pollfd p = {.fd = fd, .events = (short)events};
    struct timespec none = {0};
    long n = rt_sys5(SYS_ppoll, &p, 1, &none, NULL, 8);
    return n <= 0 ? n : p.revents & POLLNVAL ? -EBADF : p.revents;
}

/* One attempt that does not block: bytes, -EAGAIN, -errno. */
static long try_io(int fd, enum fd_kind kind, bool writing, void *buf, size_t n)
{
    if (kind == FD_SOCKET)
        return writing ? rt_sys6(SYS_sendto, fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0)
                       : rt_sys6(SYS_recvfrom, fd, buf, n, MSG_DONTWAIT, NULL, NULL);
    if (kind == FD_POLLED) {
        struct iovec v = {buf, n};
        long r = rt_sys6(writing ? SYS_pwritev2 : SYS_preadv2, fd, &v, 1, -1, 0, RWF_NOWAIT);
        if (r != -EOPNOTSUPP && r != -ENOSYS)
            return r;
        r = poll_now(fd, writing ? POLLOUT : POLLIN);
        if (r <= 0)
            return r ? r : -EAGAIN;
    }
    return writing ? rt_sys3(SYS_write, fd, buf, n) : rt_sys3(SYS_read, fd, buf, n);
}

/* The same, waiting for it: bytes or -errno. */
static long one_io(int fd, enum fd_kind kind, bool writing, void *buf, size_t n, uintptr_t pc)
{
    int events = writing ? POLLOUT : POLLIN;
    for (;;) {
        netpoll_ready_reset(fd, events);
        long r = try_io(fd, kind, writing, buf, n);
        if (r == -EINTR)
            continue;
        if (!would_block(r))
            return r;
        int w = netpoll_wait(fd, events, 0, pc);
        if (w < 0)
            return w;
    }
}

GOC_EXPORT ssize_t goc_read(int fd, void *buf, size_t n)
{
    uintptr_t pc = CALLER_PC();
    long r = one_io(fd, netpoll_kind(fd), false, buf, n, pc);
    if (r < 0)
        return fail(r);
    hook_fd_in(fd);
    hook_write(pc, buf, (size_t)r);
    return r;
}

GOC_EXPORT ssize_t goc_write(int fd, const void *buf, size_t n)
{
    uintptr_t pc = CALLER_PC();
    enum fd_kind kind = netpoll_kind(fd);
    size_t done = 0;
    hook_read(pc, buf, n);
    hook_fd_out(fd);
    do {
        long r = one_io(fd, kind, true, (char *)(uintptr_t)buf + done, n - done, pc);
        if (r < 0)
            return done ? (ssize_t)done : fail(r);
        done += (size_t)r;
    } while (done < n);
    return (ssize_t)done;
}

GOC_EXPORT ssize_t goc_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr,
                                socklen_t *len)
{
    uintptr_t pc = CALLER_PC();
    for (;;) {
        netpoll_ready_reset(fd, POLLIN);
        long r = rt_sys6(SYS_recvfrom, fd, buf, n, flags | MSG_DONTWAIT, addr, len);
        if (r == -EINTR)
            continue;
        if (would_block(r) && !(flags & MSG_DONTWAIT)) {
            int w = netpoll_wait(fd, POLLIN, 0, pc);
            if (w < 0)
                return fail(w);
            continue;
        }
        if (r < 0)
            return fail(r);
        hook_fd_in(fd);
        hook_write(pc, buf, (size_t)r < n ? (size_t)r : n);
        return r;
    }
}

GOC_EXPORT ssize_t goc_sendto(int fd, const void *buf, size_t n, int flags,
                              const struct sockaddr *addr, socklen_t len)
{
    uintptr_t pc = CALLER_PC();
    hook_read(pc, buf, n);
    hook_fd_out(fd);
    for (;;) {
        netpoll_ready_reset(fd, POLLOUT);
        long r = rt_sys6(SYS_sendto, fd, buf, n, flags | MSG_DONTWAIT | MSG_NOSIGNAL, addr, len);
        if (r == -EINTR)
            continue;
        if (would_block(r) && !(flags & MSG_DONTWAIT)) {
            int w = netpoll_wait(fd, POLLOUT, 0, pc);
            if (w < 0)
                return fail(w);
            continue;
        }
        return r < 0 ? fail(r) : r;
    }
}

GOC_EXPORT int goc_wait_fd(int fd, int events, goc_time deadline)
{
    uintptr_t pc = CALLER_PC();
    if (deadline < 0)
        deadline = 0;
    netpoll_ready_reset(fd, events);
    for (;;) {
        long r = poll_now(fd, events);
        if (r == -EINTR)
            continue;
        if (r == 0)
            r = netpoll_wait(fd, events, deadline, pc);
        return r < 0 ? (int)fail(r) : (int)r;
    }
}

GOC_EXPORT int goc_close_fd(int fd)
{
    hook_fd_close(fd, CALLER_PC());
    netpoll_close_begin(fd);
    long r = rt_sys1(SYS_close, fd);
    netpoll_close_end(fd);
    return r < 0 && r != -EINTR ? (int)fail(r) : 0;
}

/* --- connections --------------------------------------------------------------------------------
 */

/* -EAGAIN: nobody has come yet. Anything else would be waited for in vain. */
static long is_listener(int fd)
{
    int listens = 0;
    socklen_t size = sizeof listens;
    long r = rt_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    return r < 0 ? r : listens ? -EAGAIN : -EINVAL;
}

static long do_accept(int fd, struct sockaddr *addr, socklen_t *len, uintptr_t pc)
{
    bool owned = netpoll_owned(fd); /* then it is a goc_listen's, in non-blocking mode */
    for (;;) {
        netpoll_ready_reset(fd, POLLIN);
        long r = owned ? 1 : poll_now(fd, POLLIN); /* a listener in blocking mode */
        if (r > 0)
            r = rt_sys4(SYS_accept4, fd, addr, len, SOCK_CLOEXEC);
        else if (r == 0)
            r = is_listener(fd);
        if (r == -EINTR || r == -ECONNABORTED)
            continue;
        if (!would_block(r))
            return r;
        int w = netpoll_wait(fd, POLLIN, 0, pc);
        if (w < 0)
            return w;
    }
}

GOC_EXPORT int goc_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    long r = do_accept(fd, addr, len, CALLER_PC());
    if (r < 0)
        return (int)fail(r);
    netpoll_opened((int)r, FD_SOCKET);
    hook_fd_open((int)r);
    hook_fd_in(fd);
    return (int)r;
}

static long do_connect(int fd, const struct sockaddr *addr, socklen_t len, int64_t deadline,
                       uintptr_t pc)
{
    netpoll_ready_reset(fd, POLLOUT);
    long r;
    while ((r = rt_sys3(SYS_connect, fd, addr, len)) == -EAGAIN) { /* a local listener's queue */
        if (deadline && rt_now() >= deadline)
            return -ETIMEDOUT;
        goc_sleep(GOC_MILLISECOND);
    }
    if (r != -EINPROGRESS && r != -EINTR)
        return r;
    for (;;) {
        int w = netpoll_wait(fd, POLLOUT, deadline, pc);
        if (w < 0)
            return w;
        int error = 0;
        socklen_t size = sizeof error;
        r = rt_sys5(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (r < 0)
            return r;
        if (error)
            return -error;
        struct sockaddr_storage peer; /* an edge may be older than the connection */
        size = sizeof peer;
        if (rt_sys3(SYS_getpeername, fd, &peer, &size) != -ENOTCONN)
            return 0;
    }
}

GOC_EXPORT int goc_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    long flags = rt_sys2(SYS_fcntl, fd, F_GETFL);
    if (flags < 0)
        return (int)fail(flags);
    hook_fd_out(fd);
    if (!(flags & O_NONBLOCK))
        rt_sys3(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
    long r = do_connect(fd, addr, len, 0, CALLER_PC());
    if (!(flags & O_NONBLOCK))
        rt_sys3(SYS_fcntl, fd, F_SETFL, flags);
    return r < 0 ? (int)fail(r) : 0;
}

/* --- addresses ----------------------------------------------------------------------------------
 */

struct address {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
    socklen_t len;
};

enum { ADDRESSES = 8 };

/* What a look-up needs and finds; done by a goroutine with a stack that libc's resolver fits in. */
struct lookup {
    const char *host, *port;
    int family;
    bool passive;
    struct address found[ADDRESSES];
    int n;
    struct g *waiter;
    uint32_t state; /* 1: the waiter sleeps; 2: done */
};

static void lookup_run(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_family = l->family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = l->passive ? AI_PASSIVE : 0},
                    *list = NULL;
    if (!getaddrinfo(l->host, l->port, &hints, &list)) {
        for (struct addrinfo *a = list; a && l->n < ADDRESSES; a = a->ai_next) {
            rt_copy(&l->found[l->n].sa, a->ai_addr, a->ai_addrlen);
            l->found[l->n++].len = a->ai_addrlen;
        }
        freeaddrinfo(list);
    }
}

static void lookup_goroutine(void *arg)
{
    struct lookup *l = arg;
    struct g *waiter = l->waiter;
    goc_blocking(lookup_run, l);
    if (__atomic_exchange_n(&l->state, 2, __ATOMIC_ACQ_REL) == 1)
        g_ready(waiter);
}

static bool lookup_commit(struct g *g, void *arg)
{
    struct lookup *l = arg;
    return __atomic_exchange_n(&l->state, 1, __ATOMIC_ACQ_REL) != 2;
}

/* "host:port", "[host]:port"; host and port are copied into buf, host may be empty. */
static bool split_host_port(const char *address, char *buf, size_t size, struct lookup *l)
{
    size_t n = rt_strlen(address);
    if (n + 2 > size)
        return false;
    rt_copy(buf, address, n + 1);
    char *colon = NULL;
    for (char *c = buf; *c; c++)
        if (*c == ':')
            colon = c;
    if (!colon)
        return false;
    *colon = 0;
    l->port = colon + 1;
    l->host = buf;
    if (buf[0] == '[') {
        if (colon[-1] != ']')
            return false;
        colon[-1] = 0;
        l->host = buf + 1;
    } else {
        for (char *c = buf; *c; c++)
            if (*c == ':')
                return false; /* too many colons */
    }
    if (!*l->host)
        l->host = NULL;
    if (!*l->port)
        l->port = "0";
    return true;
}

/* The socket addresses meant; their number, or -errno. */
static int resolve(const char *network, const char *address, bool passive, struct lookup *l,
                   uintptr_t pc)
{
    char buf[300] = "";
    *l = (struct lookup){.passive = passive};
    if (!network || !address)
        return -EINVAL;
    if (rt_streq(network, "unix")) {
        struct sockaddr_un *un = &l->found[0].un;
        size_t n = rt_strlen(address);
        if (!n || n >= sizeof un->sun_path)
            return -EINVAL;
        un->sun_family = AF_UNIX;
        rt_copy(un->sun_path, address, n + 1);
        if (address[0] == '@')
            un->sun_path[0] = 0;
        l->found[0].len =
            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (address[0] != '@'));
        return l->n = 1;
    }
    l->family = rt_streq(network, "tcp")    ? AF_UNSPEC
                : rt_streq(network, "tcp4") ? AF_INET
                : rt_streq(network, "tcp6") ? AF_INET6
                                            : -1;
    if (l->family < 0 || !split_host_port(address, buf, sizeof buf, l))
        return -EINVAL;
    if (!l->host && !passive)
        l->host = l->family == AF_INET6 ? "::1" : "127.0.0.1";
    if (!l->host && l->family == AF_UNSPEC) { /* both families through one socket, as Go */
        l->family = AF_INET6;
        l->host = "::";
    }
    struct m *m = m_cur();
    if (m->foreign) {
        lookup_run(l);
    } else {
        uintptr_t arg = (uintptr_t)l;
        l->waiter = m->cur;
        g_spawn((void *)lookup_goroutine, &arg, 1, 1 << 20, pc);
        g_park(lookup_commit, l, HOOK_WAIT_SYSCALL, NULL, 0, pc);
    }
    return l->n ? l->n : -EADDRNOTAVAIL;
}

static long new_socket(const struct address *a)
{
    long fd = rt_sys3(SYS_socket, a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, off = 0;
    if (fd < 0)
        return fd;
    if (a->sa.sa_family != AF_UNIX) {
        rt_sys5(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        rt_sys5(SYS_setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (a->sa.sa_family == AF_INET6)
        rt_sys5(SYS_setsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    netpoll_opened((int)fd, FD_SOCKET);
    hook_fd_open((int)fd);
    return fd;
}

static long give_up(long fd, long error)
{
    netpoll_close_begin((int)fd);
    rt_sys1(SYS_close, fd);
    netpoll_close_end((int)fd);
    return error;
}

GOC_EXPORT int goc_listen(const char *network, const char *address)
{
    struct lookup l;
    int n = resolve(network, address, true, &l, CALLER_PC());
    if (n < 0)
        return (int)fail(n);
    long r = 0;
    for (int i = 0; i < n; i++) {
        long fd = new_socket(&l.found[i]);
        if (fd < 0) {
            r = fd;
            continue;
        }
        int on = 1;
        rt_sys5(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        r = rt_sys3(SYS_bind, fd, &l.found[i].sa, l.found[i].len);
        if (r >= 0)
            r = rt_sys2(SYS_listen, fd, SOMAXCONN);
        if (r >= 0)
            return (int)fd;
        r = give_up(fd, r);
    }
    return (int)fail(r);
}

GOC_EXPORT int goc_dial(const char *network, const char *address, goc_duration timeout)
{
    uintptr_t pc = CALLER_PC();
    int64_t deadline = timeout > 0 ? rt_now() + timeout : 0;
    struct lookup l;
    int n = resolve(network, address, false, &l, pc);
    if (n < 0)
        return (int)fail(n);
    long r = 0;
    for (int i = 0; i < n; i++) {
        long fd = new_socket(&l.found[i]);
        if (fd < 0) {
            r = fd;
            continue;
        }
        hook_fd_out((int)fd);
        r = do_connect((int)fd, &l.found[i].sa, l.found[i].len, deadline, pc);
        if (r >= 0)
            return (int)fd;
        r = give_up(fd, r);
        if (r == -ETIMEDOUT && deadline && rt_now() >= deadline)
            break;
    }
    return (int)fail(r);
}

static size_t format_in6(char *buf, size_t size, const struct in6_addr *a)
{
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        const uint8_t *b = a->s6_addr + 12;
        return rt_format(buf, size, "[::ffff:%d.%d.%d.%d]", b[0], b[1], b[2], b[3]);
    }
    return rt_format(buf, size, "[%s]", inet_ntop(AF_INET6, a, text, sizeof text));
}

GOC_EXPORT int goc_local_addr(int fd, char *buf, size_t len)
{
    struct address a;
    char text[200];
    size_t n = 0;
    if (!buf && len)
        return (int)fail(-EFAULT);
    a.len = sizeof a - sizeof a.len;
    long r = rt_sys3(SYS_getsockname, fd, &a.sa, &a.len);
    if (r < 0)
        return (int)fail(r);
    if (a.sa.sa_family == AF_INET) {
        const uint8_t *b = (const uint8_t *)&a.in4.sin_addr;
        n = rt_format(text, sizeof text, "%d.%d.%d.%d:%d", b[0], b[1], b[2], b[3],
                      ntohs(a.in4.sin_port));
    } else if (a.sa.sa_family == AF_INET6) {
        n = format_in6(text, sizeof text, &a.in6.sin6_addr);
        n += rt_format(text + n, sizeof text - n, ":%d", ntohs(a.in6.sin6_port));
    } else if (a.sa.sa_family == AF_UNIX) {
        size_t path = a.len - offsetof(struct sockaddr_un, sun_path);
        if (a.len <= offsetof(struct sockaddr_un, sun_path))
            path = 0;
        bool abstract = path && !a.un.sun_path[0];
        n = rt_format(text, sizeof text, "%s%.*s", abstract ? "@" : "", (int)(path - abstract),
                      a.un.sun_path + abstract);
    } else {
        return (int)fail(-EAFNOSUPPORT);
    }
    rt_format(buf, len, "%s", text);
    return (int)n;
}
