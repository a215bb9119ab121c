#!/bin/sh
# detector/libc.list says of each function whether it is replaced. It is held against what the libraries export,
# against libc_calls.def, and against the names that the ThreadSanitizers of this machine replace.
set -u
BUILD=${BUILD:-build}
list=detector/libc.list
work=$BUILD/test/libc-list
mkdir -p "$work"
bad=0
differs() { # WHAT FILE FILE
    comm -3 "$2" "$3" >"$work/difference"
    [ -s "$work/difference" ] || return 0
    echo "$1:"
    cat "$work/difference"
    bad=1
}

names() { sed 's/@.*//' | sort -u; }
state() { awk -v s="^($1)\$" '$1 !~ /^#/ && $2 ~ s { print $1 }' $list | sort -u; }
awk '$1 !~ /^#/ && ($2 !~ /^(calls|done|nothing|elsewhere|open)$/ || ($2 ~ /^(nothing|elsewhere|open)$/ && NF < 3))' \
    $list >"$work/difference"
[ ! -s "$work/difference" ] || { echo "no state, or no reason:"; cat "$work/difference"; bad=1; }

# What is exported stands there as calls or done. Some that are done have no function of their own: they say why.
nm -D --defined-only "$BUILD/lib/libgoc-race.so" | awk '{ print $3 }' | names |
    grep -vE '^(goc_|__tsan_|GOC_|Annotate|__start_|__stop_|_Z|strlc)' >"$work/exported"
awk '$1 !~ /^#/ && ($2 == "calls" || ($2 == "done" && NF == 2)) { print $1 }' $list | sort -u >"$work/replaced"
differs "replaced in the list / exported by libgoc-race.so" "$work/replaced" "$work/exported"
nm "$BUILD/lib/libgoc-race.a" 2>/dev/null | awk '$2 ~ /[WVT]/ { print $3 }' | names >"$work/archive"
comm -23 "$work/exported" "$work/archive" >"$work/difference"
[ ! -s "$work/difference" ] || { echo "not in libgoc-race.a:"; cat "$work/difference"; bad=1; }

sed -n 's/^X(\([A-Za-z0-9_]*\),.*/\1/p' tests/e2e/libc_calls.def | sort -u >"$work/called"
state calls >"$work/calls"
differs "calls in the list / in libc_calls.def" "$work/calls" "$work/called"

# A name that no libc here has would let a configure script believe in it (newer glibcs' own names apart).
libc=$(ldd "$BUILD/lib/libgoc-race.so" | awk '$1 ~ /^lib(c|m)\.so/ { print $3 }')
if [ -n "$libc" ]; then
    # shellcheck disable=SC2086
    nm -D --defined-only $libc | awk '{ print $3 }' | names >"$work/libc"
    comm -23 "$work/exported" "$work/libc" | grep -vE '^(__isoc23_|__cxa_guard_)' >"$work/difference"
    [ ! -s "$work/difference" ] || { echo "exported, but in no libc:"; cat "$work/difference"; bad=1; }
fi

awk '$1 !~ /^#/ { print $1 }' $list | sort -u >"$work/known"
for tsan in "$(gcc -print-file-name=libtsan.so 2>/dev/null)" /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.tsan-x86_64.so; do
    [ -e "$tsan" ] || continue
    nm -D --defined-only "$tsan" | awk '$2 ~ /[TWVi]/ { print $3 }' | names |
        grep -vE '^(__interceptor_|___interceptor_|__tsan_|__sanitizer_|__ubsan_|__asan_|__sancov|_Z|Ann|WTFAnn|real_|internal_)' |
        grep -vE '^(RunningOnValgrind|ThreadSanitizerQuery|ValgrindSlowdown)$' >"$work/theirs"
    comm -23 "$work/theirs" "$work/known" >"$work/difference"
    [ ! -s "$work/difference" ] || { echo "$tsan replaces, the list does not know:"; cat "$work/difference"; bad=1; }
    echo "$(wc -l <"$work/theirs") names of $tsan"
done
awk '$1 !~ /^#/ { n[$2]++ } END { for (s in n) printf "%s %d  ", s, n[s]; print "" }' $list
exit $bad
