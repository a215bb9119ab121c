/*
 * intercept_fd.c - descriptors: what their calls read and write, and what they order.
 *
 * Data that goes through a pipe or socket carries knowledge: who reads it knows what its writer
 * knew. So each direction of such a channel is a synchronisation object, a stream: write publishes
 * there (merged, several may write), read learns. A descriptor has at most one stream to read from
 * and one to write to; a call with a descriptor that has none orders nothing. Regular files have
 * none: two threads that meet in a file have agreed on nothing that C or POSIX calls
 * synchronisation.
 *
 * Which stream? What this process made is known exactly: pipe has one, socketpair two, an eventfd
 * one for both directions, an epoll instance one (epoll_ctl publishes, epoll_wait learns: the
 * pointer in an event is handed on). dup shares them, close ends them. What came otherwise
 * (inherited, made by the runtime, accepted) is recognised when it is first used: a pipe by its
 * inode, which both ends have in common; a connected socket by its two addresses, which the ends
 * see in opposite order; a datagram by the port or path it is sent to; a local connection by the
 * path that its server is bound to. Such streams are words in a hashed table: a collision can hide
 * a race, not invent one.
 *
 * connect -> accept, listen -> connect, and close -> end of file are edges as well; the last has a
 * word of its own, so that a close is learned of by who reads that far. A reader does not order the
 * writers after it, though it makes room for them.
 *
 * Using a descriptor reads it, closing writes it (HOOK_OBJ_FD): a close that is not ordered with a
 * use in another goroutine may hit whatever got the number next.
 *
 * Invariants: an entry of the table is cleared before the kernel can give the number out again,
 * that is, before the real close. Streams are type-stable; a call that races with a close learns
 * from, or publishes to, a stream that has ended, which nobody reads.
 */
#include "intercept.h"
#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* --- streams ---------------------------------------------------------------------------------- */

struct stream {
    u32 link, refs;
    u64 word, end; /* what is written; that it is over */
};
struct end {
    u64 *word;  /* the object's name, the next word is that of its end; NULL: none */
    u32 stream; /* the stream that owns it; 0: hashed, or none */
};
struct fd {
    u64 object; /* its address is the descriptor's name as an object */
    struct end in, out;
    bool known; /* in and out say all there is */
};

#define FDS (1 << 20)
#define HASHED (1u << 20) /* pairs */
static struct fd *fds;
static u64 *hashed;
static struct slab streams;
static u32 fd_lock;

static struct fd *fd_at(int fd)
{
    struct fd *table = __atomic_load_n(&fds, __ATOMIC_ACQUIRE);
    if (unlikely(!table)) {
        if (!det_ready)
            return NULL;
        det_lock(&fd_lock);
        if (!fds) {
            slab_init(&streams, "streams", sizeof(struct stream), 2u << 20);
            hashed = det_map(HASHED * 2 * sizeof *hashed);
            __atomic_store_n(&fds, det_map(FDS * sizeof *fds), __ATOMIC_RELEASE);
        }
        table = fds;
        det_unlock(&fd_lock);
    }
    return fd >= 0 && fd < FDS ? &table[fd] : NULL;
}

static struct end end_new(void)
{
    u32 i = slab_alloc(&streams);
    if (!i)
        return (struct end){0};
    struct stream *s = slab_at(&streams, i);
    s->refs = 1;
    return (struct end){&s->word, i};
}
static struct end end_share(struct end e)
{
    if (e.stream)
        ((struct stream *)slab_at(&streams, e.stream))->refs++;
    return e;
}
static void end_drop(struct end *e)
{
    struct stream *s = e->stream ? slab_at(&streams, e->stream) : NULL;
    if (s && !--s->refs) {
        hook_forget(&s->word, sizeof s->word + sizeof s->end);
        slab_free(&streams, e->stream);
    }
    *e = (struct end){0};
}

/* Under fd_lock. */
static void fd_clear(struct fd *f)
{
    end_drop(&f->in);
    end_drop(&f->out);
    f->known = false;
}

