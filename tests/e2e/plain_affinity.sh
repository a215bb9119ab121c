# GOMAXPROCS where nothing sets it: the CPUs this process may use, no more.
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
finish
