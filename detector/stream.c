/*
 * stream.c - what is behind a descriptor: what its calls order.
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
 * A number begins a new life when it is opened, or is found open after it was closed.
 *
 * Invariants: an entry of the table is cleared before the kernel can give the number out again,
 * that is, before the real close. Streams are type-stable; a call that races with a close learns
 * from, or publishes to, a stream that has ended, which nobody reads.
 */
#include "stream.h"
#include "sys.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
    bool closed; /* and not seen to be opened since */
    uint8_t locked; /* enum fd_lock */
};

#define FDS (1 << 20)
#define HASHED (1u << 20) /* pairs */
static struct fd *fds;
static u64 *hashed;
static struct slab streams;
static u32 fd_lock;
static int fd_highest = -1; /* that was looked at */

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
    if (fd < 0 || fd >= FDS)
        return NULL;
    for (int was = __atomic_load_n(&fd_highest, __ATOMIC_RELAXED); unlikely(fd > was);)
        __atomic_compare_exchange_n(&fd_highest, &was, fd, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return &table[fd];
}
int icept_fd_highest(void)
{
    return __atomic_load_n(&fd_highest, __ATOMIC_RELAXED);
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

void icept_fd_read(int fd)
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
void icept_fd_write_ends(int fd)
{
    const struct fd *f = det_cur ? fd_known(fd) : NULL;
    if (f && f->out.word)
        hook_release_merge(NULL, f->out.word + 1);
}
void icept_fd_read_end(int fd)
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
    icept_fd_read(fd);
    icept_fd_read_end(fd);
}
/* A datagram to an address given with it. */
void icept_fd_out_to(int fd, const void *to, socklen_t n)
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

u64 *icept_fd_door(int fd, const void *to, socklen_t n, int which)
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

/* --- files locked ----------------------------------------------------------------------------- */

/* Word 0 is what those leave who had the file for themselves, word 1 those who shared it. */
static u64 *lock_words(int fd)
{
    struct stat st;
    if (sys_call(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) < 0)
        return NULL;
    return hashed_word(mix(mix(9, st.st_dev), st.st_ino));
}
void icept_fd_unlocks(int fd)
{
    struct fd *f = det_cur ? fd_at(fd) : NULL;
    u64 *word = f && f->locked ? lock_words(fd) : NULL;
    if (word)
        hook_release_merge(NULL, word + (f->locked == FD_READER));
}
void icept_fd_locked(int fd, enum fd_lock how)
{
    struct fd *f = det_cur ? fd_at(fd) : NULL;
    if (!f)
        return;
    f->locked = (uint8_t)how;
    u64 *word = how ? lock_words(fd) : NULL;
    if (word)
        hook_acquire(NULL, word);
    if (word && how == FD_WRITER)
        hook_acquire(NULL, word + 1);
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
    f->closed = false;
    f->locked = FD_UNLOCKED;
    __atomic_store_n(&f->known, known, __ATOMIC_RELEASE);
    det_unlock(&fd_lock);
    det_clear((uintptr_t)&f->object, sizeof f->object);
}
/* Many functions open something, in libc (fopen, popen, mkstemp) and where nobody sees it (a library's
   system call, a message with rights). A number that was closed and is open has a life that began so. */
static void fd_reborn(struct fd *f, int fd)
{
    if (unlikely(f->closed) && sys_call(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) >= 0)
        fd_new(fd, (struct end){0}, (struct end){0}, false);
}
/* One stream for both directions. */
void icept_fd_looped(int fd)
{
    if (fd < 0 || !fd_at(fd))
        return;
    det_lock(&fd_lock);
    struct end in = end_new(), out = end_share(in);
    det_unlock(&fd_lock);
    fd_new(fd, in, out, true);
}
/* What is written to fd[1] is read from fd[0], and the other way round if both. */
void icept_fd_paired(const int *fd, bool both)
{
    if (!fd_at(fd[0]))
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
}
/* What was guessed of it before is no longer so. */
void icept_fd_connected(int fd)
{
    struct fd *f = fd_at(fd);
    if (!f)
        return;
    det_lock(&fd_lock);
    if (!f->in.stream)
        fd_clear(f);
    det_unlock(&fd_lock);
}
void icept_fd_opened(int fd)
{
    if (fd >= 0 && det_ready)
        fd_new(fd, (struct end){0}, (struct end){0}, false);
}
void icept_fd_dup(int from, int to)
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
void icept_fd_used(int fd, uintptr_t pc)
{
    struct fd *f = icept_mem(pc) ? fd_at(fd) : NULL;
    if (!f)
        return;
    fd_reborn(f, fd);
    hook_obj_read(pc, HOOK_OBJ_FD, &f->object);
}
/* Before the kernel frees the number. A program that closes all the numbers there could be closes nothing
   with most of them. */
void icept_fd_closes(int fd, uintptr_t pc)
{
    if (fd > icept_fd_highest() && sys_call(SYS_fcntl, fd, F_GETFD, 0, 0, 0, 0) < 0)
        return;
    struct fd *f = det_ready ? fd_at(fd) : NULL;
    if (!f)
        return;
    fd_reborn(f, fd);
    if (icept_mem(pc))
        hook_obj_write(pc, HOOK_OBJ_FD, &f->object);
    if (icept_sync(pc)) {
        icept_fd_write_ends(fd);
        icept_fd_unlocks(fd);
    }
    det_lock(&fd_lock);
    fd_clear(f);
    f->locked = FD_UNLOCKED;
    f->closed = true;
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

/* --- the runtime's own calls on descriptors (hooks.h) ----------------------------------------- */

void hook_fd_open(int fd)
{
    icept_fd_opened(fd);
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
    fd_reborn(f, fd);
    hook_obj_write(pc, HOOK_OBJ_FD, &f->object);
    icept_fd_out(fd);
    det_lock(&fd_lock);
    fd_clear(f);
    f->closed = true;
    det_unlock(&fd_lock);
}
