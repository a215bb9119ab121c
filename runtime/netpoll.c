/*
 * netpoll.c - goroutines that wait for file descriptors, on epoll.
 *
 * The problem: a thread that waits in the kernel for every descriptor is a thread lost, so all
 * waits are gathered in one epoll instance, which somebody who is idle anyway sleeps in
 * (sched_idle.c).
 *
 * A wait is a struct wait on the goroutine's stack, in the list of its descriptor. The descriptor's
 * record holds that list, what is known to be ready, and how it is registered:
 *
 *   owned      the runtime made the descriptor and will close it. It is registered once, edge
 *              triggered, for both directions; an edge without a waiter is remembered in `ready`,
 *              and the next wait takes it and returns at once (its system call will tell).
 *   not owned  the program made it and may close it behind our back, and the number may mean
 *              another file tomorrow. It is registered anew for each wait, one-shot and level
 *              triggered: one system call more, but no event lost.
 *
 * Registering everything one-shot was rejected (a system call for each wait of a server), and so
 * was trusting every number (a wait that never ends once a stale registration is believed).
 *
 * A descriptor that epoll refuses (a regular file) is always ready.
 *
 * Who wakes. netpoll() turns events into a list of goroutines, for the caller to queue; a
 * deadline's timer makes its one ready; goc_close_fd makes all of its ready. Each takes the wait
 * out of the list under the record's lock, so only one does. The timer is at rest before the wait's
 * frame goes.
 *
 * Invariants: records are never freed; waiting counts the waits in all lists, and is what keeps the
 * program from being called deadlocked.
 */
#include "netpoll.h"
#include "sched_impl.h"

#include <errno.h>
#include <goc/go.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

struct wait {
    struct wait *next;
    struct g *g;
    struct desc *d;
    struct timer timer;
    int events, result; /* result 0: not yet */
};

struct desc {
    struct lock lock;
    uint8_t kind; /* enum fd_kind */
    bool owned, registered;
    bool closing;  /* between close_begin and close_end */
    uint8_t ready; /* owned: edges nobody has taken */
    int fd;
    struct wait *waits;
};

enum { PAGE_DESC = 1024, PAGES = 1024, EVENTS = 128 };
static struct desc *pages[PAGES];
static int epoll_fd = -1, break_fd = -1;
static uint32_t waiting;
static uint32_t breaking; /* break_fd has been written and not yet read */
static struct lock setup;

bool netpoll_waiting(void)
{
    return load_relaxed(&waiting) != 0;
}

static struct desc *desc_of(int fd)
{
    unsigned page = (unsigned)fd / PAGE_DESC;
    if (fd < 0 || page >= PAGES)
        return NULL;
    struct desc *d = load_acquire(&pages[page]);
    if (!d) {
        lock_acquire(&setup, RANK_NETPOLL);
        d = pages[page];
        if (!d) {
            d = rt_map(PAGE_DESC * sizeof *d);
            for (int i = 0; d && i < PAGE_DESC; i++)
                d[i].fd = (int)(page * PAGE_DESC) + i;
            store_release(&pages[page], d);
        }
        lock_release(&setup);
        if (!d)
            return NULL;
    }
    return &d[fd % PAGE_DESC];
}

static int start(void)
{
    int error = 0;
    lock_acquire(&setup, RANK_NETPOLL);
    if (epoll_fd < 0) {
        int ep = (int)rt_sys1(SYS_epoll_create1, EPOLL_CLOEXEC);
        int ev = (int)rt_sys2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
        if (ep >= 0 && ev >= 0) {
            rt_sys4(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ev, &e);
            break_fd = ev;
            store_release(&epoll_fd, ep);
        } else {
            error = ep < 0 ? ep : ev;
            if (ep >= 0)
                rt_sys1(SYS_close, ep);
            if (ev >= 0)
                rt_sys1(SYS_close, ev);
        }
    }
    lock_release(&setup);
    return error;
}

void netpoll_break(void)
{
    if (load_acquire(&epoll_fd) < 0 || __atomic_exchange_n(&breaking, 1, __ATOMIC_ACQ_REL))
        return;
    uint64_t one = 1;
    rt_sys3(SYS_write, break_fd, &one, sizeof one);
}

enum fd_kind netpoll_kind(int fd)
{
    struct desc *d = desc_of(fd);
    if (d && d->owned)
        return d->kind;
    struct stat st;
    if (rt_sys2(SYS_fstat, fd, &st) < 0)
        return FD_UNKNOWN;
    return S_ISSOCK(st.st_mode)                                                ? FD_SOCKET
           : S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode) ? FD_FILE
                                                                               : FD_POLLED;
}

