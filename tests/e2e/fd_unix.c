// status: 66
/* A local connection, an eventfd, and an epoll instance that hands a pointer on. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct sockaddr_un at = {.sun_family = AF_UNIX};
int data, event, poller, payload;

static void *client(void *arg)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    uint64_t one = 1;
    connect(fd, (struct sockaddr *)&at, sizeof at);
    data = 1;
    write(fd, "x", 1);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &payload};
    epoll_ctl(poller, EPOLL_CTL_ADD, event, &e);
    payload = 5;
    write(event, &one, 8);
    close(fd);
    return arg;
}

int main(void)
{
    pthread_t t;
    char c;
    snprintf(at.sun_path + 1, 40, "goc-race-%d", (int)getpid());
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 5);
    event = eventfd(0, 0);
    poller = epoll_create1(0);
    pthread_create(&t, NULL, client, NULL);
    int fd = accept(listener, NULL, NULL);
    read(fd, &c, 1);
    data++;
    struct epoll_event e;
    epoll_wait(poller, &e, 1, -1);
    usleep(20000);
    int seen = *(int *)e.data.ptr;
    pthread_join(t, NULL);
    return data != 2 || seen != 5;
}
