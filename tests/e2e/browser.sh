# The html report, opened and clicked through in Chromium (tests/browser/page.py).
. tests/e2e/lib
command -v python3 >/dev/null 2>&1 || { echo 'no python3 here'; exit 77; }
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
    { echo 'no chromium here'; exit 77; }
build racy
cat >"$work/race.c" <<'END'
#include "turns.h"
static goc_mutex mu;
int shared, entries;
/* A lock that both take, before the one's access: it puts nothing later in order. */
static void log_one(void)
{
    goc_mutex_lock(&mu);
    entries++;
    goc_mutex_unlock(&mu);
}
static void first(void)
{
    log_one();
    shared = 1;
}
static void second(void)
{
    until_left(2);
    log_one();
    goc_sleep(5 * GOC_MILLISECOND);
    goc_mutex_lock(&mu);
    shared = 2;
    goc_mutex_unlock(&mu);
}
int main(void)
{
    go(first);
    go(second);
    until_left(1);
}
END
long=a_path_that_has_no_blank_anywhere
long=$long/$long/$long/$long/$long/$long
sed "1s|^|#line 1 \"/<script>document.title=1<script><img src=x>/$long/racy.c\"\n|" "$work/racy.c" >"$work/hostile.c"
{
    echo '#include "turns.h"'
    echo 'static int g[1000];'
    i=0
    while [ $i -lt 1000 ]; do
        echo "static void f$i(void) { g[$i]++; }"
        i=$((i + 1))
    done
    echo 'static void all(void) {'
    i=0
    while [ $i -lt 1000 ]; do
        echo "f$i();"
        i=$((i + 1))
    done
    echo '} int main(void) { go(all); go(all); until_left(1); }'
} >"$work/many.c"
cat >"$work/stuck.c" <<'END'
#include <goc.h>
static goc_mutex bank, audit;
static goc_chan(int) met;
static void transfer(void)
{
    goc_mutex_lock(&bank);
    goc_send(met, 1);
    goc_mutex_lock(&audit);
}
int main(void)
{
    met = goc_chan_make(int, 0);
    go(transfer);
    goc_mutex_lock(&audit);
    goc_recv(met);
    goc_mutex_lock(&bank);
}
END
for n in race order hostile many stuck; do
    "$race" cc -g -O1 "$work/$n.c" -o "$work/$n" || exit 1
done
for n in race order hostile many stuck; do
    try env GOMAXPROCS=1 "$race" --log_path="$work/log" --output "html:$work/$n.html" "$work/$n"
    want_status 66
done
what='in the browser'
timeout 240 python3 tests/browser/page.py "$work" "$chromium" >"$out" 2>"$err" || wrong 'the page is not as it should be'
cat "$out"
finish
