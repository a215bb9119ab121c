#!/bin/sh
# libc_calls.c, and its reports: each finding has the called function in both stacks, by the caller's frame that is
# named after it, and each function that could be called has a finding.
set -u
BUILD=${BUILD:-build}
top=$(pwd)
work=$top/$BUILD/test/libc-calls
case $BUILD in /*) work=$BUILD/test/libc-calls ;; esac
tool=$BUILD/bin/goc-race
case $tool in /*) ;; *) tool=$top/$tool ;; esac
rm -rf "$work"
mkdir -p "$work/here"
"$tool" cc -D_GNU_SOURCE -g -O1 -fno-builtin -Wno-deprecated-declarations tests/e2e/libc_calls.c -o "$work/libc_calls" \
    2>"$work/compiler" || { cat "$work/compiler"; exit 1; }

cd "$work/here" || exit 1
printf 'one two\nthree\n' >text
ln -s text link
echo 'root:x:0:0:root:/root:/bin/sh' >passwd
echo 'root:x:0:' >group
GOMAXPROCS=1 timeout -k 5 300 "$tool" --output json:../findings --output text:/dev/null ../libc_calls >../out 2>../err
status=$?
cd ..
grep -aE '^(WRONG|skipped)' err
[ $status -eq 66 ] || { echo "exit status $status"; tail -n 20 err; exit 1; }
[ "$(sed -n 's/^wrong: //p' err)" = 0 ] || { echo "something is wrong"; exit 1; }

# The names in the stacks of a finding: look_NAME and call_NAME, or call_NAME twice.
bad=0
awk '{
    n = 0; delete seen
    while (match($0, /"function":"(call|look)_[A-Za-z0-9_]+"/)) {
        name = substr($0, RSTART + 17, RLENGTH - 18)
        if (!(name in seen)) { seen[name] = 1; n++; one = name }
        $0 = substr($0, RSTART + RLENGTH)
    }
    if (n == 1) print one; else { print "finding " NR " is of " n " functions" >"/dev/stderr"; exit 1 }
}' findings >found || bad=1
sort -u found >found.names
sed -n 's/^X(\([A-Za-z0-9_]*\),.*/\1/p' "$top/tests/e2e/libc_calls.def" | sort -u >names
sed -n 's/^skipped: \([A-Za-z0-9_]*\) .*/\1/p' err | sort -u >skipped
comm -23 names found.names | comm -23 - skipped >silent
[ ! -s silent ] || { echo "no finding in:"; cat silent; bad=1; }
echo "$(wc -l <found.names) functions, $(wc -l <findings) findings, $(wc -l <skipped) skipped"
exit $bad
