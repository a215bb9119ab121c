# The bank, all the ways it can go: two transfers between the same two accounts in opposite directions, which do not
# meet, which meet while nobody else does anything, or while the rest of the program works on; and the mended
# one. Under detection and in the plain build. (examples/two_accounts.c is the same to read; here nothing
# depends on how quick the machine is.)
. tests/e2e/lib

cat >"$work/bank.c" <<'END'
#include "turns.h"
#include <goc/race.h>

struct account {
    goc_mutex mu;
    int id, balance;
};
static struct account a = {.id = 1, .balance = 100}, b = {.id = 2, .balance = 100};
static bool meet, fixed;

static void transfer(struct account *from, struct account *to, int amount)
{
    struct account *first = fixed && from->id > to->id ? to : from;
    struct account *second = first == from ? to : from;
    goc_mutex_lock(&first->mu);
    turn_done();
    if (meet && !fixed)
        turn_await(2);
    goc_mutex_lock(&second->mu);
    from->balance -= amount;
    to->balance += amount;
    goc_mutex_unlock(&second->mu);
    goc_mutex_unlock(&first->mu);
    turn_done();
}
static void afterwards(struct account *from, struct account *to, int amount)
{
    turn_await(meet ? 0 : 2);
    transfer(from, to, amount);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    meet = strncmp(how, "meet", 4) == 0;
    fixed = argc > 2;
    goc_waitgroup wg = {0};
    goc_waitgroup_go(&wg, transfer, &a, &b, 10);
    goc_waitgroup_go(&wg, afterwards, &b, &a, 20);
    if (strcmp(how, "meet-busy") == 0 && !fixed) {
        while (goc_race_errors() == 0) /* other work */
            goc_sleep(GOC_MILLISECOND);
        puts("found while others work");
        fflush(stdout);
        _exit(0);
    }
    goc_waitgroup_wait(&wg);
    printf("%d and %d\n", a.balance, b.balance);
}
END
"$race" cc -g -O1 "$work/bank.c" -o "$work/bank" || exit 1
gcc -g -O1 -I"$BUILD/include" "$work/bank.c" "$BUILD/lib/libgoc.a" -lunwind -pthread -ldl -lm -rdynamic \
    -o "$work/plain" || exit 1

for p in 1 2; do
    export GOMAXPROCS=$p
    try "$race" "$work/bank" apart
    want_status 66
    want_out '110 and 90'
    want_err 'WARNING: POTENTIAL DEADLOCK'
    want_err "Lock order cycle: "
    want_err 'Found 1 potential deadlock(s)'
    want_no_err 'WARNING: DEADLOCK'

    try "$race" "$work/bank" meet
    want_status 66
    want_err 'WARNING: DEADLOCK'
    want_err "'a.mu'"
    want_err "'b.mu'"
    want_err 'afterwards()'
    want_err 'Found 1 deadlock(s)'

    # Nobody notices but the detector: the program goes on, and has ended with 0.
    try "$race" "$work/bank" meet-busy
    want_status 66
    want_out 'found while others work'
    want_err 'WARNING: DEADLOCK'

    for how in apart meet meet-busy; do
        try "$race" "$work/bank" $how fixed
        want_status 0
        want_silence
        want_out '110 and 90'
    done

    try "$work/plain" apart
    want_status 0
    want_silence
    try "$work/plain" meet
    want_status 2
    [ "$(head -n 1 "$err")" = 'fatal error: all goroutines are asleep - deadlock!' ] ||
        wrong "the first line is not Go's"
    want_err 'goroutine 1 [sync.WaitGroup.Wait]:'
    want_err '[sync.Mutex.Lock]:'
    try "$work/plain" meet fixed
    want_status 0
    want_silence
done
finish
