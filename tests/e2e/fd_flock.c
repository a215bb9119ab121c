// status: 66
// says: all as it should be
/* flock keeps out whoever has opened the file himself, a thread of the same process too: what is done under
   it is ordered, alone after shared and shared after alone, but not shared after shared. */
#define _GNU_SOURCE
#include "turns.h"
#include <goc/race.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>

#ifndef RACY
#define RACY 1
#endif
int counter, shared;
static char path[64];

static int opened(void)
{
    int fd = open(path, O_RDWR);
    if (fd < 0)
        exit(9);
    return fd;
}
static void *counts(void *arg)
{
    int fd = opened();
    for (int i = 0; i < 100; i++) {
        flock(fd, LOCK_EX);
        counter++;
        if (i % 10) {
            flock(fd, LOCK_UN);
        } else {
            close(fd); /* which unlocks it */
            fd = opened();
        }
    }
    close(fd);
    return arg;
}
static void *shares(void *arg)
{
    int fd = opened();
    flock(fd, LOCK_SH);
    shared = counter;
    flock(fd, LOCK_UN);
    close(fd);
    turn_done();
    return arg;
}
int main(void)
{
    pthread_t t[4];
    snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("locked", 0));
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, counts, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    if (goc_race_errors())
        return 8;
    pthread_create(&t[0], NULL, shares, NULL);
    turn_await(1);
    int fd = opened();
    flock(fd, RACY ? LOCK_SH : LOCK_EX);
    shared++;
    flock(fd, LOCK_UN);
    close(fd);
    if (!goc_race_errors() == !RACY && counter == 400)
        puts("all as it should be");
    pthread_join(t[0], NULL);
    return 0;
}
