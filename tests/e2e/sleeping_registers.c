/*
 * A thread sleeps in a libc function, and the only pointer to a channel is in a register that the
 * function must preserve: the goroutine that waits on the channel can still be woken. Without the
 * pointer it cannot.
 *
 *   sleeping_registers              lists the functions
 *   sleeping_registers NAME held    the thread has the pointer: it says "0 found"
 *   sleeping_registers NAME gone    it has not: "1 found"
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include "turns.h"
#include <goc.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* fn(a, b, c, d) with ~hidden in r15, which few functions use, and nowhere else. */
long call_holding(unsigned long hidden, long (*fn)(), long a, long b, long c, long d);
__asm__(".text\n.globl call_holding\n.type call_holding, @function\n"
        "call_holding:\n"
        "push %r15\n mov %rdi, %r15\n not %r15\n"
        "mov %rsi, %r11\n mov %rdx, %rdi\n mov %rcx, %rsi\n mov %r8, %rdx\n mov %r9, %rcx\n"
        "xor %r8d, %r8d\n xor %r9d, %r9d\n xor %eax, %eax\n"
        "call *%r11\n"
        "xor %r15d, %r15d\n pop %r15\n ret\n");

static const struct timespec hour = {3600, 0};
static struct timespec later; /* an hour from now */
static struct timeval hour_val = {3600, 0};
static int ends[2], pair[2], listener, poller;
static sem_t sem;
static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, mutex2 = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static mtx_t c11_mutex, c11_mutex2;
static cnd_t c11_cond;
static pthread_t sleeper;
static thrd_t c11_sleeper;
static sigset_t signals;
static char room[64];
static struct iovec vec = {room, sizeof room};
static struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1};
static struct mmsghdr messages;
static struct pollfd one_fd;
static struct epoll_event event;
static fd_set fds;
static int child, queue, semaphores;
static struct sembuf down = {0, -1, 0};
static siginfo_t info;

#define F(fn, ...) {#fn, (long (*)())fn, {__VA_ARGS__}}
#define A(x) (long)(x)
static struct call {
    const char *name;
    long (*fn)();
    long arg[4];
} calls[] = {
    F(sleep, 3600),
    F(usleep, 900000000),
    F(nanosleep, A(&hour), 0),
    F(clock_nanosleep, CLOCK_MONOTONIC, 0, A(&hour), 0),
    F(thrd_sleep, A(&hour), 0),
    F(pause, 0),
    F(sigsuspend, A(&signals)),
    F(sigwait, A(&signals), A(&room)),
    F(sigwaitinfo, A(&signals), A(&info)),
    F(sigtimedwait, A(&signals), A(&info), A(&hour)),
    F(wait, 0),
    F(waitpid, -1, 0, 0),
    F(wait3, 0, 0, 0),
    F(wait4, -1, 0, 0, 0),
    F(waitid, P_ALL, 0, A(&info), WEXITED),
    F(sem_wait, A(&sem)),
    F(sem_timedwait, A(&sem), A(&later)),
    F(sem_clockwait, A(&sem), CLOCK_REALTIME, A(&later)),
    F(pthread_barrier_wait, A(&barrier)),
    F(pthread_join, 0, 0),
    F(thrd_join, 0, 0),
    F(pthread_mutex_lock, A(&mutex)),
    F(pthread_mutex_timedlock, A(&mutex), A(&later)),
    F(pthread_mutex_clocklock, A(&mutex), CLOCK_REALTIME, A(&later)),
    F(mtx_lock, A(&c11_mutex)),
    F(mtx_timedlock, A(&c11_mutex), A(&later)),
    F(pthread_rwlock_rdlock, A(&rwlock)),
    F(pthread_rwlock_wrlock, A(&rwlock)),
    F(pthread_rwlock_timedrdlock, A(&rwlock), A(&later)),
    F(pthread_rwlock_timedwrlock, A(&rwlock), A(&later)),
    F(pthread_cond_wait, A(&cond), A(&mutex2)),
    F(pthread_cond_timedwait, A(&cond), A(&mutex2), A(&later)),
    F(pthread_cond_clockwait, A(&cond), A(&mutex2), CLOCK_REALTIME, A(&later)),
    F(cnd_wait, A(&c11_cond), A(&c11_mutex2)),
    F(cnd_timedwait, A(&c11_cond), A(&c11_mutex2), A(&later)),
    F(poll, A(&one_fd), 1, -1),
    F(ppoll, A(&one_fd), 1, 0, 0),
    F(select, 0, 0, 0, 0),
    F(pselect, 0, 0, 0, 0),
    F(epoll_wait, 0, A(&event), 1, -1),
    F(epoll_pwait, 0, A(&event), 1, -1),
    F(read, 0, A(room), 1),
    F(readv, 0, A(&vec), 1),
    F(recv, 1, A(room), 1, 0),
    F(recvfrom, 1, A(room), 1, 0),
    F(recvmsg, 1, A(&message), 0),
    F(recvmmsg, 1, A(&messages), 1, 0),
    F(accept, 2, 0, 0),
    F(accept4, 2, 0, 0, 0),
    F(msgrcv, 0, A(room), 1, 0),
    F(semop, 0, A(&down), 1),
    F(flock, 3, LOCK_EX),
    F(fgetc, 0),
};

