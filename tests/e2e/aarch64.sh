#!/bin/sh
# The runtime on AArch64, emulated: built by a cross compiler, with an unwinder that knows no frames (so that
# dumps have no traces), it runs examples as their lines in examples.list say, and goroutines that are
# interrupted anywhere keep their registers. AARCH64=all: every example.
set -eu
cc=aarch64-linux-gnu-gcc
for need in "$cc gcc-aarch64-linux-gnu" "qemu-aarch64 qemu-user"; do
    command -v "${need% *}" >/dev/null || {
        echo "${need% *} is not installed (package ${need#* })"
        exit 77
    }
done
there=$BUILD/aarch64
make --no-print-directory BUILD="$there" CC=$cc LD=aarch64-linux-gnu-ld AR=aarch64-linux-gnu-ar \
    OBJCOPY=aarch64-linux-gnu-objcopy CFLAGS='-O2 -g -isystem tests/cross' WERROR=-Werror \
    "$there/lib/libgoc.a" "$there/lib/pkgconfig/goc.pc" headers >"$there.log" 2>&1 || {
    tail -n 20 "$there.log"
    exit 1
}
emulator='qemu-aarch64 -L /usr/aarch64-linux-gnu'

# What the one architecture's context switch offers is what the other's does.
nm --defined-only "$BUILD/plain/runtime/switch_x86_64.S.o" | awk '{ print $3 }' | grep '^ctx_' | sort >"$there/here"
aarch64-linux-gnu-nm --defined-only "$there/plain/runtime/switch_aarch64.S.o" |
    awk '{ print $3 }' | grep '^ctx_' | sort >"$there/there"
cmp "$there/here" "$there/there"

$cc -O2 -Iruntime/include tests/cross/mixes.c -o "$there/mixes" "$there/lib/libgoc.a" -pthread -lm
for p in 1 2; do
    # shellcheck disable=SC2086
    GOMAXPROCS=$p $emulator "$there/mixes"
done

some='racy_counter_mutex send_nobody preempt blocking_call select context bank_teller errgroup timers fetch deep_stack'
[ "${AARCH64:-}" = all ] && some=$(awk '!/^#/ && NF && $2 != "-" { print $1 }' tests/examples.list)
n=0
for e in $some; do
    CC=$cc UNWIND='' EMULATOR=$emulator BUILDS=plain REPEAT=1 BUILD=$there sh tests/example "$e"
    n=$((n + 1))
done
echo "$n examples"
