# What is looked for on request: locks held for long (detect=+slow), who merely waits at the end
# (verbosity=1), and what is stuck when SIGQUIT comes. Each beside the same program without it.
build=${BUILD:-build}
work=$build/test/deadlock_options
race=$build/bin/goc-race
mkdir -p "$work"
bad=0
say() {
    echo "$*"
    bad=1
}

cat >"$work/prog.c" <<'END'
#include "turns.h"
#include <string.h>

static goc_mutex mu;
goc_chan(int) everybodys;

static void receive(goc_chan(int) ch)
{
    goc_recv(ch);
}
static void alone(void)
{
    go(receive, goc_chan_make(int, 0));
}

int main(int argc, char **argv)
{
    if (strcmp(argv[1], "slow") == 0)
        goc_mutex_lock(&mu);
    goc_sleep(80 * GOC_MILLISECOND);
    if (strcmp(argv[1], "fast") == 0)
        goc_mutex_lock(&mu);
    if (strcmp(argv[1], "slow") == 0 || strcmp(argv[1], "fast") == 0)
        goc_mutex_unlock(&mu);
    if (strcmp(argv[1], "waits") == 0) {
        everybodys = goc_chan_make(int, 0);
        go(receive, everybodys);
        go(receive, everybodys);
        until_blocked();
    }
    if (strcmp(argv[1], "stuck") == 0) {
        for (volatile int i = 0; i < 3; i++)
            alone();
        until_blocked();
    }
    if (strcmp(argv[1], "quit-stuck") == 0)
        alone();
    if (strncmp(argv[1], "quit", 4) == 0) {
        everybodys = goc_chan_make(int, 0);
        go(receive, everybodys);
        until_blocked();
        raise(3); /* SIGQUIT */
    }
    return 0;
}
END
sed -i 's/#include <string.h>/#include <signal.h>\n&/' "$work/prog.c"
"$race" cc -g -O1 -Itests/e2e "$work/prog.c" -o "$work/prog" || exit 1

run() { # wanted status, then the arguments
    want=$1
    shift
    timeout 240 "$race" "$@" >"$work/said" 2>&1
    status=$?
    [ $status = "$want" ] || say "$*: status $status, not $want: $(cat "$work/said")"
}
has() {
    grep -q "$1" "$work/said" || say "'$1' is not in: $(cat "$work/said")"
}
hasnt() {
    grep -q "$1" "$work/said" && say "'$1' is in: $(cat "$work/said")"
}

run 66 --detect=+slow --slow_lock_ms=50 "$work/prog" slow
has 'WARNING: SYNC MISUSE'
has "^the lock was held for [0-9]* ms (slow_lock_ms=50) ('mu') by main goroutine:"
has "Main goroutine holds 'mu', locked at:"
run 0 "$work/prog" slow
run 0 --detect=+slow --slow_lock_ms=60000 "$work/prog" slow
run 0 --detect=+slow --slow_lock_ms=60000 "$work/prog" fast
run 0 --detect=race,slow --slow_lock_ms=50 "$work/prog" slow # slow is a kind of misuse
run 125 --detect=+slower "$work/prog" slow

run 0 --verbosity=1 "$work/prog" waits
has 'still wait and could go on (no finding)'
has '\[chan receive\] waits to receive from .*(2 goroutines wait like this one)\|Goroutine [0-9]* \[chan receive\] waits'
hasnt 'WARNING'
run 0 "$work/prog" waits
[ -s "$work/said" ] && say "something was said: $(cat "$work/said")"
run 66 "$work/prog" stuck
has '(3 goroutines wait like this one)'
has 'Found 1 goroutine leak(s)'

run 66 "$work/prog" quit-stuck
has 'SIGQUIT: quit'
has 'Found 1 goroutine leak(s)'
has 'goroutine 1 \['
run 2 "$work/prog" quit
has 'SIGQUIT: quit'
hasnt 'WARNING'
[ $bad = 0 ]
