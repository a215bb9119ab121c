# Structures of waiting goroutines made at random (stuck_random.c), each in a process of its own. Nobody
# may be called stuck who is not; a stale word on a stack may hide one, but not one structure in ten.
build=${BUILD:-build}
work=$build/test/stuck_random
mkdir -p "$work"
"$build/bin/goc-race" cc -g -O1 tests/e2e/stuck_random.c -o "$work/random" || exit 1
runs=0 missed=0 bad=0
for procs in 1 2; do
    seed=${SEED:-1}
    last=$((seed + ${SEEDS:-20}))
    while [ $seed -lt $last ]; do
        GOMAXPROCS=$procs timeout 60 "$build/bin/goc-race" "$work/random" $seed 1 >"$work/said" 2>"$work/err"
        runs=$((runs + 1))
        if ! grep -q 'structures as computed' "$work/said"; then
            bad=$((bad + 1))
            echo "seed $seed, GOMAXPROCS=$procs: did not end"
        elif line=$(grep '^seed' "$work/said"); then
            # seed S: WANT of N stuck, FOUND found
            want=$(echo "$line" | sed 's/.*: \([0-9]*\) of.*/\1/')
            found=$(echo "$line" | sed 's/.*stuck, \([0-9]*\) found/\1/')
            echo "$line (GOMAXPROCS=$procs)"
            if [ "$found" -gt "$want" ]; then bad=$((bad + 1)); else missed=$((missed + 1)); fi
        fi
        seed=$((seed + 1))
    done
done
echo "$runs structures, $missed with someone missed, $bad wrong"
[ $bad = 0 ] && [ $((missed * 10)) -le $runs ]
