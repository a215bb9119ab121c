// status: 0
/* Over TCP: connect and accept, a request and its answer, each end knowing the other's past. */
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct sockaddr_in at = {.sin_family = AF_INET};
int asked, answered;

static void *client(void *arg)
{
    char c;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    asked = 1;
    connect(fd, (struct sockaddr *)&at, sizeof at);
    send(fd, "q", 1, 0);
    recv(fd, &c, 1, 0);
    answered++;
    close(fd);
    return arg;
}

int main(void)
{
    pthread_t t;
    char c;
    socklen_t n = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&at, sizeof at);
    listen(listener, 5);
    getsockname(listener, (struct sockaddr *)&at, &n);
    pthread_create(&t, NULL, client, NULL);
    int fd = accept(listener, NULL, NULL);
    usleep(20000);
    asked++;
    read(fd, &c, 1);
    answered = 1;
    write(fd, "a", 1);
    close(fd);
    close(listener);
    pthread_join(t, NULL);
    return 0;
}