/* --- streams recognised by what the kernel says ----------------------------------------------- */

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ (h >> 29);
}
static u64 mix_bytes(u64 h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = mix(h, ((const unsigned char *)p)[i]);
    return h;
}
static u64 *hashed_word(u64 h)
{
    return &hashed[(h >> 17) % HASHED * 2];
}

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    char bytes[sizeof(struct sockaddr_un) + 8];
};

/* The place, whole (address and port, path); 0: it has no name. */
static u64 place(const union address *a, socklen_t n)
{
    switch (n >= sizeof a->any.sa_family ? a->any.sa_family : AF_UNSPEC) {
    case AF_INET:
        return mix(mix(1, a->in.sin_addr.s_addr), a->in.sin_port);
    case AF_INET6:
        if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
            return mix(mix(1, a->in6.sin6_addr.s6_addr32[3]), a->in6.sin6_port);
        return mix(mix_bytes(2, &a->in6.sin6_addr, 16), a->in6.sin6_port);
    case AF_UNIX: {
        size_t k = n > sizeof(sa_family_t) ? n - sizeof(sa_family_t) : 0;
        if (!k)
            return 0;
        if (a->un.sun_path[0]) { /* a path ends at its first zero */
            k = 0;
            while (k < n - sizeof(sa_family_t) && a->un.sun_path[k])
                k++;
        }
        return mix_bytes(3, a->un.sun_path, k);
    }
    default:
        return 0;
    }
}
/* The door: what a bound socket is reached by, whatever of the machine's addresses is used. */
static u64 door(const union address *a, socklen_t n)
{
    if (n >= sizeof(struct sockaddr_in) && a->any.sa_family == AF_INET)
        return mix(4, a->in.sin_port);
    if (n >= sizeof(struct sockaddr_in6) && a->any.sa_family == AF_INET6)
        return mix(4, a->in6.sin6_port);
    return place(a, n);
}

static bool name_of(int fd, long nr, union address *a, socklen_t *n)
{
    *n = sizeof *a;
    return sys_call(nr, fd, (long)a, (long)n, 0, 0, 0) == 0;
}
static int type_of(int fd)
{
    int type = 0;
    socklen_t n = sizeof type;
    sys_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, (long)&type, (long)&n, 0);
    return type;
}

/* Fills in what an unknown descriptor's streams are. False: ask again next time (not connected). */
static bool recognise(int fd, struct end *in, struct end *out)
{
    struct stat st;
    if (sys_call(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) < 0)
        return false;
    if (S_ISFIFO(st.st_mode)) {
        in->word = out->word = hashed_word(mix(mix(5, st.st_dev), st.st_ino));
        return true;
    }
    if (!S_ISSOCK(st.st_mode))
        return true;
    union address here, there;
    socklen_t here_n, there_n;
    bool bound = name_of(fd, SYS_getsockname, &here, &here_n);
    bool connected = name_of(fd, SYS_getpeername, &there, &there_n);
    if (type_of(fd) == SOCK_DGRAM) {
        if (bound && door(&here, here_n))
            in->word = hashed_word(door(&here, here_n));
        if (connected && door(&there, there_n))
            out->word = hashed_word(door(&there, there_n));
        return connected;
    }
    if (!connected || !bound)
        return false;
    u64 h = place(&here, here_n), t = place(&there, there_n);
    if (h || t) {
        in->word = hashed_word(mix(mix(6, t), h));
        out->word = hashed_word(mix(mix(6, h), t));
    }
    return true;
}

static struct fd *fd_known(int fd)
{
    struct fd *f = fd_at(fd);
    if (!f || __atomic_load_n(&f->known, __ATOMIC_ACQUIRE))
        return f;
    struct end in = {0}, out = {0};
    bool done = recognise(fd, &in, &out);
    det_lock(&fd_lock);
    if (!f->known) {
        f->in = in;
        f->out = out;
        __atomic_store_n(&f->known, done, __ATOMIC_RELEASE);
    }
    det_unlock(&fd_lock);
    return f;
}

