// status: 0
/* Each direction of a socket pair orders for itself, and a copy of a descriptor is the same end. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

int ends[2], data;

static void *answers(void *arg)
{
    char c;
    int mine = dup(ends[1]);
    read(mine, &c, 1);
    data++;
    send(mine, "y", 1, 0);
    close(mine);
    return arg;
}

int main(void)
{
    pthread_t t;
    char c;
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pthread_create(&t, NULL, answers, NULL);
    data = 1;
    write(ends[0], "x", 1);
    recv(ends[0], &c, 1, 0);
    data++;
    pthread_join(t, NULL);
    return data != 3;
}
