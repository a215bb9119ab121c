# What programs do to themselves as processes, and what is done to goc-race: descriptors all closed, daemons, exec,
# seccomp, children of every kind; a launcher that dies, outputs that are full or closed, no environment, no
# /proc, another user, a folder that cannot be written.
. tests/e2e/lib
cp tests/e2e/quiet_clone.c "$work/clone.c"
cat >"$work/does.c" <<'END'
/* does WHAT, then has a race on `shared`, or with a second argument none. */
#define _GNU_SOURCE
#include "turns.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char **environ;
int shared;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static int locked;
static void *touch(void *arg)
{
    if (locked)
        pthread_mutex_lock(&mu);
    shared++;
    if (locked)
        pthread_mutex_unlock(&mu);
    turn_done();
    return arg;
}
static int must(int ok)
{
    if (!ok)
        fprintf(stderr, "failed: %s\n", strerror(errno)), _exit(9);
    return ok;
}
static void child(char **argv)
{
    pid_t pid;
    int status;
    must(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0);
    must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
static int deep(int n)
{
    volatile int here = n;
    return n ? deep(n - 1) + (here ? 0 : 1) : touch(NULL) == NULL;
}

int main(int argc, char **argv)
{
    char *what = argv[1], *yes[] = {"true", NULL};
    locked = argc > 2;
    if (!strcmp(what, "closes")) {
        for (int fd = 3; fd < 1 << 20; fd++)
            close(fd);
        must(open("/dev/null", O_RDONLY) == 3);
    } else if (!strcmp(what, "closefrom")) {
        closefrom(3);
        must(open("/dev/null", O_RDONLY) == 3);
    } else if (!strcmp(what, "takes")) { /* each number there is */
        for (int fd = 3; fd < 300; fd++)
            must(dup2(1, fd) == fd);
        closefrom(3);
    } else if (!strcmp(what, "raw")) {
        must(syscall(SYS_close_range, 3, ~0u, 0) == 0);
        for (int fd = 3; fd < 300; fd++)
            syscall(SYS_close, fd);
    } else if (!strcmp(what, "daemon")) {
        must(daemon(1, 1) == 0);
    } else if (!strcmp(what, "execs")) {
        char *again[] = {argv[0], "nothing", argv[2], NULL};
        execv("/proc/self/exe", again);
        must(0);
    } else if (!strcmp(what, "children")) {
        pid_t pid = vfork();
        if (pid == 0) {
            execvp("true", yes);
            _exit(1);
        }
        int status;
        must(waitpid(pid, &status, 0) == pid && status == 0);
        child(yes);
        must(system("exit 3") == 3 << 8);
        char line[9];
        FILE *f = popen("echo popened", "r");
        must(fgets(line, sizeof line, f) && !strcmp(line, "popened\n") && pclose(f) == 0);
    } else if (!strcmp(what, "seccomp")) { /* nothing is opened any more */
        struct sock_filter code[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog filter = {sizeof code / sizeof *code, code};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
            puts("no seccomp");
    } else if (!strcmp(what, "libraries")) {
        setenv("LD_LIBRARY_PATH", argv[2], 1);
        locked = 0;
    } else if (!strcmp(what, "ignores")) {
        signal(SIGPIPE, SIG_IGN);
    } else if (!strcmp(what, "waits")) {
        puts("ready");
        fflush(stdout);
        char c;
        must(read(0, &c, 1) >= 0);
    }
    pthread_attr_t a;
    pthread_t t;
    pthread_attr_init(&a);
    if (!strcmp(what, "deep")) {
        pthread_attr_setstacksize(&a, 1ul << 30);
        must(pthread_create(&t, &a, (void *(*)(void *))(void *)deep, (void *)1000000) == 0);
    } else {
        must(pthread_create(&t, &a, touch, NULL) == 0);
    }
    turn_await(1);
    touch(NULL);
    pthread_join(t, NULL);
    puts("end");
    return 0;
}
END
build does clone
does=$work/does

# Each alone and under the launcher, with its race and without.
for does_what in closes closefrom takes raw execs children seccomp ignores deep; do
    for with in "$race" env; do
        try "$with" "$does" $does_what
        want_status 66
        want_err 'WARNING: DATA RACE'
        case $does_what,$with in
        seccomp,env) want_err 'no goc-race program found' && want_err "$does +0x" ;; # it may not be started
        *) want_err 'touch()' && want_err 'Found 1 data race(s)' ;;
        esac
        grep -q end "$out" || [ $does_what = takes ] || wrong "the program did not go on"
        try "$with" "$does" $does_what locked
        want_status 0
        want_silence
    done
