# The exit status says how it went: the program's own, 66, 124…127, 128+N.
. tests/e2e/lib
build clean racy

try "$race" "$work/clean"
want_status 0
want_out clean
want_silence
try "$race" "$work/clean" 7
want_status 7
want_silence
try "$race" run "$work/clean" 7
want_status 7
try "$race" -- "$work/clean" 9
want_status 9

try "$race" "$work/racy"
want_status 66
want_out done
want_err 'WARNING: DATA RACE'
want_err 'Found 1 data race(s)'
want_err 'exit status 66'
try "$race" "$work/racy" 3
want_status 66

# The launcher is not needed.
try "$work/racy"
want_status 66
want_err 'WARNING: DATA RACE'
want_err 'Found 1 data race(s)'
want_err 'exit status 66'
try "$work/clean" 3
want_status 3
want_silence

# Not there, not executable.
try "$race" "$work/nothing"
want_status 127
want_err nothing
want_err_lines 1
try "$race" no-such-command-anywhere
want_status 127
echo text >"$work/text"
try "$race" "$work/text"
want_status 126
want_err text
want_err_lines 1
try "$race" "$work"
want_status 126

# Killed by a signal: with and without findings before.
cat >"$work/kill.c" <<'END'
#include "turns.h"
#include <signal.h>
#include <stdlib.h>
int shared;
static void set(int v)
{
    shared = v;
}
int main(int argc, char **argv)
{
    if (argc > 2) {
        go(set, 1);
        until_left(1);
        go(set, 2);
        until_left(1);
    }
    int sig = atoi(argv[1]);
    signal(sig, SIG_DFL);
    raise(sig);
    return 0;
}
END
build kill
try "$race" "$work/kill" 15
want_status 143
try "$race" "$work/kill" 9
want_status 137
try "$race" "$work/kill" 6
want_status 134
try "$race" "$work/kill" 15 racy
want_status 143
want_err 'WARNING: DATA RACE'
want_err 'Found 1 data race(s)'
try "$race" "$work/kill" 9 racy
want_status 137
want_err 'WARNING: DATA RACE'
finish
