#!/bin/sh
# tests/oracle/std.sh BUILD [PROGRAMS]: does the exported trace say the same as the oracle? Random programs
# are run, each trace is written in RAPID's STD format, read back by rapid.c, which recomputes the races
# from that text alone, and its answer is compared with the oracle's. Bytes that atomics use are left out:
# the format has no atomic accesses.
set -u
build=${1:-build}
programs=${2:-40}
here=$(dirname "$0")
out=$build/oracle
[ -x "$out/oracle" ] && [ -x "$out/exec" ] || { echo "tests/oracle/run builds what this needs"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -o "$work/rapid" "$here/rapid.c" || exit 1

bad=0 races=0 done=0
seed=${ORACLE_SEED:-1}
last=$((seed + programs))
while [ "$seed" -lt "$last" ]; do
    "$out/oracle" --exec "$out/exec" --seed "$seed" --count 1 --no-shrink --std "$work/trace" \
        --races "$work/ours" >"$work/log" 2>&1 || { cat "$work/log"; bad=1; }
    "$work/rapid" <"$work/trace" >"$work/theirs" || bad=1
    awk 'FNR == NR { if ($1 == "atomic") skip[$2] = 1; next } { split($2, v, "."); if (!(v[1] in skip)) print }' \
        "$work/ours" "$work/theirs" | sort -u >"$work/theirs.sorted"
    grep '^race' "$work/ours" | sort -u >"$work/ours.sorted"
    if ! diff "$work/ours.sorted" "$work/theirs.sorted" >"$work/diff"; then
        echo "seed $seed: the oracle and its exported trace differ"
        head -5 "$work/diff"
        bad=1
    fi
    races=$((races + $(wc -l <"$work/ours.sorted")))
    done=$((done + 1))
    seed=$((seed + 1))
done
[ "$races" -gt 0 ] || { echo "no race in any of them: nothing was compared"; bad=1; }
echo "exported traces: $done programs, $races races, the same by rapid.c"
exit $bad
