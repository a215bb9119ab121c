# Without launcher and instrumentation a global deadlock reads as Go's.
. tests/e2e/lib
cat >"$work/dead.c" <<'END'
#include <goc.h>
static goc_chan(int) ch;
static void other(void)
{
    goc_send(ch, 1);
    goc_send(ch, 2);
}
int main(void)
{
    ch = goc_chan_make(int, 0);
    go(other);
    goc_recv(ch);
    goc_mutex mu = {0};
    goc_mutex_lock(&mu);
    goc_mutex_lock(&mu);
}
END
gcc -g -O1 -I"$BUILD/include" "$work/dead.c" "$BUILD/lib/libgoc.a" -lunwind -pthread -ldl -lm \
    -rdynamic -o "$work/dead" || exit 1
for p in 1 2; do
    try env GOMAXPROCS=$p "$work/dead"
    want_status 2
    [ "$(head -n 1 "$err")" = 'fatal error: all goroutines are asleep - deadlock!' ] ||
        wrong "the first line is not Go's"
    [ -z "$(sed -n 2p "$err")" ] || wrong "the second line is not blank"
    want_err 'goroutine 1 [sync.Mutex.Lock]:'
    want_err 'goroutine 2 [chan send]:'
    want_err 'main('
done
finish
