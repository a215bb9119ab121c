// status: 66
/* A datagram is known by where it is sent. */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "turns.h"

struct sockaddr_in at = {.sin_family = AF_INET};
int data;

static void *sends(void *arg)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof at);
    data = 1;
    close(fd);
    turn_done();
    return arg;
}

int main(void)
{
    pthread_t t;
    char c;
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *)&at, sizeof at);
    getsockname(fd, (struct sockaddr *)&at, &n);
    pthread_create(&t, NULL, sends, NULL);
    recv(fd, &c, 1, 0);
    turn_await(1);
    data = 2;
    close(fd);
    pthread_join(t, NULL);
    return 0;
}
