# The options of `run`, on the command line and in GOCRACE; the command line wins.
. tests/e2e/lib
build clean racy

try "$race" --exitcode=42 "$work/racy"
want_status 42
want_err 'exit status 42'
try env GOCRACE=exitcode=43 "$race" "$work/racy"
want_status 43
try env GOCRACE=exitcode=43 "$race" --exitcode=44 "$work/racy"
want_status 44
try env GOCRACE='exitcode=45 halt_on_error=0' "$work/racy" # without the launcher too
want_status 45
try "$race" --exitcode=0 "$work/racy" 5
want_err 'Found 1 data race(s)'

# What comes after the race in the goroutine that has it, main waits for. A finding that does not count
# does not end the program either.
try "$race" --save="$work/known" "$work/racy"
echo 'race:^set$' >"$work/this"
echo 'race:elsewhere' >"$work/other"
halts() { # OPTIONS: with and without the launcher
    for how in launched alone; do
        if [ $how = alone ]; then
            try env GOCRACE="halt_on_error=1 $1" "$work/racy" 4
        else
            # shellcheck disable=SC2086
            try "$race" --halt_on_error=1 ${1:+--$1} "$work/racy" 4
        fi
        want_status 66
        want_err 'Found 1 data race(s)'
        grep -q done "$out" && wrong "the program went on"
    done
}
goes_on() { # OPTIONS
    for how in launched alone; do
        if [ $how = alone ]; then
            try env GOCRACE="halt_on_error=1 $1" "$work/racy" 4
        else
            try "$race" --halt_on_error=1 "--$1" "$work/racy" 4
        fi
        want_status 4
        want_out 'done'
        want_silence
    done
}
halts ''
halts "suppressions=$work/other"
goes_on "suppressions=$work/this"
goes_on "baseline=$work/known"
goes_on detect=deadlock

try "$race" --log_path="$work/log" "$work/racy"
want_status 66
want_no_err 'WARNING: DATA RACE'
ls "$work"/log.* >/dev/null 2>&1 || wrong "no log file"
cat "$work"/log.* 2>/dev/null | grep -q 'WARNING: DATA RACE' || wrong "nothing in the log"

# More than are printed are counted, with the launcher and without.
"$race" cc -g -O1 examples/xy.c -o "$work/xy" || exit 1
for how in launched alone; do
    if [ $how = alone ]; then
        try env GOCRACE=max_reports=1 "$work/xy"
    else
        try "$race" --max_reports=1 "$work/xy"
    fi
    want_status 66
    want_err '1 more finding(s) not printed (max_reports=1)'
    want_err 'Found 2 data race(s)'
    [ "$(grep -c 'WARNING: DATA RACE' "$err")" -eq 1 ] || wrong "not one report"
done

try "$race" --strip_path_prefix="$work/" "$work/racy"
want_err '      racy.c:7 '

try "$race" --detect=deadlock "$work/racy"
want_status 0
want_silence

echo 'race:set' >"$work/supp"
try "$race" --suppressions="$work/supp" "$work/racy" 4
want_status 4
want_no_err WARNING
echo 'race:elsewhere' >"$work/supp"
try "$race" --suppressions="$work/supp" "$work/racy"
want_status 66

try "$race" --save="$work/saved" "$work/racy"
want_status 66
try "$race" report "$work/saved"
want_out 'WARNING: DATA RACE'
cat "$out" "$err" | grep -q 'Found 1 data race(s)' || wrong "no totals"
try "$race" --baseline="$work/saved" "$work/racy" 6
want_status 6

try "$race" --output "json:$work/a.json" --output "text:$work/a.txt" "$work/racy"
want_status 66
grep -q 'WARNING: DATA RACE' "$work/a.txt" || wrong "nothing in a.txt"
[ -s "$work/a.json" ] || wrong "nothing in a.json"
if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import json,sys
for line in open(sys.argv[1]): json.loads(line)' "$work/a.json" || wrong "a.json is not JSON"
fi

# Standard output and error as files: what the program has written there stays.
for to in - /dev/stdout; do
    try "$race" --output "github:$to" "$work/racy"
    want_out 'done'
    want_out '::error '
    want_err 'Found 1 data race(s)'
done
try "$race" --output json:/dev/stderr "$work/racy"
want_err 'Found 1 data race(s)'
want_err '"kind":"race"'

cat >"$work/hang.c" <<'END'
#include <goc.h>
static void busy(void)
{
    for (;;)
        goc_sleep(GOC_MILLISECOND);
}
int main(void)
{
    go(busy);
    goc_sleep(GOC_MINUTE);
}
END
build hang
try "$race" --timeout=3 "$work/hang"
want_status 124
want_err 'goroutine 1 ['
want_err 'goroutine 2 ['
want_err 'busy('

# Of a program without goroutines as well: the main one, and each thread.
cat >"$work/threads.c" <<'END'
#include <pthread.h>
#include <unistd.h>
static void *stay(void *arg)
{
    for (;;)
        pause();
    return arg;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, NULL, stay, NULL);
    pthread_join(t, NULL);
}
END
build threads
try "$race" --timeout=1 "$work/threads"
want_status 124
want_err 'goroutine 1 ['
want_err 'main()'
want_err 'thread 1 ['
want_err 'stay()'
want_err 'threads.c:6 '

try "$race" --version
want_status 0
want_out goc-race
try "$race" --help
want_status 0
want_out exitcode
try "$race" help cc
want_status 0
try "$race" explain
want_status 0
finish
