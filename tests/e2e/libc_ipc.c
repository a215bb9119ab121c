// status: 66
// says: sends()
/* msgsnd reads the message. */
#include <pthread.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include "turns.h"

static struct message {
    long type;
    char text[8];
} sent = {1, "first"};
static int queue;

static void *sends(void *arg)
{
    msgsnd(queue, &sent, sizeof sent.text, 0);
    turn_done();
    return arg;
}

int main(void)
{
    queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (queue < 0)
        return printf("no System V here\n") < 0;
    pthread_t t;
    pthread_create(&t, NULL, sends, NULL);
    turn_await(1);
    sent.text[0] = 'F';
    pthread_join(t, NULL);
    msgctl(queue, IPC_RMID, NULL);
    return 0;
}