static void *for_an_hour(void *arg)
{
    for (;;)
        clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, NULL);
    return arg;
}
static int c11_for_an_hour(void *arg)
{
    for_an_hour(arg);
    return 0;
}

static struct call *call;
static void prepare(void)
{
    clock_gettime(CLOCK_REALTIME, &later);
    later.tv_sec += 3600;
    sem_init(&sem, 0, 0);
    pthread_barrier_init(&barrier, NULL, 2);
    mtx_init(&c11_mutex, mtx_timed);
    mtx_init(&c11_mutex2, mtx_plain);
    cnd_init(&c11_cond);
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    messages.msg_hdr = message;
    if (pipe(ends) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        exit(1);
    one_fd = (struct pollfd){ends[0], POLLIN, 0};
    poller = epoll_create1(0);
    const char *n = call->name;
    if (strncmp(n, "wait", 4) == 0 && (child = fork()) == 0)
        for (;;)
            pause();
    if (strcmp(n, "pthread_join") == 0) {
        pthread_create(&sleeper, NULL, for_an_hour, NULL);
        call->arg[0] = (long)sleeper;
    } else if (strcmp(n, "thrd_join") == 0) {
        thrd_create(&c11_sleeper, c11_for_an_hour, NULL);
        call->arg[0] = (long)c11_sleeper;
    } else if (strncmp(n, "epoll", 5) == 0) {
        call->arg[0] = poller;
    } else if (strncmp(n, "read", 4) == 0) {
        call->arg[0] = ends[0];
    } else if (strncmp(n, "recv", 4) == 0) {
        call->arg[0] = pair[0];
    } else if (strncmp(n, "accept", 6) == 0) {
        call->arg[0] = listener = goc_listen("tcp", "127.0.0.1:0");
        fcntl(listener, F_SETFL, 0);
    } else if (strcmp(n, "msgrcv") == 0) {
        call->arg[0] = queue = msgget(IPC_PRIVATE, 0600);
    } else if (strcmp(n, "semop") == 0) {
        call->arg[0] = semaphores = semget(IPC_PRIVATE, 1, 0600);
    } else if (strcmp(n, "flock") == 0) {
        FILE *a = tmpfile();
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(a));
        flock(fileno(a), LOCK_EX);
        call->arg[0] = open(path, O_RDWR);
    } else if (strcmp(n, "fgetc") == 0) {
        call->arg[0] = (long)fdopen(ends[0], "r");
    }
    pthread_mutex_lock(&mutex);
    pthread_rwlock_wrlock(&rwlock);
    mtx_lock(&c11_mutex);
}

/* Until the thread sleeps in the kernel, and nothing but its call can be what it sleeps in. */
static volatile int about_to_call;
static void wait_until_it_sleeps(void)
{
    char path[64], was[128] = "", now[128];
    for (int same = 0; same < 5;) {
        usleep(10000);
        if (!about_to_call)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/syscall", about_to_call);
        FILE *f = fopen(path, "r");
        if (!f || !fgets(now, sizeof now, f))
            now[0] = 0;
        if (f)
            fclose(f);
        same = now[0] >= '0' && now[0] <= '9' && strcmp(was, now) == 0 ? same + 1 : 0;
        strcpy(was, now);
    }
}

static unsigned long hidden = ~0ul;
static void *thread(void *arg)
{
    if (strstr(call->name, "cond"))
        pthread_mutex_lock(&mutex2);
    if (strstr(call->name, "cnd"))
        mtx_lock(&c11_mutex2);
    const long *a = call->arg;
    about_to_call = gettid();
    call_holding(hidden, call->fn, a[0], a[1], a[2], a[3]);
    fprintf(stderr, "%s has returned\n", call->name);
    return arg;
}

static void wait_on(goc_chan(int) ch)
{
    goc_recv(ch);
}
static void start(void *held)
{
    goc_chan(int) ch = goc_chan_make(int, 0);
    if (held)
        hidden = ~(unsigned long)ch;
    go(wait_on, ch);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
            puts(calls[i].name);
        return 0;
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i].name, argv[1]) == 0)
            call = &calls[i];
    prepare();
    goc_go(start, strcmp(argv[2], "held") == 0 ? (void *)1 : NULL);
    until_blocked();
    pthread_t t;
    pthread_create(&t, NULL, thread, NULL);
    wait_until_it_sleeps();
    printf("%zu found\n", goc_verify_no_leaks());
    fflush(stdout);
    /* This wakes the thread, and nobody is to look after it. */
    if (child)
        kill(child, SIGKILL);
    if (queue)
        msgctl(queue, IPC_RMID, NULL);
    if (semaphores)
        semctl(semaphores, 0, IPC_RMID);
    syscall(SYS_exit_group, 0);
}
