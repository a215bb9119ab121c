// status: 0
// says: all as it should be
// libs: -lrt
/* Threads that libc starts for timers, for asynchronous I/O and for message queues; C11's threads
   with their keys; handlers that interrupt malloc; functions for the end registered by several. */
#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <semaphore.h>
static sem_t fired;
int before, data;
static void on_timer(union sigval v)
{
    if (before != 5)
        abort();
    data++;
    sem_post(&fired);
}

static void timers(void)
{
    sem_init(&fired, 0, 0);
    before = 5;
    timer_t t;
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
    if (timer_create(CLOCK_MONOTONIC, &e, &t)) {
        perror("timer_create");
        return;
    }
    struct itimerspec s = {.it_value = {0, 1000000}};
    timer_settime(t, 0, &s, 0);
    sem_wait(&fired);
    data++;
    timer_delete(t);
    before = 6;
}

static char abuf[4096];
int adone;
static void on_aio(union sigval v)
{
    if (abuf[0] != 'A')
        abort();
    adone = 1;
    sem_post(&fired);
}

static void aio(void)
{
    char p[] = "/tmp/aioXXXXXX";
    int fd = mkstemp(p);
    unlink(p);
    memset(abuf, 'A', sizeof abuf);
    struct aiocb cb = {.aio_fildes = fd, .aio_buf = abuf, .aio_nbytes = sizeof abuf};
    aio_write(&cb);
    const struct aiocb *l[] = {&cb};
    aio_suspend(l, 1, 0);
    while (aio_error(&cb) == EINPROGRESS)
        ;
    aio_return(&cb);
    memset(abuf, 0, sizeof abuf);
    cb.aio_sigevent =
        (struct sigevent){.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_aio};
    aio_read(&cb);
    sem_wait(&fired);
    if (!adone)
        abort();
    aio_return(&cb);
    abuf[1] = 0;
    struct aiocb c2 = {
        .aio_fildes = fd, .aio_buf = abuf, .aio_nbytes = 100, .aio_lio_opcode = LIO_READ};
    struct aiocb *ll[] = {&c2};
    lio_listio(LIO_WAIT, ll, 1, 0);
    abuf[2] = 1;
    close(fd);
}

static int mqd;
static void *mqr(void *a)
{
    char b[100];
    mq_receive(mqd, b, 100, 0);
    data++;
    return a;
}

static void on_mq(union sigval v)
{
    data++;
    sem_post(&fired);
}

static void mq(void)
{
    struct mq_attr at = {.mq_maxmsg = 4, .mq_msgsize = 100};
    char n[40];
    snprintf(n, 40, "/goc%d", getpid());
    mqd = mq_open(n, O_CREAT | O_RDWR, 0600, &at);
    if (mqd < 0) {
        perror("mq_open");
        return;
    }
    mq_unlink(n);
    pthread_t t;
    pthread_create(&t, 0, mqr, 0);
    data++;
    mq_send(mqd, "hi", 2, 0);
    pthread_join(t, 0);
    data++;
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_mq};
    if (mq_notify(mqd, &e) == 0) {
        data++;
        mq_send(mqd, "yo", 2, 0);
        sem_wait(&fired);
        data++;
    }
    mq_close(mqd);
}

static once_flag of = ONCE_FLAG_INIT;
static mtx_t m;
static cnd_t c;
static int rdy, got;
static tss_t key;
static thread_local int tl;
static void once(void)
{
    mtx_init(&m, mtx_plain);
    cnd_init(&c);
}

static void kd(void *p)
{
    *(int *)p = 0;
    free(p);
}

static int c11(void *a)
{
    call_once(&of, once);
    int *p = malloc(4);
    *p = 1;
    tss_set(key, p);
    tl++;
    mtx_lock(&m);
    rdy++;
    got++;
    cnd_broadcast(&c);
    while (rdy < 4)
        cnd_wait(&c, &m);
    mtx_unlock(&m);
    return 3;
}

static void c11s(void)
{
    tss_create(&key, kd);
    thrd_t t[4];
    for (int i = 0; i < 4; i++)
        thrd_create(&t[i], c11, 0);
    int r;
    for (int i = 0; i < 4; i++)
        thrd_join(t[i], &r);
    got++;
    tss_delete(key);
}

static volatile sig_atomic_t flag;
static int prepared;
static char hbuf[100];
static void hand(int s)
{
    if (prepared != 1)
        abort();
    flag = 1;
    memcpy(hbuf, "x", 1);
    write(-1, hbuf, 1);
}

static void *sigs(void *a)
{
    for (int i = 0; i < 2000; i++) {
        char *p = malloc(i + 1);
        memset(p, 0, i + 1);
        free(p);
    }
    return a;
}

static void signals(void)
{
    prepared = 1;
    signal(SIGUSR1, hand);
    pthread_t t;
    pthread_create(&t, 0, sigs, 0);
    for (int i = 0; i < 200; i++)
        pthread_kill(t, SIGUSR1);
    pthread_join(t, 0);
}

static int ex;
static void atex(void)
{
    ex++;
}

static void *ax(void *a)
{
    atexit(atex);
    at_quick_exit(atex);
    return a;
}

static void atexits(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], 0, ax, 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], 0);
}

int main(void)
{
    timers();
    aio();
    mq();
    c11s();
    signals();
    atexits();
    puts("all as it should be");
    return 0;
}