void netpoll_opened(int fd, enum fd_kind kind)
{
    struct desc *d = desc_of(fd);
    if (!d)
        return;
    lock_acquire(&d->lock, RANK_NETPOLL);
    d->kind = kind;
    d->owned = true;
    d->registered = d->closing = false;
    d->ready = 0;
    lock_release(&d->lock);
}

bool netpoll_owned(int fd)
{
    struct desc *d = desc_of(fd);
    return d && d->owned;
}

/* --- waking -------------------------------------------------------------------------------------
 */

/* Under d->lock: those who wait for any of `events` (or, if that is an error, all) are taken out
   and put before `list`; *taken collects what they waited for. */
static struct g *take(struct desc *d, int events, struct g *list, int *taken)
{
    struct wait **link = &d->waits, *w;
    while ((w = *link)) {
        int got = events & (w->events | POLLERR | POLLHUP);
        if (events >= 0 && !(events & w->events)) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        w->result = events < 0 ? events : got;
        *taken |= w->events;
        w->g->next = list;
        list = w->g;
        __atomic_fetch_sub(&waiting, 1, __ATOMIC_SEQ_CST);
    }
    return list;
}

static void deadline_passed(struct timer *t, int64_t now)
{
    struct wait *w = container_of(t, struct wait, timer);
    struct desc *d = w->d;
    bool mine = false;
    lock_acquire(&d->lock, RANK_NETPOLL);
    for (struct wait **link = &d->waits; *link; link = &(*link)->next)
        if (*link == w) {
            *link = w->next;
            w->result = -ETIMEDOUT;
            __atomic_fetch_sub(&waiting, 1, __ATOMIC_SEQ_CST);
            mine = true;
            break;
        }
    struct g *g = w->g;
    lock_release(&d->lock);
    if (mine)
        g_ready_tail(g);
}

struct g *netpoll(int64_t ns)
{
    struct epoll_event ev[EVENTS];
    int ep = load_acquire(&epoll_fd);
    if (ep < 0)
        return NULL;
    struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    static bool no_pwait2;
    long n = -ENOSYS;
    if (ns > 0 && !no_pwait2) {
        n = rt_sys6(SYS_epoll_pwait2, ep, ev, EVENTS, &ts, NULL, 8);
        if (n == -ENOSYS || n == -EPERM)
            no_pwait2 = true;
    }
    if (ns <= 0 || no_pwait2) {
        int64_t ms = ns < 0 ? -1 : (ns + 999999) / 1000000;
        n = rt_sys6(SYS_epoll_pwait, ep, ev, EVENTS, ms > INT32_MAX ? INT32_MAX : ms, NULL, 8);
    }
    struct g *list = NULL;
    for (long i = 0; i < n; i++) {
        struct desc *d = ev[i].data.ptr;
        if (!d) {
            if (ns != 0) { /* the one who sleeps takes the break */
                uint64_t count;
                rt_sys3(SYS_read, break_fd, &count, sizeof count);
                store_release(&breaking, 0);
            }
            continue;
        }
        uint32_t e = ev[i].events;
        int got = (e & (EPOLLIN | EPOLLRDHUP) ? POLLIN : 0) | (e & EPOLLOUT ? POLLOUT : 0) |
                  (e & EPOLLERR ? POLLIN | POLLOUT | POLLERR : 0) |
                  (e & EPOLLHUP ? POLLIN | POLLOUT | POLLHUP : 0);
        lock_acquire(&d->lock, RANK_NETPOLL);
        int taken = 0;
        list = take(d, got, list, &taken);
        if (d->owned)
            d->ready |= (uint8_t)(got & (POLLIN | POLLOUT) & ~taken);
        lock_release(&d->lock);
    }
    return list;
}

/* --- waiting ------------------------------------------------------------------------------------
 */

static bool wait_commit(struct g *g, void *arg)
{
    struct wait *w = arg;
    struct desc *d = w->d;
    if (w->timer.fire)
        timer_add(&w->timer, w->timer.when);
    lock_release(&d->lock); /* from here on w may be gone */
    return true;
}

