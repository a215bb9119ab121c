/*
 * io.c - descriptors that park the goroutine: data, deadlines, closing, addresses, errors.
 */
#include "../e2e/turns.h"
#include "common.h"

#include <fcntl.h>
#include <goc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS GOC_MILLISECOND

static goc_chan(int) done;
static char address[128];

static void echo(int fd)
{
    char buf[4096];
    ssize_t n;
    while ((n = goc_read(fd, buf, sizeof buf)) > 0)
        if (goc_write(fd, buf, (size_t)n) != n)
            abort();
    goc_close_fd(fd);
}
static void accepts(int listener)
{
    int fd;
    while ((fd = goc_accept(listener, NULL, NULL)) >= 0)
        go(echo, fd);
    goc_send(done, errno);
}
static void client(const char *network, int messages)
{
    int fd = goc_dial(network, address, GOC_SECOND);
    if (fd < 0)
        abort();
    char out[1500], in[1500];
    for (int i = 0; i < messages; i++) {
        size_t size = 1 + (size_t)i * 97 % sizeof out, got = 0;
        memset(out, i, size);
        if (goc_write(fd, out, size) != (ssize_t)size)
            abort();
        while (got < size) {
            ssize_t n = goc_read(fd, in + got, size - got);
            if (n <= 0)
                abort();
            got += (size_t)n;
        }
        if (memcmp(in, out, size))
            abort();
    }
    goc_close_fd(fd);
    goc_send(done, 0);
}

static void serve(const char *network, const char *where)
{
    int listener = goc_listen(network, where);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_gt(goc_local_addr(listener, address, sizeof address), 0);
    go(accepts, listener);
    for (int i = 0; i < 50; i++)
        go(client, network, 50);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(goc_recv(done), 0);
    ck_assert_int_eq(goc_close_fd(listener), 0);
    ck_assert_int_eq(goc_recv(done), EBADF);
}
START_TEST(echo_server)
{
    AT_ALL_PS
    {
        done = goc_chan_make(int, 0);
        serve("tcp", "127.0.0.1:0");
        char own[40]; /* the name is the machine's, and others may run this as well */
        snprintf(own, sizeof own, "@goc-unit-io-%d", (int)getpid());
        serve("unix", own);
    }
}
END_TEST

static void writes_a_lot(int fd, size_t size)
{
    char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 7);
    if (goc_write(fd, data, size) != (ssize_t)size)
        abort();
    goc_close_fd(fd);
    free(data);
}
static void moves_a_lot(int from, int to)
{
    enum { SIZE = 3 << 20 };
    go(writes_a_lot, to, (size_t)SIZE);
    char buf[10000];
    size_t got = 0;
    ssize_t n;
    while ((n = goc_read(from, buf, sizeof buf)) > 0)
        for (ssize_t i = 0; i < n; i++, got++)
            if (buf[i] != (char)(got * 7))
                abort();
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(got, SIZE);
    goc_close_fd(from);
}
START_TEST(whole_writes_through_pipes_and_sockets)
{
    AT_ALL_PS
    {
        int fd[2];
        for (int nonblock = 0; nonblock < 2; nonblock++) {
            ck_assert_int_eq(pipe2(fd, nonblock ? O_NONBLOCK : 0), 0);
            moves_a_lot(fd[0], fd[1]);
            ck_assert_int_eq(
                socketpair(AF_UNIX, SOCK_STREAM | (nonblock ? SOCK_NONBLOCK : 0), 0, fd), 0);
            moves_a_lot(fd[0], fd[1]);
        }
    }
}
END_TEST

static void reads_one(int fd)
{
    char c;
    ssize_t n = goc_read(fd, &c, 1);
    goc_send(done, n < 0 ? errno : (int)n);
}
START_TEST(closing_wakes_all)
{
    AT_ALL_PS
    {
        done = goc_chan_make(int, 0);
        int fd[2];
        ck_assert_int_eq(pipe(fd), 0);
        for (int i = 0; i < 5; i++)
            go(reads_one, fd[0]);
        until_blocked();
        goc_close_fd(fd[0]);
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(goc_recv(done), EBADF);
        close(fd[1]);

        /* The number's next life is another descriptor. */
        ck_assert_int_eq(pipe(fd), 0);
        go(reads_one, fd[0]);
        until_blocked();
        ck_assert_int_eq(goc_write(fd[1], "x", 1), 1);
        ck_assert_int_eq(goc_recv(done), 1);
        close(fd[0]); /* behind the runtime's back */
        close(fd[1]);
        ck_assert_int_eq(pipe(fd), 0);
        go(reads_one, fd[0]);
        until_blocked();
        ck_assert_int_eq(goc_write(fd[1], "x", 1), 1);
        ck_assert_int_eq(goc_recv(done), 1);
        goc_close_fd(fd[0]);
        goc_close_fd(fd[1]);
    }
}
END_TEST

