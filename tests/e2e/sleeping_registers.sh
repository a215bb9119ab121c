# Every function of sleeping_registers.c, with the channel's only pointer in a register of the thread that
# sleeps in it, and without.
build=${BUILD:-build}
work=$build/test/sleeping_registers
mkdir -p "$work"
"$build/bin/goc-race" cc -g -O1 tests/e2e/sleeping_registers.c -o "$work/prog" || exit 1
bad=0 n=0
for name in $("$work/prog" 2>/dev/null); do
    for way in held gone; do
        want=0
        [ $way = gone ] && want=1
        timeout 240 "$build/bin/goc-race" --detect=leak "$work/prog" "$name" $way >"$work/said" 2>"$work/told"
        n=$((n + 1))
        grep -q "^$want found" "$work/said" || {
            echo "$name, $way: not $want found: $(cat "$work/said" "$work/told")"
            bad=$((bad + 1))
        }
    done
done
echo "$n runs, $bad bad"
[ $bad = 0 ]
