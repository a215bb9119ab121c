// status: 0
// says: all as it should be
// libs: -lutil
/* A number is opened, used and closed by one thread after the other, which nothing orders, and
   opened by functions that nobody told of it: inside libc, or in a message. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <dirent.h>
#include <sys/socket.h>
#include <string.h>
#include <fcntl.h>
#include <pty.h>
#include "turns.h"
static int sp[2];
static void *opens(void *a)
{
    FILE *f = fopen("/dev/null", "r");
    fclose(f);
    char p[] = "/tmp/xyXXXXXX";
    int fd = mkstemp(p);
    unlink(p);
    write(fd, "x", 1);
    close(fd);
    f = popen("true", "r");
    pclose(f);
    f = tmpfile();
    fclose(f);
    DIR *d = opendir("/");
    fcntl(dirfd(d), F_GETFD);
    closedir(d);
    int m, s;
    if (!openpty(&m, &s, 0, 0, 0)) {
        close(m);
        close(s);
    }
    fd = open("/dev/null", O_RDWR);
    f = fdopen(fd, "w");
    fclose(f);
    char b[1];
    struct iovec v = {b, 1};
    char c[CMSG_SPACE(4)];
    struct msghdr h = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    recvmsg(sp[0], &h, 0);
    struct cmsghdr *ch = CMSG_FIRSTHDR(&h);
    memcpy(&fd, CMSG_DATA(ch), 4);
    write(fd, "x", 1);
    close(fd);
    turn_done();
    return a;
}

int main(void)
{
    socketpair(AF_UNIX, SOCK_DGRAM, 0, sp);
    int fd = open("/dev/null", O_RDWR);
    for (int i = 0; i < 4; i++) {
        char c[CMSG_SPACE(4)] = {0};
        struct iovec v = {"x", 1};
        struct msghdr h = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
        struct cmsghdr *ch = CMSG_FIRSTHDR(&h);
        ch->cmsg_level = SOL_SOCKET;
        ch->cmsg_type = SCM_RIGHTS;
        ch->cmsg_len = CMSG_LEN(4);
        memcpy(CMSG_DATA(ch), &fd, 4);
        sendmsg(sp[1], &h, 0);
    }
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&t[i], 0, opens, 0);
        turn_await(i + 1);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], 0);
    puts("all as it should be");
    return 0;
}
