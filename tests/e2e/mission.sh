# What there is to be shown, each with the example that shows it: the words stand in the example's first
# comment, and tests/examples.list says how it ends in both builds.
. tests/e2e/lib
rows='
goroutines with arguments|hello|arguments
the end of main ends the program|hello|When main returns the program ends
M:N scheduling, G, M and P|gomaxprocs|M:N
work stealing|gomaxprocs|steals
GOMAXPROCS by environment and by call|gomaxprocs|in the environment or by call
NumCPU, NumGoroutine, Gosched|gomaxprocs|goc_numcpu, goc_numgoroutine, goc_gosched
100,000 at once|hundred_thousand|100,000 goroutines alive at once
millions over time|hundred_thousand|a million
stacks that grow by the page|deep_stack|a page comes to it when it is first touched
the default reserve configurable|deep_stack|GOC_STACK
a stack of up to 1 GB|deep_stack|1 GiB
preemption|preempt|A loop that never calls the runtime
blocking system calls|blocking_call|blocks in the kernel
no identity|no_identity|no identity
Sleep, After, timers, tickers|timers|Sleep, After, timers, tickers
rendezvous|rendezvous|unbuffered
buffered channels|buffered|buffered channel
direction in the type|directions|direction is in the type
nil channels|nil_channel|NULL channel
close, range, len, cap, comma-ok|close_range|close, range, len, cap and comma-ok
select: several cases, default, timeout, random choice|select|a random choice
done channel|done_channel|done channel
context: cancel, timeout, deadline, value|context|cancel, timeout, deadline, value
channel as semaphore|channel_semaphore|as a semaphore
channel as binary semaphore|channel_semaphore|binary semaphore
monitor goroutine|bank_teller|monitor goroutine
serial confinement|cake|Serial confinement
relay chain of 10,000|relay_chain|10,000 goroutines
time of a hop|relay_chain|a hop
generator|generator|generator
pipeline|generator|pipeline
fan-out, fan-in|fan|Fan-out
worker pool|worker_pool|worker pool
fetching, in a row against at once|fetch|one after the other, then all at once
Mutex|racy_counter_mutex|mutex
RWMutex|rwmutex|RWMutex
WaitGroup, Add inside the goroutine|waitgroup_inside|WaitGroup
the same mended|waitgroup_inside_fixed|before the go statement
Once|lazy_init_once|Once
Cond|cond|Cond
atomics|ten_accounts_atomic|atomic
SizedWaitGroup|sized_waitgroup|six
errgroup|errgroup|errgroup
weighted semaphore|semaphore|weighted semaphore
batching by size or timer|batching|flushed when it is full or when
defer|defer|Defer
racy counter|racy_counter|a million
x and y, two races|xy|two races
racy append|append|append
loop variable by reference|loop_variable|loop variable by reference
unsynchronised balance|bank_balance|balance
lazy initialisation without Once|lazy_init|Lazy initialisation
ten accounts|ten_accounts|total
send with nobody there|send_nobody|all goroutines are asleep
opposite orders|two_accounts|opposite order
leak: blocked send|leak_send|wait for ever
leak: blocked receive|leak_receive|never comes
leak: range|leak_range|nobody closes it
leak: loop|leak_loop|no way out
goleak|goleak|goleak
benchmarks|benchmark|Measuring
parallel sum|parallel_sum|small array
sine sum|sine_sum|1, 2, 4, 8 and 16
'
echo "$rows" >"$work/rows"
while IFS='|' read -r what example words; do
    [ -n "$what" ] || continue
    what="$what: examples/$example.c"
    status=0
    : >"$out"
    : >"$err"
    # The first comment in one line.
    said=$(sed -n '1,/\*\//p' "examples/$example.c" | sed 's/^ \* *//' | tr '\n' ' ')
    case $said in
    *"$words"*) ;;
    *) wrong "its first comment does not say '$words'" ;;
    esac
    # In both builds (the unnamed kinds of leak are for the detector to find).
    grep -q "^$example  *[0-9,]*  *[0-9,]* " tests/examples.list || wrong "not in tests/examples.list, plain and race"
done <"$work/rows"
# And no example that nobody runs, or that says nothing.
for f in examples/*.c; do
    what=$f
    n=$(basename "$f" .c)
    grep -q "^$n " tests/examples.list || wrong "not in tests/examples.list"
    [ "$(head -c 2 "$f")" = '/*' ] || wrong "no first comment"
done
finish