static void fd_in(int fd)
{
    const struct fd *f = det_cur ? fd_known(fd) : NULL;
    if (f && f->in.word)
        hook_acquire(NULL, f->in.word);
}
void icept_fd_out(int fd)
{
    const struct fd *f = det_cur ? fd_known(fd) : NULL;
    if (f && f->out.word)
        hook_release_merge(NULL, f->out.word);
}
/* No more is written at this end; who reads that far knows it. */
static void fd_out_ends(int fd)
{
    const struct fd *f = det_cur ? fd_known(fd) : NULL;
    if (f && f->out.word)
        hook_release_merge(NULL, f->out.word + 1);
}
static void fd_in_ended(int fd)
{
    const struct fd *f = fd_known(fd);
    if (f && f->in.word)
        hook_acquire(NULL, f->in.word + 1);
}
/* stdio reads ahead: it may have met the end already. */
void icept_fd_in(int fd)
{
    if (!det_cur)
        return;
    fd_in(fd);
    fd_in_ended(fd);
}
/* A datagram to an address given with it. */
static void fd_out_to(int fd, const void *to, socklen_t n)
{
    if (to && n <= sizeof(union address) && fd_at(fd)) {
        union address a;
        det_copy(&a, to, n);
        u64 d = door(&a, n);
        if (d)
            hook_release_merge(NULL, hashed_word(d));
    } else {
        icept_fd_out(fd);
    }
}

/* --- descriptors come and go ------------------------------------------------------------------ */

static void fd_new(int fd, struct end in, struct end out, bool known)
{
    struct fd *f = fd_at(fd);
    if (!f)
        return;
    det_lock(&fd_lock);
    fd_clear(f);
    f->in = in;
    f->out = out;
    __atomic_store_n(&f->known, known, __ATOMIC_RELEASE);
    det_unlock(&fd_lock);
    det_clear((uintptr_t)&f->object, sizeof f->object);
}
static void fd_opened(int fd)
{
    if (fd >= 0 && det_ready)
        fd_new(fd, (struct end){0}, (struct end){0}, false);
}
static void fd_dup(int from, int to)
{
    struct fd *f = to >= 0 && det_ready ? fd_at(from) : NULL;
    if (!f)
        return;
    det_lock(&fd_lock);
    struct end in = end_share(f->in), out = end_share(f->out);
    bool known = f->known;
    det_unlock(&fd_lock);
    fd_new(to, in, out, known);
}
static void fd_used(int fd, uintptr_t pc)
{
    struct fd *f = icept_mem(pc) ? fd_at(fd) : NULL;
    if (f)
        hook_obj_read(pc, HOOK_OBJ_FD, &f->object);
}
/* Before the kernel frees the number. */
static void fd_closes(int fd, uintptr_t pc)
{
    struct fd *f = det_ready ? fd_at(fd) : NULL;
    if (!f)
        return;
    if (icept_mem(pc))
        hook_obj_write(pc, HOOK_OBJ_FD, &f->object);
    if (icept_sync(pc))
        fd_out_ends(fd);
    det_lock(&fd_lock);
    fd_clear(f);
    det_unlock(&fd_lock);
}

void icept_fd_fork(int phase)
{
    if (phase == 0)
        det_lock(&fd_lock);
    else
        det_unlock(&fd_lock);
}