/* Under d->lock. 0, or -errno; 1: epoll does not take it, it is always ready. */
static int enlist(struct desc *d, int events)
{
    struct epoll_event e = {.data.ptr = d};
    int op = EPOLL_CTL_ADD;
    if (d->owned) {
        if (d->registered)
            return 0;
        e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    } else {
        for (struct wait *w = d->waits; w; w = w->next)
            events |= w->events;
        e.events = (events & POLLIN ? EPOLLIN | EPOLLRDHUP : 0) |
                   (events & POLLOUT ? EPOLLOUT : 0) | EPOLLONESHOT;
        op = EPOLL_CTL_MOD;
    }
    long r = rt_sys4(SYS_epoll_ctl, epoll_fd, op, d->fd, &e);
    if (r == -ENOENT || r == -EEXIST)
        r = rt_sys4(SYS_epoll_ctl, epoll_fd, r == -ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, d->fd,
                    &e);
    if (r == 0)
        d->registered = true;
    return r == -EPERM ? 1 : (int)r;
}

int netpoll_wait(int fd, int events, int64_t deadline, uintptr_t pc)
{
    struct desc *d = desc_of(fd);
    if (!d)
        return fd < 0 ? -EBADF : -EMFILE;
    if (load_acquire(&epoll_fd) < 0) {
        int error = start();
        if (error)
            return error;
    }
    struct m *m = m_cur();
    if (deadline && deadline <= rt_now())
        return -ETIMEDOUT;
    if (m->foreign) {
        struct pollfd p = {.fd = fd, .events = (short)events};
        int64_t ns = deadline ? deadline - rt_now() : 0;
        struct timespec ts = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
        long n = rt_sys5(SYS_ppoll, &p, 1, deadline ? &ts : NULL, NULL, 8);
        return n < 0 ? (n == -EINTR ? events : (int)n) : n == 0 ? -ETIMEDOUT : p.revents;
    }
    struct wait w = {.g = m->cur, .d = d, .events = events};
    while (load_acquire(&d->closing)) /* the number is about to be free: epoll will say EBADF */
        goc_gosched();
    lock_acquire(&d->lock, RANK_NETPOLL);
    int r = enlist(d, events);
    if (r) {
        lock_release(&d->lock);
        return r > 0 ? events : r;
    }
    if (d->owned && d->ready & events) {
        int got = d->ready & events;
        d->ready &= (uint8_t)~got;
        lock_release(&d->lock);
        return got;
    }
    w.next = d->waits;
    d->waits = &w;
    if (__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST) == 0)
        wake_poller(0); /* it may sleep on its futex, not in epoll */
    if (deadline) {
        w.timer.fire = deadline_passed;
        w.timer.when = deadline;
    }
    const void *obj = d;
    g_park(wait_commit, &w, HOOK_WAIT_IO, &obj, 1, pc);
    if (deadline) {
        timer_del(&w.timer);
        timer_quiet(&w.timer);
    }
    return w.result;
}

void netpoll_ready_reset(int fd, int events)
{
    struct desc *d = desc_of(fd);
    if (d && load_relaxed(&d->ready) & events) {
        lock_acquire(&d->lock, RANK_NETPOLL);
        d->ready &= (uint8_t)~events;
        lock_release(&d->lock);
    }
}

void netpoll_close_end(int fd)
{
    struct desc *d = desc_of(fd);
    if (d)
        store_release(&d->closing, false);
}

void netpoll_close_begin(int fd)
{
    struct desc *d = desc_of(fd);
    if (!d)
        return;
    int taken = 0;
    lock_acquire(&d->lock, RANK_NETPOLL);
    store_release(&d->closing, true);
    struct g *list = take(d, -EBADF, NULL, &taken);
    d->owned = d->registered = false;
    d->ready = 0;
    lock_release(&d->lock);
    while (list) {
        struct g *g = list;
        list = g->next;
        g_ready_tail(g);
    }
}

void netpoll_fork(void)
{
    if (epoll_fd < 0)
        return;
    rt_sys1(SYS_close, epoll_fd);
    rt_sys1(SYS_close, break_fd);
    epoll_fd = break_fd = -1;
    breaking = 0;
    setup.word = 0;
    for (int i = 0; i < PAGES; i++)
        for (int j = 0; pages[i] && j < PAGE_DESC; j++) {
            pages[i][j].registered = false;
            pages[i][j].lock.word = 0;
        }
    if (waiting && !start()) /* those that wait go on waiting, in an instance of our own */
        for (int i = 0; i < PAGES; i++)
            for (int j = 0; pages[i] && j < PAGE_DESC; j++)
                if (pages[i][j].waits)
                    enlist(&pages[i][j], pages[i][j].waits->events);
}
