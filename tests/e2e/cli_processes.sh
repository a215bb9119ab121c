# Findings of more than one process: a fork, a script that starts several at once, a program alone.
. tests/e2e/lib
build racy

cat >"$work/fork.c" <<'END'
#include "turns.h"
#include <sys/wait.h>
#include <unistd.h>
int before, after;
static void parent(void)
{
    before++;
}
static void child(void)
{
    after++;
}
int main(void)
{
    if (fork() == 0) {
        go(child);
        until_left(1);
        go(child);
        until_left(1);
        return 0;
    }
    go(parent);
    until_left(1);
    go(parent);
    until_left(1);
    wait(NULL);
    return 5;
}
END
"$race" cc -g -O1 "$work/fork.c" -o "$work/fork" || exit 1
for how in "$race" env; do # under the launcher, and alone
    try "$how" "$work/fork"
    want_status 66
    want_err "Location is global 'before'"
    want_err "Location is global 'after'"
done
try "$race" "$work/fork"
want_err 'Found 2 data race(s)' # one verdict over both

cat >"$work/script" <<END
#!/bin/sh
"$work/racy" >/dev/null &
"$work/fork" &
"$work/racy" >/dev/null &
wait
exit 7
END
chmod +x "$work/script"
for i in 1 2 3; do
    try "$race" "$work/script"
    want_status 66
    want_err "Location is global 'shared'"
    want_err "Location is global 'after'"
    want_err 'Found 3 data race(s)'
    want_no_err 'not instrumented'
done

# What the program starts does not inherit the descriptor for the records.
cat >"$work/heir.c" <<'END'
#include <stdlib.h>
int main(void)
{
    return system("test -z \"$GOCRACE_FD\" && ! test -e /proc/self/fd/200") ? 1 : 0;
}
END
"$race" cc -g -O1 "$work/heir.c" -o "$work/heir" || exit 1
try "$race" "$work/heir"
want_status 0
want_silence

# Signals: sent on to the program; how it ends is how goc-race ends.
cat >"$work/wait.c" <<'END'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void bye(int s)
{
    _exit(9);
}
int main(void)
{
    signal(SIGTERM, bye);
    printf("ready\n");
    fflush(stdout);
    for (;;)
        pause();
}
END
"$race" cc -g -O1 "$work/wait.c" -o "$work/wait" || exit 1
for s in TERM HUP KILL; do
    what="SIG$s"
    "$race" "$work/wait" >"$out" 2>"$err" &
    pid=$!
    i=0
    until grep -q ready "$out" || [ $((i += 1)) -gt 300 ]; do
        sleep 0.1
    done
    case $s in
    TERM) target=$pid ;;
    *) target=$(tr -d ' ' <"/proc/$pid/task/$pid/children") ;;
    esac
    # Neither may be left to wait for ever.
    kill -$s "$target" || { wrong "no program to signal"; kill -KILL $pid; }
    wait $pid
    status=$?
    case $s in
    TERM) want_status 9 ;;
    HUP) want_status 129 ;;
    KILL) want_status 137 ;;
    esac
done
finish
