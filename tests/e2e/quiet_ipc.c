// status: 0
#define _GNU_SOURCE
/* What goes through a queue of System V or POSIX orders, and so do their semaphores and asynchronous I/O. */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <unistd.h>

struct message {
    long type;
    char text[8];
};
static int queue, set, file;
static mqd_t mq;
static int by_queue, by_set, by_mq, by_aio;
static char read_into[16];
static struct aiocb block;

static void *other(void *arg)
{
    struct message m = {1, "message"};
    struct sembuf up = {0, 1, 0};
    by_queue = 1;
    msgsnd(queue, &m, sizeof m.text, 0);
    by_set = 1;
    semop(set, &up, 1);
    by_mq = 1;
    if (mq >= 0)
        mq_send(mq, "text", 5, 0);
    return arg;
}

static void *asks(void *arg)
{
    by_aio = 1;
    block = (struct aiocb){.aio_fildes = file, .aio_buf = read_into, .aio_nbytes = 4};
    aio_read(&block);
    return arg;
}

int main(void)
{
    queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    set = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    int segment = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
    if (queue < 0 || set < 0 || segment < 0)
        return printf("no System V here\n") < 0;
    char name[40];
    snprintf(name, sizeof name, "/goc-race-%d", (int)getpid());
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 16};
    mq = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
    mq_unlink(name);

    pthread_t t;
    pthread_create(&t, NULL, other, NULL);
    pthread_detach(t);
    struct message m;
    struct sembuf down = {0, -1, 0};
    if (msgrcv(queue, &m, sizeof m.text, 0, 0) != sizeof m.text || strcmp(m.text, "message"))
        return 9;
    by_queue++;
    semop(set, &down, 1);
    by_set++;
    char text[16];
    if (mq >= 0 && mq_receive(mq, text, sizeof text, NULL) == 5)
        by_mq++;

    /* A segment at the same place is another one. */
    for (int i = 0; i < 3; i++) {
        char *p = shmat(segment, NULL, 0);
        if (p == (char *)-1)
            return 8;
        p[i] = 1;
        shmdt(p);
    }
    msgctl(queue, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    shmctl(segment, IPC_RMID, NULL);

    file = open("/proc/self/exe", O_RDONLY);
    pthread_create(&t, NULL, asks, NULL);
    pthread_join(t, NULL);
    while (aio_error(&block) == EINPROGRESS)
        usleep(100);
    if (aio_return(&block) != 4 || memcmp(read_into, "\177ELF", 4))
        return 7;
    by_aio++;
    struct iovec v = {text, 4};
    if (preadv2(file, &v, 1, 0, 0) != 4)
        return 6;
    return 0;
}
