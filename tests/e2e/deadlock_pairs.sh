# Every case of deadlock_pairs*.c, with its fault and without. ONLY=word runs those whose name contains
# it; REPEAT=n runs each n times; PROCS="1 2".
build=${BUILD:-build}
work=$build/test/deadlock_pairs
mkdir -p "$work"
"$build/bin/goc-race" cc -g -O1 tests/e2e/deadlock_pairs*.c -o "$work/pairs" || exit 1

bad=0 runs=0
one() { # case, way, wanted heading, procs
    # What is started alone or in a loaded machine may take its time; it must end.
    GOMAXPROCS=$4 timeout 60 "$build/bin/goc-race" "$work/pairs" "$1" "$2" >"$work/said" 2>&1
    status=$?
    found=$(sed -n 's/^WARNING: //p' "$work/said" | sort -u | tr '\n' ';')
    runs=$((runs + 1))
    if [ "$2" = bug ]; then
        [ $status = 66 ] && case ";$found" in *";$3;"*) return ;; esac
    else
        [ $status = 0 ] && [ -z "$found" ] && return
    fi
    bad=$((bad + 1))
    echo "$1 $2, GOMAXPROCS=$4: status $status, found '$found', wanted '$3'"
    [ -n "$SHOW" ] && cat "$work/said"
}

"$work/pairs" >"$work/list" 2>/dev/null
grep "${ONLY:-.}" "$work/list" >"$work/now"
while read -r name finds; do
    for procs in ${PROCS:-1 2}; do
        n=${REPEAT:-1}
        while [ "$n" -gt 0 ]; do
            one "$name" bug "$finds" "$procs"
            one "$name" fixed '' "$procs"
            n=$((n - 1))
        done
    done
done <"$work/now"
echo "$(wc -l <"$work/now") pairs, $runs runs, $bad bad"
[ $bad = 0 ]
