# The manual is true: programs in it are compiled and run, and do what the page says; the reports of section
# 7 are those of the programs beside them; every function that an example uses has a page.
#
# In a page, a line `.\" program: NAME.c` stands before a program, `.\" report: NAME.c` before what goc-race
# says of it as /src/NAME.c. In section 3 the program ends with 0, and its last comment, if that is
# /* prints: TEXT */, is what it prints. tests/e2e/manual.sh --bless writes the reports into the pages.
bless=
[ "${1:-}" = --bless ] && bless=1
. tests/e2e/lib
mkdir -p "$work/src"

block() { # KIND NAME PAGE: the display after that mark, as a reader sees it
    awk -v mark=".\\\\\" $1: $2" '
        $0 == mark { on = 1; next }
        on && /^\.Bd/ { next }
        /^\.Ed/ { on = 0 }
        on { sub(/^\\&/, ""); gsub(/\\e/, "\\"); print }' "$3"
}
names() { # KIND PAGE
    sed -n "s/^\.\\\\\" $1: \(.*\)/\1/p" "$2"
}
normal() {
    sed -e 's/0x[0-9a-f][0-9a-f]*/0x0/g' -e '/^Seen [0-9]* times: /d' "$@"
}

n=0
for page in man/*.3; do
    for name in $(names program "$page"); do
        n=$((n + 1))
        src=$work/src/$name
        block program "$name" "$page" >"$src"
        what="$page: $name"
        if ! "$race" cc -g -O1 -Wall -Wextra -Werror "$src" -o "$work/program" >"$err" 2>&1; then
            status=1
            wrong 'does not compile'
            continue
        fi
        try "$race" "$work/program"
        want_status 0
        want_silence
        prints=$(sed -n 's|^/\* prints: \(.*\) \*/$|\1|p' "$src")
        [ -z "$prints" ] || [ "$(cat "$out")" = "$prints" ] || wrong "does not print '$prints'"
    done
done
[ $n -ge 12 ] || wrong "only $n programs in section 3"

n=0
for page in man/goc-race-*.7; do
    for name in $(names report "$page"); do
        n=$((n + 1))
        block program "$name" "$page" >"$work/src/$name"
        "$race" cc -g -O1 "$work/src/$name" -o "$work/program" || exit 1
        try env GOMAXPROCS=1 "$race" --strip_path_prefix="$work" "$work/program"
        want_status 66
        sed "s|$work||g" "$err" >"$work/said"
        if [ -n "$bless" ]; then
            awk -v mark=".\\\\\" report: $name" -v report="$work/said" '
                $0 == mark { on = 1 }
                on && /^\.Ed/ { while ((getline line < report) > 0) print line; on = 0 }
                !on || /^\./ { print }' "$page" >"$work/page" && cp "$work/page" "$page"
        fi
        block report "$name" "$page" | normal >"$work/want"
        normal "$work/said" | cmp -s - "$work/want" || {
            wrong 'is not the report in the page:'
            normal "$work/said" | diff "$work/want" - | sed 's/^/  /'
        }
    done
done
[ $n -ge 5 ] || wrong "only $n reports in section 7"

# Pages by the names of functions: those that the examples call.
what=pages
sed 's|/\*.*\*/||' examples/*.c | grep -ohE '\bgoc_[a-z_]+\(' | tr -d '(' | sort -u | while read -r fn; do
    case $fn in goc_chan | goc_send_chan | goc_recv_chan) continue ;; esac
    [ -e "$BUILD/share/man/man3/$fn.3" ] || echo "$fn"
done >"$work/missing"
[ ! -s "$work/missing" ] || wrong "no page for $(tr '\n' ' ' <"$work/missing")"
for c in run cc explore replay report explain; do
    [ -e "$BUILD/share/man/man1/goc-race-$c.1" ] || wrong "no page for goc-race $c"
done
finish