START_TEST(deadlines)
{
    AT_ALL_PS
    {
        int fd[2];
        ck_assert_int_eq(pipe(fd), 0);
        goc_time start = goc_now();
        ck_assert_int_eq(goc_wait_fd(fd[0], POLLIN, start + 20 * MS), -1);
        ck_assert_int_eq(errno, ETIMEDOUT);
        ck_assert_int_ge(goc_now() - start, 20 * MS);
        ck_assert_int_eq(goc_wait_fd(fd[0], POLLIN, start), -1);
        ck_assert_int_eq(errno, ETIMEDOUT);
        ck_assert_int_eq(goc_wait_fd(fd[1], POLLOUT, 0), POLLOUT);
        ck_assert_int_eq(goc_write(fd[1], "x", 1), 1);
        ck_assert_int_eq(goc_wait_fd(fd[0], POLLIN, goc_now() + GOC_SECOND), POLLIN);
        goc_close_fd(fd[0]);
        goc_close_fd(fd[1]);
    }
}
END_TEST

START_TEST(datagrams)
{
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                       from;
    socklen_t len = sizeof at;
    ck_assert_int_eq(bind(a, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(a, (struct sockaddr *)&at, &len), 0);
    ck_assert_int_eq(goc_sendto(b, "hello", 5, 0, (struct sockaddr *)&at, sizeof at), 5);
    char buf[16];
    len = sizeof from;
    ck_assert_int_eq(goc_recvfrom(a, buf, sizeof buf, 0, (struct sockaddr *)&from, &len), 5);
    ck_assert_int_eq(memcmp(buf, "hello", 5), 0);
    ck_assert_int_eq(goc_recvfrom(a, buf, sizeof buf, MSG_DONTWAIT, NULL, NULL), -1);
    ck_assert_int_eq(errno, EAGAIN);
    goc_close_fd(a);
    goc_close_fd(b);
}
END_TEST

START_TEST(addresses)
{
    static const struct {
        const char *network, *address;
        int error;
    } bad[] = {
        {"tcp", "junk", EINVAL},
        {"tcp", "1.2.3.4", EINVAL},
        {"tcp", "::1:80", EINVAL},
        {"tcp", "[::1:80", EINVAL},
        {"nonsense", "x:1", EINVAL},
        {NULL, "x:1", EINVAL},
        {"tcp", NULL, EINVAL},
        {"unix", "", EINVAL},
        {"tcp", "127.0.0.1:1", ECONNREFUSED},
        {"unix", "/nonexistent/socket", ENOENT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(goc_dial(bad[i].network, bad[i].address, GOC_SECOND), -1);
        ck_assert_int_eq(errno, bad[i].error);
    }
    char text[64];
    int fd = goc_listen("tcp4", ":0");
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(goc_local_addr(fd, text, sizeof text), 0);
    ck_assert(!strncmp(text, "0.0.0.0:", 8));
    char small[4];
    ck_assert_int_eq(goc_local_addr(fd, small, sizeof small), (int)strlen(text));
    ck_assert_str_eq(small, "0.0");
    int again = goc_listen("tcp4", text);
    ck_assert_int_eq(again, -1);
    ck_assert_int_eq(errno, EADDRINUSE);
    goc_close_fd(fd);
    ck_assert_int_eq(goc_local_addr(fd, text, sizeof text), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(errors)
{
    char c;
    ck_assert_int_eq(goc_read(-1, &c, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(goc_read(999, &c, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(goc_close_fd(999), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(goc_wait_fd(999, POLLIN, 0), -1);
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(goc_accept(0, NULL, NULL), -1);

    int listener = goc_listen("tcp", "127.0.0.1:0");
    goc_local_addr(listener, address, sizeof address);
    int fd = goc_dial("tcp", address, GOC_SECOND);
    ck_assert_int_ge(fd, 0);
    struct rlimit old, none;
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = (rlim_t)fd + 1;
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert_int_eq(goc_accept(listener, NULL, NULL), -1);
    ck_assert_int_eq(errno, EMFILE);
    setrlimit(RLIMIT_NOFILE, &old);
    int peer = goc_accept(listener, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    goc_close_fd(peer);
    goc_sleep(MS);
    while (goc_write(fd, "x", 1) == 1) /* the peer is gone: EPIPE, and no signal */
        goc_sleep(MS);
    ck_assert(errno == EPIPE || errno == ECONNRESET);
    goc_close_fd(fd);
    goc_close_fd(listener);
}
END_TEST

START_TEST(files)
{
    FILE *f = tmpfile();
    int fd = fileno(f);
    ck_assert_int_eq(goc_write(fd, "hello", 5), 5);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    char buf[16];
    ck_assert_int_eq(goc_read(fd, buf, sizeof buf), 5);
    ck_assert_int_eq(goc_read(fd, buf, sizeof buf), 0);
    ck_assert_int_eq(goc_wait_fd(fd, POLLIN, 0), POLLIN);
    fclose(f);
}
END_TEST

UNIT_MAIN("io", 60, echo_server, whole_writes_through_pipes_and_sockets, closing_wakes_all,
          deadlines, datagrams, addresses, errors, files)
