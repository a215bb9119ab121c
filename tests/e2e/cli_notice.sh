# Nothing is silently unchecked: a program without instrumentation runs, and one line says so; if it
# is linked with libgoc.so its synchronisation is checked.
. tests/e2e/lib
gcc -g "$work/clean.c" -o "$work/plain" || exit 1
try "$race" "$work/plain" 3
want_status 3
want_out clean
want_err 'not instrumented'
want_err 'goc-race cc'
want_err_lines 1

cat >"$work/two.c" <<'END'
#include "turns.h"
static goc_mutex a, b;
static void take(goc_mutex *first, goc_mutex *second)
{
    goc_mutex_lock(first);
    goc_mutex_lock(second);
    goc_mutex_unlock(second);
    goc_mutex_unlock(first);
}
int main(void)
{
    go(take, &a, &b);
    until_left(1);
    go(take, &b, &a);
    until_left(1);
}
END
gcc -g -O1 -I"$BUILD/include" "$work/two.c" -L"$BUILD/lib" -lgoc -Wl,-rpath,"$BUILD/lib" -o "$work/two" || exit 1
try "$work/two"
want_status 0
want_silence
try "$race" "$work/two"
want_status 66
want_err 'not instrumented'
want_err 'WARNING: POTENTIAL DEADLOCK'
want_err 'Found 1 potential deadlock(s)'
finish
