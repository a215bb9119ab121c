# What is not to be seen: by a file of ThreadSanitizer's syntax, by an attribute, by an annotation.
. tests/e2e/lib
build racy clean

cat >"$work/kinds.c" <<'END'
#include <goc.h>
#include <goc/race.h>
#include <string.h>
#include "turns.h"
int first, second;
static goc_mutex a, b;
static void inner(int *p)
{
    ++*p;
}
static void outer(int *p)
{
    inner(p);
}
static void nest(goc_mutex *x, goc_mutex *y)
{
    goc_mutex_lock(x);
    goc_mutex_lock(y);
    goc_mutex_unlock(y);
    goc_mutex_unlock(x);
}
static void forever(void)
{
    goc_recv(goc_chan_make(int, 0));
}
static void unlocks(void *arg)
{
    goc_mutex_unlock(&a);
}
__attribute__((no_sanitize("thread"))) static void unseen(int *p)
{
    ++*p;
}
static void ignored(int *p)
{
    goc_race_disable();
    ++*p;
    goc_race_enable();
}
static void twice(void (*fn)(int *), int *p)
{
    go(fn, p);
    until_left(1);
    go(fn, p);
    until_left(1);
}
int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "race") == 0) {
        twice(outer, &first);
    } else if (strcmp(what, "order") == 0) {
        go(nest, &a, &b);
        until_left(1);
        go(nest, &b, &a);
        until_left(1);
    } else if (strcmp(what, "leak") == 0) {
        go(forever);
        until_blocked();
    } else if (strcmp(what, "misuse") == 0) {
        goc_pcall(unlocks, NULL);
    } else if (strcmp(what, "unseen") == 0) {
        twice(unseen, &first);
    } else if (strcmp(what, "ignored") == 0) {
        twice(ignored, &first);
    } else if (strcmp(what, "both") == 0) {
        twice(outer, &first);
        twice(inner, &second);
    }
    return 0;
}
END
"$race" cc -g -O1 -fno-inline "$work/kinds.c" -o "$work/kinds" || exit 1

try "$race" "$work/kinds" unseen
want_status 0
want_silence
try "$race" "$work/kinds" ignored
want_status 0
want_silence

quiet() { # CASE RULE: it is gone
    printf '# a comment\n\n  %s  \r\n' "$2" >"$work/supp"
    try "$race" --suppressions="$work/supp" "$work/kinds" "$1"
    want_no_err WARNING
    [ "$1" = misuse ] || want_status 0
}
loud() { # CASE RULE: that does not touch it
    echo "$2" >"$work/supp"
    try "$race" --suppressions="$work/supp" "$work/kinds" "$1"
    want_err WARNING
}
quiet race race:inner
quiet race race:outer
quiet race 'race:^inner$'
quiet race 'race:i*r'
quiet race 'race:kinds.c'
quiet race 'race:*/kinds.c$'
quiet race 'race:^first$'
quiet race race_top:inner
quiet race called_from_lib:kinds
loud race race_top:outer
loud race 'race:^nner'
loud race 'race:inne$'
loud race 'race:^main$' # the anchors: the folder that all this lies in may be called so
loud race race:second
loud race called_from_lib:libnone
loud race deadlock:inner
loud race signal:inner
quiet order lockorder:nest
quiet order deadlock:nest
quiet order 'deadlock:^a$'
loud order race:nest
quiet leak leak:forever
quiet leak thread:forever
quiet leak leak:main
loud leak race:forever
quiet misuse misuse:unlocks
quiet misuse mutex:unlocks
loud misuse leak:unlocks

# What it suggests is what suppresses it.
try "$race" --gen_suppressions=1 "$work/kinds" both
want_status 66
grep '^race:' "$err" | sort -u >"$work/made"
[ -s "$work/made" ] || wrong "no line to copy"
try "$race" --suppressions="$work/made" "$work/kinds" both
want_status 0
for kind in order leak misuse; do
    try "$race" --gen_suppressions=1 "$work/kinds" $kind
    grep -E '^[a-z]+:\^' "$err" | sort -u >"$work/made"
    [ -s "$work/made" ] || wrong "no line to copy"
    try "$race" --suppressions="$work/made" "$work/kinds" $kind
    want_no_err WARNING
done

# How often each was of use.
printf 'race:outer\nrace:nowhere\n' >"$work/supp"
try "$race" --suppressions="$work/supp" --print_suppressions=1 "$work/kinds" race
want_status 0
want_err '      1 race:outer'
want_err '      0 race:nowhere (unused)'

# Bad lines: the number, and what was expected.
for bad in nonsense 'races:x' 'race' 'race:' ':x' 'race x'; do
    printf 'race:fine\n\n%s\n' "$bad" >"$work/supp"
    try "$race" --suppressions="$work/supp" "$work/clean"
    want_status 125
    want_err_lines 1
    want_err "$work/supp:3: expected KIND:PATTERN"
done
# A pattern that could take for ever.
printf 'race:%s$\n' "$(printf 'a*%.0s' $(seq 200))" >"$work/supp"
try timeout 120 "$race" --suppressions="$work/supp" "$work/kinds" race
want_status 66
printf '# a comment\n\n\0race:inner\n' >"$work/supp" # what follows must not go unread in silence
try "$race" --suppressions="$work/supp" "$work/kinds" race
want_status 125
want_err_lines 1
want_err "$work/supp:3: "
head -c 100000 /dev/urandom >"$work/supp"
try "$race" --suppressions="$work/supp" "$work/clean"
want_status 125
want_err_lines 1
finish
