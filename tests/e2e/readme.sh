# What the README shows works as it stands there: its program in both builds, its report.
. tests/e2e/lib
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' README.md >"$work/square.c"
try gcc -Wall -Werror -I"$BUILD/include" "$work/square.c" "$BUILD/lib/libgoc.a" -lunwind -pthread -ldl -lm \
    -o "$work/square"
want_status 0
try "$work/square"
want_status 0
want_out 49
try "$race" run "$work/square.c"
want_status 0
want_out 49
want_silence

# The report: line for line, but for goroutine numbers, addresses and offsets, and which of the two
# accesses came first, which are the run's.
plain() {
    sed 's/0x[0-9a-f]*/0x/g; s/oroutine [0-9]*/oroutine N/g' | grep -v '^Seen ' | sort
}
awk '/^```$/ { on = !on; next } on' README.md | sed -n '/^=====/,/^exit status/p' | plain >"$work/shown"
for i in 1 2 3 4 5 6 7 8; do
    try env GOMAXPROCS=1 "$race" run --strip_path_prefix="$PWD/" examples/bank_balance.c
    want_status 66
    plain <"$err" >"$work/real"
    cmp -s "$work/shown" "$work/real" && finish
done
wrong "the report in README.md is not what the program gives:"
diff "$work/shown" "$work/real"
finish
