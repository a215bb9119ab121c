#!/bin/sh
# The other architecture's context switch assembles. It is not run: there is no such machine here.
set -eu
cc=aarch64-linux-gnu-gcc
command -v $cc >/dev/null || {
    echo "$cc is not installed (package gcc-aarch64-linux-gnu)"
    exit 77
}
mkdir -p "$BUILD/aarch64"
for f in runtime/*_aarch64.S; do
    $cc -Wall -Werror -Iruntime -c "$f" -o "$BUILD/aarch64/$(basename "$f" .S).o"
    echo "$f: $(aarch64-linux-gnu-nm --defined-only "$BUILD/aarch64/$(basename "$f" .S).o" | awk '$2 == "T" { printf "%s ", $3 }')"
done
# What the other architecture offers is what this one does.
nm --defined-only "$BUILD/plain/runtime/switch_x86_64.S.o" | awk '{ print $3 }' | grep '^ctx_' | sort >"$BUILD/aarch64/here"
aarch64-linux-gnu-nm --defined-only "$BUILD/aarch64/switch_aarch64.o" | awk '{ print $3 }' | grep '^ctx_' | sort >"$BUILD/aarch64/there"
cmp "$BUILD/aarch64/here" "$BUILD/aarch64/there"
