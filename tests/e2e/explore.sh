# explore and replay: a bug that needs two switches at the right places is found, and found again by its
# word; the mended twin stays quiet; a word decides the whole run; what cannot be is refused.
. tests/e2e/lib
build clean

# A touches `hit` without the lock only if B came between its two sections, and it itself between B's
# two: the plain order shows nothing.
cat >"$work/rare.c" <<'END'
#include <goc.h>
#include <stdio.h>
static goc_mutex mu;
static int phase, hit;
static void a(void)
{
    goc_mutex_lock(&mu);
    phase = 1;
    goc_mutex_unlock(&mu);
    goc_mutex_lock(&mu);
    int now = phase;
    goc_mutex_unlock(&mu);
    if (now == 2) {
        LOCK;
        hit++;
        UNLOCK;
    }
}
static void b(void)
{
    goc_mutex_lock(&mu);
    if (phase == 1)
        phase = 2;
    goc_mutex_unlock(&mu);
    goc_mutex_lock(&mu);
    if (phase == 2)
        phase = 3;
    goc_mutex_unlock(&mu);
    LOCK;
    hit++;
    UNLOCK;
}
int main(void)
{
    go(a);
    go(b);
    goc_sleep(GOC_SECOND);
    goc_mutex_lock(&mu);
    printf("phase %d\n", phase);
    goc_mutex_unlock(&mu);
    return 0;
}
END
"$race" cc -g -O1 '-DLOCK=(void)0' '-DUNLOCK=(void)0' "$work/rare.c" -o "$work/rare" || exit 1
"$race" cc -g -O1 '-DLOCK=goc_mutex_lock(&mu)' '-DUNLOCK=goc_mutex_unlock(&mu)' "$work/rare.c" \
    -o "$work/fixed" || exit 1

try "$race" replay fifo "$work/rare"
want_status 0
want_silence
try "$race" explore "$work/rare"
want_status 66
want_err 'WARNING: DATA RACE'
want_err "Location is global 'hit'"
want_err 'Schedule: '
want_err '100 schedule(s) explored'
want_err 'Found 1 data race(s)'
want_err 'exit status 66'
want_no_err 'second time'
word=$(sed -n 's/^Schedule: \([^ ]*\) .*/\1/p' "$err")
cp "$err" "$work/explored"
try "$race" explore "$work/rare"
cmp -s "$err" "$work/explored" || wrong 'a second exploration is not the first'
try "$race" explore --seed=1000 "$work/rare"
want_status 66
want_err 'Found 1 data race(s)'

# The same 50 times: the same report, address for address.
i=0
while [ $i -lt 50 ]; do
    i=$((i + 1))
    try "$race" replay "$word" "$work/rare"
    want_status 66
    [ $i -eq 1 ] && cp "$err" "$work/first"
    cmp -s "$err" "$work/first" || wrong "replay $i is not the first"
    [ $failures -gt 3 ] && break
done
try "$race" explore --runs=300 "$work/fixed"
want_status 0
want_err '300 schedule(s) explored'
want_err '0 finding(s)'
want_err_lines 1
try "$race" replay "$word" "$work/fixed"
want_status 0
want_silence

# A word decides everything: who sends when, what select takes, when sleeps end; and words differ.
cat >"$work/order.c" <<'END'
#include <goc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static char text[4096];
static int n;
static atomic_int ready;
static void say(char c)
{
    pthread_mutex_lock(&mu);
    if (n < 4000)
        text[n++] = c;
    pthread_mutex_unlock(&mu);
}
static void send(goc_send_chan(int) c, int from)
{
    for (int i = 0; i < 4; i++) {
        goc_send(c, from + i);
        say((char)('A' + from + i));
        if (i == 1)
            usleep(1000);
        if (i == 2)
            goc_sleep(GOC_MILLISECOND);
    }
    atomic_fetch_add(&ready, 1);
}
int main(void)
{
    goc_chan(int) a = goc_chan_make(int, 0), b = goc_chan_make(int, 2);
    goc_ticker *t = goc_ticker_new(GOC_MILLISECOND);
    goc_gomaxprocs(8);
    go(send, a, 0);
    go(send, b, 4);
    int got = 0, v;
    while (got < 8)
        switch (goc_select(goc_on_recv(a, &v), goc_on_recv(b, &v),
                           goc_on_recv(goc_ticker_chan(t), NULL), goc_on_timeout(GOC_SECOND))) {
        case 0:
        case 1:
            say((char)('a' + v));
            got++;
            break;
        default:
            say('.');
        }
    while (atomic_load(&ready) < 2) /* nothing yields here */
        ;
    goc_ticker_stop(t);
    goc_time end = goc_now() + 10 * GOC_MILLISECOND;
    while (goc_now() < end)
        ;
    goc_sleep(3600 * GOC_SECOND);
    printf("%s\n", text);
    return goc_gomaxprocs(0) != 8;
}
END
"$race" cc -g -O1 "$work/order.c" -o "$work/order" || exit 1
: >"$work/seen"
for word in fifo random:2:1 random:2:2 random:3:3 random:8:4 pct:1:100:5 pct:2:100:6 pct:3:100:7 \
    pct:4:50:8; do
    for turn in 1 2 3; do
        try "$race" replay $word "$work/order"
        want_status 0
        want_silence
        [ $turn -eq 1 ] && cp "$out" "$work/first" && cat "$out" >>"$work/seen"
        cmp -s "$out" "$work/first" || wrong "run $turn differs: $(cat "$work/first")"
    done
