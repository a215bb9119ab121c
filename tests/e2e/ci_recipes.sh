#!/bin/sh
# The build-system snippets of examples/ci: each builds with CC='goc-race cc' and its own test command
# passes on the locked program and fails on the racy one, with the report in its log.
set -u
top=$PWD
tool=$top/$BUILD/bin/goc-race
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ran=
missing=

recipe() { # NAME COMMAND-NEEDED: run recipe_NAME in a copy, clean then racy
    for c in $2; do
        command -v "$c" >/dev/null || {
            missing="$missing $c"
            return
        }
    done
    for cflags in '-g -O1' '-g -O1 -DRACY'; do
        rm -rf "$work/p"
        cp -r examples/ci "$work/p"
        (
            cd "$work/p"
            export CC="$tool cc" CFLAGS="$cflags"
            "recipe_$1"
        ) >"$work/log" 2>&1
        status=$?
        case $cflags in
        *RACY) [ $status -ne 0 ] && grep -rqs 'WARNING: DATA RACE' "$work/log" "$work/p" ;;
        *) [ $status -eq 0 ] && ! grep -q 'WARNING:' "$work/log" ;;
        esac || {
            echo "$1 with CFLAGS=$cflags: status $status"
            cat "$work/log"
            exit 1
        }
    done
    ran="$ran $1"
}
recipe_make() {
    make -f bank.mk check TESTER="$tool"
}
recipe_cmake() {
    cmake -B build && cmake --build build && ctest --test-dir build --output-on-failure
}
recipe_meson() {
    meson setup build && meson test -C build --print-errorlogs
}
recipe_autotools() {
    autoreconf -i && ./configure && make check
}

recipe make make
recipe cmake cmake
recipe meson 'meson ninja'
recipe autotools autoreconf
echo "ran:$ran${missing:+; not installed:$missing}"
[ -n "$ran" ] || exit 77
