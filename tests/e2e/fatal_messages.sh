# What ends a program says what Go says, word for word: the first lines and the status are set down here, and
# where there is a Go, its own are compared with them.
. tests/e2e/lib
cat >"$work/end.c" <<'END'
#include <goc.h>
#include <stdio.h>
#include <string.h>
typedef goc_chan(int) ints;
static goc_mutex mu;
static goc_rwmutex rw;
static goc_waitgroup wg;
static goc_cond cond = GOC_COND_INIT(&mu);
static ints ch, full;
static void *volatile nil;
static void receives(void) { goc_recv(ch); }
static void sends(void) { goc_send(ch, 1); }
static void nil_receives(void) { goc_recv((ints)nil); }
static void nil_sends(void) { goc_send((ints)nil, 1); }
static void selects(void) { goc_select(goc_on_recv(ch, NULL), goc_on_send(full, 1)); }
static void selects_nothing(void) { goc_select(); }
static void waits(void) { goc_mutex_lock(&mu); goc_cond_wait(&cond); }
static void naps(void) { goc_sleep(GOC_MILLISECOND); }
static void again(void *text) { goc_panic("%s", (const char *)text); }
static void panics(void) { goc_panic("in a goroutine"); }
#define IS(name) (strcmp(what, #name) == 0)
int main(int argc, char **argv)
{
    const char *what = argv[argc - 1];
    ch = goc_chan_make(int, 0);
    full = goc_chan_make(int, 1);
    goc_send(full, 1);
    if (IS(asleep)) goc_recv(ch);
    if (IS(goexit_alone)) { go(naps); goc_goexit(); }
    if (IS(goexit_others)) { go(receives); goc_goexit(); }
    if (IS(unlock)) goc_mutex_unlock(&mu);
    if (IS(wunlock)) goc_rwmutex_unlock(&rw);
    if (IS(runlock)) goc_rwmutex_runlock(&rw);
    if (IS(negative)) goc_waitgroup_done(&wg);
    if (IS(close_nil)) goc_close((ints)nil);
    if (IS(close_closed)) { goc_close(ch); goc_close(ch); }
    if (IS(send_closed)) { goc_close(ch); goc_send(ch, 1); }
    if (IS(select_closed)) { goc_close(ch); goc_select(goc_on_send(ch, 1)); }
    if (IS(nil_func)) { void (*fn)(void) = (void (*)(void))nil; go(fn); naps(); }
    if (IS(panic)) goc_panic("plain");
    if (IS(panic_lines)) goc_panic("two\nlines");
    if (IS(panic_nested)) { goc_defer(again, "third"); goc_defer(again, "second"); goc_panic("first"); }
    if (IS(panic_goroutine)) { go(panics); goc_recv(ch); }
    if (IS(states)) {
        void (*fn[])(void) = {receives, sends, nil_receives, nil_sends, selects, selects_nothing, waits};
        for (int i = 0; i < 7; i++) {
            if (i != 1) go(fn[i]);
        }
        goc_waitgroup_add(&wg, 1);
        goc_select();
    }
    return 0;
}
END
cat >"$work/end.go" <<'END'
package main

import (
	"os"
	"runtime"
	"sync"
	"time"
)

var mu sync.Mutex
var rw sync.RWMutex
var wg sync.WaitGroup
var cond = sync.NewCond(&mu)
var ch = make(chan int)
var full = make(chan int, 1)