bool icept_describe_fd(uintptr_t a, char *buf, size_t size)
{
    if (!fds || a - (uintptr_t)fds >= FDS * sizeof *fds)
        return false;
    det_format(buf, size, "Location is file descriptor %d",
               (int)((a - (uintptr_t)fds) / sizeof *fds));
    return true;
}

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
        fd_used(fd, pc);                   \
        ret r = REAL(name) args;           \
        if (r < 0)                         \
            return r;                      \
        int saved = errno;                 \
        fd_in(fd);                         \
        if (r == 0)                        \
            fd_in_ended(fd);               \
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
        fd_used(fd, pc);                         \
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
IN(readv, ssize_t, (int fd, const struct iovec *v, int k), (fd, v, k), R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv, ssize_t, (int fd, const struct iovec *v, int k, off_t o), (fd, v, k, o),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(preadv2, ssize_t, (int fd, const struct iovec *v, int k, off_t o, int f), (fd, v, k, o, f),
   R(v, k * sizeof *v);
   vector(pc, v, k, r, true))
IN(recv, ssize_t, (int fd, void *b, size_t n, int f), (fd, b, n, f),
   W(b, (size_t)r < n ? (size_t)r : n))
IN(__recv_chk, ssize_t, (int fd, void *b, size_t n, size_t m, int f), (fd, b, n, m, f),
   W(b, (size_t)r < n ? (size_t)r : n))
IN(recvfrom, ssize_t, (int fd, void *b, size_t n, int f, struct sockaddr *from, socklen_t *from_n),
   (fd, b, n, f, from, from_n), W(b, (size_t)r < n ? (size_t)r : n);
   address_out(pc, from, from_n))
IN(recvmsg, ssize_t, (int fd, struct msghdr *m, int f), (fd, m, f), message(pc, m, r, true);
   W(m, sizeof *m))
IN(
    recvmmsg, int, (int fd, struct mmsghdr *m, unsigned k, int f, struct timespec *t),
    (fd, m, k, f, t), for (int i = 0; i < r; i++) {
        message(pc, &m[i].msg_hdr, m[i].msg_len, true);
        W(&m[i], sizeof m[i]);
    })
IN(eventfd_read, int, (int fd, eventfd_t *v), (fd, v), W(v, sizeof *v))
IN(epoll_wait, int, (int fd, struct epoll_event *e, int n, int t), (fd, e, n, t),
   W(e, r * sizeof *e))
IN(epoll_pwait, int, (int fd, struct epoll_event *e, int n, int t, const sigset_t *s),
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
OUT(send, ssize_t, (int fd, const void *b, size_t n, int f), (fd, b, n, f), icept_fd_out(fd),
    R(b, n))
OUT(sendto, ssize_t,
    (int fd, const void *b, size_t n, int f, const struct sockaddr *to, socklen_t to_n),
    (fd, b, n, f, to, to_n), fd_out_to(fd, to, to_n), R(b, n);
    if (to) R(to, to_n))
OUT(sendmsg, ssize_t, (int fd, const struct msghdr *m, int f), (fd, m, f),
    fd_out_to(fd, m->msg_name, m->msg_namelen), message(pc, m, SSIZE_MAX, false))
OUT(sendmmsg, int, (int fd, struct mmsghdr *m, unsigned k, int f), (fd, m, k, f),
    for (unsigned i = 0; i < k; i++) fd_out_to(fd, m[i].msg_hdr.msg_name, m[i].msg_hdr.msg_namelen),
    for (unsigned i = 0; i < k; i++) message(pc, &m[i].msg_hdr, SSIZE_MAX, false))
OUT(sendfile, ssize_t, (int fd, int in, off_t *o, size_t n), (fd, in, o, n), icept_fd_out(fd),
    if (o) W(o, sizeof *o))
OUT(eventfd_write, int, (int fd, eventfd_t v), (fd, v), icept_fd_out(fd), )
OUT(shutdown, int, (int fd, int how), (fd, how), fd_out_ends(fd), )
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
            fd_opened(fd);              \
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
OPEN(inotify_init1, (int f), (f), )
OPEN(timerfd_create, (int c, int f), (c, f), )
OPEN(signalfd, (int s, const sigset_t *m, int f), (s, m, f), R(m, sizeof *m))

/* One stream for both directions. */
#define OPEN_LOOP(name, params, args)                         \
    ICEPT(int, name, params)                                  \
    {                                                         \
        int fd = REAL(name) args;                             \
        if (fd >= 0 && icept_sync(ICEPT_PC()) && fd_at(fd)) { \
            det_lock(&fd_lock);                               \
            struct end in = end_new(), out = end_share(in);   \
            det_unlock(&fd_lock);                             \
            fd_new(fd, in, out, true);                        \
        }                                                     \
        return fd;                                            \
    }
OPEN_LOOP(eventfd, (unsigned v, int f), (v, f))
OPEN_LOOP(epoll_create, (int n), (n))
OPEN_LOOP(epoll_create1, (int f), (f))

/* What is written to fd[1] is read from fd[0], and the other way round if both. */
static void fd_pair(int r, int *fd, bool both, uintptr_t pc)
{
    if (r || !icept_sync(pc) || !fd_at(fd[0]))
        return;
    det_lock(&fd_lock);
    struct end forth = end_new(), forth_in = end_share(forth), back = {0}, back_in = {0};
    if (both) {
        back = end_new();
        back_in = end_share(back);
    }
    det_unlock(&fd_lock);
    fd_new(fd[0], forth_in, back, true);
    fd_new(fd[1], back_in, forth, true);
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

/* The server's door: who connects tells who accepts (word 0), who listens tells who connects (1).
 */
static u64 *door_word(int fd, const struct sockaddr *to, socklen_t n, int which)
{
    union address a;
    if (!fd_at(fd))
        return NULL;
    if (to) {
        if (n > sizeof a)
            return NULL;
        det_copy(&a, to, n);
    } else if (!name_of(fd, SYS_getsockname, &a, &n)) {
        return NULL;
    }
    u64 d = door(&a, n);
    return d ? hashed_word(mix(7 + which, d)) : NULL;
}

static void accepted(int listener, int fd, const void *a, const socklen_t *n, uintptr_t pc)
{
    if (fd < 0)
        return;
    int saved = errno;
    if (!icept_own(pc))
        fd_opened(fd);
    u64 *word = icept_sync(pc) ? door_word(listener, NULL, 0, 0) : NULL;
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
    fd_used(fd, pc);
    int r = REAL(accept)(fd, a, n);
    ICEPT_SLEPT();
    accepted(fd, r, a, n, pc);
    return r;
}
ICEPT(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
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
    fd_used(fd, pc);
    if (icept_mem(pc))
        R(a, n);
    u64 *tell = door_word(fd, a, n, 0), *learn = door_word(fd, a, n, 1);
    if (tell)
        hook_release_merge(NULL, tell);
    int r = REAL(connect)(fd, a, n);
    ICEPT_SLEPT();
    if (r == 0 && learn)
        hook_acquire(NULL, learn);
    struct fd *f = fd_at(fd);
    if (f && r == 0) { /* what was guessed of it before is no longer so */
        det_lock(&fd_lock);
        if (!f->in.stream)
            fd_clear(f);
        det_unlock(&fd_lock);
    }
    return r;
}
ICEPT(int, listen, (int fd, int n))
{
    uintptr_t pc = ICEPT_PC();
    u64 *word = icept_sync(pc) ? door_word(fd, NULL, 0, 1) : NULL;
    fd_used(fd, pc);
    if (word)
        hook_release_merge(NULL, word);
    return REAL(listen)(fd, n);
}
ICEPT(int, bind, (int fd, const struct sockaddr *a, socklen_t n))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    if (icept_mem(pc))
        R(a, n);
    return REAL(bind)(fd, a, n);
}
ICEPT(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    int r = REAL(getsockname)(fd, a, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, a, n);
    return r;
}
ICEPT(int, getpeername, (int fd, struct sockaddr *a, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    int r = REAL(getpeername)(fd, a, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, a, n);
    return r;
}
ICEPT(int, getsockopt, (int fd, int l, int o, void *v, socklen_t *n))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    int r = REAL(getsockopt)(fd, l, o, v, n);
    if (r == 0 && icept_mem(pc))
        address_out(pc, v, n);
    return r;
}
ICEPT(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    if (v && icept_mem(pc))
        R(v, n);
    return REAL(setsockopt)(fd, l, o, v, n);
}

/* --- readiness -------------------------------------------------------------------------------- */

ICEPT(int, poll, (struct pollfd * p, nfds_t n, int t))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    int r = REAL(poll)(p, n, t);
    ICEPT_SLEPT();
    if (r >= 0 && icept_mem(pc))
        W(p, n * sizeof *p);
    return r;
}
ICEPT(int, ppoll, (struct pollfd * p, nfds_t n, const struct timespec *t, const sigset_t *s))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    int r = REAL(ppoll)(p, n, t, s);
    ICEPT_SLEPT();
    if (r >= 0 && icept_mem(pc))
        W(p, n * sizeof *p);
    return r;
}
ICEPT(int, select, (int n, fd_set *i, fd_set *o, fd_set *e, struct timeval *t))
{
    ICEPT_MAY_SLEEP();
    uintptr_t pc = ICEPT_PC();
    int r = REAL(select)(n, i, o, e, t);
    ICEPT_SLEPT();
    if (r >= 0 && icept_mem(pc)) {
        size_t bytes = ((size_t)n + 63) / 64 * 8;
        if (i)
            W(i, bytes);
        if (o)
            W(o, bytes);
        if (e)
            W(e, bytes);
        if (t)
            W(t, sizeof *t);
    }
    return r;
}

