# GOMAXPROCS where nothing sets it: the CPUs this process may use, no more; and what its control
# group's quota pays for, read from files laid over the system's where one may (a namespace of mounts).
. tests/e2e/lib
command -v taskset >/dev/null || { echo "no taskset here"; exit 77; }
cat >"$work/procs.c" <<'END'
#include <goc.h>
#include <stdio.h>
int main(void)
{
    printf("%d %d\n", goc_numcpu(), goc_gomaxprocs(0));
}
END
gcc -I"$BUILD/include" "$work/procs.c" -L"$BUILD/lib" -lgoc -Wl,-rpath,"$BUILD/lib" -o "$work/procs" || exit 1
unset GOMAXPROCS
all=$(nproc)
first=$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')
try taskset -c "$first" "$work/procs"
want_status 0
want_out '1 1'
try "$work/procs"
want_status 0
case $(cat "$out") in # a cgroup's quota may allow less than the CPUs
"$all "[1-9]*) ;;
*) wrong "not $all CPUs" ;;
esac
try env GOMAXPROCS=3 taskset -c "$first" "$work/procs"
want_out '1 3'
for nonsense in 0 -1 many ''; do
    try env GOMAXPROCS="$nonsense" taskset -c "$first" "$work/procs"
    want_status 0
    want_out '1 1'
done

cat >"$work/under" <<'END' # QUOTA COMMAND…: the quota of one CPU per 100000
set -e
quota=$1
shift
mount -t tmpfs none /sys/fs/cgroup
echo "$quota 100000" >/sys/fs/cgroup/cpu.max
exec "$@"
END
if unshare -rm sh "$work/under" max true 2>/dev/null; then
    for quota in 100000 30000; do
        try unshare -rm sh "$work/under" $quota "$work/procs"
        want_status 0
        want_out "$all 1"
    done
    try unshare -rm sh "$work/under" 150000 env GOMAXPROCS=5 "$work/procs"
    want_out "$all 5"
    for quota in max 100000000; do
        try unshare -rm sh "$work/under" $quota "$work/procs"
        want_out "$all $all"
    done
else
    echo "no namespace of mounts here: the quota is tested by unit/cgroup alone"
fi
finish