func main() {
	var none chan int
	full <- 1
	switch os.Args[1] {
	case "asleep":
		<-ch
	case "goexit_alone":
		go time.Sleep(time.Millisecond)
		runtime.Goexit()
	case "goexit_others":
		go func() { <-ch }()
		runtime.Goexit()
	case "unlock":
		mu.Unlock()
	case "wunlock":
		rw.Unlock()
	case "runlock":
		rw.RUnlock()
	case "negative":
		wg.Done()
	case "close_nil":
		close(none)
	case "close_closed":
		close(ch)
		close(ch)
	case "send_closed":
		close(ch)
		ch <- 1
	case "select_closed":
		close(ch)
		select {
		case ch <- 1:
		}
	case "nil_func":
		var f func()
		go f()
	case "panic":
		panic("plain")
	case "panic_lines":
		panic("two\nlines")
	case "panic_nested":
		defer func() { panic("third") }()
		defer func() { panic("second") }()
		panic("first")
	case "panic_goroutine":
		go func() { panic("in a goroutine") }()
		<-ch
	case "states":
		go func() { <-ch }()
		go func() { <-none }()
		go func() { none <- 1 }()
		go func() {
			select {
			case <-ch:
			case full <- 1:
			}
		}()
		go func() { select {} }()
		go func() { mu.Lock(); cond.Wait() }()
		select {}
	}
}
END
# The states in the brackets, sorted: the order of goroutines is nobody's promise.
states() {
    sed -n 's/^goroutine [0-9]* \[\(.*\)\]:$/\1/p' | sort | tr '\n' ';'
}
# Up to the first empty line, and the state of the goroutine that it is about.
words() {
    awk '/^goroutine .*:$/ { sub(/^goroutine [0-9]+ /, ""); print; exit } NF' | tr '\n' '|'
}
gcc -O1 -g -w -I"$BUILD/include" "$work/end.c" -o "$work/end_c" -L"$BUILD/lib" -lgoc -Wl,-rpath,"$BUILD/lib" || exit 1
go=
if command -v go >/dev/null 2>&1 && (cd "$work" && go build -o end_go end.go) >"$work/go.log" 2>&1; then
    go=yes
fi
ends() { # CASE WORDS
    what=$1
    for lang in c ${go:+go}; do
        try "$work/end_$lang" "$1"
        want_status 2
        said=$(words <"$err")
        [ "$said" = "$2" ] || wrong "$lang: '$said', not '$2'"
    done
}
deadlock='fatal error: all goroutines are asleep - deadlock!'
ends asleep "$deadlock|[chan receive]:|"
ends goexit_others "$deadlock|[chan receive]:|"
ends unlock 'fatal error: sync: unlock of unlocked mutex|[running]:|'
ends wunlock 'fatal error: sync: Unlock of unlocked RWMutex|[running]:|'
ends runlock 'fatal error: sync: RUnlock of unlocked RWMutex|[running]:|'
ends negative 'panic: sync: negative WaitGroup counter|[running]:|'
ends close_nil 'panic: close of nil channel|[running]:|'
ends close_closed 'panic: close of closed channel|[running]:|'
ends send_closed 'panic: send on closed channel|[running]:|'
ends select_closed 'panic: send on closed channel|[running]:|'
ends nil_func 'fatal error: go of nil func value|[running]:|'
ends panic 'panic: plain|[running]:|'
ends panic_lines 'panic: two|lines|[running]:|'
tab=$(printf '\t')
ends panic_nested "panic: first|${tab}panic: second|${tab}panic: third|[running]:|"
ends panic_goroutine 'panic: in a goroutine|[running]:|'
# Here no goroutine is left to be printed.
for lang in c ${go:+go}; do
    try "$work/end_$lang" goexit_alone
    want_status 2
    want_err 'fatal error: no goroutines (main called runtime.Goexit) - deadlock!'
done
all='chan receive (nil chan);chan receive;chan send (nil chan);select (no cases);select (no cases);select;sync.Cond.Wait;'
all=$(echo "$all" | tr ';' '\n' | sed '/^$/d' | sort | tr '\n' ';')
for lang in c ${go:+go}; do
    try "$work/end_$lang" states
    want_status 2
    said=$(states <"$err")
    [ "$said" = "$all" ] || wrong "$lang: '$said', not '$all'"
done
[ -n "$go" ] || echo "no go here: its side was not run"
finish
