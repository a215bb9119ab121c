# Every case of deadlock_pairs*.c, with its fault and without. ONLY=word runs those whose name contains
# it; REPEAT=n runs each n times; PROCS="1 2", side by side; SHOW=1 shows what the bad ones said.
build=${BUILD:-build}
work=$build/test/deadlock_pairs
mkdir -p "$work"
"$build/bin/goc-race" cc -g -O1 tests/e2e/deadlock_pairs*.c -o "$work/pairs" || exit 1

one() { # case, way, wanted heading; $procs
    # What is started alone or in a loaded machine may take its time; it must end.
    GOMAXPROCS=$procs timeout 120 "$build/bin/goc-race" "$work/pairs" "$1" "$2" >"$said" 2>&1
    status=$?
    runs=$((runs + 1))
    found=';'
    while read -r first rest; do
        [ "$first" = WARNING: ] && found=$found$rest\;
    done <"$said"
    if [ "$2" = bug ]; then
        [ $status = 66 ] && case $found in *";$3;"*) return ;; esac
    else
        [ $status = 0 ] && [ "$found" = ';' ] && return
    fi
    bad=$((bad + 1))
    echo "$1 $2, GOMAXPROCS=$procs: status $status, found '$found', wanted '$3'"
    [ -n "$SHOW" ] && cat "$said"
}

all() { # $procs
    said=$work/said-$procs runs=0 bad=0
    n=${REPEAT:-1}
    while [ "$n" -gt 0 ]; do
        while read -r name finds; do
            one "$name" bug "$finds"
            one "$name" fixed ''
        done <"$work/now"
        n=$((n - 1))
    done
    echo "GOMAXPROCS=$procs: $runs runs, $bad bad"
    [ $bad = 0 ]
}

"$work/pairs" >"$work/list" 2>/dev/null
grep "${ONLY:-.}" "$work/list" >"$work/now"
echo "$(wc -l <"$work/now") pairs"
lanes=
for procs in ${PROCS:-1 2}; do
    all &
    lanes="$lanes $!"
done
for lane in $lanes; do
    wait "$lane" || failed=1
done
[ -z "$failed" ]
