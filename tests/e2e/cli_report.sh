# Saved files: what `goc-race report` makes of them. The end by a signal is kept, shards are merged with
# one deduplication, and a file that is no such file is one line and 125.
. tests/e2e/lib
build clean racy
cat >"$work/crash.c" <<'END'
#include "turns.h"
#include <signal.h>
#include <stdlib.h>
int n;
static int *volatile nowhere;
static void set(int v)
{
    n = v;
}
int main(int argc, char **argv)
{
    go(set, 1);
    until_left(1);
    n = 2;
    if (argc > 1)
        raise(atoi(argv[1]));
    *nowhere = 1;
}
END
"$race" cc -g -O1 "$work/crash.c" -o "$work/crash" || exit 1

# A crash, with its stack; a signal that leaves no stack; both beside the findings.
try "$race" --save="$work/segv" "$work/crash"
want_status 139
try "$race" report "$work/segv"
want_status 0
want_out 'program crashed: SIGSEGV at address 0x000000000000'
want_out '/crash.c:17 '
want_out 'Found 1 data race(s)'
try "$race" --save="$work/killed" "$work/crash" 9
want_status 137
want_err 'program was killed: SIGKILL'
try "$race" report "$work/killed"
want_out 'program was killed: SIGKILL'
want_out 'Found 1 data race(s)'
for f in json sarif junit github man html; do
    try "$race" report --format=$f "$work/segv"
    want_status 0
    case $f in
    sarif) want_out '"exitSignalName":"SIGSEGV"' ;;
    junit) want_out '<error type="crash" message="the program crashed: SIGSEGV' ;;
    github) want_out 'title=CRASH::the program crashed: SIGSEGV' ;;
    esac
done
try "$race" --save="$work/whole" "$work/racy"
try "$race" report "$work/whole"
! grep -q 'program' "$out" || wrong "it did not crash"

# Shards: ten runs of one bug and one of another are two findings, counted.
set --
for i in 1 2 3 4 5 6 7 8 9 10; do
    cp "$work/whole" "$work/shard$i"
    set -- "$@" "$work/shard$i"
done
try "$race" report "$@" "$work/killed" "$work/segv"
want_status 0
want_out 'Found 2 data race(s)'
want_out 'Seen 10 times: race in set() '
try "$race" report --save="$work/merged" "$@" "$work/segv"
try "$race" report "$work/merged"
want_out 'Found 2 data race(s)'
want_out 'Seen 10 times: race in set() '
want_out 'program crashed: SIGSEGV'
try "$race" report --baseline="$work/killed" "$work/merged"
want_out 'Found 1 data race(s)'
try "$race" report --baseline="$work/merged" "$work/merged"
! grep -q Found "$out" || wrong "all of it was in the baseline"

# Files that are none: one line that names the file and says what is wrong, nothing on standard output.
bad() { # FILE WORDS
    try "$race" report "$work/whole" "$1"
    want_status 125
    want_err_lines 1
    want_err "$1: $2"
    [ ! -s "$out" ] || wrong "half a report"
    try "$race" --baseline="$1" "$work/clean"
    want_status 125
    want_err_lines 1
}
size=$(wc -c <"$work/whole")
head -c $((size - 5)) "$work/whole" >"$work/short"
bad "$work/short" 'truncated in the middle of a record'
: >"$work/none"
bad "$work/none" 'empty'
echo 'WARNING: DATA RACE' >"$work/text"
bad "$work/text" 'not a stream of findings'
head -c 1000000 /dev/zero >"$work/zeros"
bad "$work/zeros" 'not a stream of findings'
byte() { # FILE OFFSET OCTAL: as `whole`, but for that byte
    cp "$work/whole" "$1"
    printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
byte "$work/major" 24 011
bad "$work/major" 'of format version 9.'
byte "$work/long" 3 377
bad "$work/long" 'a record has an impossible length'
mkdir -p "$work/dir"
bad "$work/dir" ''
try "$race" report "$work/missing"
want_status 125
want_err_lines 1
want_err "cannot read $work/missing"

# One of a gigabyte, of which nothing is kept: refused at once, whatever follows.
cp "$work/zeros" "$work/huge"
truncate -s 1G "$work/huge"
bad "$work/huge" 'not a stream of findings'
rm -f "$work/huge"

# Outputs that cannot be written: before the program starts if they cannot be opened.
try "$race" --output "json:$work/no/such/folder" "$work/clean"
want_status 125
want_err_lines 1
! grep -q clean "$out" || wrong "the program ran"
try "$race" --save="$work/no/such/folder" "$work/clean"
want_status 125
want_err_lines 1
if [ -w /dev/full ]; then
    for f in text json sarif junit github man html; do
        try "$race" report --output "$f:/dev/full" "$work/whole"
        want_status 125
        want_err_lines 1
        want_err 'cannot write /dev/full'
    done
    try "$race" report --save=/dev/full "$work/whole"
    want_status 125
    want_err_lines 1
fi
finish
