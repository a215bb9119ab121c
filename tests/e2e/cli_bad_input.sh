# What goc-race cannot use is one clear line and 125, before the program starts; what the compiler
# cannot, the compiler says.
. tests/e2e/lib
build clean

for bad in --no-such-option --exitcode=many --exitcode= --history_size=-1 --halt_on_error=perhaps \
    --detect=gremlins --format=klingon --output=text --timeout=soon --max_reports=x --color=loud; do
    try "$race" $bad "$work/clean"
    want_status 125
    want_err_lines 1
    grep -q clean "$out" && wrong "the program ran"
done
for bad in nonsense=1 exitcode=lots detect=gremlins; do
    try env GOCRACE="$bad" "$race" "$work/clean"
    want_status 125
    want_err_lines 1
done
try "$race" --suppressions="$work/none" "$work/clean"
want_status 125
want_err none
want_err_lines 1
try "$race" --baseline="$work/none" "$work/clean"
want_status 125
want_err_lines 1
printf 'race:fine\nrubbish\n' >"$work/supp"
try "$race" --suppressions="$work/supp" "$work/clean"
want_status 125
want_err 'supp:2'
want_err_lines 1

try "$race"
want_status 125
try "$race" report "$work/none"
want_status 125
want_err_lines 1
echo 'not a record file' >"$work/foreign"
try "$race" report "$work/foreign"
want_status 125
want_err foreign
want_err_lines 1
: >"$work/empty"
try "$race" report "$work/empty"
want_status 125
want_err_lines 1
try "$race" explain no-such-kind
want_status 125

# A source that does not compile: the compiler's words, and from cc its status; from run not, where it
# would pass for the program's.
echo 'int main(void) { return nowhere; }' >"$work/broken.c"
gcc -c "$work/broken.c" -o "$work/broken.o" 2>/dev/null
theirs=$?
try "$race" run "$work/broken.c"
want_status 125
want_err nowhere
want_err broken.c:1
try "$race" cc "$work/broken.c" -o "$work/broken"
want_status $theirs
want_err nowhere
try "$race" run "$work/missing.c"
want_status 127
want_err 'missing.c: No such file'
want_err_lines 1

# Options are looked at before the program starts, also when it starts alone.
for bad in exitcode=abc nonsense=1 suppressions=/nonexistent; do
    try env GOCRACE=$bad "$work/clean"
    want_status 125
    [ ! -s "$out" ] || wrong "the program ran"
    want_err GOCRACE
    want_err "${bad%%=*}"
    want_err_lines 1
done
for bad in log_path=$work/no/folder output=json:$work/no/folder save=$work/no/folder output=text:$work; do
    try env GOCRACE="$bad" "$work/clean"
    want_status 125
    [ ! -s "$out" ] || wrong "the program ran"
    want_err "cannot write $work"
    want_err_lines 1
done
for bad in suppressions=$work/supp baseline=$work/foreign; do
    try env GOCRACE="$bad" "$work/clean"
    want_status 125
    [ ! -s "$out" ] || wrong "the program ran"
    want_err "${bad#*=}:"
    want_err_lines 1
done
try env GOCRACE="log_path=$work/log output=html:$work/page save=$work/saved" "$work/clean" 4
want_status 4
want_silence
! ls "$work"/log.* "$work/page" "$work/saved" >/dev/null 2>&1 || wrong "a file though nothing was found"
try env GOCRACE=timeout=60 "$work/clean" 4 # nobody is there to time it
want_status 4
want_err 'not timed'
want_err_lines 1
cat >"$work/starts.c" <<'END'
#include <unistd.h>
int main(int argc, char **argv)
{
    return execv(argv[1], argv + 1);
}
END
build starts
try "$race" --timeout=60 "$work/starts" "$work/clean" 4
want_status 4
want_silence
try env GOCRACE=verbosity=0 "$work/clean" 4
want_status 4
want_silence
try env GOC_CC=no-such-compiler "$race" cc "$work/clean.c" -o "$work/x"
[ "$status" -ge 125 ] || wrong "status below 125"
want_err no-such-compiler
finish