/* --- descriptors shared and closed ------------------------------------------------------------ */

ICEPT(int, close, (int fd))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_own(pc))
        fd_closes(fd, pc);
    return REAL(close)(fd);
}
ICEPT(int, dup, (int fd))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    int r = REAL(dup)(fd);
    if (!icept_own(pc))
        fd_dup(fd, r);
    return r;
}
ICEPT(int, dup2, (int fd, int to))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    if (!icept_own(pc) && fd != to)
        fd_closes(to, pc);
    int r = REAL(dup2)(fd, to);
    if (!icept_own(pc) && fd != to)
        fd_dup(fd, r);
    return r;
}
ICEPT(int, dup3, (int fd, int to, int f))
{
    uintptr_t pc = ICEPT_PC();
    fd_used(fd, pc);
    if (!icept_own(pc) && fd != to)
        fd_closes(to, pc);
    int r = REAL(dup3)(fd, to, f);
    if (!icept_own(pc))
        fd_dup(fd, r);
    return r;
}
#define FCNTL(name)                                                       \
    ICEPT_REAL(int, name, (int fd, int cmd, ...));                        \
    ICEPT_EXPORT(int, name, (int fd, int cmd, void *arg))                 \
    {                                                                     \
        uintptr_t pc = ICEPT_PC();                                        \
        fd_used(fd, pc);                                                  \
        int r = REAL(name)(fd, cmd, arg);                                 \
        if ((cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && !icept_own(pc)) \
            fd_dup(fd, r);                                                \
        return r;                                                         \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

ICEPT(int, fclose, (FILE * f))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_own(pc))
        fd_closes(fileno_unlocked(f), pc);
    return REAL(fclose)(f);
}
ICEPT(int, pclose, (FILE * f))
{
    uintptr_t pc = ICEPT_PC();
    if (!icept_own(pc))
        fd_closes(fileno_unlocked(f), pc);
    return REAL(pclose)(f);
}

/* --- the runtime's own calls on descriptors (hooks.h) ----------------------------------------- */

void hook_fd_open(int fd)
{
    fd_opened(fd);
}
void hook_fd_in(int fd)
{
    icept_fd_in(fd);
}
void hook_fd_out(int fd)
{
    icept_fd_out(fd);
}
void hook_fd_close(int fd, uintptr_t pc)
{
    struct fd *f = det_ready && det_cur ? fd_at(fd) : NULL;
    if (!f)
        return;
    hook_obj_write(pc, HOOK_OBJ_FD, &f->object);
    icept_fd_out(fd);
    det_lock(&fd_lock);
    fd_clear(f);
    det_unlock(&fd_lock);
}