done
mkdir "$work/bad"
echo nonsense | tee "$work/bad/libdw.so.1" >"$work/bad/libelf.so.1"
try "$does" libraries "$work/bad" # the tool starts, and cannot load what it needs
want_status 66
want_err 'could not be printed'

# A child made by clone.
try "$race" "$work/clone" vm
want_status 0
want_err_lines 1
want_err 'what it does is not checked'

# A daemon: its launcher waits for what it finds.
for with in "$race" env; do
    try sh -c "$with $does daemon >$work/daemon.out 2>&1"
    i=0
    until grep -q 'exit status 66' "$work/daemon.out" || [ $((i += 1)) -gt 300 ]; do
        sleep 0.1
    done
    grep -q 'Found 1 data race(s)' "$work/daemon.out" || wrong "$(cat "$work/daemon.out")"
done

# Where there is next to nothing: no environment, no folder to write to, descriptors closed, an output that is full.
try env -i "$race" "$does" nothing
want_status 66
want_err 'touch()'
try env -i "$does" nothing
want_status 66
want_err 'touch()'
mkdir "$work/read-only"
chmod 555 "$work/read-only"
for with in "$race" env; do
    try sh -c "cd $work/read-only && exec $with $does nothing"
    want_status 66
    want_err 'touch()'
    try sh -c "exec $with $does nothing <&-"
    want_status 66
    want_err 'touch()'
    try sh -c "exec $with $does nothing >&-"
    want_status 66
    want_err 'touch()'
    try sh -c "exec $with $does nothing 2>&-"
    want_status 66
    try sh -c "exec $with $does nothing <&- >&- 2>&-"
    want_status 66
    try sh -c "exec $with $does nothing 2>/dev/full"
    want_status 66
    want_out end
    try sh -c "trap '' PIPE; exec $with $does nothing"
    want_status 66
    want_err 'touch()'
done
try "$race" --output json:/dev/full "$does" nothing
want_status 125
want_out end
try "$race" --save=/dev/full "$does" nothing
want_status 125
want_out end

# Started by others.
try timeout 100 "$race" "$does" nothing
want_status 66
want_err 'touch()'
try "$race" timeout 100 "$does" nothing
want_status 66
want_err 'touch()'
try nice "$race" env A=b "$does" nothing
want_status 66
want_err 'touch()'
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid=65534 test -x "$does"; then
    for with in "$race" env; do
        try setpriv --reuid=65534 --regid=65534 --clear-groups $with "$does" nothing
        want_status 66
        want_err 'touch()'
    done
fi
if unshare -m mount -t tmpfs none /proc 2>/dev/null; then # no /proc
    for with in "$race" env; do
        try unshare -m sh -c "mount -t tmpfs none /proc && exec $with $does nothing"
        want_status 66
        want_err 'WARNING: DATA RACE'
    done
fi

# The launcher dies: the program goes on, is not told so, and its status says it all the same.
mkfifo "$work/go"
sh -c "exec 3<>$work/go; $race sh -c '$does waits <$work/go; echo \$? >$work/told' >$work/said 2>/dev/null &
    echo \$! >$work/pid; wait" &
outer=$!
i=0
until grep -q ready "$work/said" 2>/dev/null || [ $((i += 1)) -gt 300 ]; do
    sleep 0.1
done
kill -KILL "$(cat "$work/pid")"
echo >"$work/go"
wait $outer
i=0
until [ -s "$work/told" ] || [ $((i += 1)) -gt 300 ]; do
    sleep 0.1
done
[ "$(cat "$work/told")" = 66 ] || wrong "its status was $(cat "$work/told")"
finish