done
n=$(sort -u "$work/seen" | wc -l)
[ "$n" -ge 5 ] || wrong "nine schedules show only $n different runs"

# What ends otherwise than usual is told, and does not change the verdict of a run without findings.
cat >"$work/ends.c" <<'END'
#include <goc.h>
#include <stdlib.h>
static goc_mutex mu;
static int balance = 100;
static void withdraw(void)
{
    goc_mutex_lock(&mu);
    int b = balance;
    goc_mutex_unlock(&mu);
    if (b < 80)
        return;
    goc_mutex_lock(&mu);
    balance -= 80;
    goc_mutex_unlock(&mu);
}
int main(int argc, char **argv)
{
    goc_waitgroup wg = {0};
    for (int i = 0; i < 2; i++)
        goc_waitgroup_go(&wg, withdraw);
    goc_waitgroup_wait(&wg);
    if (balance < 0 && argc > 1)
        abort();
    return balance < 0 ? 3 : 0;
}
END
"$race" cc -g -O1 "$work/ends.c" -o "$work/ends" || exit 1
try "$race" explore "$work/ends"
want_status 3
want_err 'exit status 3 (fifo: 0)'
want_err '0 finding(s)'
word=$(sed -n 's/^goc-race: schedule \([^ ]*\): exit.*/\1/p' "$err")
try "$race" replay "$word" "$work/ends"
want_status 3
try "$race" explore "$work/ends" abort
want_status 134
[ "$(grep -c 'program crashed: SIGABRT' "$err")" -eq 2 ] ||
    wrong 'the crash and its schedule are not told once each'

# Findings of other kinds, a program that is not instrumented, options.
try "$race" explore --runs=5 --output "json:$work/json" examples/send_nobody.c
want_status 66
want_err 'WARNING: DEADLOCK'
want_err 'Schedule: fifo '
grep -q '"schedule":"fifo"' "$work/json" || wrong 'no schedule in the json'
gcc -g examples/two_accounts.c -I"$BUILD/include" -L"$BUILD/lib" -Wl,-rpath,"$BUILD/lib" -lgoc \
    -o "$work/plain" || exit 1
try "$race" explore --runs=30 "$work/plain"
want_status 66
want_err 'is not instrumented'
want_err 'POTENTIAL DEADLOCK'
try "$race" explore --seconds=0.2 "$work/clean"
want_status 0
try "$race" explore --runs=3 "$work/clean" 9
want_status 9
cat >"$work/hangs.c" <<'END'
int main(void)
{
    for (volatile int i = 0;; i++)
        ;
}
END
"$race" cc -g -O1 "$work/hangs.c" -o "$work/hangs" || exit 1
try "$race" explore --runs=2 --timeout=0.3 "$work/hangs"
want_status 124
want_err 'timed out'

# Threads are not controlled, and that is said.
cat >"$work/threads.c" <<'END'
#include <pthread.h>
static int n;
static void *add(void *arg)
{
    return (void *)(long)n++;
}
int main(void)
{
    pthread_t t[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&t[i], 0, add, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], 0);
    return 0;
}
END
"$race" cc -g -O1 "$work/threads.c" -o "$work/threads" || exit 1
try "$race" explore --runs=5 "$work/threads"
want_status 66
want_err 'threads that are no goroutines'

for word in '' pct pct: pct:1 pct:1:2 pct:1:0:3 pct:99:10:1 pct:1:2:3:4 random random:0:1 random:1 \
    random:1:x fifo:1 pct:-1:2:3 blah random:1:99999999999999999999; do
    try "$race" replay "$word" "$work/clean"
    want_status 125
    want_err_lines 1
    want_err 'is not a schedule'
done
try "$race" replay
want_status 125
try "$race" replay fifo
want_status 125
want_err 'no program'
try "$race" replay fifo "$work/none"
want_status 127
try "$race" explore
want_status 125
try "$race" explore --runs=many "$work/clean"
want_status 125
try "$race" run --runs=5 "$work/clean"
want_status 125
want_err 'unknown option'
try env GOC_SCHEDULE=nonsense "$work/clean"
want_status 2
want_err 'expected fifo, pct'
finish
