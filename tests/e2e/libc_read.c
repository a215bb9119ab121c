// status: 66
/* read fills the buffer, fread and fgets too. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include "turns.h"

char buffer[64];

static void *reads(void *arg)
{
    int fd = open("/proc/self/cmdline", O_RDONLY);
    ssize_t n = read(fd, buffer, 8);
    close(fd);
    FILE *f = fopen("/proc/self/maps", "r");
    n += fread(buffer + 16, 1, 8, f);
    fgets(buffer + 32, 8, f);
    fclose(f);
    turn_done();
    return n == 16 ? NULL : arg;
}

int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, reads, NULL);
    turn_await(1);
    buffer[23] = 1;
    pthread_join(t, NULL);
    return 0;
}
